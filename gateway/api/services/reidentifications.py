"""ReidentificationService."""

from collections.abc import Sequence
from copy import deepcopy

from gateway.api.call import Call
from gateway.api.convert import reidentifications as convert
from gateway.api.convert.keys import check_request_id, revision
from gateway.api.convert.pages import Pages
from gateway.api.convert.shape import Shape, caller_at_fault
from gateway.api.convert.words import NOTICE_STATES, REIDENTIFICATION_STATES
from gateway.api.pb import reidentification_pb2 as pb
from gateway.model.access import Verdict
from gateway.model.reidentification import (
    ANSWER_SUITE,
    LONGEST_TOKEN,
    NoticeState,
    Reidentification,
)
from gateway.model.requests import RequestKey
from gateway.ports import Clock, Page
from gateway.registry.reidentifications import Reidentifications
from gateway.release.reidentifying import Reidentifying


class ReidentificationRpcs:
    """Taking tokens back under dual control."""

    def __init__(
        self,
        reidentifications: Reidentifications,
        reidentifying: Reidentifying,
        pages: Pages,
        clock: Clock,
    ) -> None:
        self._reidentifications = reidentifications
        self._reidentifying = reidentifying
        self._pages = pages
        self._clock = clock

    def request_reidentification(
        self, call: Call, request: pb.RequestReidentificationRequest
    ) -> pb.Reidentification:
        shape = Shape()
        check_request_id(shape, request.request_id)
        shape.present("case", request)
        case = convert.case_from_proto(shape, request.case)
        tokens = convert.tokens_from_proto(shape, request.tokens)
        case = shape.made(case)
        with caller_at_fault(""):
            asked = self._reidentifications.request(
                call.party, case, tokens, self._key(call, request)
            )
        return self._seen(asked)

    def approve_reidentification(
        self, call: Call, request: pb.ApproveReidentificationRequest
    ) -> pb.Reidentification:
        return self._decide(call, request, Verdict.APPROVED)

    def refuse_reidentification(
        self, call: Call, request: pb.RefuseReidentificationRequest
    ) -> pb.Reidentification:
        return self._decide(call, request, Verdict.REFUSED)

    def answer_reidentification(
        self, call: Call, request: pb.AnswerReidentificationRequest
    ) -> pb.AnswerReidentificationResponse:
        shape = Shape()
        check_request_id(shape, request.request_id)
        name = shape.name("name", request.name, "reidentifications")
        tokens = convert.tokens_from_proto(shape, request.tokens)
        shape.done()
        answer = self._reidentifying.answer(call.party, name, tokens, self._key(call, request))
        return pb.AnswerReidentificationResponse(
            reidentification=self._seen(answer.reidentification),
            sealed=answer.sealed,
            suite=ANSWER_SUITE,
        )

    def record_notice(self, call: Call, request: pb.RecordNoticeRequest) -> pb.Reidentification:
        shape = Shape()
        check_request_id(shape, request.request_id)
        name = shape.name("name", request.name, "reidentifications")
        seen = revision(shape, "etag", request.etag)
        state = shape.coded("state", request.state, NOTICE_STATES)
        reason = shape.text("reason", request.reason, 4000, least=1)
        until = shape.moment("until", request.until) if request.HasField("until") else None
        if (until is not None) != (state is NoticeState.DEFERRED):
            shape.fault("until", "given exactly for a deferral")
        shape.done()
        with caller_at_fault(""):
            told = self._reidentifications.tell(
                call.party,
                name,
                state or NoticeState.GIVEN,
                reason,
                until,
                seen,
                call.key(request),
            )
        return self._seen(told)

    def get_reidentification(
        self, call: Call, request: pb.GetReidentificationRequest
    ) -> pb.Reidentification:
        shape = Shape()
        name = shape.name("name", request.name, "reidentifications")
        shape.done()
        return self._seen(self._reidentifications.get(call.party, name))

    def list_reidentifications(
        self, call: Call, request: pb.ListReidentificationsRequest
    ) -> pb.ListReidentificationsResponse:
        shape = Shape()
        page = self._pages.page(shape, call, request, usual=50, most=500)
        state = shape.optional_coded("state", request.state, REIDENTIFICATION_STATES)
        shape.done()
        found = self._reidentifications.all(call.party, page, state)
        return self._listed(call, request, page, found)

    def find_reidentifications(
        self, call: Call, request: pb.FindReidentificationsRequest
    ) -> pb.ListReidentificationsResponse:
        shape = Shape()
        page = self._pages.page(shape, call, request, usual=50, most=500)
        if request.HasField("token"):
            asked = request.token
            release = shape.name("token.release", asked.release, "releases")
            column = shape.text("token.column", asked.column, 200, least=1)
            token = shape.text("token.token", asked.token, LONGEST_TOKEN, least=1)
            shape.done()
            with caller_at_fault("token"):
                found = self._reidentifications.about_token(
                    call.party, page, release, column, token, asked.entity or None
                )
        else:
            if not request.HasField("person"):
                shape.fault("about", "required: a token, or a person's value")
            column = shape.text("person.column", request.person.column, 200, least=1)
            value = shape.text("person.value", request.person.value, LONGEST_TOKEN, least=1)
            shape.done()
            found = self._reidentifications.about_person(call.party, page, column, value)
        call.writes_entry = True
        return self._listed(call, request, page, found)

    def _decide(
        self,
        call: Call,
        request: pb.ApproveReidentificationRequest | pb.RefuseReidentificationRequest,
        verdict: Verdict,
    ) -> pb.Reidentification:
        shape = Shape()
        check_request_id(shape, request.request_id)
        name = shape.name("name", request.name, "reidentifications")
        seen = revision(shape, "etag", request.etag)
        reason = shape.text("reason", request.reason, 4000, least=1)
        shape.done()
        with caller_at_fault(""):
            decided = self._reidentifications.decide(
                call.party, name, verdict, reason, seen, call.key(request)
            )
        return self._seen(decided)

    def _key(
        self,
        call: Call,
        request: pb.RequestReidentificationRequest | pb.AnswerReidentificationRequest,
    ) -> RequestKey:
        """The key of a command without the tokens in it: it is kept, and a digest that anybody can
        compute would tell a guessed token. The use cases look whether they are the same."""
        blind = deepcopy(request)
        del blind.tokens[:]
        return call.key(blind)

    def _listed(
        self,
        call: Call,
        request: pb.ListReidentificationsRequest | pb.FindReidentificationsRequest,
        page: Page,
        found: Sequence[Reidentification],
    ) -> pb.ListReidentificationsResponse:
        messages, token = self._pages.fill(
            call, request, page, found, lambda asked: asked.name, self._seen
        )
        return pb.ListReidentificationsResponse(reidentifications=messages, next_page_token=token)

    def _seen(self, asked: Reidentification) -> pb.Reidentification:
        return convert.to_proto(asked, self._clock.now())
