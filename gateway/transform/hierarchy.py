"""Generalisation by a hierarchy: reads ARX-style tables, checks that they are trees, looks up.

A hierarchy is a table of text columns, one row a leaf: the first column is the value as it stands
in the data, each further column its ancestor one level up, the last the root or roots.
"""

from typing import ClassVar, Final

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

from gateway.errors import InvalidRequest
from gateway.model.content import content_digest
from gateway.model.transforms import GeneralizeHierarchy
from gateway.transform.base import (
    Claim,
    ColumnTransform,
    Outcome,
    Resources,
    as_text,
    outcome,
    text_output,
)

MOST_LEVELS: Final = 50


def parse_hierarchy(data: bytes, *, delimiter: str = ";") -> pa.Table:
    """An ARX hierarchy file (UTF-8, no header, leaf to root) as a checked table.

    `InvalidRequest` when rows differ in length, a field is empty, a leaf stands twice, or a value
    has two parents.
    """
    names = [f"level_{level}" for level in range(MOST_LEVELS + 1)]
    first = data.removeprefix(b"\xef\xbb\xbf").split(b"\n", 1)[0]
    wide = first.count(delimiter.encode()) + 1
    if not first.strip() or wide > len(names):
        raise InvalidRequest.of(
            "hierarchy", f"the first line must name a leaf and 1 to {MOST_LEVELS} ancestors"
        )
    try:
        table = csv.read_csv(
            pa.BufferReader(data),
            read_options=csv.ReadOptions(column_names=names[:wide]),
            parse_options=csv.ParseOptions(delimiter=delimiter),
            convert_options=csv.ConvertOptions(
                column_types=dict.fromkeys(names[:wide], pa.string())
            ),
        )
    except (pa.ArrowInvalid, UnicodeDecodeError):
        raise InvalidRequest.of(
            "hierarchy", "not a UTF-8 table with the same number of fields in every line"
        ) from None
    return checked_hierarchy(table)


def checked_hierarchy(table: pa.Table) -> pa.Table:
    """The table itself, in one piece, if it is a hierarchy; `InvalidRequest` if it is none."""
    if not 2 <= table.num_columns <= MOST_LEVELS + 1 or not table.num_rows:
        raise InvalidRequest.of(
            "hierarchy",
            f"needs rows, and a leaf column and 1 to {MOST_LEVELS} columns of ancestors",
        )
    if any(not pa.types.is_string(kind) for kind in table.schema.types):
        raise InvalidRequest.of("hierarchy", "every column must be text")
    table = table.combine_chunks()
    for level, column in enumerate(table.columns):
        if column.null_count or pc.any(pc.equal(column, "")).as_py():
            raise InvalidRequest.of("hierarchy", f"level {level} has an empty field")
    if len(table.column(0).unique()) != table.num_rows:
        raise InvalidRequest.of("hierarchy", "a leaf stands in two rows")
    for level in range(1, table.num_columns):
        pairs = pa.table([table.column(level - 1), table.column(level)], names=["child", "parent"])
        distinct = pairs.group_by(["child", "parent"]).aggregate([]).num_rows
        if distinct != len(pairs.column("child").unique()):
            raise InvalidRequest.of(
                "hierarchy", f"a value of level {level - 1} has two parents: it is not a tree"
            )
    return table


def hierarchy_digest(table: pa.Table) -> str:
    """What planning puts into ``table_digest``, so that a plan says which table it means."""
    digest, _ = content_digest(table.schema, table.to_batches())
    return digest


class GeneralizeHierarchyColumn(ColumnTransform[GeneralizeHierarchy]):
    """The value's ancestor some levels up; a value that is no leaf is unhandled."""

    claim: ClassVar[Claim] = Claim(
        guarantee="of a value only its ancestor at the level can be seen",
        precondition="the hierarchy is a tree (checked) and its levels hold enough people",
        leaves="the ancestor",
        source="GB/T 37964-2019, generalisation; the table form of the ARX tool",
    )

    @classmethod
    def output_for(cls, spec: GeneralizeHierarchy, source_type: pa.DataType) -> pa.DataType:
        return text_output(spec, source_type)

    def prepare(self, resources: Resources) -> None:
        spec, table = self.spec, resources.hierarchies.get(self.spec.hierarchy)
        if table is None:
            raise InvalidRequest.of("transform", f"there is no hierarchy {spec.hierarchy}")
        table = checked_hierarchy(table)
        if spec.level >= table.num_columns:
            raise InvalidRequest.of(
                "transform",
                f"the hierarchy {spec.hierarchy} has levels 1 to {table.num_columns - 1}, "
                f"not {spec.level}",
            )
        if spec.table_digest is not None and spec.table_digest != hierarchy_digest(table):
            raise InvalidRequest.of(
                "transform", f"the hierarchy {spec.hierarchy} is not the one that was planned with"
            )
        self._leaves = _one_array(table.column(0))
        self._ancestors = _one_array(table.column(spec.level))

    def run(self, column: pa.Array) -> Outcome:
        found = pc.index_in(as_text(column), value_set=self._leaves)
        return outcome(self._ancestors.take(found), pc.and_(column.is_valid(), found.is_null()))


def _one_array(column: pa.ChunkedArray) -> pa.Array:
    return pa.concat_arrays(column.chunks)
