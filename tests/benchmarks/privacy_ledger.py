"""How long a debit takes on a ledger with many charges: a program that prints a table.

    python tests/benchmarks/privacy_ledger.py [--charges 100000] [--kinds 100] [--json FILE]

A debit is what a question waits for under the lock of all writers: the ledger is read, the loss
composed, the limit compared, the audit entry and the charge written. On SQLite, on this machine's disk.
"""

import argparse
import json
import statistics
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from gateway.model.audit import AuditEvent
from gateway.model.budgets import Budget, BudgetScope, Limits
from gateway.model.lifecycle import BudgetState
from gateway.model.mechanisms import DiscreteGaussian, DiscreteLaplace, PrivacyEvent
from gateway.ports import Account
from gateway.registry.privacy_accounts import PrivacyAccounts
from gateway.store import tables
from gateway.store.budgets import _body
from gateway.store.migrate import upgrade
from gateway.store.sql import SqlStore

LIMITS = Limits(epsilon="100", delta="1e-6")
EVENT = AuditEvent(actor="parties/x", action="answer.open", resource="answers/x", outcome="ok")


def event(number: int) -> PrivacyEvent:
    """Half of them Laplace and half Gaussian noise, each of another size."""
    if number % 2:
        variance = str(10_000_000 + 9_999_991 * number)
        return PrivacyEvent(mechanism=DiscreteGaussian(variance=variance, sensitivity=1))
    return PrivacyEvent(mechanism=DiscreteLaplace(scale=str(500 + 487 * number), sensitivity=1))


def fill(store: SqlStore, charges: int, kinds: list[PrivacyEvent]) -> str:
    """A budget with so many charges, as if they had been made one by one."""
    now = datetime.now(UTC)
    scope = BudgetScope.of_dataset("datasets/residents")
    budget = Budget(
        name=scope.name,
        scope=scope,
        state=BudgetState.ACTIVE,
        limits=LIMITS,
        approved_by="parties/second",
        approved=now,
        created=now,
    )
    rows = [
        {
            "budget": scope.name,
            "sequence": number + 1,
            "answer": f"answers/a-{number:08d}",
            "at": 0,
            "spent": "0",
            "events": _body([kinds[number % len(kinds)]]),
            "refunded": 0,
        }
        for number in range(charges)
    ]
    losses = [
        {
            "budget": scope.name,
            "event": kind.digest(),
            "count": len(range(place, charges, len(kinds))),
            "body": kind.model_dump_json(),
        }
        for place, kind in enumerate(kinds)
    ]
    with store.write() as tx:
        tx.put_budget(budget, expected_revision=None)
        tx._connection.execute(tables.privacy_charge.insert(), rows)
        tx._connection.execute(tables.privacy_loss.insert(), losses)
        account = Account(charges=charges, refunds=0, sequence=charges, spent="0")
        tx._put_account(scope.name, account)
    return scope.name


def debit(store: SqlStore, accounts: PrivacyAccounts, budget: str, number: int) -> float:
    """Milliseconds of one."""
    events = [event(3 * number), event(3 * number + 1)]
    began = time.perf_counter()
    with store.write() as tx:
        assert accounts.admits(tx, budget, LIMITS, events)
        spent = accounts.spent(tx, budget, LIMITS.delta, events)
        tx.audit(EVENT, datetime.now(UTC))
        at = tx.account(budget).sequence + 1
        tx.charge_loss(budget, f"answers/z-{number}", events, at, str(spent), datetime.now(UTC))
    return 1000 * (time.perf_counter() - began)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--charges", type=int, default=100_000)
    parser.add_argument("--kinds", type=int, default=100)
    parser.add_argument("--debits", type=int, default=50)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/store.db"
        upgrade(url)
        store = SqlStore(url)
        budget = fill(store, options.charges, [event(number) for number in range(options.kinds)])
        accounts = PrivacyAccounts()
        began = time.perf_counter()
        with store.read() as tx:
            accounts.prepare(tx, budget)
        cold = 1000 * (time.perf_counter() - began)
        taken = [debit(store, accounts, budget, number) for number in range(options.debits)]
        store.close()
    found = {
        "charges": options.charges,
        "kinds": options.kinds,
        "first_composition_ms": round(cold, 1),
        "debit_median_ms": round(statistics.median(taken), 1),
        "debit_p95_ms": round(sorted(taken)[int(0.95 * len(taken))], 1),
        "aim_ms": 20,
    }
    for name, value in found.items():
        print(f"{name:24} {value:>12}")
    if options.json is not None:
        options.json.write_text(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
