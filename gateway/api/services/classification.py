"""ClassificationService."""

from gateway.api.call import Call
from gateway.api.convert import catalog as convert
from gateway.api.convert.keys import check_request_id, revision
from gateway.api.convert.shape import Shape, caller_at_fault
from gateway.api.convert.words import COLUMN_ROLES
from gateway.api.pb import catalog_pb2, classification_pb2
from gateway.model.grades import Grade
from gateway.model.names import ENTITIES
from gateway.registry.catalog import Catalog


class ClassificationRpcs:
    """What columns are."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    def classify_data_set(
        self, call: Call, request: classification_pb2.ClassifyDataSetRequest
    ) -> catalog_pb2.DataSet:
        shape = Shape()
        check_request_id(shape, request.request_id)
        name = shape.name("name", request.name, "datasets")
        shape.done()
        dataset = self._catalog.classify(call.party, name, call.key(request))
        return convert.to_proto(dataset, call.party)

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
        return convert.to_proto(dataset, call.party)
