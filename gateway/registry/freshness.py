"""Verdicts keep up with the content: what a source holds now, not what it held when registered.

A verdict only becomes stricter by itself (就高从严): a column keeps what is known of it unless its
values now show something graver. Making it milder takes classification by a person's call.
"""

from collections.abc import Callable, Sequence

import numpy as np
import pyarrow as pa

from gateway.model.catalog import Column, DataSet, SourceVersion
from gateway.ports import Source

SAMPLE_ROWS = 200_000
"""Most rows that classification is given; it samples within them."""

SCANNED_ROWS = 5_000_000
"""How far into a source the sample reaches; within them it takes every n-th row."""

Classify = Callable[[pa.Table | None, Sequence[Column]], tuple[Column, ...]]
"""Fills in what each column is from its name and a sample of the values; keeps declared ones."""


def refreshed(
    dataset: DataSet, source: Source, version: SourceVersion, classify: Classify
) -> DataSet:
    """The data set as of ``version``: itself when nothing changed since it was looked at, else
    with the new version, and stricter verdicts where the values call for them."""
    if dataset.version == version:
        return dataset
    names = [column.name for column in dataset.columns]
    found = classify(sample(source, names, version.rows), dataset.columns)
    columns = tuple(
        old if new.admits(old) and old.has_verdict else new
        for old, new in zip(dataset.columns, found, strict=True)
    )
    return dataset.but(version=version, columns=columns)


def sample(source: Source, columns: Sequence[str], rows: int) -> pa.Table:
    """Every n-th row of the first SCANNED_ROWS, so many that at most SAMPLE_ROWS come together."""
    every = max(1, -(-min(rows, SCANNED_ROWS) // SAMPLE_ROWS))
    taken: list[pa.RecordBatch] = []
    kept = passed = 0
    for batch in source.batches(columns, (), SCANNED_ROWS):
        wanted = np.arange(-passed % every, batch.num_rows, every)[: SAMPLE_ROWS - kept]
        # At stride 1 the batch itself; otherwise only the rows wanted, so that memory stays bound.
        taken.append(batch if every == 1 else batch.take(pa.array(wanted)))
        kept += len(wanted)
        passed += batch.num_rows
    return pa.Table.from_batches(taken) if taken else pa.table({name: [] for name in columns})
