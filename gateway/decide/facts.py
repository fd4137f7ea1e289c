"""What a decision rests on, gathered by the caller so that deciding needs no I/O."""

from dataclasses import dataclass
from datetime import datetime

from gateway.model.access import Grant
from gateway.model.catalog import DataSet, Party
from gateway.model.lifecycle import PolicyState
from gateway.model.policy import StoredPolicy


@dataclass(frozen=True, slots=True)
class Facts:
    """The data set, who asks, the policies in force, the recipient's grants, and the time.

    ``grants`` may hold more than those that fit: of other consumers or data sets are ignored.
    ValueError when a policy is not ACTIVE or ``now`` has no zone: both would be a mistake of the
    caller that no decision may rest on.
    """

    dataset: DataSet
    recipient: Party
    policies: tuple[StoredPolicy, ...]
    grants: tuple[Grant, ...]
    now: datetime

    def __post_init__(self) -> None:
        if self.now.tzinfo is None:
            raise ValueError("now has no time zone")
        idle = [policy.name for policy in self.policies if policy.state is not PolicyState.ACTIVE]
        if idle:
            raise ValueError(f"not an active policy: {', '.join(idle)}")
        # A declaration that lapsed holds for no decision, swept or not.
        object.__setattr__(self, "dataset", self.dataset.at(self.now))
        # Sorted here, so that nothing that follows can depend on the order they came in.
        ordered = tuple(sorted(self.policies, key=lambda p: (p.name, p.version)))
        object.__setattr__(self, "policies", ordered)
        ours = [
            grant
            for grant in self.grants
            if (grant.consumer, grant.dataset) == (self.recipient.name, self.dataset.name)
        ]
        object.__setattr__(self, "grants", tuple(sorted(ours, key=lambda g: g.name)))

    @property
    def purposes(self) -> tuple[str, ...]:
        """Every purpose that an active policy defines."""
        return tuple(sorted({purpose for p in self.policies for purpose in p.policy.purposes}))
