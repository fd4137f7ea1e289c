"""Takes back what a key can take back: the only way from tokens to values in the gateway.

Claim. ``reverse`` gives exactly the values, as text, that the transform of the same spec, key and
domain turned into these tokens. A reversible token that was altered, or made under another key or
for another domain, gives null (chance 2**-128). Format-preserving encryption carries no such proof:
every text of its form has an inverse, so whoever calls must know by other means that the tokens are
of the domain (ADR 0009). Source: RFC 5297 section 2.7; NIST SP 800-38G algorithm 8.
"""

from typing import Final

import pyarrow as pa

from gateway.errors import FailedPrecondition
from gateway.model.transforms import RandomToken, ReversibleToken, Spec, TransformSpec
from gateway.ports import DomainVault
from gateway.transform.base import ReversibleTransform
from gateway.transform.registry import build

IRREVERSIBLE: Final = "IRREVERSIBLE"


def refuse_irreversible(spec: TransformSpec, column: str) -> None:
    """FailedPrecondition unless a key takes the transform back; ``column`` is named."""
    if spec.reversible:
        return
    if spec.kind == "keep":
        text = f"column {column} left as it came: there is nothing to take back"
    else:
        text = f"column {column} was made by {spec.kind}, which nobody can take back, with any key"
    raise FailedPrecondition(text, reason=IRREVERSIBLE)


def proves_itself(spec: Spec) -> bool:
    """Whether a token of the transform shows by itself that it is of the domain."""
    return isinstance(spec, ReversibleToken | RandomToken)


def reverse(
    spec: TransformSpec,
    tokens: pa.Array,
    *,
    source_type: pa.DataType,
    key: bytes,
    domain: str,
    vault: DomainVault | None = None,
) -> pa.Array:
    """The values of string ``tokens``, as strings; null for what is not a token of the domain.

    ``source_type``: the type that the transform was given. FailedPrecondition for a transform
    that no key takes back.
    """
    transform = build(spec, source_type=source_type, key=key, domain=domain, vault=vault)
    if not isinstance(transform, ReversibleTransform):
        raise FailedPrecondition(
            f"{spec.kind} cannot be taken back, with any key", reason=IRREVERSIBLE
        )
    return transform.take_back(tokens.cast(pa.string()))
