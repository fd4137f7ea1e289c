"""What calls look at again while they last, and what the log cannot take."""

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from structlog.testing import capture_logs

from gateway.api.auditing import CallLog
from gateway.api.call import Call
from gateway.api.identity import Peer
from gateway.api.limits import RateLimiter
from gateway.api.pb import protect_pb2, release_pb2
from gateway.api.roles import Method
from gateway.api.services.protect import ProtectRpcs
from gateway.api.services.releases import ReleaseRpcs
from gateway.app.texts import TextDesk
from gateway.errors import Cancelled, InvalidRequest, Unauthenticated
from gateway.ports import StagedChunk


def call_of(admit: Any = lambda _: None) -> Call:
    party: Any = SimpleNamespace(name="parties/consumer")
    return Call(Method.foreign("/a.B/C"), Peer(), lambda *_: False, admit, known=party)


def test_a_credential_that_expires_ends_the_reading() -> None:
    entries: list[str] = []
    chunks = [StagedChunk(n, b"x", 1, last=n == 2) for n in range(3)]
    custody = SimpleNamespace(
        read=lambda *_: (chunk for chunk in chunks),
        log_reading=lambda _p, _n, outcome, _o, end: entries.append(f"{outcome} {end}"),
    )
    looks = iter([None, Unauthenticated("expired", reason="TOKEN_EXPIRED")])

    def admit(_: Call) -> None:
        fault = next(looks)
        if fault is not None:
            raise fault

    rpcs: Any = ReleaseRpcs(None, custody, None, lambda: None, ("", ""))  # type: ignore[arg-type]
    request = release_pb2.ReadReleaseRequest(name="releases/some-release")
    reading = rpcs.read_release(call_of(admit), request)
    next(reading)
    next(reading)
    with pytest.raises(Unauthenticated):
        next(reading)
    assert entries == ["STARTED 0", "TOKEN_EXPIRED 1"]


def rpcs_of(redact: Any) -> ProtectRpcs:
    protection: Any = None
    return ProtectRpcs(protection, redact)


def test_texts_have_a_limit_in_all() -> None:
    rpcs = rpcs_of(lambda texts, _entities, _check: [(text, ()) for text in texts])
    most = ["字" * 100_000, "字" * 100_000, "字" * 62_144]
    within = protect_pb2.ProtectTextsRequest(texts=most)
    assert len(rpcs.protect_texts(call_of(), within).texts) == 3
    beyond = protect_pb2.ProtectTextsRequest(texts=[*most, "x"])
    with pytest.raises(InvalidRequest, match="262,144"):
        rpcs.protect_texts(call_of(), beyond)


def test_nobody_waits_for_the_second_text() -> None:
    call, desk, read = call_of(), TextDesk(), []

    def replaced(text: str, _: object) -> tuple[str, list[object]]:
        read.append(text)
        call.end()
        return text, []

    desk._protector = SimpleNamespace(replaced=replaced)  # type: ignore[assignment]
    with pytest.raises(Cancelled):
        rpcs_of(desk.redact).protect_texts(
            call, protect_pb2.ProtectTextsRequest(texts=["first", "second"])
        )
    assert read == ["first"]


def test_an_unforeseen_fault_of_the_log_says_no_more_than_its_type() -> None:
    def record(_: object) -> None:
        raise ValueError("a secret")

    log = CallLog(record, RateLimiter(1, lambda: datetime.now(UTC)))
    with capture_logs() as logs:
        log.ended(call_of(), "INTERNAL")
    assert [(entry["event"], entry["kind"]) for entry in logs] == [
        ("audit_entry_lost", "ValueError")
    ]
    assert "a secret" not in str(logs)
    with pytest.raises(ValueError, match="a secret"):
        log.succeeded(call_of())
