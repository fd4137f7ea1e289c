"""What calls look at again while they last, and what the log cannot take."""

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pyarrow as pa
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
from gateway.classify.text import SPANS
from gateway.errors import Cancelled, InvalidRequest, Unauthenticated
from gateway.ports import StagedChunk
from gateway.release.texts import ProtectingTexts, TextsUnderPolicy


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


class Plain:
    """Implements ports.TextFinder; finds nothing, and remembers what it read."""

    rules = "none"
    entities = ()

    def __init__(self, call: Call) -> None:
        self.read: list[str] = []
        self._call = call

    def find(self, texts: pa.Array, entities: object = None) -> pa.Array:
        del entities
        self.read += texts.to_pylist()
        self._call.end()
        return pa.array([[] for _ in texts], SPANS)

    def settled(self, entities: pa.Array) -> None:
        pass


def rpcs_of(finder: Any) -> ProtectRpcs:
    nothing: Any = None
    protecting = ProtectingTexts(finder, nothing, nothing, (), {}, {})
    return ProtectRpcs(nothing, TextsUnderPolicy(nothing, protecting, nothing))


def test_texts_have_a_limit_in_all() -> None:
    call = call_of()
    most = ["字" * 100_000, "字" * 100_000, "字" * 62_144]
    finder = Plain(call_of())
    within = protect_pb2.ProtectTextsRequest(texts=most)
    assert len(rpcs_of(finder).protect_texts(call, within).texts) == 3
    beyond = protect_pb2.ProtectTextsRequest(texts=[*most, "x"])
    with pytest.raises(InvalidRequest, match="262,144"):
        rpcs_of(finder).protect_texts(call, beyond)


def test_nobody_waits_for_the_second_text() -> None:
    call = call_of()
    finder, texts = Plain(call), ["字" * 30_000, "second" * 1000]
    with pytest.raises(Cancelled):
        rpcs_of(finder).protect_texts(call, protect_pb2.ProtectTextsRequest(texts=texts))
    assert finder.read == texts[:1]


def documents(*parts: object) -> Any:
    """The messages of a stream: rules first, then pieces."""
    rules = protect_pb2.TextRules()
    yield protect_pb2.ProtectDocumentsRequest(rules=rules)
    for pieces in parts:
        made = [protect_pb2.TextPiece(text=text, more=more) for text, more in pieces]  # type: ignore[attr-defined]
        yield protect_pb2.ProtectDocumentsRequest(pieces=protect_pb2.TextPieces(pieces=made))


def test_a_document_is_answered_before_all_of_it_was_read() -> None:
    """Memory does not grow with the document: what is complete leaves before more is taken."""
    taken = []

    def line_by_line() -> Any:
        for number, message in enumerate(documents(*([[("一行字。\n" * 9000, True)]] * 50))):
            taken.append(number)
            yield message

    answers = rpcs_of(Plain(call_of())).protect_documents(call_of(), line_by_line())
    assert next(answers).HasField("applied")
    for expected in range(1, 20):
        assert next(answers).texts.texts[0].more
        # A part is 100,000 characters at most, and a message here has 45,000.
        assert len(taken) <= 3 * expected + 1
    answers.close()


def test_a_document_that_breaks_off_is_told() -> None:
    pieces = documents([("a", False)], [("b", True)])
    with pytest.raises(InvalidRequest, match="to its end"):
        list(rpcs_of(Plain(call_of())).protect_documents(call_of(), pieces))


def test_nobody_waits_for_the_rest_of_the_documents() -> None:
    call = call_of()
    finder = Plain(call)
    answers = rpcs_of(finder).protect_documents(call, documents([("a", False)], [("b", False)]))
    with pytest.raises(Cancelled):
        list(answers)
    assert finder.read == ["a"]


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
