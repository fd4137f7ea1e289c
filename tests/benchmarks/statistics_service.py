"""How long a question takes over TLS, from asking to the table: a program that prints a table.

    python tests/benchmarks/statistics_service.py [--rows 1000000] [--questions 9] [--json FILE]

A server of its own, a process on loopback with mutual TLS. Two data sets of a thousand groups: one row
a person, declared; and three tenths as many persons with bounded contributions. Every question is
another one, so that none is answered from an earlier answer.
"""

import argparse
import json
import statistics
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from gateway.app.setup import initialise
from gateway.cli.demo_server import free_address, serving
from gateway.client import Client, connect, load_profile
from gateway.model.catalog import Bounds, Column, ParquetSource

PARTIES = ("holder", "consumer", "officer", "second-officer")
PURPOSE = "official-statistics"
POLICY = f"""
format: gateway-policy/1
name: policies/benchmark
purposes: {{{PURPOSE}: "Figures."}}
rules: [{{name: numbers, match: {{grade: {{at_most: important}}}}, statistics: {{}}}}]
"""
COLUMNS = [
    Column(name="region_no", type="", bounds=Bounds(lower="0", upper="999")),
    Column(name="amount", type="", bounds=Bounds(lower="0", upper="100000")),
]
KINDS = {
    "single": {"one_row_per_person": True},
    "bounded": {"groups": 3, "rows": 2},
}
AIMS_MS = {"single": 150, "bounded": 500}


def records(rows: int, persons: int | None) -> pa.Table:
    """``persons`` None: one row each."""
    rng = np.random.default_rng(7)
    numbers = np.arange(rows) if persons is None else rng.integers(0, persons, rows)
    return pa.table(
        {
            "person_no": [f"P{number:08d}" for number in numbers],
            "region_no": rng.integers(0, 1000, rows),
            "amount": rng.integers(0, 100_000, rows),
        }
    )


def prepare(clients: dict[str, Client], name: str) -> None:
    """Registered, granted and budgeted."""
    clients["holder"].register(
        name,
        ParquetSource(path=f"{name}.parquet"),
        title=name,
        privacy_unit="person_no",
        columns=COLUMNS,
        contributions=KINDS[name],
    )
    grant = clients["consumer"].request_grant(
        name, ["region_no", "amount"], PURPOSE, justification="a benchmark", days=9
    )
    clients["holder"].approve(grant, "fits")
    for recipient in ("consumer", None):
        proposed = clients["officer"].propose_budget(
            epsilon="100", delta="1e-6", reason="a benchmark", dataset=name, recipient=recipient
        )
        clients["second-officer"].approve_budget(proposed)


def asked(client: Client, name: str, number: int) -> float:
    """Milliseconds from the question to its table."""
    sql = (
        f"SELECT region_no, COUNT(*) AS n, SUM(amount) AS s{number} FROM {name} "  # noqa: S608
        "GROUP BY region_no"
    )
    began = time.perf_counter()
    table = client.table(client.ask(sql, name, PURPOSE, epsilon="0.5"))
    taken = 1000 * (time.perf_counter() - began)
    assert table.num_rows == 1000
    return taken


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--questions", type=int, default=9)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    found = []
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory())) / "installation"
        initialise(folder, listen=free_address())
        for name, persons in (("single", None), ("bounded", 3 * options.rows // 10)):
            file = folder / "data" / "holder" / f"{name}.parquet"
            pq.write_table(records(options.rows, persons), file)
        address = stack.enter_context(serving(folder))
        clients = {
            party: stack.enter_context(
                connect(load_profile(folder / "clients" / party / "profile.yaml").at(address))
            )
            for party in PARTIES
        }
        draft = clients["officer"].create_policy(POLICY)
        clients["second-officer"].activate_policy(draft.name, draft.version)
        print(f"{options.rows:,} rows, 1,000 groups, count and sum, over mutual TLS")
        for name in KINDS:
            prepare(clients, name)
            first, *taken = [
                asked(clients["consumer"], name, number) for number in range(options.questions)
            ]
            row = {
                "kind": name,
                "first_ms": round(first),
                "median_ms": round(statistics.median(taken)),
                "fastest_ms": round(min(taken)),
                "aim_ms": AIMS_MS[name],
            }
            found.append(row)
            print("  ".join(f"{key} {value}" for key, value in row.items()), flush=True)
    if options.json is not None:
        options.json.write_text(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
