"""Budgets as officers see them."""

import pytest

from gateway.cli.budget import _show


@pytest.mark.parametrize("charges", [0, 269])
def test_nothing_was_charged_is_said_only_where_nothing_was(capsys, charges) -> None:
    """An answer to a proposal or an approval has no points, whatever was charged."""
    budget = {
        "name": "budgets/b-1",
        "scope": {"kind": "dataset", "dataset": "datasets/a", "recipient": None},
        "state": "active",
        "epsilon": "3",
        "delta": "1e-6",
        "spent": "1",
        "left": "2",
        "charges": charges,
        "approved_by": "parties/second",
        "proposal": None,
        "burn_down": [],
    }
    _show([budget])
    assert ("nothing was charged yet" in capsys.readouterr().err) == (charges == 0)
