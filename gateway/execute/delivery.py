"""From what a source holds to what a plan reads: carried types, filtered, cut, checked.

Every source ends here, so that the same rows give the same batches wherever they live.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

import pyarrow as pa

from gateway.errors import InvalidRequest, RecordsRejected, SourceChanged, Violation
from gateway.execute.filters import RowFilter
from gateway.execute.texts import Unreadable, convert
from gateway.model.catalog import Column
from gateway.model.schema import carried_schema

BATCH_ROWS = 32_768
"""Most rows of a batch that a source gives out. Measured on the resident register: twice as many
take no less time and 110 MiB more, since half a dozen batches are at work at any moment."""

_MOST_NAMED = 20


def deliver(
    batches: Iterable[pa.RecordBatch],
    schema: pa.Schema,
    columns: Sequence[str],
    row_filter: RowFilter,
    limit: int | None,
) -> Iterator[pa.RecordBatch]:
    """``columns`` in order, of the rows that pass, at most ``limit`` of them.

    ``batches`` hold at least the columns asked for and filtered on; ``schema`` says in which
    types they are carried. RecordsRejected names the row (from 1) of a value that does not fit.
    """
    row, left = 0, limit
    if left == 0:
        return
    for raw in batches:
        for start in range(0, raw.num_rows, BATCH_ROWS):
            piece = raw.slice(start, BATCH_ROWS)
            batch = row_filter.apply(carry(piece, schema, row)).select(list(columns))
            row += piece.num_rows
            if left is not None:
                batch = batch.slice(0, left)
                left -= batch.num_rows
            if batch.num_rows:
                yield batch
            if left == 0:
                return


def carry(batch: pa.RecordBatch, schema: pa.Schema, rows_before: int) -> pa.RecordBatch:
    """The batch in the types of ``schema``, without loss, its text known to be UTF-8."""
    fields = [schema.field(name) for name in batch.schema.names]
    carried = [
        _carried(column, field, rows_before)
        for column, field in zip(batch.columns, fields, strict=True)
    ]
    return pa.RecordBatch.from_arrays(carried, schema=pa.schema(fields))


def _carried(column: pa.Array, field: pa.Field, rows_before: int) -> pa.Array:
    def cast(piece: pa.Array) -> pa.Array:
        if isinstance(piece, pa.ExtensionArray):
            piece = piece.storage
        # First, because a cast follows offsets and indices that may point anywhere.
        piece.validate(full=True)
        return piece if piece.type == field.type else piece.cast(field.type)

    try:
        return convert(column, cast)
    except Unreadable as fault:
        raise rejected(rows_before + fault.index, field) from None
    except pa.ArrowNotImplementedError:
        raise SourceChanged(
            f"column {field.name} is no longer of type {field.type}; register the data set again"
        ) from None


def rejected(row: int, field: pa.Field) -> RecordsRejected:
    """The error for a value of row ``row`` (from 0) that is not of its column's type."""
    what = "valid text (UTF-8)" if pa.types.is_string(field.type) else f"of type {field.type}"
    return RecordsRejected(
        f"row {row + 1}: the value of column {field.name} is not {what}; correct it, or declare "
        "the text that stands for nothing",
        row=str(row + 1),
        column=field.name,
    )


_LIKE_A_VALUE: Final = re.compile(r"[0-9０-９](?:[ -]?[0-9０-９]){8}|@[\w-]+\.")
"""Nine digits or an e-mail address: numbers of persons, and in no name of a column."""


def check_names(names: Sequence[str]) -> None:
    """InvalidRequest unless every column has a name of its own that the catalogue can hold."""
    violations = [] if names else [Violation("columns", "there is no column; name them")]
    before: set[str] = set()
    for position, name in enumerate(names, start=1):
        if not name.strip():
            violations.append(Violation(f"column {position}", "has no name; give it one"))
        elif len(name) > 200:
            violations.append(Violation(f"column {position}", "has a name of over 200 characters"))
        elif _LIKE_A_VALUE.search(name):
            # Without the name: it may be a person's number, and names are shown to everybody.
            text = (
                "has a name that looks like a value: does the file begin with data? Give it a "
                "first line that names the columns"
            )
            violations.append(Violation(f"column {position}", text))
        elif any(ord(sign) < 32 for sign in name):
            violations.append(Violation(f"column {position}", "has a name with control characters"))
        elif name in before:
            violations.append(Violation(f"column {position}", f"{name} is there twice; rename one"))
        before.add(name)
    if violations:
        raise InvalidRequest.collected(violations)


def as_registered(dataset: str, found: pa.Schema, registered: Sequence[Column]) -> pa.Schema:
    """The schema in the catalogue's order; SourceChanged naming what is not as registered.

    At registration, when there is nothing to compare with, the schema as it was found.
    """
    check_names(found.names)
    carried = carried_schema(found)
    if not registered:
        return carried
    known = {column.name: column.type for column in registered}
    now = {field.name: str(field.type) for field in carried}
    differences = {
        "removed": [name for name in known if name not in now],
        "added": [name for name in now if name not in known],
        "of another type": [n for n in known if n in now and known[n] != now[n]],
    }
    if any(differences.values()):
        raise changed_columns(dataset, differences)
    return pa.schema([carried.field(column.name) for column in registered])


def changed_columns(dataset: str, differences: dict[str, list[str]]) -> SourceChanged:
    """The error that names which columns of a source are not as they were registered."""
    told = [
        f"{how}: {', '.join(names[:_MOST_NAMED])}" + (" and more" if names[_MOST_NAMED:] else "")
        for how, names in differences.items()
        if names
    ]
    return SourceChanged(
        f"the columns of {dataset} are not as registered ({'; '.join(told)}); "
        f"restore them, or take them as they are: gateway dataset refresh {_short(dataset)}",
        dataset=dataset,
    )


def _short(dataset: str) -> str:
    return dataset.removeprefix("datasets/")


def check_asked(columns: Sequence[str], schema: pa.Schema) -> None:
    """InvalidRequest naming each column that the source has not."""
    known = set(schema.names)  # a list that Arrow makes each time it is asked for
    missing = [name for name in columns if name not in known]
    if missing:
        raise InvalidRequest.collected(
            [Violation(name, "the data set has no such column") for name in missing]
        )
