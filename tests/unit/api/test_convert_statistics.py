"""What a holder says for statistics: bounds, groups and contributions, both ways."""

from datetime import UTC, datetime

import pytest

from gateway.api.convert.catalog import draft, to_proto
from gateway.api.convert.shape import Shape
from gateway.api.pb import catalog_pb2
from gateway.errors import InvalidRequest
from gateway.model.catalog import DataSet, Party
from gateway.model.names import RecipientKind, Role

SAID = {
    "title": "Residents",
    "privacy_unit": "id",
    "source": {"parquet": {"path": "x.parquet"}},
    "columns": [
        {"name": "id"},
        {"name": "income", "bounds": {"lower": "0", "upper": "99.50"}},
        {"name": "sex", "groups": ["f", "m"]},
    ],
    "contributions": {"groups": 3, "rows": 2},
}


def _draft(**changes: object):
    shape = Shape()
    message = catalog_pb2.DataSet(**{**SAID, **changes})
    return shape.made(draft(shape, "residents", message, "dataset"))


def test_bounds_groups_and_contributions_go_both_ways() -> None:
    made = _draft()
    assert (made.columns[1].bounds.lower, made.columns[1].bounds.upper) == ("0", "99.5")
    assert made.columns[2].groups == ("f", "m")
    assert (made.contributions.groups, made.contributions.rows) == (3, 2)
    now = datetime(2026, 1, 1, tzinfo=UTC)
    columns = tuple(column.but(type="string") for column in made.columns)
    given = {**dict(made), "columns": columns}
    dataset = DataSet(**given, holder="parties/registry", created=now, updated=now)
    consumer = Party(
        name="parties/lab", role=Role.CONSUMER, kind=RecipientKind.RESEARCH, display_name="Lab"
    )
    shown = to_proto(dataset, consumer)
    assert shown.contributions == catalog_pb2.Contributions(groups=3, rows=2)
    assert shown.columns[1].bounds.upper == "99.5"
    assert list(shown.columns[2].groups) == ["f", "m"]


def test_nothing_said_is_no_bound_and_the_narrowest_contribution() -> None:
    made = _draft(contributions={})
    assert (made.contributions.groups, made.contributions.rows) == (1, 1)
    assert _draft(contributions=None).contributions is None
    assert _draft().columns[0].bounds is None


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"contributions": {"groups": 0}}, "contributions"),
        ({"contributions": {"rows": -1}}, "contributions"),
        ({"contributions": {"rows": 2, "one_row_per_person": True}}, "contributions"),
        ({"columns": [{"name": "v", "bounds": {}}]}, "bounds"),
        ({"columns": [{"name": "v", "bounds": {"lower": "1", "upper": "0"}}]}, "bounds"),
        ({"columns": [{"name": "v", "bounds": {"lower": "nan", "upper": "1"}}]}, "bounds"),
        ({"columns": [{"name": "v", "bounds": {"lower": "0", "upper": "1e400"}}]}, "bounds"),
        ({"columns": [{"name": "v", "groups": ["a", "a"]}]}, "columns"),
    ],
)
def test_zeros_and_reversed_bounds_are_refused(change: dict[str, object], field: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        _draft(**change)
    assert any(field in violation.field for violation in caught.value.violations)
