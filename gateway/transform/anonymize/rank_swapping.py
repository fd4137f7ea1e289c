"""Rank swapping: records exchange their values of a column with others of nearly the same rank.

Claim. The column holds the same values as before, each as often; a value moves by at most
``window`` ranks, so that orders and correlations are nearly kept. A record's value is a partner's,
whom chance chose in its window; an odd one left over in a window keeps its own. Rank swapping gives
no k-anonymity, and an attacker who knows the window and true values can narrow down partners.

Sources: Dalenius and Reiss, Journal of Statistical Planning and Inference 6 (1982) 73-85; Moore,
"Controlled data-swapping techniques", US Census Bureau (1996). Here partners are drawn within
windows whose borders chance lays, all windows at once, where Moore walks record by record: the
bound on ranks is the same.
"""

from collections.abc import Sequence
from fractions import Fraction

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from gateway.errors import InvalidRequest, TransformFailed


def rank_swapped(
    column: pa.Array,
    share: Fraction,
    draws: NDArray[np.uint64],
    *,
    order: Sequence[str | None] | None = None,
) -> pa.Array:
    """The column with values exchanged among at most ``share`` of all ranks.

    ``draws``: a uniform 64-bit number for each row and one more, fresh or by key, for nothing else.
    ``order``: of the categories of a text column, least first; without it numbers, dates and times
    go by size, nulls last. `InvalidRequest` for text without an order and for a window of less than
    two ranks; `TransformFailed` for a value that the order does not name.
    """
    rows = len(column)
    if not 0 < share <= 1:
        raise InvalidRequest.of("share", "is above 0 and at most 1")
    window = int(share * rows)
    if window < 2:
        raise InvalidRequest.of("share", "of this table is less than two ranks: take a larger one")
    if len(draws) != rows + 1:
        raise InvalidRequest.of("draws", "one for each row, and one more")
    # equal values stand in the order of their draws, so that the rows' order says nothing of ranks
    ranked = np.lexsort((draws[:rows], _ranks(column, order)))
    # windows of so many ranks each, the first begun at a place that chance gives
    offset = int(draws[rows] % np.uint64(window))
    block = (np.arange(rows) + offset) // window
    # draws are hashed anew for the partners: those that ordered equal values would pair neighbours
    shuffled = np.lexsort((_mixed(draws[:rows])[ranked], block))
    members = ranked[shuffled]
    starts = np.searchsorted(block, block)
    within = np.arange(rows) - starts
    last = np.searchsorted(block, block, side="right") - 1
    partner = np.where(within % 2 == 0, np.arange(rows) + 1, np.arange(rows) - 1)
    partner = np.where(partner > last, np.arange(rows), partner)
    source = np.empty(rows, np.int64)
    source[members] = members[partner]
    return column.take(pa.array(source))


def _ranks(column: pa.Array, order: Sequence[str | None] | None) -> NDArray[np.int64]:
    if order is None:
        kind = column.type
        if not (pa.types.is_primitive(kind) or pa.types.is_decimal(kind)):
            raise InvalidRequest.of("order", f"is needed: a column of {kind} has none of its own")
        return np.asarray(pc.rank(column, tiebreaker="dense"), np.int64)
    if len(set(order)) != len(order):
        raise InvalidRequest.of("order", "names a category twice")
    found = pc.index_in(
        column.cast(pa.string()), value_set=pa.array(order, pa.string()), skip_nulls=False
    )
    if found.null_count:
        raise TransformFailed("a value is none of the categories that the order names")
    return np.asarray(found, np.int64)


def _mixed(draws: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The finaliser of SplitMix64, a bijection of 64-bit numbers."""
    mixed: NDArray[np.uint64] = draws ^ (draws >> np.uint64(30))
    mixed *= np.uint64(0xBF58476D1CE4E5B9)
    mixed ^= mixed >> np.uint64(27)
    mixed *= np.uint64(0x94D049BB133111EB)
    mixed ^= mixed >> np.uint64(31)
    return mixed
