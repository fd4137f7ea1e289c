"""Protection of one's own records and texts, which the gateway does not keep."""

from collections.abc import Iterator, Sequence
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
        self, texts: Sequence[str], entities: Sequence[str] = ()
    ) -> list[tuple[str, tuple[str, ...]]]:
        """Each text with its identifiers replaced, and which entities were found in it."""
        request = protect_pb2.ProtectTextsRequest(texts=texts, entities=entities)
        answer = self._link.call(self._protect.ProtectTexts, request, _TEXTS_SECONDS)
        return [(protected.text, tuple(protected.entities)) for protected in answer.texts]
