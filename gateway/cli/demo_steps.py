"""What the demonstration does, step by step; each step checks what it claims."""

import shutil
import time
from collections.abc import Callable
from contextlib import ExitStack
from operator import methodcaller
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from rich.markup import escape

from gateway.app.setup import STARTERS, NewParty, initialise
from gateway.cli.classification import Classification, column_of
from gateway.cli.classification_page import write_page
from gateway.cli.classification_table import show_briefly
from gateway.cli.demo_adult import AnonymousAdult
from gateway.cli.demo_server import free_address, serving
from gateway.cli.demo_statistics import StatisticsSteps
from gateway.cli.generate import write_records
from gateway.cli.output import OUT, progress, show_table
from gateway.cli.questions import questions
from gateway.cli.release_views import show_decision, waited_for
from gateway.cli.tables import show_records
from gateway.cli.transforms import transform_text
from gateway.client import Client, Denied, connect, load_profile, plain
from gateway.decide.cases import parse_cases, run_cases
from gateway.decide.parse import parse_policy
from gateway.errors import GatewayError, GatewayFault, InvalidRequest, VerificationFailed
from gateway.model.catalog import CsvSource, ParquetSource
from gateway.model.names import ColumnRole, RecipientKind, Role
from gateway.norms.standards import default_standard
from gateway.norms.starters import starters
from gateway.testing import residents_batches
from gateway.verify import verify_file

SEED: Final = 20250101
SHARING: Final = "gbt43697-government-sharing"
OPEN: Final = "gbt43697-open"
PURPOSE: Final = "supervision"
PARTIES: Final = ("holder", "consumer", "officer", "second-officer", "auditor", "admin")
WANTED: Final = (
    "name", "resident_id", "phone", "email", "address", "district", "sex", "birth_date",
    "ethnicity", "bank_card", "income", "household_id",
)  # fmt: skip
# Masks are for departments among themselves; a researcher would get no names at all.
OFFICES: Final = tuple(
    NewParty("consumer", Role.CONSUMER, RecipientKind.GOVERNMENT, "A department that inspects")
    if party.role is Role.CONSUMER
    else party
    for party in STARTERS
)
HIDDEN: Final = ("name", "resident_id", "phone", "email", "address")


class NotAsClaimed(GatewayFault):
    """Something did not turn out as the demonstration says it does."""

    reason = "NOT_AS_CLAIMED"


class Demonstration:
    """The steps, in order, on an installation in ``folder``. What must be closed or ended at
    the end is put on ``stack``."""

    def __init__(self, folder: Path, rows: int, adult: Path | None, stack: ExitStack) -> None:
        if adult is not None and not adult.is_file():
            raise InvalidRequest.of("adult", f"{adult} does not exist")
        self._folder = folder
        self._rows = rows
        self._adult = adult
        self._stack = stack
        self._number = 0
        self._clients: dict[str, Client] = {}

    def run(self) -> None:
        """All steps. NotAsClaimed, or the gateway's own error, when one does not hold."""
        self._install()
        self._serve()
        self._register()
        self._activate_policies()
        self._ask_in_vain()
        grant = self._agree()
        self._preview()
        release = self._release()
        self._compare(release)
        if self._adult is not None:
            self._release_adult()
        StatisticsSteps(self._clients, self._data, self._step, self._claim, self._approved).run()
        self._verify(release)
        self._keep_duties_apart(release)
        self._audit()
        self._revoke(grant, release)

    # ---- setting up -----------------------------------------------------------------------------

    def _install(self) -> None:
        self._step("An installation: settings, keys, development authority, six parties")
        initialise(self._folder, listen=free_address(), parties=OFFICES)
        OUT.print(f"  {', '.join(PARTIES)}, each with a certificate of its own")
        self._step(f"A city that does not exist: {self._rows:,} residents")
        with progress("  making them up", self._rows) as tell:
            write_records(
                self._data / "residents.parquet", residents_batches(self._rows, SEED), tell
            )
        if self._adult is None:
            OUT.print("  the Adult census extract is not there: its steps are left out (--adult)")
        else:
            shutil.copyfile(self._adult, self._data / "adult.csv")
            for table in sorted(self._adult.parent.glob("adult_hierarchy_*.csv")):
                shutil.copyfile(table, self._folder / "hierarchies" / table.name)

    def _serve(self) -> None:
        self._step("The gateway, a process of its own, mutual TLS on loopback")
        address = self._stack.enter_context(serving(self._folder))
        for name in PARTIES:
            profile = load_profile(self._folder / "clients" / name / "profile.yaml")
            self._clients[name] = self._stack.enter_context(connect(profile.at(address)))
            known = self._clients[name].whoami().name
            self._claim(known == f"parties/{name}", f"{name} is recognised")
        OUT.print(f"  serving at {address}; six parties recognised by their certificates")

    def _register(self) -> None:
        self._step("The holder registers data where it lives; columns are classified and graded")
        holder = self._clients["holder"]
        source = ParquetSource(path="residents.parquet")
        found = [
            holder.register(
                "residents", source, title="Resident register", privacy_unit="resident_id"
            )
        ]
        if self._adult is not None:
            adult = CsvSource(path="adult.csv", delimiter=";")
            found.append(holder.register("adult", adult, title="Adult (1994 census extract)"))
        self._claim(found[0].rows == self._rows, "every row was found")
        for registered in map(plain, found):
            self._show(registered)

    def _show(self, registered: dict[str, Any]) -> None:
        """What an officer sees of it; the page says the same, and more, in both languages."""
        name = registered["name"].removeprefix("datasets/")
        columns = [column_of(column) for column in registered["columns"]]
        classification = Classification.of(
            name, columns, registered["rows"], default_standard(), registered=True
        )
        roles = {column.role for column in columns}
        self._claim(ColumnRole.QUASI_IDENTIFIER in roles, "quasi-identifiers are found")
        self._claim(ColumnRole.SENSITIVE in roles, "sensitive columns are named")
        self._claim(all(column.evidence for column in columns), "every verdict has a reason")
        show_briefly(classification)
        write_page(self._out / f"{name}.html", classification, "both")
        OUT.print(
            "  the same as a page for an officer, in Chinese and English (stays with --keep); "
            f"open questions: {len(questions(classification))}"
        )

    def _activate_policies(self) -> None:
        self._step("An officer writes policies; tested and linted; another officer activates them")
        for starter in starters():
            if starter.name not in (SHARING, OPEN):
                continue
            results = run_cases(parse_policy(starter.policy), parse_cases(starter.cases))
            self._claim(all(result.passed for result in results), "the policy passes its cases")
            findings = self._clients["officer"].lint_policy(starter.policy)
            errors = [finding for finding in findings if finding.severity == "error"]
            self._claim(not errors, "lint finds no error")
            draft = self._clients["officer"].create_policy(starter.policy)
            activation = methodcaller("activate_policy", draft.name, draft.version)
            self._refused(activation, "officer", "OWN_RESOURCE", "the author cannot activate it")
            active = self._clients["second-officer"].activate_policy(draft.name, draft.version)
            self._claim(plain(active)["state"] == "active", "the policy is in force")
            OUT.print(f"  {draft.name}: {len(results)} cases passed, activated by second-officer")

    # ---- asking ---------------------------------------------------------------------------------

    def _ask_in_vain(self) -> None:
        self._step("The consumer asks without a grant, and for what a rule forbids: denied")
        for columns, purpose, code in (
            (WANTED, PURPOSE, "NO_GRANT"),
            (("name", "income"), "open-publication", "DENY_RULE"),
        ):
            try:
                self._clients["consumer"].request("residents", list(columns), purpose)
            except Denied as denied:
                self._claim(code in dict(denied.reasons), f"the reason is {code}")
                OUT.print(f"  {len(columns)} columns for {purpose}")
                show_decision(plain(denied.decision))
            else:
                raise NotAsClaimed(f"a request for {purpose} was not denied")

    def _agree(self) -> str:
        self._step("The consumer asks for a grant; holder and officer approve")
        grant = self._clients["consumer"].request_grant(
            "residents", list(WANTED), PURPOSE, justification="inspection of the register", days=30
        )
        return self._approved(grant.name)

    def _approved(self, name: str) -> str:
        grant = plain(self._clients["consumer"].grant(name))
        for approver in grant["required"]:
            reason = "the purpose fits"
            grant = plain(self._clients[approver].approve(grant["name"], reason))
        self._claim(grant["state"] == "active", "the grant is active once all have approved")
        OUT.print(f"  {name}: {grant['state']}, approved by {' and '.join(grant['required'])}")
        return name

    def _preview(self) -> None:
        self._step("A dry run: the plan, complete before any row is read; nothing is charged")
        preview = plain(self._clients["consumer"].preview("residents", list(WANTED), PURPOSE))
        self._claim(preview["plan"] is not None, "the plan is there")
        show_table(
            ["column", "transform"],
            [[s["column"], transform_text(s["transform_json"])] for s in preview["plan"]["steps"]],
        )
        OUT.print(f"  plan digest {preview['plan']['digest']}")

    # ---- releasing ------------------------------------------------------------------------------

    def _release(self) -> str:
        self._step("The release: charged, read, protected, checked, sealed, streamed, saved")
        consumer = self._clients["consumer"]
        began = time.monotonic()
        release = consumer.request("residents", list(WANTED), PURPOSE)
        with waited_for(consumer, release.name) as sealed:
            took = time.monotonic() - began
        with progress("  reading", sealed["rows"]) as tell:
            consumer.save(release.name, self._out / "residents.arrows", tell)
        whole = time.monotonic() - began
        self._claim(sealed["rows"] == self._rows, "no row was lost")
        OUT.print(
            f"  {sealed['rows']:,} rows sealed after {took:.1f} s, saved after {whole:.1f} s: "
            f"{sealed['rows'] / whole:,.0f} rows/s from request to file"
        )
        return release.name

    def _compare(self, release: str) -> None:
        self._step("Before and after (the residents are made up)")
        before = pq.read_table(self._data / "residents.parquet", columns=list(WANTED))
        with pa.memory_map(str(self._out / "residents.arrows")) as file:
            after = pa.ipc.open_stream(file).read_all()
        for name in HIDDEN:
            values = before[name].combine_chunks().drop_null()
            known = pc.any(pc.is_in(after[name], value_set=values)).as_py()
            self._claim(not known, f"no {name} left as it was")
        self._claim(*_same_counts(before["district"], after["district"], "districts as they were"))
        # Encrypted cards are valid cards, so that one of them can be somebody else's real one.
        real = before["bank_card"].combine_chunks().drop_null()
        cards = pc.is_in(after["bank_card"], value_set=real)
        self._claim(pc.sum(cards).as_py() * 1000 <= self._rows, "cards are other cards")
        was, now = (pc.utf8_slice_codeunits(t["bank_card"], 0, 6) for t in (before, after))
        self._claim(*_same_counts(was, now, "cards are of the same issuers"))
        steps = plain(self._clients["consumer"].release(release))["plan"]["steps"]
        # The release has an order of its own: the row is found by what the masks leave of it.
        first = before.slice(0, 1).to_pylist()[0]
        found = after.filter(_may_be(first, after)).to_pylist()
        self._claim(bool(found), "the first resident is among the records")
        show_table(
            ["column", "before", "after", "transform"],
            [
                [s["column"], first[s["column"]], found[0][s["published"]],
                 transform_text(s["transform_json"]).partition("(")[0]]
                for s in steps
            ],
        )  # fmt: skip
        show_records(
            after.slice(0, 5).select(["name", "resident_id", "phone", "birth_date", "income"])
        )

    def _release_adult(self) -> None:
        adult = self._adult
        if adult is not None:
            self._step("Adult for research: 5 of everybody, both salaries in each group, attacked")
            AnonymousAdult(self._clients, self._data, self._out, self._claim, self._approved).run()

    # ---- proving --------------------------------------------------------------------------------

    def _verify(self, release: str) -> None:
        self._step("The certificate, verified offline with the public key alone")
        extract = self._out / "residents.arrows"
        certificate = self._clients["consumer"].certificate(release)
        (self._out / "residents.certificate.json").write_text(certificate, encoding="utf-8")
        key = (self._folder / "signing.pub.pem").read_bytes()
        began = time.monotonic()
        verified = verify_file(certificate, key, extract)
        took = time.monotonic() - began
        stated = verified.statement.predicate.model_dump()
        self._claim(stated["rows"] == self._rows, "the certificate names the rows")
        OUT.print(f"  genuine; the file is {verified.file_check} ({took:.2f} s)")
        tampered = self._out / "tampered.parquet"
        with pa.memory_map(str(extract)) as file:
            pq.write_table(pa.ipc.open_stream(file).read_all().slice(1), tampered)
        try:
            verify_file(certificate, key, tampered)
        except VerificationFailed as failed:
            OUT.print(f"  the same file without its first row: {escape(failed.message)}")
        else:
            raise NotAsClaimed("a changed file was taken for genuine")

    def _keep_duties_apart(self, release: str) -> None:
        self._step("Duties are kept apart")
        tries = (
            ("officer", lambda c: c.read(release), "ROLE_NOT_ALLOWED", "an officer reads no data"),
            ("admin", lambda c: c.read(release), "ROLE_NOT_ALLOWED", "an administrator neither"),
            ("consumer", lambda c: list(c.audit_entries()), "ROLE_NOT_ALLOWED",
             "a consumer reads no log"),
            ("auditor", lambda c: c.recall(release, "?"), "ROLE_NOT_ALLOWED",
             "an auditor changes nothing"),
        )  # fmt: skip
        for name, call, reason, text in tries:
            self._refused(call, name, reason, text)
            OUT.print(f"  {text}: refused")

    def _audit(self) -> None:
        self._step("The audit log, verified by the auditor")
        answer = self._clients["auditor"].verify_audit()
        self._claim(answer.whole and answer.entries > 0, "the log is whole")
        OUT.print(f"  {answer.entries:,} entries, chained by hashes, none missing, none changed")

    def _revoke(self, grant: str, release: str) -> None:
        self._step("The holder revokes the grant: reading stops at once")
        self._clients["holder"].revoke(grant, "the inspection is over")
        self._refused(
            lambda client: client.read(release), "consumer", "GRANT_REVOKED", "reading stops"
        )
        OUT.print("  the consumer asks again: GRANT_REVOKED")

    # ---- inside ---------------------------------------------------------------------------------

    @property
    def _data(self) -> Path:
        return self._folder / "data" / "holder"

    @property
    def _out(self) -> Path:
        folder = self._folder / "extracts"
        folder.mkdir(mode=0o700, exist_ok=True)
        return folder

    def _step(self, text: str) -> None:
        self._number += 1
        OUT.print(f"\n[bold cyan]{self._number}.[/bold cyan] [bold]{escape(text)}[/bold]")

    def _claim(self, holds: bool, text: str) -> None:
        if not holds:
            raise NotAsClaimed(f"step {self._number}: it does not hold that {text}")

    def _refused(self, call: Callable[[Client], object], name: str, reason: str, text: str) -> None:
        try:
            call(self._clients[name])
        except GatewayError as error:
            self._claim(error.reason == reason, f"{text} ({reason}, but it was {error.reason})")
        else:
            raise NotAsClaimed(f"step {self._number}: it does not hold that {text}")


def _same_counts(one: pa.ChunkedArray, other: pa.ChunkedArray, claim: str) -> tuple[bool, str]:
    """Whether both columns hold the same values as often, and what that proves."""
    counted = [column.combine_chunks().value_counts().flatten() for column in (one, other)]
    held = [dict(zip(*(part.to_pylist() for part in count), strict=True)) for count in counted]
    return held[0] == held[1], claim


def _may_be(person: dict[str, str], records: pa.Table) -> pa.ChunkedArray:
    """Which masked records agree with all that masks keep of this person."""
    agrees = pc.starts_with(records["name"], person["name"][:1])
    agrees = pc.and_(agrees, pc.starts_with(records["phone"], person["phone"][:3]))
    agrees = pc.and_(agrees, pc.ends_with(records["phone"], person["phone"][-2:]))
    for name in ("district", "sex", "ethnicity"):
        agrees = pc.and_(agrees, pc.equal(records[name], person[name]))
    return agrees
