"""ClassificationService."""

from collections.abc import AsyncIterator, Awaitable, Callable

from gateway.api.call import Call
from gateway.api.convert import catalog as convert
from gateway.api.convert.keys import check_request_id, revision
from gateway.api.convert.shape import Shape, caller_at_fault
from gateway.api.convert.words import COLUMN_ROLES
from gateway.api.pb import catalog_pb2, classification_pb2
from gateway.api.watching import watched
from gateway.errors import FailedPrecondition
from gateway.model.catalog import DataSet
from gateway.model.classification import Classification
from gateway.model.grades import Grade
from gateway.model.names import ENTITIES
from gateway.registry.catalog import Catalog


class ClassificationRpcs:
    """What columns are. ``wake`` tells the workers that there is something to classify."""

    def __init__(self, catalog: Catalog, wake: Callable[[], None]) -> None:
        self._catalog = catalog
        self._wake = wake

    def classify_data_set(
        self, call: Call, request: classification_pb2.ClassifyDataSetRequest
    ) -> catalog_pb2.DataSet:
        shape = Shape()
        check_request_id(shape, request.request_id)
        name = shape.name("name", request.name, "datasets")
        shape.done()
        dataset = self._catalog.classify(call.party, name, call.key(request))
        self._wake()
        return self._seen(call, dataset)

    async def watch_classification(
        self,
        call: Call,
        request: classification_pb2.WatchClassificationRequest,
        in_thread: Callable[..., Awaitable[Classification]],
    ) -> AsyncIterator[classification_pb2.WatchClassificationResponse]:
        """Looks at the store, so that it does not matter which process classifies."""
        shape = Shape()
        name = shape.name("name", request.name, "datasets")
        shape.done()

        def look() -> Classification:
            call.check_identity()
            newest = self._catalog.classification(call.party, name)
            if newest is None:
                raise FailedPrecondition(f"{name} was never classified: gateway dataset classify")
            return newest

        async for newest in watched(lambda: in_thread(look), lambda c: not c.under_way):
            yield classification_pb2.WatchClassificationResponse(
                classification=convert.classification_to_proto(newest, inside=True)
            )

    def override_verdict(
        self, call: Call, request: classification_pb2.OverrideVerdictRequest
    ) -> catalog_pb2.DataSet:
        shape = Shape()
        check_request_id(shape, request.request_id)
        name = shape.name("dataset", request.dataset, "datasets")
        shape.text("column", request.column, 200, least=1)
        if request.entity not in ENTITIES:
            shape.fault("entity", "required: an entity of the gateway's vocabulary, or NONE")
        grade = shape.worded("grade", request.grade, Grade)
        role = shape.coded("role", request.role, COLUMN_ROLES)
        shape.text("reason", request.reason, 200, least=1)
        seen = revision(shape, "etag", request.etag)
        until = shape.moment("until", request.until) if request.HasField("until") else None
        grade, role = shape.made(grade), shape.made(role)
        with caller_at_fault(""):
            dataset = self._catalog.override(
                call.party,
                name,
                request.column,
                request.entity,
                grade,
                role,
                request.reason,
                seen,
                call.key(request),
                until,
            )
        return self._seen(call, dataset)

    def _seen(self, call: Call, dataset: DataSet) -> catalog_pb2.DataSet:
        newest = self._catalog.classification(call.party, dataset.name)
        affected = self._catalog.affected(call.party, dataset)
        return convert.to_proto(dataset, call.party, newest, affected)
