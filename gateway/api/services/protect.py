"""ProtectService."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing

from gateway.api.arrow_feed import record_reader
from gateway.api.bridges import Inbox
from gateway.api.call import Call
from gateway.api.convert import catalog as convert_catalog
from gateway.api.convert.extracts import decision_to_proto
from gateway.api.convert.shape import Shape, caller_at_fault
from gateway.api.pb import protect_pb2
from gateway.errors import InvalidRequest
from gateway.model.names import ENTITIES, RecipientKind
from gateway.release.protecting import ProtectionUnderPolicy

Redact = Callable[
    [Sequence[str], Sequence[str], Callable[[], None]], Sequence[tuple[str, Sequence[str]]]
]
"""Texts and the entities to look for (none: all) to protected texts with what was found in each;
the third argument is called before each text and raises when nobody waits any more."""

_MOST_TEXTS = 1000
_LONGEST_TEXT = 100_000
_MOST_CHARACTERS = 262_144
_MOST_COLUMNS = 1000


class ProtectRpcs:
    """Protection of what the caller sends."""

    def __init__(self, protection: ProtectionUnderPolicy, redact: Redact) -> None:
        self._protection = protection
        self._redact = redact

    def protect_records(
        self, call: Call, inbox: Inbox
    ) -> Iterator[protect_pb2.ProtectRecordsResponse]:
        """All records are taken in before the first protected one leaves: checks on the output
        as a whole could otherwise come too late."""
        first = next(inbox, None)
        if not isinstance(first, protect_pb2.ProtectRecordsRequest) or not first.HasField("header"):
            raise InvalidRequest.of("header", "required: the first message is the header")
        header, shape = first.header, Shape()
        policy = shape.name("header.policy", header.policy, "policies")
        shape.text("header.purpose", header.purpose, 200, least=1)
        kind = shape.worded("header.recipient_kind", header.recipient_kind, RecipientKind)
        if len(header.columns) > _MOST_COLUMNS:
            shape.fault("header.columns", f"at most {_MOST_COLUMNS}")
        columns = convert_catalog.columns(shape, header.columns, "header.columns", typed=False)
        kind = shape.made(kind)
        call.resource = policy
        with record_reader(inbox) as records, caller_at_fault("payload"):
            protection = self._protection.records(
                call.party, policy, header.purpose, kind, columns, records
            )
        call.writes_entry = True
        with closing(protection.chunks) as chunks:
            decision = decision_to_proto(protection.decision)
            yield protect_pb2.ProtectRecordsResponse(decision=decision)
            for chunk in chunks:
                yield protect_pb2.ProtectRecordsResponse(payload=chunk.payload)

    def protect_texts(
        self, call: Call, request: protect_pb2.ProtectTextsRequest
    ) -> protect_pb2.ProtectTextsResponse:
        shape = Shape()
        if not 1 <= len(request.texts) <= _MOST_TEXTS:
            shape.fault("texts", f"1 to {_MOST_TEXTS}")
        for number, text in enumerate(request.texts):
            shape.text(f"texts[{number}]", text, _LONGEST_TEXT)
        if sum(map(len, request.texts)) > _MOST_CHARACTERS:
            shape.fault(
                "texts", f"at most {_MOST_CHARACTERS:,} characters in all; use several calls"
            )
        for number, entity in enumerate(request.entities):
            if entity not in ENTITIES:
                shape.fault(f"entities[{number}]", "not an entity of the gateway's vocabulary")
        shape.done()
        protected = self._redact(list(request.texts), list(request.entities), call.check)
        return protect_pb2.ProtectTextsResponse(
            texts=[
                protect_pb2.ProtectedText(text=text, entities=entities)
                for text, entities in protected
            ]
        )
