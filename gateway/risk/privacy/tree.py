"""The tree of a sensitive column's values, checked, for the hierarchical distance."""

from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from gateway.errors import InvalidRequest
from gateway.model.anonymity import TCloseness
from gateway.risk.privacy.classes import Classes


@dataclass(frozen=True, slots=True)
class Tree:
    """Levels above the leaves, up to one root."""

    height: int


def tree_of(model: TCloseness, classes: Classes) -> Tree:
    """Makes the tree known to DuckDB as ``tree(v, h0, h1, …)``: a leaf, and a number for it and for
    each of its ancestors, h0 the leaf's own. Nulls are a leaf below the root.

    `InvalidRequest` when there is no such hierarchy, when it is no tree, or lacks a value.
    """
    name = model.hierarchy or ""
    table = classes.hierarchies.get(name)
    if table is None:
        raise InvalidRequest.of(model.column, f"there is no hierarchy {name}: give it")
    if table.num_columns < 2 or not table.num_rows:
        raise InvalidRequest.of(name, "a hierarchy has leaves and at least one level above them")
    kind = classes.types[model.column]
    kind = kind.value_type if pa.types.is_dictionary(kind) else kind
    if not (
        pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_integer(kind)
    ):
        raise InvalidRequest.of(
            model.column, "the hierarchical distance needs text or whole numbers"
        )
    columns = [_text(column, name) for column in table.columns]
    if len(columns[-1].unique()) > 1:
        # Values under different roots are as far apart as can be, as under one root above them.
        columns.append(pa.chunked_array([pa.repeat("*", table.num_rows)]))
    codes = [pc.dictionary_encode(column.combine_chunks()).indices for column in columns]
    if len(columns[0].unique()) != table.num_rows:
        raise InvalidRequest.of(name, "a leaf stands in two lines")
    for level in range(1, len(codes)):
        pairs = pa.table({"child": codes[level - 1], "parent": codes[level]})
        if pairs.group_by(["child", "parent"]).aggregate([]).num_rows != len(
            codes[level - 1].unique()
        ):
            raise InvalidRequest.of(
                name, f"a value of level {level - 1} has two parents: it is not a tree"
            )
    leaf = columns[0].combine_chunks()
    leaves = leaf.cast(kind) if pa.types.is_integer(kind) else leaf.cast(pa.binary())
    height = len(codes) - 1
    named = {
        f"h{level}": _with(code, 0 if level == height else -1) for level, code in enumerate(codes)
    }
    classes.keep(
        "tree", pa.table({"v": pa.concat_arrays([leaves, pa.nulls(1, leaves.type)]), **named})
    )
    if classes.number(
        f"SELECT count(*) FROM {classes.totals_of(model.column)} h "  # noqa: S608 - own names
        "WHERE NOT EXISTS (SELECT 1 FROM tree t WHERE t.v IS NOT DISTINCT FROM h.v)"
    ):
        raise InvalidRequest.of(name, f"lacks a value of {model.column}: add it as a leaf")
    return Tree(height)


def _text(column: pa.ChunkedArray, name: str) -> pa.ChunkedArray:
    if not pa.types.is_string(column.type) or column.null_count:
        raise InvalidRequest.of(name, "every field of a hierarchy is text, and none is empty")
    return column


def _with(codes: pa.Array, last: int) -> pa.Array:
    return pa.concat_arrays([codes.cast(pa.int32()), pa.array([last], pa.int32())])
