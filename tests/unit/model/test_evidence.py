"""What a verdict rests on."""

import pytest
from pydantic import ValidationError

from gateway.model.evidence import Coverage, Evidence


def test_a_verdict_without_values_rests_on_metadata() -> None:
    assert Coverage(rows=5, present=0, sampled=0).metadata_only
    assert not Coverage(rows=5, present=1, sampled=1).metadata_only


@pytest.mark.parametrize(("rows", "present", "sampled"), [(1, 2, 1), (3, 1, 2), (-1, -1, -1)])
def test_no_more_is_looked_at_than_there_is(rows: int, present: int, sampled: int) -> None:
    with pytest.raises(ValidationError):
        Coverage(rows=rows, present=present, sampled=sampled)


@pytest.mark.parametrize("weight", [-101, 101])
def test_a_weight_is_a_percentage_for_or_against(weight: int) -> None:
    with pytest.raises(ValidationError):
        Evidence(kind="name", entity="NONE", detail="x", weight=weight)
