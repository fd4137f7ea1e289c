"""Data sets, seen from outside: find, register, describe, classify, push."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from threading import Event
from typing import Any, Final

import grpc
import pyarrow as pa
from google.protobuf.field_mask_pb2 import FieldMask

from gateway.api.pb import (
    catalog_pb2,
    catalog_pb2_grpc,
    classification_pb2,
    classification_pb2_grpc,
)
from gateway.client.failures import ClassificationFailed
from gateway.client.forms import column_message, full_name, moment, role_number, source_message
from gateway.client.link import ATTEMPTS, STREAM_SECONDS, Calls, Link, new_request_id
from gateway.client.streams import pieces
from gateway.errors import InvalidRequest
from gateway.model.catalog import Column, SourceRef

DESCRIPTIONS: Final = (
    "title",
    "description",
    "steward",
    "licence",
    "legal_basis",
    "retention_days",
    "update_cycle",
    "keywords",
    "privacy_unit",
    "contributions",
)
"""What a holder says of a data set, besides its columns."""

ClassificationProgress = Callable[[catalog_pb2.Classification], object]
_UNDER_WAY: Final = (
    catalog_pb2.CLASSIFICATION_STATE_PENDING,
    catalog_pb2.CLASSIFICATION_STATE_RUNNING,
)

# Registering opens the source and counts its rows.
_LOOKING_SECONDS: Final = 300.0


class CatalogCalls(Calls):
    """The catalogue's part of the client. Names may be given short: ``residents``."""

    def __init__(self, link: Link) -> None:
        super().__init__(link)
        self._catalog = catalog_pb2_grpc.CatalogServiceStub(link.channel)
        self._classification = classification_pb2_grpc.ClassificationServiceStub(link.channel)

    # ---- looking --------------------------------------------------------------------------------

    def search(self, text: str = "") -> Iterator[catalog_pb2.DataSet]:
        """Data sets that the caller may see, in whose name, title, description, keywords or
        columns the text is found."""
        request = catalog_pb2.ListDataSetsRequest(query=text)
        return self._link.pages(self._catalog.ListDataSets, request, "datasets")

    def dataset(self, name: str) -> catalog_pb2.DataSet:
        """One data set with its columns."""
        request = catalog_pb2.GetDataSetRequest(name=full_name("datasets", name))
        return self._link.call(self._catalog.GetDataSet, request)

    # ---- registering and describing -------------------------------------------------------------

    def register(
        self,
        name: str,
        source: SourceRef,
        *,
        columns: Sequence[Column] = (),
        wait: bool = True,
        progress: ClassificationProgress = lambda _: None,
        **described: Any,
    ) -> catalog_pb2.DataSet:
        """Register a data set where it lives, and wait until it is classified; ``progress`` is
        told how far that is. ClassificationFailed says why it could not be, and what to do: the
        data set is registered then. Without ``wait``, returns at once: no column has a verdict
        yet, and nothing can be released from it.

        ``described``: title (required), description, steward, licence, legal_basis,
        retention_days, update_cycle, keywords, privacy_unit, contributions (a mapping of groups,
        rows, one_row_per_person). ``columns``: what is known of some
        of them; of a pushed data set, all of them with their types.
        """
        request = catalog_pb2.RegisterDataSetRequest(
            dataset_id=name.removeprefix("datasets/"),
            dataset=catalog_pb2.DataSet(
                source=source_message(source),
                columns=[column_message(column) for column in columns],
                **_known(described),
            ),
        )
        registered = self._link.command(self._catalog.RegisterDataSet, request, _LOOKING_SECONDS)
        return self.classified(name, progress) if wait else registered

    def update(
        self, name: str, *, columns: Sequence[Column] | None = None, **described: Any
    ) -> catalog_pb2.DataSet:
        """Change what is said of one's own data set; what is not given stays. Conflict when
        somebody else changed it at the same moment."""
        fields = [*_known(described), *(["columns"] if columns is not None else [])]
        if not fields:
            raise InvalidRequest.of("update", "say what to change")
        now = self.dataset(name)
        changed = catalog_pb2.DataSet(
            name=now.name,
            etag=now.etag,
            columns=[column_message(column) for column in columns or ()],
            **described,
        )
        request = catalog_pb2.UpdateDataSetRequest(
            dataset=changed, update_mask=FieldMask(paths=fields)
        )
        return self._link.command(self._catalog.UpdateDataSet, request)

    def refresh(
        self,
        name: str,
        *,
        wait: bool = True,
        progress: ClassificationProgress = lambda _: None,
    ) -> catalog_pb2.DataSet:
        """Look at the source again, after it was changed on purpose; waits as ``register`` does."""
        request = catalog_pb2.RefreshDataSetRequest(name=full_name("datasets", name))
        seen = self._link.command(self._catalog.RefreshDataSet, request, _LOOKING_SECONDS)
        return self.classified(name, progress) if wait else seen

    def withdraw(self, name: str) -> catalog_pb2.DataSet:
        """Take a data set out of use."""
        request = catalog_pb2.WithdrawDataSetRequest(name=full_name("datasets", name))
        return self._link.command(self._catalog.WithdrawDataSet, request)

    # ---- classification -------------------------------------------------------------------------

    def classify(
        self,
        name: str,
        *,
        wait: bool = True,
        progress: ClassificationProgress = lambda _: None,
    ) -> catalog_pb2.DataSet:
        """Classify the columns again; what a person said of one stays. As an officer, also accept
        what the rules find milder than what held before. Waits as ``register`` does."""
        request = classification_pb2.ClassifyDataSetRequest(name=full_name("datasets", name))
        asked = self._link.command(self._classification.ClassifyDataSet, request)
        return self.classified(name, progress) if wait else asked

    def classified(
        self, name: str, progress: ClassificationProgress = lambda _: None
    ) -> catalog_pb2.DataSet:
        """The data set once its newest classification ended; ClassificationFailed if it failed."""
        now = catalog_pb2.Classification(state=catalog_pb2.CLASSIFICATION_STATE_DONE)
        for now in self.watch_classification(name):
            progress(now)
        if now.state == catalog_pb2.CLASSIFICATION_STATE_FAILED:
            raise ClassificationFailed(
                f"{name} could not be classified: {now.failure_text}",
                reason=now.failure_reason,
                dataset=full_name("datasets", name),
            )
        return self.dataset(name)

    def watch_classification(self, name: str) -> Iterator[catalog_pb2.Classification]:
        """The newest classification at every change until it ended, also over lost connections."""
        request = classification_pb2.WatchClassificationRequest(name=full_name("datasets", name))
        for answer in self._link.follow(
            self._classification.WatchClassification,
            request,
            lambda answer: answer.classification.state not in _UNDER_WAY,
        ):
            yield answer.classification

    def override(
        self,
        name: str,
        column: str,
        *,
        entity: str,
        grade: str,
        role: str,
        reason: str,
        until: datetime | None = None,
    ) -> catalog_pb2.DataSet:
        """An officer's verdict on one column, for good or until a moment; what the rules find then
        takes its place."""
        request = classification_pb2.OverrideVerdictRequest(
            dataset=full_name("datasets", name),
            column=column,
            entity=entity,
            grade=grade,
            role=role_number(role),  # type: ignore[arg-type]
            reason=reason,
            etag=self.dataset(name).etag,
            until=moment(until) if until is not None else None,
        )
        return self._link.command(self._classification.OverrideVerdict, request)

    # ---- pushed records -------------------------------------------------------------------------

    def push(
        self,
        name: str,
        records: pa.Table | pa.RecordBatchReader,
        *,
        wait: bool = True,
        progress: ClassificationProgress = lambda _: None,
    ) -> catalog_pb2.DataSet:
        """Replace the records of a pushed data set, as a whole or not at all; waits as
        ``register`` does.

        RecordsRejected names row and column of what does not fit. A table is sent again when
        the connection is lost; a reader can be read only once, so it is not.
        """
        header = catalog_pb2.PushRecordsHeader(
            request_id=new_request_id(), dataset=full_name("datasets", name)
        )

        def once() -> catalog_pb2.PushRecordsResponse:
            under_way = Event()
            broken: list[Exception] = []

            def messages() -> Iterator[catalog_pb2.PushRecordsRequest]:
                yield catalog_pb2.PushRecordsRequest(header=header)
                try:
                    for piece in pieces(records):
                        yield catalog_pb2.PushRecordsRequest(payload=piece)
                except Exception as error:  # noqa: BLE001 - raised by once, whatever it is
                    broken.append(error)
                    # Ended here, what was sent so far would pass for all there is.
                    under_way.wait()
                    call.cancel()

            call = self._catalog.PushRecords.future(messages(), timeout=STREAM_SECONDS)
            under_way.set()
            try:
                return call.result()
            except (grpc.RpcError, grpc.FutureCancelledError):
                if broken:
                    raise broken[0] from None
                raise

        attempts = ATTEMPTS if isinstance(records, pa.Table) else 1
        pushed = self._link.attempt(once, attempts).dataset
        return self.classified(name, progress) if wait else pushed


def _known(described: dict[str, Any]) -> dict[str, Any]:
    if unknown := sorted(set(described) - set(DESCRIPTIONS)):
        raise TypeError(f"a data set has no {', '.join(unknown)}")
    return described
