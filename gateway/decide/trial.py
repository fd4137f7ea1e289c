"""Tries a policy that is not in force, as if it were: for cases, comparisons and local files."""

import hashlib
from datetime import UTC, datetime
from typing import Final

from gateway.decide.facts import Facts
from gateway.model.lifecycle import PolicyState
from gateway.model.policy import Policy, StoredPolicy

UNSAVED: Final = datetime(2000, 1, 1, tzinfo=UTC)
"""Stands where a stored policy has the day it was written."""


def as_if_active(policy: Policy) -> StoredPolicy:
    """The policy as a stored version in force; nothing is stored."""
    return StoredPolicy(
        policy=policy,
        version=1,
        text="",
        text_sha256=hashlib.sha256(b"").hexdigest(),
        state=PolicyState.ACTIVE,
        author="parties/unsaved",
        created=UNSAVED,
    )


def with_policy(facts: Facts, policy: Policy) -> Facts:
    """The facts with this policy in force in place of the one of its name."""
    others = (stored for stored in facts.policies if stored.name != policy.name)
    return Facts(
        dataset=facts.dataset,
        recipient=facts.recipient,
        policies=(*others, as_if_active(policy)),
        grants=facts.grants,
        now=facts.now,
    )
