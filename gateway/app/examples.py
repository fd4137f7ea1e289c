"""A few values of a column behind the gateway's own masks, for a page that people look at."""

from collections.abc import Mapping
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from gateway.model.catalog import Column
from gateway.model.names import ColumnRole
from gateway.model.transforms import Form, GeneralizeDate, Mask, MaskForm, TransformSpec
from gateway.transform.registry import build

_FORMS: Final[Mapping[str, Form]] = {
    "PERSON": "chinese_name",
    "CN_RESIDENT_ID": "resident_id",
    "CN_MOBILE": "phone",
    "CN_LANDLINE": "phone",
    "CN_BANK_CARD": "bank_card",
    "CREDIT_CARD": "bank_card",
    "EMAIL_ADDRESS": "email",
    "ADDRESS": "address",
}
_DATES: Final = frozenset({"BIRTH_DATE", "DATE", "DATE_TIME"})
_DATE: Final = (
    r"^\s*(?:1[89]|20)[0-9]{2}(?:[-/.年](?:0?[1-9]|1[0-2])(?:[-/.月](?:0?[1-9]|[12][0-9]|3[01])日?|月)?"
    r"|(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01]))(?:[ T][0-9]{1,2}:[0-9:.]+Z?)?\s*$"
)
_HIDDEN: Final = Mask()
_FIRST: Final = Mask(keep_first=1)
_YEAR: Final = Mask(keep_first=4)
MOST_EXAMPLES: Final = 3
_LOOKED: Final = 1000
_LONGEST: Final = 100
"""Characters of a value that is shown at all; what is longer is prose."""


def candidates(values: pa.Array) -> pa.Array:
    """A few different values as text, raw: to be masked, or dropped, once it is known what they
    are. Empty where they have no text form worth showing."""
    kind = values.type
    if pa.types.is_binary(kind) or pa.types.is_boolean(kind):
        return pa.array([], pa.string())
    different = pc.unique(values.slice(0, _LOOKED))
    if not (pa.types.is_date(kind) or pa.types.is_timestamp(kind)):
        different = different.cast(pa.string())
        different = different.filter(pc.less_equal(pc.utf8_length(different), _LONGEST))
    step = max(1, len(different) // MOST_EXAMPLES)
    return different.take(pa.array(range(0, len(different), step), pa.int64()))[:MOST_EXAMPLES]


def masked(column: Column, values: pa.Array) -> tuple[str, ...]:
    """These values as far as anybody may see them; none of a column that is unknown.

    A ready form keeps what it keeps (a surname, a province); dates keep their year, what only
    narrows down keeps its first character, and all else keeps nothing.
    """
    if not column.has_verdict or not len(values):
        return ()
    shown = _applied(_spec(column, values.type), values)
    if pa.types.is_string(values.type):
        if column.entity in _DATES:
            # Whatever else stands among dates shows nothing: its first characters may be a number's.
            shown = pc.if_else(
                pc.match_substring_regex(values, _DATE), shown, pa.scalar(None, shown.type)
            )
        # What a form does not know is hidden whole, and nothing ever leaves as it came.
        hidden = _applied(_HIDDEN, values)
        unsafe = pc.or_(pc.is_null(shown), pc.equal(shown, values).fill_null(True))
        shown = pc.if_else(unsafe, hidden, shown)
    return tuple(dict.fromkeys(text for text in shown.to_pylist() if text))


def _spec(column: Column, kind: pa.DataType) -> TransformSpec:
    if not pa.types.is_string(kind):
        return GeneralizeDate(to="year")
    form = _FORMS.get(column.entity or "")
    if form is not None:
        return MaskForm(form=form)
    if column.entity in _DATES:
        return _YEAR
    open_role = column.role in (ColumnRole.QUASI_IDENTIFIER, ColumnRole.OTHER)
    return _FIRST if open_role else _HIDDEN


def _applied(spec: TransformSpec, values: pa.Array) -> pa.Array:
    return build(spec, source_type=values.type).apply(values).column
