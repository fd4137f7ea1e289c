"""What a release has lost against the records it is from, and who lost most of it.

Shares and distances are decimal text of four places. Values and groups with few records are put
together as others: the report goes with the release, and tells nobody's value.
"""

from typing import Annotated

from pydantic import Field

from gateway.model.noun import Noun, ShortText

ShareText = Annotated[str, Field(pattern=r"^-?[0-9]+(\.[0-9]{1,4})?$")]


class Bar(Noun):
    """A value or label, and the share of records that have it."""

    label: ShortText
    share: ShareText


class ColumnUtility(Noun):
    """One column before and after.

    ``loss``: mean share of the column's other values that a cell can no longer be told from; 1 for a
    record that was left out. ``entropy_kept``: of the information in the column, the part that is
    left (1 − non-uniform entropy / entropy). ``distance``: total variation between the distribution
    before and that which a reader gets who spreads each label evenly over its values.
    """

    column: ShortText
    values_before: int
    values_after: int
    unchanged: ShareText
    loss: ShareText
    entropy_kept: ShareText
    distance: ShareText
    before: tuple[Bar, ...]
    after: tuple[Bar, ...]


class PairUtility(Noun):
    """Two columns together: Cramér's V before and after, and the total variation between the
    cross-table before and the one that a reader gets."""

    first: ShortText
    second: ShortText
    association_before: ShareText
    association_after: ShareText
    distance: ShareText


class GroupUtility(Noun):
    """The records with one value of one column: the share of all records, of these the share left
    out, and the mean loss of those that stayed. ``hit``: more than others, beyond chance."""

    column: ShortText
    value: ShortText
    share: ShareText
    left_out: ShareText
    loss: ShareText
    hit: bool


class UtilityReport(Noun):
    """A release against the records it is from."""

    left_out: ShareText
    loss: ShareText
    average_class_size: ShareText
    discernibility: Annotated[str, Field(pattern=r"^[0-9]+$")]
    columns: tuple[ColumnUtility, ...]
    association_error: ShareText
    cross_table_error: ShareText
    pairs: tuple[PairUtility, ...]
    groups: tuple[GroupUtility, ...]
    warnings: tuple[ShortText, ...]
