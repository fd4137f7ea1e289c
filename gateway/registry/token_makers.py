"""What made the tokens of a released column: transform and key, from the release's plan."""

from dataclasses import dataclass
from fractions import Fraction
from typing import cast

import pyarrow as pa

from gateway.errors import FailedPrecondition, InvalidRequest, KeyDestroyed
from gateway.model.key_domains import parts_of
from gateway.model.plan import Step
from gateway.model.release import Release
from gateway.model.schema import arrow_type, scaled_type
from gateway.model.transforms import RedactText, TransformSpec
from gateway.ports import DomainKeys
from gateway.registry.reversal_digests import TokenDigests
from gateway.transform.reversal import IRREVERSIBLE, proves_itself, refuse_irreversible


@dataclass(frozen=True, slots=True)
class Maker:
    """What made the tokens of a column, or of one entity's finds in a column of free text: the
    transform, the type that it was given, and its key."""

    column: str
    spec: TransformSpec
    source_type: pa.DataType
    key_domain: str
    key_version: int
    in_text: bool

    @property
    def element(self) -> str:
        """What persons' values are found again by: the name in the key domain, which is the
        column's own, or that of the element which a find stands for."""
        return dict(parts_of(self.key_domain)).get("name", self.column)

    def key(self, keys: DomainKeys) -> bytes:
        """KeyDestroyed when it was destroyed: its tokens are then as irreversible as any."""
        try:
            return keys.key(self.key_domain, self.key_version)
        except KeyDestroyed:
            raise KeyDestroyed(
                f"the key that the tokens of column {self.column} were made under was destroyed: "
                "nobody can take them back"
            ) from None

    def digests(self, keys: DomainKeys) -> TokenDigests:
        """What stands for its tokens in records. KeyDestroyed as ``key``."""
        return TokenDigests(self.key(keys), self.key_domain)


def maker_of(release: Release, column: str, entity: str | None) -> Maker:
    """What made the tokens of the published column. InvalidRequest for a column that the release
    has not, or an entity that does not belong; FailedPrecondition when no key takes it back."""
    steps = release.plan.steps if release.plan is not None else ()
    step = next((step for step in steps if step.published == column), None)
    if step is None:
        listed = ", ".join(step.published for step in steps)
        raise InvalidRequest.of("column", f"{release.name} has no such column; it has {listed}")
    if isinstance(step.transform, RedactText):
        return _finder(step, step.transform, entity)
    if entity is not None:
        raise InvalidRequest.of("entity", f"belongs to free text, and column {column} is none")
    refuse_irreversible(step.transform, column)
    return Maker(
        column=column,
        spec=step.transform,
        source_type=scaled_type(arrow_type(step.source_type), Fraction(step.scale)),
        key_domain=step.key_domain or "",
        key_version=step.key_version or 0,
        in_text=False,
    )


def _finder(step: Step, spec: RedactText, entity: str | None) -> Maker:
    """Of free text only what proves itself: any digits in it might be a number that was encrypted,
    or one that nobody found, and would come back as somebody else's."""
    proven = [e for e, action in spec.transforms.items() if proves_itself(action)]
    if entity is None:
        listed = ", ".join(proven) or "none that a key takes back"
        text = f"column {step.published} is free text: name what the tokens stand for; it has "
        raise InvalidRequest.of("entity", text + listed)
    key = next((find for find in step.finds if find.entity == entity), None)
    if key is None or entity not in proven:
        raise FailedPrecondition(
            f"finds of {entity} in column {step.published} are not reversible tokens, and nothing "
            "else is taken back out of free text",
            reason=IRREVERSIBLE,
        )
    return Maker(
        column=step.published,
        spec=cast("TransformSpec", spec.transforms[entity]),
        source_type=pa.string(),
        key_domain=key.key_domain,
        key_version=key.key_version,
        in_text=True,
    )
