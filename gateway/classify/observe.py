"""What can be counted in a sample of a column: shares, lengths, kinds. Counts, never values."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gateway.classify.checks import CHANCE
from gateway.classify.distinct import (
    Bools,
    Values,
    bools,
    distinct_values,
    fits,
    matching_among,
)
from gateway.classify.namelike import REGION, WORDS, chinese_names, latin_names
from gateway.classify.pack import Dictionary, Identifier, Pack
from gateway.classify.traits import ALL, DIGIT, LETTER, needs
from gateway.ports import ColumnSample

Kind = Literal["text", "integer", "real", "date", "moment", "boolean", "opaque"]

_DATE = (
    r"^(?:18|19|20)[0-9]{2}(?:[-/.年](?:0?[1-9]|1[0-2])[-/.月](?:0?[1-9]|[12][0-9]|3[01])日?"
    r"|(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01]))(?:[ T][0-9:.]+Z?)?$"
)
_AMOUNT = r"^[<>=≤≥~约]{0,2}[¥￥$€£]?[0-9][0-9,]*(?:\.[0-9]+)?[kKwW万千]?(?:[-~至–](?:[0-9][0-9,.]*)[kKwW万千]?)?[元%+]?(?:以上|以下)?$"
_CODES = r"^[0-9A-Za-z]{1,4}$"
_SHORT_NUMBER = r"^[^0-9]{0,3}[0-9]{1,3}(?:\.[0-9]+)?(?:[^0-9]{1,2}[0-9]{1,3})?[^0-9]{0,6}$"
_ELEVEN = r"^1[3-9][0-9]{9}$"
_ALL_PREFIXES = 70  # 130 to 199
_FOUR_NUMBERS = r"^[0-9]{1,3}(?:\.[0-9]{1,3}){3}$"
_VERSION = r"^(?:[0-2]?[0-9]\.){2}[0-2]?[0-9]\.[0-9]{1,3}$"
# Found inside longer texts; only forms that hardly occur by chance.
_INSIDE = ("CN_RESIDENT_ID", "CN_MOBILE", "CN_BANK_CARD", "EMAIL_ADDRESS", "CN_LICENSE_PLATE")
_LONG = 25  # characters: a cell longer than this on average may be prose


@dataclass(frozen=True, slots=True)
class Passing:
    """Different values with the form of an identifier that has a check: how many there are, how
    many pass, and how many of such numbers would by chance, with the variance of that."""

    shaped: int
    passed: int
    expected: float
    variance: float


@dataclass(frozen=True, slots=True)
class Telephones:
    """Values shaped like mobile numbers. `idle`: those with a prefix that no telephone has;
    `prefixes`: how many such prefixes; of different values, `shaped` and `different_idle`.
    `in_use`: the share of all prefixes that telephones have."""

    idle: int = 0
    prefixes: int = 0
    shaped: int = 0
    different_idle: int = 0
    in_use: float = 1.0


@dataclass(frozen=True, slots=True)
class Observation:
    """Counts over a sample. Shares are of the sampled non-null values, 0 to 1.

    `blank`: share of those that only say that nothing is known; the other shares are of the rest.
    `accepted`: by identifier form (its position in the pack): pattern and check hold.
    `shaped`: the pattern holds, whatever the check says. `listed`: by entity, values in the
    dictionary. `shapes`: by shape (its position in the pack). `inside`: entities found beside other
    text in a value. `allocated`: of the values shaped like mobile numbers, those with a prefix in
    use. `small_versions`: of the values shaped like IP addresses, those whose first three numbers
    are as small as those of versions. `passing`: by identifier form with a check. `disguised`: by
    disguise (its position in the pack), where there are as many as it asks for. `unlisted_names`: values built like Chinese names that are
    no word of a dictionary and no region, and `different_names` how many; `different_latin`: how
    many different ones in Latin letters. `words`: values of
    letters and no digit. `codes`: at most four letters or digits. `short_numbers`: ages are such.
    """

    kind: Kind
    rows: int
    nulls: int
    sampled: int
    distinct: int
    accepted: Mapping[int, float]
    shaped: Mapping[int, float]
    listed: Mapping[str, float]
    inside: Mapping[str, float]
    blank: float = 0.0
    shapes: Mapping[int, float] = field(default_factory=dict)
    passing: Mapping[int, Passing] = field(default_factory=dict)
    disguised: Mapping[int, float] = field(default_factory=dict)
    telephones: Telephones = Telephones()
    allocated: float = 1.0
    small_versions: float = 0.0
    dates: float = 0.0
    first_year: int | None = None
    last_year: int | None = None
    chinese_names: float = 0.0
    unlisted_names: float = 0.0
    different_names: int = 0
    latin_names: float = 0.0
    different_latin: int = 0
    words: float = 0.0
    codes: float = 0.0
    short_numbers: float = 0.0
    regions: float = 0.0
    amounts: float = 0.0
    mean_length: float = 0.0
    lowest: float | None = None
    highest: float | None = None

    @property
    def distinct_share(self) -> float:
        return self.distinct / self.sampled if self.sampled else 0.0

    @property
    def absent_share(self) -> float:
        """Of all cells: nulls, and values that only say that nothing is known."""
        return (
            (self.nulls + self.blank * (self.rows - self.nulls)) / self.rows if self.rows else 0.0
        )

    @property
    def repeats(self) -> bool:
        """Few values stand for many rows, as categories do and persons do not."""
        return self.distinct_share < 0.25

    @property
    def prose(self) -> bool:
        """Long texts of many lengths: what they hold cannot be told from the column."""
        return self.kind == "text" and self.mean_length > _LONG and self.distinct_share > 0.2


NOTHING_SEEN = Observation("opaque", 0, 0, 0, 0, {}, {}, {}, {})
"""A column of which only the name is known."""


def observe(sample: ColumnSample, pack: Pack) -> Observation:
    """Count everything that evidence is made of. Raises pyarrow.ArrowInvalid for invalid UTF-8."""
    rows, nulls = sample.coverage.rows, sample.coverage.rows - sample.coverage.present
    raw = _plainly(sample.values)
    kind = _kind(raw.type)
    if kind == "opaque" or len(raw) == 0:
        return Observation(kind, rows, nulls, len(raw), 0, {}, {}, {}, {})
    if kind == "text":
        # Buffers written without a check may hold anything; kernels assume UTF-8.
        raw.validate(full=True)
    texts = raw if kind == "text" else raw.cast(pa.string())
    counted = pc.value_counts(texts)
    values, blank = distinct_values(
        counted.field("values"), np.asarray(counted.field("counts")), pack
    )
    numbers = _range(raw) if kind in {"integer", "real"} else (None, None)
    dates, first, last = _dates(values, raw, kind)
    numeric = kind in {"text", "integer"}
    accepted, shaped, passing = _identifiers(values, pack) if numeric else ({}, {}, {})
    telephones, allocated = _telephones(values, pack)
    names, unlisted, different = chinese_names(values, pack) if kind == "text" else (0.0, 0.0, 0)
    latin, different_latin = latin_names(values) if kind == "text" else (0.0, 0)
    return Observation(
        kind, rows, nulls, len(texts), len(values.values), accepted, shaped,
        blank=blank,
        shapes=_shapes(values, pack) if kind == "text" else {},
        passing=passing,
        disguised=_disguised(values, pack) if numeric else {},
        telephones=telephones, allocated=allocated,
        small_versions=_small_versions(values) if kind == "text" else 0.0,
        listed=_listed(values, pack) if kind in {"text", "integer"} else {},
        inside=_inside(values, pack) if kind == "text" else {},
        dates=dates, first_year=first, last_year=last,
        chinese_names=names, unlisted_names=unlisted, different_names=different,
        latin_names=latin, different_latin=different_latin,
        words=_matches(values, WORDS) if kind == "text" else 0.0,
        codes=_matches(values, _CODES) if kind == "text" else 0.0,
        short_numbers=_matches(values, _SHORT_NUMBER) if kind == "text" else 0.0,
        regions=_matches(values, REGION) if kind == "text" else 0.0,
        amounts=_matches(values, _AMOUNT) if kind == "text" else float(kind in {"integer", "real"}),
        mean_length=float(np.average(pc.utf8_length(values.values), weights=values.counts)),
        lowest=numbers[0], highest=numbers[1],
    )  # fmt: skip


def _plainly(values: pa.Array) -> pa.Array:
    """Bytes that are text as text, and reals that are all whole as integers: both are how other
    programs write texts and numbers (Parquet without annotations, pandas where some are missing).
    """
    kind = values.type
    try:
        if pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
            return values.cast(pa.string())
        if pa.types.is_floating(kind) or pa.types.is_decimal(kind):
            return values.cast(pa.int64())
    except pa.ArrowInvalid:
        pass
    return values


def _kind(kind: pa.DataType) -> Kind:
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_null(kind):
        return "text"
    if pa.types.is_boolean(kind):
        return "boolean"
    if pa.types.is_integer(kind):
        return "integer"
    if pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return "real"
    if pa.types.is_date(kind):
        return "date"
    return "moment" if pa.types.is_temporal(kind) else "opaque"


def _identifiers(
    values: Values, pack: Pack
) -> tuple[dict[int, float], dict[int, float], dict[int, Passing]]:
    accepted, shaped, passing = {}, {}, {}
    for position, form in enumerate(pack.identifiers):
        has_form, passes = fits(form, values.capitals, values.traits_of_capitals)
        if has_form.any():
            shaped[position] = values.share(has_form)
            accepted[position] = values.share(passes)
            if form.check is not None:
                passing[position] = _passing(form, values.capitals, has_form, passes)
    return accepted, shaped, passing


def _passing(form: Identifier, capitals: pa.Array, has_form: Bools, passes: Bools) -> Passing:
    by_length = CHANCE[form.check or ""]
    bare = capitals.filter(pa.array(has_form))
    if form.drop:
        bare = pc.replace_substring_regex(bare, f"[{re.escape(form.drop)}]", "")
    lengths = np.asarray(pc.utf8_length(bare))
    chances = np.array([by_length.get(int(n), 0.0) for n in range(int(lengths.max()) + 1)])
    chance = chances[lengths]
    return Passing(
        shaped=int(has_form.sum()),
        passed=int(passes.sum()),
        expected=float(chance.sum()),
        variance=float((chance * (1 - chance)).sum()),
    )


def _disguised(values: Values, pack: Pack) -> dict[int, float]:
    shares = {}
    for position, disguise in enumerate(pack.disguises):
        matched = values.matching_in_capitals(disguise.pattern)
        if not matched.any() or int(matched.sum()) < disguise.least_distinct:
            continue
        alike = disguise.among
        of = 1.0 if alike is None else values.share(values.matching_in_capitals(alike))
        if values.share(matched) * 100 >= disguise.share * of:
            shares[position] = values.share(matched)
    return shares


def _shapes(values: Values, pack: Pack) -> dict[int, float]:
    shares = {}
    for position, shape in enumerate(pack.shapes):
        if len(values.values) >= shape.least_distinct:
            matched = values.matching_in_capitals(shape.pattern)
            if matched.any():
                shares[position] = values.share(matched)
    return shares


def _telephones(values: Values, pack: Pack) -> tuple[Telephones, float]:
    """Numbers by their prefix, and the share of those with a prefix in use."""
    shaped = values.matching(_ELEVEN)
    if not shaped.any():
        return Telephones(), 1.0
    prefixes = pc.utf8_slice_codeunits(values.values.filter(pa.array(shaped)), 0, 3)
    known = bools(pc.is_in(prefixes, value_set=_prefixes(pack.mobile_prefixes)))
    counts = values.counts[shaped]
    idle = pc.unique(prefixes.filter(pa.array(~known)))
    found = Telephones(
        idle=int(counts[~known].sum()),
        prefixes=len(idle),
        shaped=int(shaped.sum()),
        different_idle=int((~known).sum()),
        in_use=len(pack.mobile_prefixes) / _ALL_PREFIXES,
    )
    return found, float(counts[known].sum() / counts.sum())


@lru_cache(maxsize=4)
def _prefixes(prefixes: tuple[int, ...]) -> pa.Array:
    return pa.array([str(prefix) for prefix in prefixes])


def _small_versions(values: Values) -> float:
    shaped = values.matching(_FOUR_NUMBERS)
    small = values.matching(_VERSION)
    total = values.counts[shaped].sum()
    return float(values.counts[small].sum() / total) if total else 0.0


def _listed(values: Values, pack: Pack) -> dict[str, float]:
    if len(values.values) > max(d.most_distinct for d in pack.dictionaries):
        return {}
    small = pc.utf8_lower(values.values)
    small = pc.replace_substring_regex(small, r"[\s_]+", "-")
    shares: dict[str, float] = {}
    for dictionary in pack.dictionaries:
        if len(values.values) <= dictionary.most_distinct:
            share = values.share(bools(pc.is_in(small, value_set=_word_set(dictionary))))
            shares[dictionary.entity] = max(share, shares.get(dictionary.entity, 0.0))
    return shares


@lru_cache(maxsize=64)
def _word_set(dictionary: Dictionary) -> pa.Array:
    return pa.array([word.lower().replace("_", "-") for word in dictionary.words])


def _inside(values: Values, pack: Pack) -> dict[str, float]:
    """Shares of the values that hold an identifier beside something else."""
    found = {}
    for form in pack.identifiers:
        if form.entity in _INSIDE:
            core = f"(?:{form.pattern})"
            pattern = f"[^0-9A-Z._]{core}(?:[^0-9A-Z]|$)|^{core}[^0-9A-Z]"
            beside = ALL & ~(DIGIT | LETTER)
            if form.entity == "CN_RESIDENT_ID":  # so long that letters beside it change nothing
                pattern = f"[^0-9]{core}(?:[^0-9]|$)|^{core}[^0-9]"
                beside = ALL & ~DIGIT
            candidates = needs(form.pattern).met_within(values.traits_of_capitals, beside)
            share = values.share(matching_among(values.capitals, pattern, candidates))
            if share:
                found[form.entity] = share
    return found


def _matches(values: Values, pattern: str) -> float:
    return values.share(values.matching(pattern))


def _dates(values: Values, raw: pa.Array, kind: Kind) -> tuple[float, int | None, int | None]:
    if kind in {"date", "moment"} and not pa.types.is_time(raw.type):
        if not (pa.types.is_date(raw.type) or pa.types.is_timestamp(raw.type)):
            return 0.0, None, None
        span = pc.min_max(pc.year(raw)).as_py()
        return 1.0, span["min"], span["max"]
    if kind not in {"text", "integer"}:
        return 0.0, None, None
    matched = values.matching(_DATE)
    share = values.share(matched)
    if share < 0.5:
        return share, None, None
    years = pc.utf8_slice_codeunits(values.values.filter(pa.array(matched)), 0, 4).cast(pa.int64())
    span = pc.min_max(years).as_py()
    return share, span["min"], span["max"]


def _range(numbers: pa.Array) -> tuple[float, float]:
    span = pc.min_max(numbers.cast(pa.float64(), safe=False)).as_py()
    return span["min"], span["max"]
