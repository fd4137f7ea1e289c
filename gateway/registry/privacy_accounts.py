"""What budgets of privacy loss have spent: composed from the ledger, and kept between two debits.

Each process keeps the composed loss of the budgets it saw last, with how far their ledgers were; a
debit then composes only what was charged since, by whichever process. What is kept is never asked
without the ledger in the same transaction, and a charge that was taken back begins it anew. Nothing
is kept of a ledger that the same transaction changed: it may be rolled back.
"""

import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from math import isinf
from typing import Final

from gateway.model.budgets import Limits
from gateway.model.mechanisms import PrivacyEvent
from gateway.planning.accounting import Loss, compose
from gateway.ports import Transaction

_KEPT: Final = 100
"""Budgets whose loss is kept, some megabytes each at most; those used least recently go first."""


@dataclass(frozen=True, slots=True)
class _Composed:
    sequence: int
    refunds: int
    loss: Loss


class PrivacyAccounts:
    """The composed losses of budgets. Safe to use from several threads."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, _Composed] = OrderedDict()
        self._lock = threading.Lock()

    def admits(
        self, tx: Transaction, budget: str, limits: Limits, more: Sequence[PrivacyEvent]
    ) -> bool:
        """Whether the budget covers all that was charged to it and ``more``. In a writing
        transaction that stays true until its end."""
        loss = self._composed(tx, budget).loss
        return loss.admits(_of(tuple(more)), Fraction(limits.epsilon), Fraction(limits.delta))

    def spent(
        self, tx: Transaction, budget: str, delta: str, more: Sequence[PrivacyEvent] = ()
    ) -> Fraction | None:
        """Epsilon at ``delta`` of all that was charged to the budget and of ``more``, rounded up;
        None when no epsilon goes with so small a delta."""
        loss = self._composed(tx, budget).loss
        return _epsilon(loss.with_(_of(tuple(more))) if more else loss, delta)

    def spent_after_refund(self, tx: Transaction, budget: str, delta: str) -> Fraction | None:
        """As ``spent``, in the transaction that took a charge back. Composed anew and not kept:
        should it not commit, the next refund, of another charge, has the same count."""
        return _epsilon(compose(tx.losses(budget)), delta)

    def prepare(self, tx: Transaction, budget: str) -> None:
        """Compose what the budget has spent, so that a debit that follows does not have to while
        others wait for it."""
        self._composed(tx, budget)

    def _composed(self, tx: Transaction, budget: str) -> _Composed:
        account = tx.account(budget)
        with self._lock:
            kept = self._kept.get(budget)
        if kept is None or kept.refunds != account.refunds or kept.sequence > account.sequence:
            loss = compose(tx.losses(budget))
        elif kept.sequence == account.sequence:
            return kept
        else:
            loss = kept.loss.with_(_of(tuple(tx.losses_after(budget, kept.sequence))))
        composed = _Composed(account.sequence, account.refunds, loss)
        with self._lock:
            self._kept[budget] = composed
            self._kept.move_to_end(budget)
            while len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        return composed


@lru_cache(maxsize=64)
def _of(events: tuple[PrivacyEvent, ...]) -> Loss:
    """Of one question, which every budget that it is charged to asks for, more than once."""
    return compose(events)


def _epsilon(loss: Loss, delta: str) -> Fraction | None:
    at = Fraction(delta)
    epsilon = loss.epsilon(at)
    if loss.added is not None and loss.added[1] <= at and epsilon >= loss.added[0]:
        return loss.added[0]  # exact, where the float above it is not
    return None if isinf(epsilon) else Fraction(epsilon)
