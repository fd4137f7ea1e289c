"""Which values of a column are built like names of persons, of regions, or are words at all."""

from functools import lru_cache

import pyarrow as pa
import pyarrow.compute as pc

from gateway.classify.distinct import Values, bools, matching_among
from gateway.classify.pack import Dictionary, Pack
from gateway.classify.traits import DIGIT, OTHER, classes_of
from gateway.errors import ConfigurationError

_LATIN_NAME = r"^\p{Lu}[\p{L}'’\-]+(?:(?:, ?| )\p{Lu}[\p{L}'’.\-]*){1,3}$"
REGION = r"^(?:\p{Han}{1,10}(?:省|市|区|县|旗|自治州|盟|镇|乡|街道)){1,4}$"
WORDS = r"^[\p{L}][\p{L} .,·'’_\-/()]+$"


def chinese_names(values: Values, pack: Pack) -> tuple[float, float, int]:
    """Values built like Chinese names: their share, that of those which no list has as a word and
    that end as no region does, and how many different ones these are."""
    first, two = _surnames(pack.surnames)
    texts = values.values
    if values.traits.without(OTHER).all():
        return 0.0, 0.0, 0
    short = values.matching(r"^\p{Han}{2,4}$")
    known = bools(pc.is_in(pc.utf8_slice_codeunits(texts, 0, 1), value_set=first))
    double = bools(pc.is_in(pc.utf8_slice_codeunits(texts, 0, 2), value_set=two))
    dotted = values.matching(r"^\p{Han}{2,8}(?:·\p{Han}{1,10}){1,3}$")
    # Masked names keep the surname: 王*明.
    masked = values.matching(r"^\p{Han}[*＊某]{1,2}\p{Han}?$")
    names = (short & (known | double)) | dotted | (masked & known)
    words = bools(pc.is_in(texts, value_set=_known_words(pack.dictionaries, pack.not_names)))
    brief = values.matching(r"^.{1,3}$") | double | dotted
    unlisted = names & brief & ~words & ~values.matching(REGION)
    return values.share(names), values.share(unlisted), int(unlisted.sum())


@lru_cache(maxsize=4)
def _known_words(dictionaries: tuple[Dictionary, ...], others: tuple[str, ...]) -> pa.Array:
    return pa.array(sorted({*others, *(word for d in dictionaries for word in d.words)}))


def latin_names(values: Values) -> tuple[float, int]:
    """Two to four words of Latin letters with capitals: their share, and how many different ones."""
    # Two words of letters, whatever else the pattern asks.
    found = values.traits
    two = ~found.without(classes_of(" ,")) & found.without(DIGIT)
    names = matching_among(values.values, _LATIN_NAME, two)
    return values.share(names), int(names.sum())


@lru_cache(maxsize=4)
def _surnames(surnames: tuple[str, ...]) -> tuple[pa.Array, pa.Array]:
    if not surnames:
        raise ConfigurationError("the rule pack has no surnames")
    single = [name for name in surnames if len(name) == 1]
    return pa.array(single, pa.string()), pa.array(
        [name for name in surnames if len(name) == 2], pa.string()
    )
