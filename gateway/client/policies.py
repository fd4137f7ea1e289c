"""Policies, seen from outside: write, activate, try out."""

from collections.abc import Iterable, Iterator, Sequence

from gateway.api.pb import policy_pb2, policy_pb2_grpc
from gateway.client.forms import extract_message, full_name
from gateway.client.link import Calls, Link
from gateway.model.conditions import Condition


class PolicyCalls(Calls):
    """The policies' part of the client."""

    def __init__(self, link: Link) -> None:
        super().__init__(link)
        self._policies = policy_pb2_grpc.PolicyServiceStub(link.channel)

    def purposes(self) -> dict[str, str]:
        """The purposes that requests may name, each with its meaning."""
        answer = self._link.call(self._policies.ListPurposes, policy_pb2.ListPurposesRequest())
        return {purpose.name: purpose.description for purpose in answer.purposes}

    def policies(self) -> Iterator[policy_pb2.Policy]:
        """All versions of all policies, without their texts."""
        request = policy_pb2.ListPoliciesRequest()
        return self._link.pages(self._policies.ListPolicies, request, "policies")

    def policy(self, name: str, version: int = 0) -> policy_pb2.Policy:
        """One version with its text; 0 is the newest."""
        request = policy_pb2.GetPolicyRequest(name=full_name("policies", name), version=version)
        return self._link.call(self._policies.GetPolicy, request)

    def create_policy(self, text: str) -> policy_pb2.Policy:
        """Store a policy text as a draft. InvalidRequest names everything wrong with it."""
        request = policy_pb2.CreatePolicyRequest(text=text)
        return self._link.command(self._policies.CreatePolicy, request)

    def activate_policy(self, name: str, version: int) -> policy_pb2.Policy:
        """Put a draft in force; takes another officer than its author."""
        request = policy_pb2.ActivatePolicyRequest(
            name=full_name("policies", name), version=version
        )
        return self._link.command(self._policies.ActivatePolicy, request)

    def retire_policy(self, name: str, version: int) -> policy_pb2.Policy:
        """Take a version out of use."""
        request = policy_pb2.RetirePolicyRequest(name=full_name("policies", name), version=version)
        return self._link.command(self._policies.RetirePolicy, request)

    def lint_policy(self, text: str) -> Sequence[policy_pb2.LintFinding]:
        """What an officer would regret, against the catalogue as it is."""
        request = policy_pb2.LintPolicyRequest(text=text)
        return self._link.call(self._policies.LintPolicy, request).findings

    def explain(
        self,
        consumer: str,
        dataset: str,
        columns: Sequence[str],
        purpose: str,
        *,
        project: str | None = None,
        filters: Iterable[Condition | str] = (),
        limit: int | None = None,
        text: str = "",
    ) -> policy_pb2.ExplainDecisionResponse:
        """The decision that a consumer's request would get, rule by rule; ``text`` is a policy
        that takes the place of the active version of its name."""
        request = policy_pb2.ExplainDecisionRequest(
            consumer=full_name("parties", consumer),
            request=extract_message(dataset, columns, purpose, project, filters, limit),
            text=text,
        )
        return self._link.call(self._policies.ExplainDecision, request)

    def diff_policy(
        self, name: str, *, before: int = 0, after: int = 0, text: str = ""
    ) -> policy_pb2.DiffPolicyResponse:
        """Which stored requests another version, or a text, would decide otherwise than version
        ``before`` (0: the active one)."""
        request = policy_pb2.DiffPolicyRequest(
            name=full_name("policies", name), from_version=before, to_version=after, text=text
        )
        return self._link.call(self._policies.DiffPolicy, request)
