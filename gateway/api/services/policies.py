"""PolicyService."""

from gateway.api.call import Call
from gateway.api.convert import policies as convert
from gateway.api.convert.extracts import decision_to_proto, request_from_proto
from gateway.api.convert.keys import check_request_id
from gateway.api.convert.pages import Pages
from gateway.api.convert.shape import Shape
from gateway.api.pb import policy_pb2
from gateway.registry.facts import policy_position
from gateway.registry.policies import Policies

_LONGEST_TEXT = 1 << 20


class PolicyRpcs:
    """Policies."""

    def __init__(self, policies: Policies, pages: Pages) -> None:
        self._policies = policies
        self._pages = pages

    def create_policy(
        self, call: Call, request: policy_pb2.CreatePolicyRequest
    ) -> policy_pb2.Policy:
        shape = Shape()
        check_request_id(shape, request.request_id)
        _check_text(shape, request.text)
        shape.done()
        stored = self._policies.create(call.party, request.text, call.key(request))
        call.resource = stored.name
        return convert.to_proto(stored)

    def activate_policy(
        self, call: Call, request: policy_pb2.ActivatePolicyRequest
    ) -> policy_pb2.Policy:
        name, version = _version(request)
        return convert.to_proto(
            self._policies.activate(call.party, name, version, call.key(request))
        )

    def retire_policy(
        self, call: Call, request: policy_pb2.RetirePolicyRequest
    ) -> policy_pb2.Policy:
        name, version = _version(request)
        return convert.to_proto(self._policies.retire(call.party, name, version, call.key(request)))

    def get_policy(self, call: Call, request: policy_pb2.GetPolicyRequest) -> policy_pb2.Policy:
        del call
        shape = Shape()
        name = shape.name("name", request.name, "policies")
        _check_version(shape, "version", request.version)
        shape.done()
        return convert.to_proto(self._policies.get(name, request.version or None))

    def list_policies(
        self, call: Call, request: policy_pb2.ListPoliciesRequest
    ) -> policy_pb2.ListPoliciesResponse:
        shape = Shape()
        page = self._pages.page(shape, call, request, usual=50, most=500)
        shape.done()
        found = self._policies.all(page)
        messages, token = self._pages.fill(
            call, request, page, found, policy_position, convert.listed
        )
        return policy_pb2.ListPoliciesResponse(policies=messages, next_page_token=token)

    def list_purposes(
        self, call: Call, request: policy_pb2.ListPurposesRequest
    ) -> policy_pb2.ListPurposesResponse:
        del call, request
        return policy_pb2.ListPurposesResponse(
            purposes=[
                policy_pb2.Purpose(name=name, description=description)
                for name, description in self._policies.purposes().items()
            ]
        )

    def lint_policy(
        self, call: Call, request: policy_pb2.LintPolicyRequest
    ) -> policy_pb2.LintPolicyResponse:
        del call
        shape = Shape()
        _check_text(shape, request.text)
        shape.done()
        findings = self._policies.lint(request.text)
        return policy_pb2.LintPolicyResponse(
            findings=[convert.finding_to_proto(finding) for finding in findings]
        )

    def explain_decision(
        self, call: Call, request: policy_pb2.ExplainDecisionRequest
    ) -> policy_pb2.ExplainDecisionResponse:
        del call
        shape = Shape()
        consumer = shape.name("consumer", request.consumer, "parties")
        shape.present("request", request)
        wish = request_from_proto(shape, request.request, "request")
        shape.text("text", request.text, _LONGEST_TEXT)
        wish = shape.made(wish)
        explanation = self._policies.explain(consumer, wish, request.text or None)
        return policy_pb2.ExplainDecisionResponse(
            decision=decision_to_proto(explanation.decision), lines=explanation.lines()
        )

    def diff_policy(
        self, call: Call, request: policy_pb2.DiffPolicyRequest
    ) -> policy_pb2.DiffPolicyResponse:
        del call
        shape = Shape()
        name = shape.name("name", request.name, "policies")
        _check_version(shape, "from_version", request.from_version)
        _check_version(shape, "to_version", request.to_version)
        if bool(request.to_version) == bool(request.text):
            shape.fault("to_version", "give either to_version or text")
        shape.text("text", request.text, _LONGEST_TEXT)
        shape.done()
        changes, compared = self._policies.diff(
            name, request.from_version or None, request.to_version or None, request.text or None
        )
        return policy_pb2.DiffPolicyResponse(
            changed=[convert.change_to_proto(change) for change in changes], compared=compared
        )


def _version(
    request: policy_pb2.ActivatePolicyRequest | policy_pb2.RetirePolicyRequest,
) -> tuple[str, int]:
    shape = Shape()
    check_request_id(shape, request.request_id)
    name = shape.name("name", request.name, "policies")
    if request.version < 1:
        shape.fault("version", "required: at least 1")
    shape.done()
    return name, request.version


def _check_version(shape: Shape, field: str, version: int) -> None:
    if version < 0:
        shape.fault(field, "at least 1, or 0 for none in particular")


def _check_text(shape: Shape, text: str) -> None:
    if not text or len(text.encode()) > _LONGEST_TEXT:
        shape.fault("text", "required: a policy in YAML, at most 1 MiB")
