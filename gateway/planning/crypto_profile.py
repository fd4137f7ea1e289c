"""Which cipher the keyed transforms of a plan run over: what the policy says, or national ones."""

from typing import cast

from gateway.model.keyed_specs import CryptoProfile
from gateway.model.text_specs import RedactText
from gateway.model.transforms import KeyedSpec, TransformSpec


def in_profile(spec: TransformSpec, profile: CryptoProfile) -> TransformSpec:
    """Under the national profile every keyed transform over SM4, whatever the policy names.

    The transform stays the one that the policy demands, with the same parameters; over SM4 it is
    the same construction and no published standard, which certificates say.
    """
    if profile == "international":
        return spec
    if isinstance(spec, RedactText):
        inner = {
            entity: action if isinstance(action, str) else in_profile(action, profile)
            for entity, action in spec.entities.items()
        }
        return spec.but(entities=inner)
    return cast("TransformSpec", spec.but(cipher="SM4")) if isinstance(spec, KeyedSpec) else spec
