"""The plan: complete before any row is read, frozen, with a canonical form and a digest."""

import re
from fractions import Fraction
from typing import Annotated, Final, Literal, Self

from pydantic import Field, field_validator, model_validator

from gateway.model.anonymity import AnonymityGoal, PrivacyModel
from gateway.model.attacks import AttackLimits
from gateway.model.catalog import ColumnName
from gateway.model.conditions import Condition
from gateway.model.decision import OnUnhandled, SmallCells
from gateway.model.grades import Grade
from gateway.model.keyed_specs import CipherName
from gateway.model.noun import Digest, LongText, Noun, ShortText
from gateway.model.terms import OnAttack
from gateway.model.transforms import RedactText, TransformSpec

_RATIO: Final = re.compile(r"[1-9][0-9]{0,20}(/[1-9][0-9]{0,20})?", re.ASCII)


class FindKey(Noun):
    """The key that a transform of finds in free text works under, for one entity."""

    entity: ShortText
    key_domain: LongText
    key_version: Annotated[int, Field(ge=1)]


class Step(Noun):
    """What happens to one column: read as ``source_type``, scaled, transformed, published.

    With a ``scale`` other than 1 the values are multiplied by it first and then have the type
    that ``model.schema.scaled_type`` gives. ``subject`` is the source column that names the
    person of each row: it is read beside ``column`` for the transforms that draw by it, and what
    it holds is not published by this step. ``finds`` has, for free text, the keys of the keyed
    transforms of what is found, by entity in alphabetical order.
    """

    column: ColumnName
    published: ColumnName
    source_type: ShortText
    output_type: ShortText
    recoded: bool = False  # it reads the text that the plan's anonymisation makes of the column
    scale: str = "1"  # exact ratio "n/d" from the stored unit to the element's unit
    transform: TransformSpec
    key_domain: LongText | None = None  # from which the key is derived, for keyed transforms
    key_version: Annotated[int, Field(ge=1)] | None = None  # of the domain's secret
    subject: ColumnName | None = None  # for transforms that draw by the row's person
    finds: tuple[FindKey, ...] = ()
    on_unhandled: OnUnhandled
    item: ShortText = "unknown"  # the source column's entity or general item, see norms.standard
    grade: Grade = Grade.CORE  # of the source column; unknown is the highest

    @field_validator("scale")
    @classmethod
    def _positive_ratio(cls, scale: str) -> str:
        if _RATIO.fullmatch(scale) is None or scale != str(Fraction(scale)):
            raise ValueError("a unit's scale is a positive ratio n or n/d in lowest terms")
        return scale

    @model_validator(mode="after")
    def _keyed_steps_name_what_they_need(self) -> Self:
        if self.transform.keyed != (self.key_domain is not None):
            raise ValueError("a step names a key domain exactly when its transform is keyed")
        if (self.key_domain is None) != (self.key_version is None):
            raise ValueError("a step names a key version exactly when it names a key domain")
        if self.transform.per_subject != (self.subject is not None):
            raise ValueError("a step names a subject exactly when its transform draws by it")
        inner = self.transform.transforms if isinstance(self.transform, RedactText) else {}
        if [find.entity for find in self.finds] != sorted(e for e in inner if inner[e].keyed):
            raise ValueError("a step names a key for exactly the finds that are put under one")
        return self

    @property
    def needed_keys(self) -> frozenset[tuple[str, int]]:
        """Domain and version of every key that the step needs."""
        found = {(find.key_domain, find.key_version) for find in self.finds}
        if self.key_domain is not None and self.key_version is not None:
            found.add((self.key_domain, self.key_version))
        return frozenset(found)


class Sample(Noun):
    """Only the rows of some persons are read: about so many in a hundred, drawn by key.

    The same persons each time under the same key, all of a person's rows or none; a row of nobody
    is left out. ``subject`` is the source column that names the person of each row.
    """

    percent: Annotated[int, Field(ge=1, le=99)]
    subject: ColumnName
    cipher: CipherName
    key_domain: LongText
    key_version: Annotated[int, Field(ge=1)]


class HierarchyRef(Noun):
    """A hierarchy that the gateway has, and the digest of its table."""

    name: ShortText
    table_digest: Digest


class Anonymisation(Noun):
    """The rows of the data set version are recoded before any step: all of its quasi-identifiers
    together, the same for every recipient.

    ``hierarchies``: by column, or by the name under which a model asks for one; columns without
    one get a hierarchy proposed from their values. ``person``: the source column that names the
    person of each row, by which versions are compared; None: they cannot be. ``least``: what can
    be told apart has so many records at least.
    """

    goal: AnonymityGoal
    hierarchies: dict[ShortText, HierarchyRef] = {}
    person: ColumnName | None = None
    least: Annotated[int, Field(ge=2)]
    on_attack: OnAttack = "refuse"


class SchemaCheck(Noun):
    """The output has exactly the published columns with the planned types."""

    kind: Literal["schema"] = "schema"


class MaxRowsCheck(Noun):
    """Not more rows than the policy permits."""

    kind: Literal["max_rows"] = "max_rows"
    rows: Annotated[int, Field(ge=1)]


class MinCellCheck(Noun):
    """Every combination of the quasi-identifiers in the output occurs at least ``size`` times.

    With ``small_cells`` = drop, the records of smaller cells are left out; with refuse, the
    release ends in REFUSED. Nulls count as a value of their own (GB/T 37964 k-anonymity).
    Without any quasi-identifier the whole output is one cell.
    """

    kind: Literal["min_cell"] = "min_cell"
    size: Annotated[int, Field(ge=2)]
    columns: tuple[ColumnName, ...]
    small_cells: SmallCells


class GradesCheck(Noun):
    """What leaves is graded no higher than planned: worked out again from the steps, and from the
    rows that there really are. ``highest`` is of GB/T 43697-2024."""

    kind: Literal["grades"] = "grades"
    highest: Grade


class ModelsCheck(Noun):
    """The privacy models hold of what is staged, over the quasi-identifiers in it; models of
    columns that are not in it were checked on the whole version when it was recoded."""

    kind: Literal["privacy_models"] = "privacy_models"
    columns: tuple[ColumnName, ...]  # published names
    models: Annotated[tuple[PrivacyModel, ...], Field(min_length=1)]


class ExtractsCheck(Noun):
    """Together with every earlier extract of the recipient, and of whom it shares a coalition
    with, of this version and of others, nothing that can be told apart has fewer records."""

    kind: Literal["extracts"] = "extracts"
    least: Annotated[int, Field(ge=2)]


class AttacksCheck(Noun):
    """The attacks are run against what is staged; none succeeds more often than its limit."""

    kind: Literal["attacks"] = "attacks"
    limits: AttackLimits


CheckSpec = Annotated[
    SchemaCheck
    | MaxRowsCheck
    | MinCellCheck
    | GradesCheck
    | ModelsCheck
    | ExtractsCheck
    | AttacksCheck,
    Field(discriminator="kind"),
]


class Charge(Noun):
    """What the release costs: one release and at most so many rows of the recipient's quota."""

    releases: Literal[1] = 1
    rows: Annotated[int, Field(ge=0)]


class Plan(Noun):
    """Everything an engine needs: the same plan gives the same result on any engine."""

    dataset: str
    dataset_fingerprint: Digest
    schema_digest: Digest
    recipient: str
    purpose: ShortText
    steps: Annotated[tuple[Step, ...], Field(min_length=1)]
    filters: tuple[Condition, ...] = ()
    limit: Annotated[int, Field(ge=1)] | None = None  # rows read, before a sample is drawn
    sample: Sample | None = None
    anonymisation: Anonymisation | None = None
    checks: tuple[CheckSpec, ...]
    charge: Charge
    expires_after_days: Annotated[int, Field(ge=1)]

    @property
    def grade(self) -> Grade:
        """The grade of what leaves, as planned; the highest where no check states it."""
        stated = [check.highest for check in self.checks if isinstance(check, GradesCheck)]
        return min(stated, key=lambda grade: grade.rank, default=Grade.CORE)

    @model_validator(mode="after")
    def _complete(self) -> Self:
        published = [step.published for step in self.steps]
        if len(set(published)) != len(published):
            raise ValueError("two steps publish the same column")
        if not any(isinstance(check, SchemaCheck) for check in self.checks):
            raise ValueError("a plan always checks the schema of its output")
        self._anonymised()
        return self

    def _anonymised(self) -> None:
        recoded = {step.column for step in self.steps if step.recoded}
        if self.anonymisation is None:
            if recoded:
                raise ValueError("a step reads recoded values, and nothing is recoded")
            return
        if not recoded.issubset(self.anonymisation.goal.quasi_identifiers):
            raise ValueError("a step reads recoded values of a column that is not recoded")
        if not {"privacy_models", "extracts", "attacks"}.issubset(c.kind for c in self.checks):
            raise ValueError("what is anonymised is checked for it")
        if self.limit is not None or self.sample is not None:
            raise ValueError("a limit or a sample would leave parts of classes")

    @property
    def needed_keys(self) -> frozenset[tuple[str, int]]:
        """Domain and version of every key that running the plan needs."""
        found = {key for step in self.steps for key in step.needed_keys}
        if self.sample is not None:
            found.add((self.sample.key_domain, self.sample.key_version))
        return frozenset(found)
