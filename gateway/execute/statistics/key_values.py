"""What the groups of an answer are called: from their numbers back to the values of the keys."""

from collections.abc import Iterator

import numpy as np
import pyarrow as pa

from gateway.execute.statistics.exact import Integers
from gateway.model.key_types import KEY_TYPES
from gateway.model.statistics import GroupKey, Question


def listed(key: GroupKey) -> pa.Array:
    """The listed groups of a key, in their order and in the key's own type."""
    return pa.array(key.values, pa.string()).cast(KEY_TYPES[key.expression.type])


def key_columns(
    question: Question, found: pa.Table | None, groups: Integers
) -> Iterator[tuple[str, pa.Array]]:
    """Name and values of every key for the groups of these numbers. ``found``: the groups that were
    found, in the order of their numbers; None where all are public."""
    if found is not None:
        for name in found.column_names:
            yield name, found.column(name).take(pa.array(groups)).combine_chunks()
        return
    stride = 1
    columns: list[tuple[str, pa.Array]] = []
    for key in reversed(question.group_by):  # the last one counts fastest
        size = key.size or 1
        place = groups // stride % size
        stride *= size
        if key.first is not None:
            columns.append((key.name, pa.array(np.asarray(place + key.first, dtype=np.int64))))
        else:
            columns.append((key.name, listed(key).take(pa.array(place))))
    yield from reversed(columns)
