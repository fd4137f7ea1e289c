"""Top and bottom coding: extreme numbers become the bound they are beyond."""

from decimal import Decimal
from typing import ClassVar

import pyarrow as pa
import pyarrow.compute as pc

from gateway.model.transforms import TopBottomCode
from gateway.transform.base import Claim, ColumnTransform, Outcome, Resources, outcome, unsupported
from gateway.transform.numbers import require_number


class TopBottomCodeColumn(ColumnTransform[TopBottomCode]):
    """Numbers kept between two bounds; the column keeps its type."""

    claim: ClassVar[Claim] = Claim(
        guarantee="no number beyond a bound can be told from the bound",
        precondition="the bounds come from the policy, never from the data",
        leaves="every number between the bounds, exactly",
        source="ISO/IEC 20889, top and bottom coding",
    )

    @classmethod
    def output_for(cls, spec: TopBottomCode, source_type: pa.DataType) -> pa.DataType:
        require_number(spec, source_type)
        for bound in (spec.bottom, spec.top):
            _bound(spec, bound, source_type)
        return source_type

    def prepare(self, resources: Resources) -> None:  # noqa: ARG002 - needs none
        self._bottom = _bound(self.spec, self.spec.bottom, self.source_type)
        self._top = _bound(self.spec, self.spec.top, self.source_type)

    def run(self, column: pa.Array) -> Outcome:
        clipped = column
        if self._bottom is not None:
            clipped = pc.max_element_wise(clipped, self._bottom, skip_nulls=False)
        if self._top is not None:
            clipped = pc.min_element_wise(clipped, self._top, skip_nulls=False)
        if not pa.types.is_floating(column.type):
            return Outcome(clipped, None)
        return outcome(clipped, pc.invert(pc.is_finite(column)))


def _bound(spec: TopBottomCode, bound: str | None, kind: pa.DataType) -> pa.Scalar | None:
    if bound is None:
        return None
    try:
        if pa.types.is_floating(kind):
            return pa.scalar(float(bound), kind)
        if pa.types.is_integer(kind):
            return pa.scalar(int(bound), kind)
        return pa.scalar(Decimal(bound), kind)
    except (pa.ArrowInvalid, ValueError, OverflowError):
        raise unsupported(spec, kind, f"columns that can hold the bound {bound}") from None
