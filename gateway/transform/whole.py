"""Transforms that do not look at the value: keep, suppress, replace."""

from typing import ClassVar

import pyarrow as pa

from gateway.model.transforms import Keep, Replace, Suppress
from gateway.transform.base import Claim, ColumnTransform, Outcome


class KeepColumn(ColumnTransform[Keep]):
    """Every value as it is, of any type."""

    claim: ClassVar[Claim] = Claim(
        guarantee="none",
        precondition="the policy permits the column as it is",
        leaves="everything",
        source="",
    )

    @classmethod
    def output_for(cls, spec: Keep, source_type: pa.DataType) -> pa.DataType:  # noqa: ARG003
        return source_type

    def run(self, column: pa.Array) -> Outcome:
        return Outcome(column, None)


class SuppressColumn(ColumnTransform[Suppress]):
    """Null in every row; the type stays, so that the column can still be loaded."""

    claim: ClassVar[Claim] = Claim(
        guarantee="the output does not depend on the values",
        precondition="none",
        leaves="the number of rows",
        source="GB/T 37964-2019, suppression",
    )

    @classmethod
    def output_for(cls, spec: Suppress, source_type: pa.DataType) -> pa.DataType:  # noqa: ARG003
        return source_type

    def run(self, column: pa.Array) -> Outcome:
        return Outcome(pa.nulls(len(column), self.output_type), None)


class ReplaceColumn(ColumnTransform[Replace]):
    """The same text in every row, also where the value was null."""

    claim: ClassVar[Claim] = Claim(
        guarantee="the output does not depend on the values, nor on which are missing",
        precondition="none",
        leaves="the number of rows",
        source="GB/T 37964-2019, suppression",
    )

    @classmethod
    def output_for(cls, spec: Replace, source_type: pa.DataType) -> pa.DataType:  # noqa: ARG003
        return pa.string()

    def run(self, column: pa.Array) -> Outcome:
        return Outcome(pa.repeat(pa.scalar(self.spec.text, pa.string()), len(column)), None)
