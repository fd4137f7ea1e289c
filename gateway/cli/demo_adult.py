"""The demonstration's census: anonymised under a policy, with risk, attacks and utility told."""

import json
from base64 import b64decode
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv

from gateway.cli.output import OUT, show_table
from gateway.cli.release_views import waited_for
from gateway.cli.tables import first_rows, show_records
from gateway.cli.utility_page import write_utility_page
from gateway.client import Client, plain
from gateway.errors import FailedPrecondition
from gateway.model.anonymity import AnonymityGoal, KAnonymity, LDiversity
from gateway.model.names import ColumnRole
from gateway.risk.utility.report import utility
from gateway.transform.anonymize.full_domain import full_domain
from gateway.transform.anonymize.ladder import Ladder
from gateway.transform.anonymize.problem import Problem
from gateway.transform.anonymize.proposals import proposed
from gateway.transform.hierarchy import parse_hierarchy

PURPOSE: Final = "census-research"
SENSITIVE: Final = "salary-class"
KNOWN: Final = (
    "sex", "age", "race", "marital-status", "education", "native-country", "workclass",
    "occupation",
)  # fmt: skip
SUPPRESSION: Final = "0.04"
_FEW: Final = ("sex", "age", "race", "education")


class AnonymousAdult:
    """One step of the demonstration. ``claim``: NotAsClaimed unless it holds; ``approved``: has a
    grant approved."""

    def __init__(
        self,
        clients: Mapping[str, Client],
        data: Path,
        out: Path,
        claim: Callable[[bool, str], None],
        approved: Callable[[str], str],
    ) -> None:
        self._clients = clients
        self._file = data / "adult.csv"
        self._hierarchies = data.parents[1] / "hierarchies"
        self._out = out
        self._claim = claim
        self._approved = approved

    def run(self) -> None:
        """Verdicts, policy, dry run, release, figures, a second extract, the page."""
        self._say_what_columns_are()
        self._activate()
        consumer, wanted = self._clients["consumer"], [*KNOWN, SENSITIVE]
        grant = consumer.request_grant("adult", wanted, PURPOSE, justification="research", days=30)
        self._approved(grant.name)
        preview = plain(consumer.preview("adult", wanted, PURPOSE))
        told = {r["code"]: r["text"] for r in preview["decision"]["reasons"]}
        self._claim("ANONYMITY_FEASIBLE" in told, "the dry run says that it can be done")
        OUT.print(f"  the dry run: {told['ANONYMITY_FEASIBLE']}")
        release = consumer.request("adult", wanted, PURPOSE)
        with waited_for(consumer, release.name) as sealed:
            saved = consumer.save(release.name, self._out / "adult.csv")
        table = consumer.read(release.name)
        self._hold(table)
        checked = consumer.verify(release.name, saved)
        self._claim(checked.file_check is not None, "the CSV file is what was sealed")
        OUT.print(f"  {sealed['rows']:,} rows; CSV verified")
        self._figures(consumer.certificate(release.name))
        show_records(first_rows(iter(table.to_batches()), list(_FEW), 3))
        self._ask_for_less(table)
        self._page(table)

    def _say_what_columns_are(self) -> None:
        """An officer decides what a person is known by, and what is not to be learnt."""
        officer = self._clients["officer"]
        for name in (*KNOWN, SENSITIVE):
            role = ColumnRole.SENSITIVE if name == SENSITIVE else ColumnRole.QUASI_IDENTIFIER
            column = next(
                c for c in plain(officer.dataset("adult"))["columns"] if c["name"] == name
            )
            if column["role"] != role:
                officer.override(
                    "adult",
                    name,
                    entity=column["entity"] or "NONE",
                    grade=column["grade"] or "general-2",
                    role=role,
                    reason="census data: known of a person, or what is to be learnt",
                )
        OUT.print(f"  an officer says: {len(KNOWN)} columns are known of a person, {SENSITIVE} not")

    def _activate(self) -> None:
        named = {name: file.stem for name in KNOWN if (file := self._table(name)).is_file()}
        text = f"""
format: gateway-policy/1
name: policies/census
purposes: {{{PURPOSE}: "research on the census; nobody is to be recognised"}}
applies_to: {{dataset: [datasets/adult]}}
obligations:
  k: 5
  l: {{{SENSITIVE}: 2}}
  max_suppression: {SUPPRESSION}
  hierarchies: {json.dumps(named)}
  attacks: {{singling_out: 0.05, linkability: 0.05, record_linkage: 0.05}}
rules:
  - name: columns
    match: {{grade: {{}}}}
    transform: {{kind: keep}}
"""
        draft = self._clients["officer"].create_policy(text)
        self._clients["second-officer"].activate_policy(draft.name, draft.version)
        OUT.print(
            f"  {draft.name}: k = 5, two values of {SENSITIVE} in each group, at most "
            f"{SUPPRESSION} of the records left out, attacks below 0.05"
        )

    def _hold(self, table: pa.Table) -> None:
        groups = table.group_by(list(KNOWN)).aggregate(
            [([], "count_all"), (SENSITIVE, "count_distinct")]
        )
        smallest = pc.min(groups["count_all"]).as_py()
        self._claim(smallest >= 5, "every combination occurs at least 5 times")
        diverse = pc.min(groups[f"{SENSITIVE}_count_distinct"]).as_py()
        self._claim(diverse >= 2, f"every group has both values of {SENSITIVE}")

    def _figures(self, certificate: str) -> None:
        payload = b64decode(json.loads(certificate)["payload"])
        figures: list[dict[str, Any]] = json.loads(payload)["predicate"]["figures"]
        for check, title in (
            ("risk", "risk before and after"),
            ("attacks", "attacks on what was staged"),
            ("utility", "utility"),
        ):
            rows = [[f["name"], f["value"]] for f in figures if f["check"] == check]
            self._claim(bool(rows), f"the certificate tells of {title}")
            show_table(["figure", "value"], rows, title=title)

    def _ask_for_less(self, table: pa.Table) -> None:
        """The same classes for who asks for fewer columns; and no filter, whatever it leaves out."""
        consumer = self._clients["consumer"]
        less = consumer.wait(consumer.request("adult", list(_FEW), PURPOSE))
        rows = consumer.read(less.name)
        self._claim(
            _counted(rows) == _counted(table.select(list(_FEW))),
            "fewer columns are the same columns, and no finer",
        )
        OUT.print("  the same without those aged 90:")
        try:
            consumer.request("adult", [*_FEW, SENSITIVE], PURPOSE, filters=["age != 90"])
        except FailedPrecondition as refused:
            self._claim(refused.reason == "ANONYMITY_FILTER", "a filter is refused when planned")
            OUT.print(f"  {refused.message}")
        else:
            self._claim(False, "a filter is refused when planned")

    def _page(self, released: pa.Table) -> None:
        """The holder, who has the file, has the page made, and gets what the gateway released."""
        table = pa_csv.read_csv(self._file, parse_options=pa_csv.ParseOptions(delimiter=";"))
        goal = AnonymityGoal(
            quasi_identifiers=KNOWN,
            models=(KAnonymity(k=5), LDiversity(column=SENSITIVE, l="2")),
            max_suppression=SUPPRESSION,
        )
        ladders = {name: self._ladder(name, table.column(name)) for name in KNOWN}
        recoding = full_domain(Problem.of(table, goal, ladders))
        made = recoding.apply(table)
        self._claim(
            _counted(made.select(list(KNOWN))) == _counted(released.select(list(KNOWN))),
            "gateway anonymize gives the same for the same demands",
        )
        page = self._out / "adult-utility.html"
        write_utility_page(page, utility(table, made, ~recoding.suppressed, KNOWN), "Adult")
        OUT.print("  what was lost, and who lost most, as a page with charts (stays with --keep)")

    def _table(self, name: str) -> Path:
        return self._hierarchies / f"adult_hierarchy_{name}.csv"

    def _ladder(self, name: str, column: pa.ChunkedArray) -> Ladder:
        file = self._table(name)
        if file.is_file():
            return Ladder.of_table(parse_hierarchy(file.read_bytes()))
        return proposed(column)


def _counted(table: pa.Table) -> Counter[tuple[str, ...]]:
    texts = [column.cast(pa.string()).to_pylist() for column in table.columns]
    return Counter(zip(*texts, strict=True))
