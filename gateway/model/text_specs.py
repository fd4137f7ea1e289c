"""The spec of what is done to identifiers in free text, and what stricter means for it.

What is found is an entity at a place in a text. By entity it goes through an operator, or through
one of the transforms that a column of such values would go through.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal, cast

from pydantic import Discriminator, Field, Tag, ValidationInfo, field_validator

from gateway.model.generalize_specs import GeneralizeHierarchy
from gateway.model.keyed_specs import EncryptCharacters, EncryptIdentifier, ReversibleToken, Token
from gateway.model.mask_specs import Keep, Mask, MaskForm, Replace
from gateway.model.names import ENTITIES
from gateway.model.noun import ShortText
from gateway.model.spec import Spec

TextOperator = Literal["replace", "mask", "remove"]
"""``<ENTITY>`` in place of the find, a sign for each of its characters, or nothing at all."""

FoundSpec = Annotated[
    Keep
    | Replace
    | Mask
    | MaskForm
    | GeneralizeHierarchy
    | Token
    | ReversibleToken
    | EncryptIdentifier
    | EncryptCharacters,
    Field(discriminator="kind"),
]
"""Transforms of one found value. Not here: those of numbers and dates, as none are found; those
by pattern and prefix, which may leave a short or unforeseen find as it is; and those by person."""

_FOUND_SPECS: Final = (
    Keep, Replace, Mask, MaskForm, GeneralizeHierarchy, Token, ReversibleToken, EncryptIdentifier,
    EncryptCharacters,
)  # fmt: skip


def _operator_or_spec(value: Any) -> str:
    return "operator" if isinstance(value, str) else "transform"


TextAction = Annotated[
    Annotated[TextOperator, Tag("operator")] | Annotated[FoundSpec, Tag("transform")],
    Discriminator(_operator_or_spec),
]

LEAST_PERCENT: Final = 40
"""Below that trust nothing is looked for: too much would be hidden that is no identifier."""


class RedactText(Spec):
    """Free text with the identifiers in it replaced; the rest of the text stays.

    ``entities``: what becomes of a find, by entity; ``default`` is for all others. A find that its
    transform cannot handle is replaced by ``<ENTITY>``. ``threshold``: the least trust, in percent,
    with which something counts as found. ``rules`` names the rules and the engine that find;
    planning fills it, so that the plan's digest covers them, and other rules are then refused.
    """

    kind: Literal["redact_text"] = "redact_text"
    default: TextOperator = "replace"
    entities: dict[str, TextAction] = {}
    threshold: Annotated[int, Field(ge=LEAST_PERCENT, le=100)] = LEAST_PERCENT
    rules: ShortText | None = None

    @field_validator("entities")
    @classmethod
    def _known(cls, entities: dict[str, Any], info: ValidationInfo) -> dict[str, Any]:
        unknown = sorted(set(entities) - (ENTITIES - {"NONE"}))
        if unknown:
            raise ValueError(f"not an entity of the gateway's vocabulary: {', '.join(unknown)}")
        default = info.data.get("default")
        return {e: entities[e] for e in sorted(entities) if entities[e] != default}

    def __hash__(self) -> int:
        return hash(self.canonical())

    def lowers(self) -> bool:
        # Something may have been missed, and what was is as grave as it was before.
        return False

    def action(self, entity: str) -> TextAction:
        """What becomes of a find of that entity."""
        return self.entities.get(entity, self.default)

    @property
    def transforms(self) -> Mapping[str, FoundSpec]:
        """The entities whose finds go through a transform, with it, by name."""
        return {e: action for e, action in self.entities.items() if not isinstance(action, str)}

    def joined(self, other: Spec) -> "RedactText | None":
        if not isinstance(other, RedactText) or self.rules != other.rules:
            return None
        default = cast("TextOperator", join_actions(self.default, other.default))
        both = {
            entity: join_actions(self.action(entity), other.action(entity))
            for entity in {*self.entities, *other.entities}
        }
        return RedactText(
            entities=both,
            default=default,
            # With a lower one more is found, and all that is found with a higher one.
            threshold=min(self.threshold, other.threshold),
            rules=self.rules,
        )


def text_action(spec: Spec, entity: str) -> TextAction:
    """What a column's transform means for a find of its entity in a text; one that does nothing
    to a found value hides it."""
    if isinstance(spec, RedactText):
        return spec.action(entity)
    return cast("TextAction", spec) if isinstance(spec, _FOUND_SPECS) else "replace"


def join_actions(a: TextAction, b: TextAction) -> TextAction:
    """The strictest of two: KEEP is the bottom, then what transforms join to, ``replace`` above
    them all as SUPPRESS is for columns, and ``remove``, which does not even tell that something
    was there, on top."""
    if a == b or isinstance(b, Keep):
        return a
    if isinstance(a, Keep):
        return b
    if "remove" in (a, b):
        return "remove"
    if isinstance(a, str) or isinstance(b, str):
        return "replace"
    joined = a.joined(b) or b.joined(a)
    return "replace" if joined is None else cast("TextAction", joined)
