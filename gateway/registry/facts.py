"""Collects from the store what a decision rests on."""

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import TypeVar

from gateway.decide.facts import Facts
from gateway.model.catalog import DataSet, Party
from gateway.model.lifecycle import PolicyState
from gateway.model.policy import StoredPolicy
from gateway.ports import Page, Transaction

Item = TypeVar("Item")
_PAGE = 500


def active_policies(tx: Transaction) -> tuple[StoredPolicy, ...]:
    """Every policy version in force."""
    return tuple(
        everything(
            lambda page: tx.policies(page, state=PolicyState.ACTIVE),
            policy_position,
        )
    )


def policy_position(policy: StoredPolicy) -> str:
    """Where a policy version stands in lists: the position that a page continues after."""
    return f"{policy.name}/{policy.version}"


def facts_for(
    tx: Transaction,
    dataset: DataSet,
    recipient: Party,
    now: datetime,
    policies: tuple[StoredPolicy, ...] | None = None,
) -> Facts:
    """The facts for one recipient and data set; ``policies`` in place of the active ones."""
    grants = everything(
        lambda page: tx.grants(page, consumer=recipient.name, dataset=dataset.name),
        lambda grant: grant.name,
    )
    return Facts(
        dataset=dataset,
        recipient=recipient,
        policies=active_policies(tx) if policies is None else policies,
        grants=tuple(grants),
        now=now,
    )


def everything(
    fetch: Callable[[Page], list[Item]], position: Callable[[Item], str]
) -> Iterator[Item]:
    """All items of a paged list, page after page."""
    after: str | None = None
    while True:
        items = fetch(Page(size=_PAGE, after=after))
        yield from items
        if len(items) < _PAGE:
            return
        after = position(items[-1])
