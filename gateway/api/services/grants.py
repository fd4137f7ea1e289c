"""GrantService."""

from gateway.api.call import Call
from gateway.api.convert import grants as convert
from gateway.api.convert.keys import check_request_id, revision
from gateway.api.convert.pages import Pages
from gateway.api.convert.shape import Shape, caller_at_fault
from gateway.api.convert.words import GRANT_STATES
from gateway.api.pb import grant_pb2
from gateway.model.access import Verdict
from gateway.registry.grants import Grants


class GrantRpcs:
    """Who may use what."""

    def __init__(self, grants: Grants, pages: Pages) -> None:
        self._grants = grants
        self._pages = pages

    def request_grant(self, call: Call, request: grant_pb2.RequestGrantRequest) -> grant_pb2.Grant:
        shape = Shape()
        check_request_id(shape, request.request_id)
        wish = convert.wish(shape, request)
        shape.text("justification", request.justification, 4000, least=1)
        begins, ends = convert.period(shape, request)
        wish, ends = shape.made(wish), shape.made(ends)
        with caller_at_fault(""):
            grant = self._grants.request(
                call.party, wish, request.justification, begins, ends, call.key(request)
            )
        return convert.to_proto(grant)

    def approve_grant(self, call: Call, request: grant_pb2.ApproveGrantRequest) -> grant_pb2.Grant:
        return self._answer(call, request, Verdict.APPROVED)

    def refuse_grant(self, call: Call, request: grant_pb2.RefuseGrantRequest) -> grant_pb2.Grant:
        return self._answer(call, request, Verdict.REFUSED)

    def revoke_grant(self, call: Call, request: grant_pb2.RevokeGrantRequest) -> grant_pb2.Grant:
        shape = Shape()
        check_request_id(shape, request.request_id)
        name = shape.name("name", request.name, "grants")
        reason = shape.text("reason", request.reason, 4000, least=1)
        shape.done()
        return convert.to_proto(self._grants.revoke(call.party, name, reason, call.key(request)))

    def get_grant(self, call: Call, request: grant_pb2.GetGrantRequest) -> grant_pb2.Grant:
        shape = Shape()
        name = shape.name("name", request.name, "grants")
        shape.done()
        return convert.to_proto(self._grants.get(call.party, name))

    def list_grants(
        self, call: Call, request: grant_pb2.ListGrantsRequest
    ) -> grant_pb2.ListGrantsResponse:
        shape = Shape()
        page = self._pages.page(shape, call, request, usual=50, most=500)
        if request.dataset:
            shape.name("dataset", request.dataset, "datasets")
        state = shape.optional_coded("state", request.state, GRANT_STATES)
        shape.done()
        found = self._grants.all(
            call.party, page, request.dataset or None, state, affected=request.affected
        )
        messages, token = self._pages.fill(
            call, request, page, found, lambda grant: grant.name, convert.to_proto
        )
        return grant_pb2.ListGrantsResponse(grants=messages, next_page_token=token)

    def _answer(
        self,
        call: Call,
        request: grant_pb2.ApproveGrantRequest | grant_pb2.RefuseGrantRequest,
        verdict: Verdict,
    ) -> grant_pb2.Grant:
        shape = Shape()
        check_request_id(shape, request.request_id)
        name = shape.name("name", request.name, "grants")
        seen = revision(shape, "etag", request.etag)
        reason = shape.text("reason", request.reason, 4000, least=1)
        shape.done()
        with caller_at_fault(""):
            grant = self._grants.answer(call.party, name, verdict, reason, seen, call.key(request))
        return convert.to_proto(grant)
