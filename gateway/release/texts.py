"""Protects texts that the caller brings along: decision, plan and keys as for records; nothing is
kept but an audit entry.

No project's key is ever used (docs/adr/0006-texts-under-keys.md): who may ask for the token of a
number of their choice could look for it in a release.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import pyarrow as pa

from gateway.decide.facts import Facts
from gateway.decide.texts import TEXT, decide_texts
from gateway.errors import GatewayFault, InvalidRequest
from gateway.model.access import ExtractRequest
from gateway.model.audit import AuditEvent
from gateway.model.catalog import (
    OWN_RECORDS,
    Column,
    DataSet,
    Party,
    PushedSource,
    SourceVersion,
)
from gateway.model.decision import Decision
from gateway.model.names import RecipientKind, Role
from gateway.model.plan import Plan
from gateway.model.policy import StoredPolicy
from gateway.model.text_specs import RedactText
from gateway.planning.compile import compile_plan
from gateway.ports import Clock, DomainKeys, Store, TextFinder
from gateway.release.protecting import active_policy
from gateway.risk.grades import grade_left
from gateway.transform.redaction import Redacted, RedactTextColumn
from gateway.transform.registry import build_redaction, output_type
from gateway.transform.text_parts import Part, Parts, TextParts

_NOTHING: Final = "0" * 64
"""Texts have no source whose version could be known."""


@dataclass(frozen=True, slots=True)
class TextProtection:
    """One way to protect texts, for as many as come; thread-safe.

    ``decision`` and ``plan`` are None where no policy was asked for. ``entities``: only these are
    looked for; None: all.
    """

    transform: RedactTextColumn
    decision: Decision | None = None
    plan: Plan | None = None
    entities: tuple[str, ...] | None = None

    @property
    def spec(self) -> RedactText:
        """What happens to each entity."""
        return self.transform.spec

    def protect(self, parts: Parts, over: int = 0) -> tuple[Redacted, int]:
        """As ``RedactTextColumn.redact_parts``."""
        return self.transform.redact_parts(parts, over, self.entities)


@dataclass(frozen=True, slots=True, repr=False)
class ProtectedPiece:
    """A part of a protected text, what was found in it, and whether the text goes on. The repr is
    blind."""

    text: str
    found: tuple[str, ...]
    more: bool

    def __repr__(self) -> str:
        return f"ProtectedPiece({len(self.found)} found, text hidden)"


class TextStream:
    """Protects texts one after another, also long ones that arrive in pieces; holds about one part
    of a text at a time. How a text was cut into pieces does not show in the result."""

    def __init__(self, protection: TextProtection) -> None:
        self._protection = protection
        self._parts = TextParts()
        self._over = 0
        self._unfinished = False

    def add(self, pieces: Iterable[tuple[str, bool]]) -> list[ProtectedPiece]:
        """The next pieces, each with whether its text goes on; what is complete by now."""
        ready: list[tuple[Part, bool]] = []
        for text, more in pieces:
            ready += [(part, True) for part in self._parts.add(text)]
            if not more:
                *before, last = self._parts.finish()
                ready += [*((part, True) for part in before), (last, False)]
            self._unfinished = more
        if not ready:
            return []
        parts = Parts.of([part for part, _ in ready])
        done, self._over = self._protection.protect(parts, self._over)
        told = zip(done.texts.to_pylist(), done.found.to_pylist(), ready, strict=True)
        return [ProtectedPiece(text, tuple(found), more) for text, found, (_, more) in told]

    def finish(self) -> None:
        """InvalidRequest when the last text was not sent to its end."""
        if self._unfinished:
            raise InvalidRequest.of("pieces", "the last text goes on and was not sent to its end")


class ProtectingTexts:
    """Protection by default or under a given policy; used as it is without a server.

    ``entities``: a column for each entity that can be found, with its usual grade and role.
    """

    def __init__(
        self,
        finder: TextFinder,
        domain_keys: DomainKeys,
        clock: Clock,
        entities: Sequence[Column],
        hierarchies: Mapping[str, pa.Table],
        hierarchy_digests: Mapping[str, str],
    ) -> None:
        self._finder = finder
        self._domain_keys = domain_keys
        self._clock = clock
        self._entities = entities
        self._hierarchies = hierarchies
        self._hierarchy_digests = hierarchy_digests

    def by_default(self, entities: Sequence[str] = ()) -> TextProtection:
        """Every find is replaced by its entity. ``entities``: look only for these; none: all."""
        transform = build_redaction(RedactText(rules=self._finder.rules), self._finder, {})
        return TextProtection(transform, entities=tuple(entities) or None)

    def by_policy(
        self, caller: Party, policy: StoredPolicy, purpose: str, kind: RecipientKind
    ) -> TextProtection:
        """As the policy's rules say. InvalidRequest for a purpose that it does not define,
        FailedPrecondition when it cannot be planned."""
        decision, dataset, recipient = self._decided(caller, policy, purpose, kind)
        plan = compile_plan(
            ExtractRequest(dataset=OWN_RECORDS, columns=(TEXT,), purpose=purpose),
            decision,
            dataset,
            SourceVersion(fingerprint=_NOTHING, schema_digest=_NOTHING, rows=0),
            recipient,
            output_type=output_type,
            grade_left=grade_left,
            hierarchy_digests=self._hierarchy_digests,
            key_version=self._domain_keys.version,
            profile=self._domain_keys.profile,
            text_rules=self._finder.rules,
        )
        self._domain_keys.begin(plan)
        keys = self._domain_keys.keys(plan)
        step = plan.steps[0]
        if not isinstance(step.transform, RedactText):
            raise GatewayFault("texts were planned as another thing")
        found = {find.entity: (find.key_domain, keys[find.key_domain]) for find in step.finds}
        transform = build_redaction(step.transform, self._finder, found, self._hierarchies)
        return TextProtection(transform, decision, plan)

    def spec(
        self, caller: Party, policy: StoredPolicy, purpose: str, kind: RecipientKind
    ) -> RedactText:
        """What the policy's rules make of identifiers in a text."""
        spec = self._decided(caller, policy, purpose, kind)[0].columns[0].transform
        if not isinstance(spec, RedactText):
            raise GatewayFault("texts were decided on as another thing")
        return spec

    def _decided(
        self, caller: Party, policy: StoredPolicy, purpose: str, kind: RecipientKind
    ) -> tuple[Decision, DataSet, Party]:
        now = self._clock.now()
        dataset = DataSet(
            name=OWN_RECORDS,  # as for the caller's own records: their tokens agree
            holder=caller.name,
            title="texts that the caller brought",
            source=PushedSource(),
            columns=(Column(name=TEXT, type="string"),),
            created=now,
            updated=now,
        )
        recipient = caller.but(role=Role.CONSUMER, kind=kind)
        facts = Facts(dataset, recipient, (policy,), (), now)
        return decide_texts(purpose, facts, self._entities), dataset, recipient


class TextsUnderPolicy:
    """Protection of texts by default, or under a policy in force in the store, that use logged."""

    def __init__(self, store: Store, protecting: ProtectingTexts, clock: Clock) -> None:
        self._store = store
        self._protecting = protecting
        self._clock = clock

    def by_default(self, entities: Sequence[str] = ()) -> TextProtection:
        """As ``ProtectingTexts.by_default``."""
        return self._protecting.by_default(entities)

    def by_policy(
        self, caller: Party, policy: str, purpose: str, kind: RecipientKind
    ) -> TextProtection:
        """As ``ProtectingTexts.by_policy``, under the active version of ``policy``; logged before
        the first text is protected."""
        active = active_policy(self._store, policy)
        protection = self._protecting.by_policy(caller, active, purpose, kind)
        decision, plan = protection.decision, protection.plan
        with self._store.write() as tx:
            tx.audit(
                AuditEvent(
                    actor=caller.name,
                    action="protect.texts",
                    resource=policy,
                    outcome="ok",
                    details={
                        "purpose": purpose,
                        "decision_digest": decision.digest() if decision else "",
                        "plan_digest": plan.digest() if plan else "",
                    },
                ),
                self._clock.now(),
            )
        return protection
