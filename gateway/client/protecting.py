"""Protection of one's own records and texts, which the gateway does not keep."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

import pyarrow as pa

from gateway.api.pb import protect_pb2, protect_pb2_grpc, types_pb2
from gateway.client.failures import DeniedRecords
from gateway.client.forms import column_message, full_name
from gateway.client.link import STREAM_SECONDS, Calls, Link
from gateway.client.streams import Batches, pieces
from gateway.errors import StagingCorrupt
from gateway.model.catalog import Column

_TEXTS_SECONDS: Final = 120.0
# What one message takes, see protect.proto.
_PIECE: Final = 100_000
_PIECES: Final = 1000
_CHARACTERS: Final = 200_000


class ProtectCalls(Calls):
    """The protection's part of the client."""

    def __init__(self, link: Link) -> None:
        super().__init__(link)
        self._protect = protect_pb2_grpc.ProtectServiceStub(link.channel)

    def protect(
        self,
        records: pa.Table | pa.RecordBatchReader,
        *,
        policy: str,
        purpose: str,
        recipient_kind: str,
        columns: Sequence[Column] = (),
    ) -> tuple[types_pb2.Decision, pa.Table]:
        """The decision, and the records as the active policy lets them be seen.

        ``columns`` is what is known of some of them; the others are classified. Raises
        DeniedRecords with the reasons.
        """
        header = protect_pb2.ProtectRecordsHeader(
            policy=full_name("policies", policy),
            purpose=purpose,
            recipient_kind=recipient_kind,
            columns=[column_message(column) for column in columns],
        )

        def messages() -> Iterator[protect_pb2.ProtectRecordsRequest]:
            yield protect_pb2.ProtectRecordsRequest(header=header)
            for piece in pieces(records):
                yield protect_pb2.ProtectRecordsRequest(payload=piece)

        answers = self._link.stream(self._protect.ProtectRecords, messages(), STREAM_SECONDS)
        first = next(answers, None)
        if first is None or not first.HasField("decision"):
            raise StagingCorrupt("the gateway's answer does not begin with its decision")
        decision: types_pb2.Decision = first.decision
        if decision.outcome in (types_pb2.OUTCOME_UNSPECIFIED, types_pb2.OUTCOME_DENIED):
            raise DeniedRecords(decision)
        batches = Batches(answer.payload for answer in answers)
        return decision, pa.Table.from_batches(list(batches), batches.schema)

    def protect_texts(
        self,
        texts: Sequence[str],
        entities: Sequence[str] = (),
        *,
        policy: str | None = None,
        purpose: str = "",
        recipient_kind: str = "",
    ) -> list[tuple[str, tuple[str, ...]]]:
        """Each text with its identifiers replaced, and which entities were found in it.

        Without a policy every find becomes ``<ENTITY>``, and ``entities`` names those to look for
        (none: all). With one, its rules about columns say what becomes of each entity.
        """
        rules = _rules(entities, policy, purpose, recipient_kind)
        request = protect_pb2.ProtectTextsRequest(texts=texts, rules=rules)
        answer = self._link.call(self._protect.ProtectTexts, request, _TEXTS_SECONDS)
        return [(protected.text, tuple(protected.entities)) for protected in answer.texts]

    def protect_documents(
        self,
        documents: Iterable[str],
        entities: Sequence[str] = (),
        *,
        policy: str | None = None,
        purpose: str = "",
        recipient_kind: str = "",
    ) -> Iterator[tuple[str, tuple[str, ...]]]:
        """As ``protect_texts`` for any number of texts of any length, in order, while they are
        taken: neither side holds more than a few of them, or a few pieces of a long one's text.
        """
        rules = _rules(entities, policy, purpose, recipient_kind)

        def messages() -> Iterator[protect_pb2.ProtectDocumentsRequest]:
            yield protect_pb2.ProtectDocumentsRequest(rules=rules)
            for message in _messages(documents):
                yield protect_pb2.ProtectDocumentsRequest(
                    pieces=protect_pb2.TextPieces(pieces=message)
                )

        answers = self._link.stream(self._protect.ProtectDocuments, messages(), STREAM_SECONDS)
        first = next(answers, None)
        if first is None or not first.HasField("applied"):
            raise StagingCorrupt("the gateway's answer does not begin with what it does")
        parts: list[str] = []
        found: list[str] = []
        for answer in answers:
            for piece in answer.texts.texts:
                parts.append(piece.text)
                found += piece.entities
                if not piece.more:
                    yield "".join(parts), tuple(found)
                    parts, found = [], []


def _rules(
    entities: Sequence[str], policy: str | None, purpose: str, recipient_kind: str
) -> protect_pb2.TextRules:
    return protect_pb2.TextRules(
        policy=full_name("policies", policy) if policy is not None else "",
        purpose=purpose,
        recipient_kind=recipient_kind,
        entities=entities,
    )


def _messages(documents: Iterable[str]) -> Iterator[list[protect_pb2.TextPiece]]:
    """The documents in pieces, as many at a time as one message takes."""
    message: list[protect_pb2.TextPiece] = []
    characters = 0
    for document in documents:
        for start in range(0, max(len(document), 1), _PIECE):
            text = document[start : start + _PIECE]
            if message and (characters + len(text) > _CHARACTERS or len(message) == _PIECES):
                yield message
                message, characters = [], 0
            more = start + _PIECE < len(document)
            message.append(protect_pb2.TextPiece(text=text, more=more))
            characters += len(text)
    if message:
        yield message
