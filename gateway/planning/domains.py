"""Key domains: the text from which a keyed step's key is derived, and so who can join tokens.

Claim: two steps have the same key exactly when they have the same domain, and the text of a
domain tells all of its parts apart (each carries its length, so no name can imitate a separator).
"""

from gateway.model.access import ExtractRequest
from gateway.model.catalog import Party
from gateway.model.key_domains import written
from gateway.model.keyed_specs import CipherName, KeyScope
from gateway.model.transforms import KeyedSpec, ShiftDate, TransformSpec
from gateway.norms.elements import first_elements


def key_domain(
    spec: TransformSpec, published: str, request: ExtractRequest, recipient: Party
) -> str | None:
    """The domain of a keyed step; None for a transform without a key.

    Inside a project, where policy says so, the same element has the same token whichever
    department it comes from. Everywhere else tokens differ by recipient, data set and purpose
    (PIPL 6: what was given for one purpose is not to be joined for another). All dates of a
    person shift by the same days, so that domain has no name in it.
    """
    if not isinstance(spec, KeyedSpec):
        return None
    owner = _owner(spec.scope, request, recipient)
    name = [] if isinstance(spec, ShiftDate) else [("name", published)]
    # One key serves one cipher.
    cipher = [] if spec.cipher == "AES" else [("cipher", spec.cipher)]
    return written([*owner, *name, ("transform", spec.kind), *cipher])


def sample_domain(cipher: CipherName, request: ExtractRequest, recipient: Party) -> str:
    """The domain of the key that draws a sample of persons: the recipient's own for a data set and
    purpose, so that asking again draws the same persons; inside a project the project's, so that
    the parties' samples hold the same ones."""
    named = [] if cipher == "AES" else [("cipher", cipher)]
    return written([*_owner("project", request, recipient), ("transform", "sample"), *named])


def _owner(scope: KeyScope, request: ExtractRequest, recipient: Party) -> list[tuple[str, str]]:
    if scope == "project" and request.project is not None:
        return [("project", request.project)]
    return [
        ("recipient", recipient.name),
        ("dataset", request.dataset),
        ("purpose", request.purpose),
    ]


def find_domain(
    spec: TransformSpec, entity: str, request: ExtractRequest, recipient: Party
) -> str | None:
    """The domain for what is found of an entity in a text: that of a column of the entity's
    standard element, so that the same number has the same token in both. Elements of one entity
    (home and work address) are many; a text does not say which, and the first one stands for all.
    An entity without an element has a domain under its own name.
    """
    element = first_elements().get(entity)
    name = entity if element is None else element.name
    return key_domain(spec, name, request, recipient)
