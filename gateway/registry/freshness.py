"""Verdicts keep up with the content: what a source holds now, not what it held when registered.

A verdict only becomes stricter by itself (就高从严): a column keeps what is known of it unless its
values now show something graver. Making it milder takes classification by a person's call.
"""

from collections.abc import Callable, Iterable, Sequence

from gateway.model.catalog import Column, DataSet, SourceVersion
from gateway.ports import ColumnSample, Source

Classify = Callable[[Iterable[ColumnSample] | None, Sequence[Column]], tuple[Column, ...]]
"""Fills in what each column is from its name and a sample of the values; keeps declared ones."""


def refreshed(
    dataset: DataSet, source: Source, version: SourceVersion, classify: Classify
) -> DataSet:
    """The data set as of ``version``: itself when nothing changed since it was looked at, else
    with the new version, and stricter verdicts where the values call for them."""
    if dataset.version == version:
        return dataset
    names = [column.name for column in dataset.columns]
    found = classify(source.sample(names), dataset.columns)
    columns = tuple(
        old if new.admits(old) and old.has_verdict else new
        for old, new in zip(dataset.columns, found, strict=True)
    )
    return dataset.but(version=version, columns=columns)
