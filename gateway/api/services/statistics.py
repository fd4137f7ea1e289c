"""StatisticsService."""

import threading
from collections.abc import Iterator
from typing import Final

from gateway.api.call import Call
from gateway.api.convert import answers as convert
from gateway.api.convert import budgets as convert_budgets
from gateway.api.convert.keys import check_request_id, revision
from gateway.api.convert.pages import Pages
from gateway.api.convert.releases import chunk_bytes
from gateway.api.convert.shape import Shape, caller_at_fault
from gateway.api.convert.words import ANSWER_STATES, BUDGET_STATES
from gateway.api.limits import MESSAGE_OUT_BYTES
from gateway.api.pb import statistics_pb2
from gateway.errors import GatewayFault
from gateway.model.answers import COLLECTION as ANSWERS
from gateway.model.answers import AnswerRecord
from gateway.model.budgets import COLLECTION as BUDGETS
from gateway.model.catalog import Party
from gateway.model.lifecycle import AnswerState
from gateway.model.names import Role
from gateway.model.statistics import StatisticsRequest
from gateway.release.statistics import Statistics

_LARGEST_TABLE: Final = MESSAGE_OUT_BYTES // 2
"""Of a table that is sent with its answer; a larger one is read in chunks."""


_TRAININGS: Final = 1
"""Models that are trained at once in a process."""


class Busy(GatewayFault):
    """The gateway does as much of this as it does at once; nothing was changed."""

    code = "UNAVAILABLE"
    reason = "BUSY"


class StatisticsRpcs:
    """Questions with differential privacy, and the budgets that they are charged to."""

    def __init__(self, cases: Statistics, pages: Pages) -> None:
        self._asking = cases.asking
        self._answering = cases.answering
        self._custody = cases.answers
        self._budgets = cases.budgets
        self._pages = pages
        self._training = threading.BoundedSemaphore(_TRAININGS)

    # ---- questions --------------------------------------------------------------------------------

    def query(self, call: Call, request: statistics_pb2.QueryRequest) -> statistics_pb2.Answer:
        shape = Shape()
        if request.request_id or not request.validate_only:
            check_request_id(shape, request.request_id)
        return self._asked(call, request, shape.made(convert.request_from_proto(shape, request)))

    def fit_model(
        self, call: Call, request: statistics_pb2.FitModelRequest
    ) -> statistics_pb2.Answer:
        shape = Shape()
        if request.request_id or not request.validate_only:
            check_request_id(shape, request.request_id)
        wish = shape.made(convert.model_from_proto(shape, request))
        if request.validate_only:
            return self._asked(call, request, wish)
        # Before it is charged, and without a thread that waits: those are for all calls.
        if not self._training.acquire(blocking=False):
            raise Busy(
                "another model is being trained: nothing was charged; send it again in a moment"
            )
        try:
            return self._asked(call, request, wish)
        finally:
            self._training.release()

    def _asked(
        self,
        call: Call,
        request: statistics_pb2.QueryRequest | statistics_pb2.FitModelRequest,
        wish: StatisticsRequest,
    ) -> statistics_pb2.Answer:
        with caller_at_fault(""):
            if request.validate_only:
                preview = self._asking.preview(call.party, wish)
                return convert.preview_to_proto(preview, wish, call.party)
            settled = self._asking.ask(call.party, wish, call.key(request))
        record = self._answering.answer(settled.record, settled.owner)
        return self._given(call.party, record, reused=settled.reused)

    def get_answer(
        self, call: Call, request: statistics_pb2.GetAnswerRequest
    ) -> statistics_pb2.Answer:
        shape = Shape()
        name = shape.name("name", request.name, ANSWERS)
        shape.done()
        return self._given(call.party, self._custody.get(call.party, name))

    def read_answer(self, call: Call, request: statistics_pb2.ReadAnswerRequest) -> Iterator[bytes]:
        shape = Shape()
        name = shape.name("name", request.name, ANSWERS)
        if request.offset < 0:
            shape.fault("offset", "at least 0")
        shape.done()
        for chunk in self._custody.read(call.party, name, request.offset):
            call.check_identity()
            yield chunk_bytes(chunk)

    def list_answers(
        self, call: Call, request: statistics_pb2.ListAnswersRequest
    ) -> statistics_pb2.ListAnswersResponse:
        shape = Shape()
        page = self._pages.page(shape, call, request, usual=50, most=500)
        if request.dataset:
            shape.name("dataset", request.dataset, "datasets")
        state = shape.optional_coded("state", request.state, ANSWER_STATES)
        shape.done()

        def seen(record: AnswerRecord) -> statistics_pb2.Answer:
            return convert.to_proto(record, call.party, with_certificate=False)

        found = self._custody.all(call.party, page, request.dataset or None, state)
        messages, token = self._pages.fill(call, request, page, found, lambda r: r.name, seen)
        return statistics_pb2.ListAnswersResponse(answers=messages, next_page_token=token)

    def _given(
        self, caller: Party, record: AnswerRecord, *, reused: bool = False
    ) -> statistics_pb2.Answer:
        """The record, to who asked with its table, where that is not too large, and what is left."""
        own = caller.role is Role.CONSUMER
        sealed = record.sealed if own and record.state is AnswerState.SEALED else None
        table = b""
        if sealed is not None and sealed.stream_bytes <= _LARGEST_TABLE:
            chunks = self._custody.read(caller, record.name)
            table = b"".join(chunk.payload for chunk in chunks)
        left = self._budgets.left(record) if own else ()
        return convert.to_proto(record, caller, left=left, table=table, reused=reused)

    # ---- budgets ----------------------------------------------------------------------------------

    def get_budget(
        self, call: Call, request: statistics_pb2.GetBudgetRequest
    ) -> statistics_pb2.Budget:
        shape = Shape()
        name = shape.name("name", request.name, BUDGETS)
        shape.done()
        return convert_budgets.to_proto(self._budgets.get(call.party, name))

    def list_budgets(
        self, call: Call, request: statistics_pb2.ListBudgetsRequest
    ) -> statistics_pb2.ListBudgetsResponse:
        shape = Shape()
        page = self._pages.page(shape, call, request, usual=50, most=500)
        if request.dataset:
            shape.name("dataset", request.dataset, "datasets")
        state = shape.optional_coded("state", request.state, BUDGET_STATES)
        shape.done()
        found = self._budgets.all(call.party, page, request.dataset or None, state)
        messages, token = self._pages.fill(
            call, request, page, found, lambda view: view.budget.name, convert_budgets.to_proto
        )
        return statistics_pb2.ListBudgetsResponse(budgets=messages, next_page_token=token)

    def propose_budget(
        self, call: Call, request: statistics_pb2.ProposeBudgetRequest
    ) -> statistics_pb2.Budget:
        shape = Shape()
        check_request_id(shape, request.request_id)
        reason = shape.text("reason", request.reason, 4000, least=1)
        limits = convert_budgets.limits_from_proto(shape, request)
        scope = convert_budgets.scope_from_proto(shape, request)
        made = shape.made(scope), shape.made(limits)
        with caller_at_fault(""):
            view = self._budgets.propose(call.party, *made, reason, call.key(request))
        return convert_budgets.to_proto(view)

    def approve_budget(
        self, call: Call, request: statistics_pb2.ApproveBudgetRequest
    ) -> statistics_pb2.Budget:
        shape = Shape()
        check_request_id(shape, request.request_id)
        name = shape.name("name", request.name, BUDGETS)
        read = revision(shape, "etag", request.etag)
        shape.done()
        view = self._budgets.approve(call.party, name, read, call.key(request))
        return convert_budgets.to_proto(view)

    def withdraw_budget(
        self, call: Call, request: statistics_pb2.WithdrawBudgetRequest
    ) -> statistics_pb2.Budget:
        shape = Shape()
        check_request_id(shape, request.request_id)
        name = shape.name("name", request.name, BUDGETS)
        shape.done()
        view = self._budgets.withdraw(call.party, name, call.key(request))
        return convert_budgets.to_proto(view)
