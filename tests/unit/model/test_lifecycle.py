"""Life cycles are tables: what is not in one cannot happen, and the docs show what is."""

from itertools import product
from pathlib import Path

import pytest

from gateway.errors import FailedPrecondition
from gateway.model.lifecycle import (
    DATA_SET,
    DIAGRAMS,
    GRANT,
    KEY_DOMAIN,
    POLICY,
    REIDENTIFICATION,
    RELEASE,
    DataSetState,
    GrantState,
    KeyDomainState,
    PolicyState,
    ReidentificationState,
    ReleaseState,
    advance,
)

TABLES = [
    (RELEASE, ReleaseState),
    (GRANT, GrantState),
    (POLICY, PolicyState),
    (DATA_SET, DataSetState),
    (KEY_DOMAIN, KeyDomainState),
    (REIDENTIFICATION, ReidentificationState),
]


@pytest.mark.parametrize(("table", "states"), TABLES)
def test_every_state_has_a_row_and_only_listed_transitions_happen(table, states):
    assert set(table) == set(states)
    for now, then in product(states, states):
        if then in table[now]:
            assert advance(table, "x/y", now, then) is then
        else:
            with pytest.raises(FailedPrecondition, match=f"is {now}; it cannot become {then}"):
                advance(table, "x/y", now, then)


def test_only_a_sealed_release_can_have_been_read_and_nothing_comes_back_from_the_end():
    readable = {ReleaseState.SEALED}
    ends = {state for state, successors in RELEASE.items() if not successors}
    assert readable & ends == set()
    assert {s for s, successors in RELEASE.items() if ReleaseState.SEALED in successors} == {
        ReleaseState.RUNNING
    }


def test_the_docs_show_the_tables():
    page = (Path(__file__).parents[3] / "docs" / "lifecycle.md").read_text("utf-8")
    for title, drawn in DIAGRAMS.items():
        assert f"## {title}\n\n```mermaid\n{drawn}\n```" in page, (
            f"docs/lifecycle.md does not show the table of {title}: "
            "write gateway.model.lifecycle.DIAGRAMS into it"
        )
