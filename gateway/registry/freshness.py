"""Verdicts keep up with the content: what a source holds now, not what it held when registered.

What holds of an old verdict and a new finding is decided in ``verdicts``.
"""

from collections.abc import Callable, Iterable, Sequence

from gateway.model.catalog import Column, DataSet, SourceVersion
from gateway.ports import ColumnSample, Source
from gateway.registry.verdicts import judged

Classify = Callable[[Iterable[ColumnSample] | None, Sequence[Column]], tuple[Column, ...]]
"""Fills in what each column is by the rules alone, from its name and a sample of the values."""


def refreshed(
    dataset: DataSet, source: Source, version: SourceVersion, classify: Classify
) -> DataSet:
    """The data set as of ``version``: itself when nothing changed since it was looked at, else
    with the new version, and stricter verdicts where the values call for them."""
    if dataset.version == version:
        return dataset
    names = [column.name for column in dataset.columns]
    return judged(dataset, version, classify(source.sample(names), dataset.columns))
