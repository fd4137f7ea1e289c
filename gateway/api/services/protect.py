"""ProtectService."""

from collections.abc import Iterator, Sequence
from contextlib import closing

from gateway.api.arrow_feed import record_reader
from gateway.api.bridges import Inbox
from gateway.api.call import Call
from gateway.api.convert import catalog as convert_catalog
from gateway.api.convert.extracts import decision_to_proto, policy_ref_to_proto
from gateway.api.convert.shape import Shape, caller_at_fault
from gateway.api.pb import protect_pb2
from gateway.errors import InvalidRequest
from gateway.model.names import ENTITIES, RecipientKind
from gateway.release.protecting import ProtectionUnderPolicy
from gateway.release.texts import ProtectedPiece, TextProtection, TextStream, TextsUnderPolicy

_MOST_TEXTS = 1000
_LONGEST_TEXT = 100_000
_MOST_CHARACTERS = 262_144
_MOST_COLUMNS = 1000
_PIECES_BACK = 100
_AT_A_TIME = 32_768
"""Characters that are searched before it is looked whether somebody still waits."""


class ProtectRpcs:
    """Protection of what the caller sends."""

    def __init__(self, protection: ProtectionUnderPolicy, texts: TextsUnderPolicy) -> None:
        self._protection = protection
        self._texts = texts

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
        _check_texts(shape, "texts", request.texts)
        protection = self._opened(call, shape, request.rules)
        answer = protect_pb2.ProtectTextsResponse(applied=_applied(protection))
        for group in _groups(request.texts, _AT_A_TIME):
            call.check()
            pieces = TextStream(protection).add((text, False) for text in group)
            answer.texts.extend(_protected(piece) for piece in pieces)
        return answer

    def protect_documents(
        self, call: Call, inbox: Inbox
    ) -> Iterator[protect_pb2.ProtectDocumentsResponse]:
        """One message of pieces is taken at a time, and the next one is read meanwhile."""
        first = next(inbox, None)
        if not isinstance(first, protect_pb2.ProtectDocumentsRequest) or not first.HasField(
            "rules"
        ):
            raise InvalidRequest.of("rules", "required: the first message is the rules")
        protection = self._opened(call, Shape(), first.rules)
        stream = TextStream(protection)
        yield protect_pb2.ProtectDocumentsResponse(applied=_applied(protection))
        for message in inbox:
            if not isinstance(message, protect_pb2.ProtectDocumentsRequest) or not message.HasField(
                "pieces"
            ):
                raise InvalidRequest.of("pieces", "required: only the first message has rules")
            pieces, shape = message.pieces.pieces, Shape()
            _check_texts(shape, "pieces.pieces", [piece.text for piece in pieces])
            shape.done()
            call.check()
            done = stream.add((piece.text, piece.more) for piece in pieces)
            for start in range(0, len(done), _PIECES_BACK):
                texts = [_protected(piece) for piece in done[start : start + _PIECES_BACK]]
                answer = protect_pb2.ProtectedTexts(texts=texts)
                yield protect_pb2.ProtectDocumentsResponse(texts=answer)
        stream.finish()

    def _opened(self, call: Call, shape: Shape, rules: protect_pb2.TextRules) -> TextProtection:
        for number, entity in enumerate(rules.entities):
            if entity not in ENTITIES:
                shape.fault(f"rules.entities[{number}]", "not an entity of the vocabulary")
        if not rules.policy:
            for name in ("purpose", "recipient_kind"):
                if getattr(rules, name):
                    shape.fault(f"rules.{name}", "only with a policy")
            shape.done()
            return self._texts.by_default(rules.entities)
        policy = shape.name("rules.policy", rules.policy, "policies")
        shape.text("rules.purpose", rules.purpose, 200, least=1)
        kind = shape.worded("rules.recipient_kind", rules.recipient_kind, RecipientKind)
        if rules.entities:
            shape.fault("rules.entities", "only without a policy, which decides for all")
        kind = shape.made(kind)
        call.resource = policy
        with caller_at_fault("rules"):
            protection = self._texts.by_policy(call.party, policy, rules.purpose, kind)
        call.writes_entry = True
        return protection


def _check_texts(shape: Shape, at: str, texts: Sequence[str]) -> None:
    if not 1 <= len(texts) <= _MOST_TEXTS:
        shape.fault(at, f"1 to {_MOST_TEXTS}")
    for number, text in enumerate(texts):
        shape.text(f"{at}[{number}]", text, _LONGEST_TEXT)
    if sum(map(len, texts)) > _MOST_CHARACTERS:
        shape.fault(
            at, f"at most {_MOST_CHARACTERS:,} characters in all; send several messages of them"
        )


def _groups(texts: Sequence[str], characters: int) -> Iterator[list[str]]:
    group: list[str] = []
    size = 0
    for text in texts:
        if group and size + len(text) > characters:
            yield group
            group, size = [], 0
        group.append(text)
        size += len(text)
    yield group


def _protected(piece: ProtectedPiece) -> protect_pb2.ProtectedText:
    return protect_pb2.ProtectedText(text=piece.text, entities=piece.found, more=piece.more)


def _applied(protection: TextProtection) -> protect_pb2.TextRulesApplied:
    decision, plan = protection.decision, protection.plan
    return protect_pb2.TextRulesApplied(
        transform_json=protection.spec.canonical().decode(),
        policies=[policy_ref_to_proto(ref) for ref in decision.policies] if decision else [],
        plan_digest=plan.digest() if plan else "",
    )
