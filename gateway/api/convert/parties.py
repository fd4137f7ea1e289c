"""Parties."""

from gateway.api.convert.shape import Shape
from gateway.api.convert.words import ROLE_NUMBERS
from gateway.api.pb import party_pb2
from gateway.api.roles import ROLES
from gateway.model.catalog import Party
from gateway.model.names import RecipientKind

_MOST_SUBJECTS = 20
_LONGEST_SUBJECT = 1000


def from_proto(shape: Shape, message: party_pb2.Party, at: str) -> Party | None:
    """A party as an administrator describes it; it begins enabled."""
    role = shape.coded(f"{at}.role", message.role, ROLES)
    kind = shape.worded(f"{at}.kind", message.kind, RecipientKind)
    shape.name(f"{at}.name", message.name, "parties")
    if len(message.subjects) > _MOST_SUBJECTS:
        shape.fault(f"{at}.subjects", f"at most {_MOST_SUBJECTS}")
    for number, subject in enumerate(message.subjects):
        issuer, bar, name = subject.partition("|")
        if not (issuer and bar and name) or len(subject) > _LONGEST_SUBJECT:
            shape.fault(f"{at}.subjects[{number}]", "expected issuer|subject")
    if message.disabled:
        shape.fault(f"{at}.disabled", "a new party is enabled; use SetPartyDisabled")
    if not shape.sound:
        return None
    return shape.noun(
        at,
        Party,
        {
            "name": message.name,
            "role": role,
            "kind": kind,
            "display_name": message.display_name,
            "subjects": tuple(message.subjects),
        },
    )


def to_proto(party: Party) -> party_pb2.Party:
    """All of it: only the party itself and those who keep or watch the list get to see it."""
    return party_pb2.Party(
        name=party.name,
        role=ROLE_NUMBERS[party.role],
        kind=party.kind,
        display_name=party.display_name,
        subjects=party.subjects,
        disabled=party.disabled,
    )
