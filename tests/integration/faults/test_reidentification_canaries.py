"""Re-identification through a real server over TLS, as its users do it; then everything the
gateway keeps, logs, counts or answers is searched for the tokens and the values."""

import os
import subprocess
import sys
import urllib.request
from pathlib import Path

import grpc
import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from pyarrow import csv
from sqlalchemy import create_engine, inspect

from gateway.api.pb import reidentification_pb2
from gateway.client import answer_key, plain
from gateway.errors import (
    ConfigurationError,
    Conflict,
    FailedPrecondition,
    GatewayError,
    InvalidRequest,
    NotFound,
    PermissionDenied,
    QuotaExhausted,
)
from gateway.model.catalog import ParquetSource
from gateway.testing import residents

ROOT = Path(__file__).parents[3]
POLICY = """
format: gateway-policy/1
name: policies/reversible
purposes: {study: A study.}
rules:
  - name: phones
    match: {entity: [CN_MOBILE]}
    transform: {kind: encrypt_identifier, profile: mobile}
  - name: identity-numbers
    match: {entity: [CN_RESIDENT_ID]}
    transform: {kind: reversible_token}
  - name: accounts
    match: {entity: [CN_BANK_CARD]}
    transform: {kind: token}
"""
COLUMNS = ("resident_id", "phone", "bank_card")
CASE = {"basis": "statutory_duty", "reason": "act 7, article 3", "case_number": "2026-117"}


def prepared(site, gateway):
    """A sealed release of made-up people; its table and the source."""
    people = residents(300, 7)
    site.write(people)
    source = ParquetSource(path="residents.parquet")
    gateway.client("holder").register("residents", source, title="Residents")
    gateway.activate(POLICY)
    gateway.grant(COLUMNS, purpose="study")
    consumer = gateway.client("consumer")
    release = consumer.wait(consumer.request("residents", COLUMNS, "study"))
    return release, consumer.read(release), people


def approved(gateway, asked):
    gateway.client("officer").approve_reidentification(asked.name, "fits")
    return gateway.client("second-officer").approve_reidentification(asked.name, "fits")


def rows_of(site) -> bytes:
    engine = create_engine(site.url.replace("postgresql:", "postgresql+psycopg:"))
    names = inspect(engine).get_table_names()
    engine.dispose()
    assert {"reidentification", "reversal_digest", "remembered", "audit"} <= set(names)
    return b"\n".join(
        bytes(cell) if isinstance(cell, bytes | memoryview) else str(cell).encode()
        for name in names
        for row in site.select(f"SELECT * FROM {name}")  # noqa: S608 - the store's own names
        for cell in row
    )


@pytest.mark.parametrize(
    "store", ["site", pytest.param("postgres_site", marks=pytest.mark.postgres)]
)
def test_tokens_and_values_are_in_nothing_that_the_gateway_keeps_or_tells(store, request) -> None:
    site = request.getfixturevalue(store)
    site.configure(metrics_listen="127.0.0.1:0")
    key, told = X25519PrivateKey.generate(), []

    def refused(kind, reason, call):
        with pytest.raises(kind) as caught:
            call()
        assert caught.value.reason == reason, caught.value
        told.append(f"{caught.value.message} {dict(caught.value.metadata)}")
        told.extend(v.description for v in caught.value.violations)

    with site.running() as gateway:
        release, table, people = prepared(site, gateway)
        consumer, officer = gateway.client("consumer"), gateway.client("officer")
        tokens = table.column("resident_id").to_pylist()[:5]
        phones = [t for t in table.column("phone").to_pylist() if t is not None][:5]

        def ask(listed, column="resident_id", who=consumer, **changed):
            named = {"basis": "consent", **CASE, **changed}
            return who.request_reidentification(release.name, column, listed, key=key, **named)

        asked = ask(tokens)
        refused(GatewayError, "INVALID_TRANSITION",
                lambda: consumer.answer_reidentification(asked, tokens, key))  # fmt: skip
        officer.approve_reidentification(asked, "fits")
        second = gateway.client("second-officer")
        refused(Conflict, "ETAG_MISMATCH", lambda: second.approve_reidentification(asked, "fits"))
        refused(FailedPrecondition, "APPROVAL_NOT_WANTED",
                lambda: officer.approve_reidentification(asked.name, "again"))  # fmt: skip
        assert plain(second.approve_reidentification(asked.name, "fits"))["state"] == "approved"
        refused(InvalidRequest, "INVALID_REQUEST",
                lambda: consumer.answer_reidentification(asked, [*tokens, "x"], key))  # fmt: skip
        holder = gateway.client("holder")
        refused(NotFound, "NOT_FOUND",
                lambda: holder.answer_reidentification(asked, tokens, key))  # fmt: skip
        answer = consumer.answer_reidentification(asked, tokens, key)
        values = answer.column("value").to_pylist()
        assert set(values) <= set(people.column("resident_id").to_pylist())
        assert consumer.answer_reidentification(asked, tokens[::-1], key).num_rows == 5
        refused(InvalidRequest, "INVALID_REQUEST",
                lambda: consumer.answer_reidentification(asked, tokens[:4], key))  # fmt: skip
        refused(FailedPrecondition, "INVALID_TRANSITION",
                lambda: consumer.answer_reidentification(
                    asked, tokens, key, request_id="another-try"))  # fmt: skip

        # Format-preserving tokens too; wrong ones have no value, whatever is wrong with them.
        wrong = ["13800138000", "139", "号码"]
        by_phone = approved(gateway, ask([*phones, *wrong], "phone"))
        numbers = dict(
            zip(*(consumer.answer_reidentification(by_phone, [*phones, *wrong], key)
                  .column(name).to_pylist() for name in ("token", "value")), strict=True)
        )  # fmt: skip
        assert {numbers.pop(token) for token in wrong} == {None}
        assert set(numbers.values()) <= set(people.column("phone").to_pylist())

        # Bad input, of which nothing is said again.
        refused(FailedPrecondition, "IRREVERSIBLE", lambda: ask(tokens, "bank_card"))
        refused(InvalidRequest, "INVALID_REQUEST", lambda: ask(tokens, "no_such"))
        refused(InvalidRequest, "INVALID_REQUEST", lambda: ask([]))
        refused(InvalidRequest, "INVALID_REQUEST", lambda: ask([*tokens, tokens[0]]))
        refused(InvalidRequest, "INVALID_REQUEST", lambda: ask(["", "a" * 4001]))
        refused(
            InvalidRequest, "INVALID_REQUEST", lambda: ask(tokens, reason=f"who is {tokens[0]}")
        )
        refused(InvalidRequest, "INVALID_REQUEST", lambda: ask([f"t{n}" for n in range(101)]))
        refused(InvalidRequest, "INVALID_REQUEST", lambda: ask(tokens, basis="curiosity"))
        refused(InvalidRequest, "INVALID_REQUEST", lambda: ask(tokens, reason=""))
        for entity in ("CN_RESIDENT_ID", "NONSENSE"):  # the column is no free text; no entity
            refused(InvalidRequest, "INVALID_REQUEST", lambda e=entity: ask(tokens, entity=e))
        refused(PermissionDenied, "ROLE_NOT_ALLOWED", lambda: ask(tokens, who=officer))
        refused(PermissionDenied, "ROLE_NOT_ALLOWED",
                lambda: consumer.approve_reidentification(asked, "mine"))  # fmt: skip
        refused(PermissionDenied, "ROLE_NOT_ALLOWED",
                lambda: list(consumer.reidentifications_of_person("resident_id", values[0])))  # fmt: skip
        low_order = reidentification_pb2.RequestReidentificationRequest(
            request_id="low-order-key",
            case=reidentification_pb2.ReidentificationCase(
                release=release.name, column="resident_id", basis=1, reason="r", case_number="c",
                recipient_key=bytes(32),
            ),
            tokens=tokens,
        )  # fmt: skip
        for key_bytes in (bytes(32), b"short"):
            low_order.case.recipient_key = key_bytes
            with pytest.raises(grpc.RpcError) as caught:
                consumer._reidentification.RequestReidentification(low_order)
            assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT

        # The person concerned asks.
        auditor = gateway.client("auditor")
        assert [r.name for r in auditor.reidentifications_of_person("resident_id", values[0])] == [
            asked.name
        ]
        (found,) = auditor.reidentifications_of_token(release.name, "resident_id", tokens[0])
        assert plain(found)["notice"] == "due"
        assert plain(consumer.record_notice(asked.name, "by letter"))["notice"] == "given"
        told += [str(found) for found in auditor.reidentifications()]

        hundred = [f"token-{number}" for number in range(100)]
        for _ in range(4):
            ask(hundred)
        refused(QuotaExhausted, "TOKEN_QUOTA_EXHAUSTED", lambda: ask(hundred))
        counted = urllib.request.urlopen(f"http://{gateway.metrics}/metrics").read()
        log = [entry.canonical_json for entry in auditor.audit_entries()]

    secrets = {text.encode() for text in (*tokens, *values, *numbers, *numbers.values())}
    places = {
        "metrics": counted,
        "answers": "\n".join(told).encode(),
        "audit": "\n".join(log).encode(),
        "rows": rows_of(site),
    }
    assert asked.name.encode() in places["audit"]
    for what, content in places.items():
        assert not [secret for secret in secrets if secret in content], what
    for secret in secrets:
        assert not site.files_with(secret)


def test_the_command_line_goes_the_whole_way(site, tmp_path: Path) -> None:
    with site.running() as gateway:
        release, table, people = prepared(site, gateway)
        (tmp_path / "tokens.txt").write_text("\n".join(table["resident_id"].to_pylist()[:3]))

        def run(*words: str, given: str = "", code: int = 0) -> str:
            done = subprocess.run(
                [sys.executable, "-m", "gateway", "reidentify", *words],
                check=False,
                cwd=tmp_path,
                env={**os.environ, "PYTHONPATH": str(ROOT)},
                input=given,
                capture_output=True,
                text=True,
            )
            assert done.returncode == code, done.stderr
            return done.stdout + done.stderr

        profiles = {}
        for party in ("consumer", "officer", "second-officer", "auditor"):
            file = site.folder / "clients" / party / "profile.yaml"
            here = file.with_name("here.yaml")
            here.write_text(
                "\n".join(
                    f"address: {gateway.address}" if line.startswith("address:") else line
                    for line in file.read_text().splitlines()
                )
            )
            profiles[party] = here

        def as_(party: str) -> tuple[str, str]:
            return "--profile", str(profiles[party])

        stated = ("--basis", "consent", "--reason", "asked for", "--case", "7")
        asking = ("request", release.name, "resident_id", "--tokens", "tokens.txt", *stated)
        asked = run(*asking, "--key", "answer.key", *as_("consumer"))
        assert "requested" in asked
        assert (tmp_path / "answer.key").stat().st_mode & 0o777 == 0o600
        name = run("list", "--names", "--state", "requested", *as_("officer")).strip()
        run("approve", name, "--reason", "fits", *as_("officer"))
        fetching = ("answer", name, "--tokens", "-", "--key", "answer.key", "-o", "values.csv")
        given = (tmp_path / "tokens.txt").read_text()
        assert "cannot become answered" in run(*fetching, *as_("consumer"), given=given, code=1)
        assert not (tmp_path / "values.csv").exists()
        assert "approved" in run("approve", name, "--reason", "fits", *as_("second-officer"))
        assert "3 values in values.csv" in run(*fetching, *as_("consumer"), given=given)
        assert (tmp_path / "values.csv").stat().st_mode & 0o777 == 0o600
        values = csv.read_csv(tmp_path / "values.csv").column("value").to_pylist()
        assert set(map(str, values)) <= set(people.column("resident_id").to_pylist())
        assert "not overwritten" in run(*fetching, *as_("consumer"), given=given, code=2)
        deferring = ("notice", name, "--reason", "an inquiry runs", "--defer-days", "30")
        assert "only an officer" in run(*deferring, *as_("consumer"), code=4)
        assert "deferred" in run(*deferring, *as_("officer"))
        found = run("find", "resident_id", "-", *as_("auditor"), given=str(values[0]))
        assert name.removeprefix("reidentifications/") in found
        by_token = ("find", "resident_id", "tokens.txt", "--release", release.name)
        assert "holds one value" in run(*by_token, *as_("auditor"), code=2)
        shown = run("show", name, *as_("auditor"))
        assert not [value for value in values if str(value) in shown]


def test_a_key_file_that_is_open_or_of_another_kind_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "answer.key"
    made = answer_key(file)
    assert answer_key(file).private_bytes_raw() == made.private_bytes_raw()
    file.chmod(0o644)
    with pytest.raises(ConfigurationError, match="open to others"):
        answer_key(file)
    file.write_text("no key")
    file.chmod(0o600)
    with pytest.raises(ConfigurationError, match="no X25519 private key"):
        answer_key(file)
