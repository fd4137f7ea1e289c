"""CatalogService."""

from collections.abc import Callable

from gateway.api.arrow_feed import record_reader
from gateway.api.bridges import Inbox
from gateway.api.call import Call
from gateway.api.convert import catalog as convert
from gateway.api.convert.keys import check_request_id, revision
from gateway.api.convert.pages import Pages
from gateway.api.convert.shape import Shape, caller_at_fault
from gateway.api.pb import catalog_pb2
from gateway.errors import InvalidRequest
from gateway.model.catalog import DataSet
from gateway.registry.catalog import Catalog


class CatalogRpcs:
    """Data sets. ``wake`` tells the workers that there is something to classify."""

    def __init__(self, catalog: Catalog, pages: Pages, wake: Callable[[], None]) -> None:
        self._catalog = catalog
        self._pages = pages
        self._wake = wake

    def register_data_set(
        self, call: Call, request: catalog_pb2.RegisterDataSetRequest
    ) -> catalog_pb2.DataSet:
        shape = Shape()
        check_request_id(shape, request.request_id)
        shape.present("dataset", request)
        draft = shape.made(convert.draft(shape, request.dataset_id, request.dataset, "dataset"))
        with caller_at_fault("dataset"):
            dataset = self._catalog.register(call.party, draft, call.key(request))
        self._wake()
        return self._seen(call, dataset)

    def update_data_set(
        self, call: Call, request: catalog_pb2.UpdateDataSetRequest
    ) -> catalog_pb2.DataSet:
        shape = Shape()
        check_request_id(shape, request.request_id)
        shape.present("dataset", request)
        name = shape.name("dataset.name", request.dataset.name, "datasets")
        seen = revision(shape, "dataset.etag", request.dataset.etag)
        changes = convert.changes(shape, request.dataset, list(request.update_mask.paths))
        shape.done()
        with caller_at_fault("dataset"):
            dataset = self._catalog.update(call.party, name, changes, seen, call.key(request))
        return self._seen(call, dataset)

    def refresh_data_set(
        self, call: Call, request: catalog_pb2.RefreshDataSetRequest
    ) -> catalog_pb2.DataSet:
        shape = Shape()
        check_request_id(shape, request.request_id)
        name = shape.name("name", request.name, "datasets")
        shape.done()
        with caller_at_fault("source"):
            dataset = self._catalog.refresh(call.party, name, call.key(request))
        self._wake()
        return self._seen(call, dataset)

    def withdraw_data_set(
        self, call: Call, request: catalog_pb2.WithdrawDataSetRequest
    ) -> catalog_pb2.DataSet:
        shape = Shape()
        check_request_id(shape, request.request_id)
        name = shape.name("name", request.name, "datasets")
        shape.done()
        dataset = self._catalog.withdraw(call.party, name, call.key(request))
        return self._seen(call, dataset)

    def get_data_set(
        self, call: Call, request: catalog_pb2.GetDataSetRequest
    ) -> catalog_pb2.DataSet:
        shape = Shape()
        name = shape.name("name", request.name, "datasets")
        shape.done()
        return self._seen(call, self._catalog.get(call.party, name))

    def list_data_sets(
        self, call: Call, request: catalog_pb2.ListDataSetsRequest
    ) -> catalog_pb2.ListDataSetsResponse:
        shape = Shape()
        page = self._pages.page(shape, call, request, usual=50, most=500)
        text = shape.text("query", request.query, 200)
        shape.done()

        found = self._catalog.search(call.party, page, text)
        newest = self._catalog.classifications(found)

        def seen(dataset: DataSet) -> catalog_pb2.DataSet:
            return convert.to_proto(dataset, call.party, newest.get(dataset.name))

        messages, token = self._pages.fill(call, request, page, found, lambda d: d.name, seen)
        return catalog_pb2.ListDataSetsResponse(datasets=messages, next_page_token=token)

    def push_records(self, call: Call, inbox: Inbox) -> catalog_pb2.PushRecordsResponse:
        first = next(inbox, None)
        if not isinstance(first, catalog_pb2.PushRecordsRequest) or not first.HasField("header"):
            raise InvalidRequest.of("header", "required: the first message is the header")
        header, shape = first.header, Shape()
        check_request_id(shape, header.request_id)
        name = shape.name("header.dataset", header.dataset, "datasets")
        shape.done()
        call.resource = name
        key = call.key(header)
        with record_reader(inbox) as records, caller_at_fault("payload"):
            dataset = self._catalog.push(call.party, name, records, key)
        self._wake()
        return catalog_pb2.PushRecordsResponse(dataset=self._seen(call, dataset))

    def _seen(self, call: Call, dataset: DataSet) -> catalog_pb2.DataSet:
        newest = self._catalog.classification(call.party, dataset.name)
        affected = self._catalog.affected(call.party, dataset)
        return convert.to_proto(dataset, call.party, newest, affected)
