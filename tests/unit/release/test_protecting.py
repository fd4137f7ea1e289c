"""Protected records do not outlive their one reading, however that ends."""

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from gateway.api.services import protect
from gateway.errors import StoreUnavailable
from gateway.model.names import RecipientKind
from gateway.ports import StagedChunk
from gateway.release import protecting as protecting_module
from gateway.release.protecting import Protection, ProtectionUnderPolicy, ReadOnce


class Kept:
    """Two staged chunks, and how often they were destroyed."""

    def __init__(self, fault: Exception | None = None) -> None:
        self.destroyed = 0
        self._fault = fault
        self.chunks = ReadOnce(self._staged(), self._destroy)

    def _staged(self) -> Iterator[StagedChunk]:
        yield StagedChunk(0, b"a", 1, last=False)
        if self._fault is not None:
            raise self._fault
        yield StagedChunk(1, b"b", 1, last=True)

    def _destroy(self) -> None:
        self.destroyed += 1


def test_closed_before_the_first_chunk() -> None:
    kept = Kept()
    kept.chunks.close()
    assert kept.destroyed == 1
    assert list(kept.chunks) == []


def test_closed_after_the_first_chunk() -> None:
    kept = Kept()
    next(kept.chunks)
    kept.chunks.close()
    assert kept.destroyed == 1
    assert list(kept.chunks) == []


def test_read_to_the_end() -> None:
    kept = Kept()
    assert [chunk.payload for chunk in kept.chunks] == [b"a", b"b"]
    assert kept.destroyed == 1


def test_a_fault_while_reading() -> None:
    kept = Kept(OSError())
    with pytest.raises(OSError):  # noqa: PT011 - whatever it is
        list(kept.chunks)
    assert kept.destroyed == 1


def test_an_entry_that_cannot_be_written(monkeypatch: pytest.MonkeyPatch) -> None:
    class Away:
        def write(self) -> None:
            raise StoreUnavailable("away")

    kept = Kept()
    decision: Any = SimpleNamespace(permitted=True, digest=lambda: "")
    protecting = SimpleNamespace(protect=lambda *_: Protection(decision, chunks=kept.chunks))
    monkeypatch.setattr(protecting_module, "active_policy", lambda *_: None)
    store, caller, clock = Away(), SimpleNamespace(name="parties/a"), SimpleNamespace()
    under: Any = ProtectionUnderPolicy(store, protecting, clock)  # type: ignore[arg-type]
    with pytest.raises(StoreUnavailable):
        under.records(caller, "policies/p", "x", RecipientKind.RESEARCH, (), None)
    assert kept.destroyed == 1


def test_a_caller_that_leaves_after_the_decision(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = Kept()
    monkeypatch.setattr(protect, "decision_to_proto", lambda _: None)
    decision: Any = None
    under: Any = SimpleNamespace(records=lambda *_: Protection(decision, chunks=kept.chunks))
    header = protect.protect_pb2.ProtectRecordsHeader(
        policy="policies/some-policy", purpose="x", recipient_kind="research"
    )
    inbox: Any = iter([protect.protect_pb2.ProtectRecordsRequest(header=header)])
    monkeypatch.setattr(protect, "record_reader", lambda _: protect.closing(Kept().chunks))
    call: Any = SimpleNamespace(party=None, resource="", writes_entry=False)
    answers: Any = protect.ProtectRpcs(under, under).protect_records(call, inbox)
    next(answers)
    answers.close()
    assert kept.destroyed == 1
