"""What the catalogue knows: parties, data sets, where they live, and what each column is."""

from datetime import datetime
from typing import Annotated, Final, Literal, Self

from pydantic import Field, field_validator, model_validator

from gateway.model.evidence import Coverage, Declaration, Entity, Evidence, Finding, Judged
from gateway.model.exact import Number, millionths
from gateway.model.grades import PERSONAL, Grade, effective
from gateway.model.lifecycle import DataSetState
from gateway.model.names import ColumnRole, RecipientKind, Role, identifier
from gateway.model.noun import Digest, LongText, Moment, Noun, ShortText

ColumnName = Annotated[str, Field(min_length=1, max_length=200)]

OWN_RECORDS: Final = "datasets/own-records"
"""Stands in key domains where a caller brings records along; no data set may have this name, or
its tokens could be computed by whoever protects records of their own."""


class Party(Noun):
    """A holder, consumer, officer, auditor or administrator, with exactly one role."""

    name: str
    role: Role
    kind: RecipientKind
    display_name: ShortText
    subjects: tuple[str, ...] = ()  # "issuer|subject" pairs of bearer tokens that name this party
    disabled: bool = False

    @field_validator("name")
    @classmethod
    def _well_named(cls, name: str) -> str:
        identifier(name, "parties")
        return name

    def own_scope(self) -> dict[str, str]:
        """What narrows a list to this party's own: consumers and holders; others see all."""
        if self.role in (Role.CONSUMER, Role.HOLDER):
            return {self.role.value: self.name}
        return {}


class ParquetSource(Noun):
    """A Parquet file, or a folder of them with one schema, below the holder's source root."""

    kind: Literal["parquet"] = "parquet"
    path: Annotated[str, Field(min_length=1, max_length=1000)]


class CsvSource(Noun):
    """A delimited text file with a header line; every column's type is declared or read."""

    kind: Literal["csv"] = "csv"
    path: Annotated[str, Field(min_length=1, max_length=1000)]
    delimiter: Annotated[str, Field(min_length=1, max_length=1)] = ","
    encoding: ShortText = "utf-8"
    types: dict[ColumnName, str] = {}  # Arrow type names for columns whose type is declared
    null_values: tuple[str, ...] = ("",)


class PostgresSource(Noun):
    """A table or view behind a connection that the operator configured under a name."""

    kind: Literal["postgres"] = "postgres"
    connection: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,62}$")]
    table: Annotated[str, Field(min_length=1, max_length=63)]
    namespace: Annotated[str, Field(min_length=1, max_length=63)] = "public"


class PushedSource(Noun):
    """Records that the holder pushes over a client stream; kept encrypted by the gateway.

    ``stream`` names the staged stream that holds them now, None before the first push; each
    push makes a new one, so that a broken push leaves the old records whole.
    """

    kind: Literal["pushed"] = "pushed"
    stream: ShortText | None = None


SourceRef = Annotated[
    ParquetSource | CsvSource | PostgresSource | PushedSource, Field(discriminator="kind")
]


class Bounds(Noun):
    """The range that values of a column are clamped to in statistics, unless a question says
    another. The holder knows it of the subject; it is never read off the data."""

    lower: Number
    upper: Number

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if millionths(self.lower) >= millionths(self.upper):
            raise ValueError("the lower bound is below the upper one")
        return self


class Contributions(Noun):
    """How much one person counts in statistics, unless a question says less: in at most
    ``groups`` groups, with at most ``rows`` rows in each. A smaller limit means less noise and more
    that is left out.

    ``one_row_per_person``: declared by the holder, and checked on the data before it is relied on.
    """

    groups: Annotated[int, Field(ge=1, le=1_000_000)] = 1
    rows: Annotated[int, Field(ge=1, le=1_000_000)] = 1
    one_row_per_person: bool = False

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.one_row_per_person and (self.groups, self.rows) != (1, 1):
            raise ValueError("with one row per person, a person has one row in one group")
        return self


MOST_LISTED: Final = 10_000
"""Values of a column that can be listed as groups."""

GroupValue = Annotated[str, Field(max_length=200)]


class Column(Noun):
    """One column: its physical form, and the verdict on what it is.

    ``entity``, ``grade`` and ``role`` are the verdict in force, with the evidence for it. They are
    None until classified or declared: an unknown grade counts as the highest and nothing can be
    released from a column without a verdict.

    ``found`` is the newest verdict of the rules themselves, where it is not the one in force: under
    a declaration, whose place it takes when that lapses; or because it is milder, which takes a
    person's word.
    """

    name: ColumnName
    type: ShortText  # Arrow type name, see model.schema
    nullable: bool = True
    description: LongText = ""
    element: ShortText | None = None  # standard element; the column is released under its name
    unit: ShortText | None = None  # unit of the values as stored
    entity: Entity | None = None
    grade: Grade | None = None
    role: ColumnRole | None = None
    evidence: tuple[Evidence, ...] = ()  # the weightiest first
    confidence_percent: Annotated[int, Field(ge=0, le=100)] | None = None
    coverage: Coverage | None = None  # what the verdict rests on; None: not classified
    rules: ShortText | None = None  # version and digest of the rule pack; None: not classified
    fillable: bool = False  # whether its holder may say what it is, where the rules do not know
    bounds: Bounds | None = None  # for statistics; None: a question must give a range
    # The public list of the values that are groups in statistics, whether or not anybody is in
    # them. Empty: groups are found privately, or are the whole numbers within the bounds.
    groups: Annotated[tuple[GroupValue, ...], Field(max_length=MOST_LISTED)] = ()
    declaration: Declaration | None = None  # of a person whose verdict is in force
    found: Finding | None = None

    @model_validator(mode="after")
    def _groups_are_distinct(self) -> Self:
        if len(set(self.groups)) != len(self.groups):
            raise ValueError("a group is listed twice")
        return self

    @property
    def published_name(self) -> str:
        """The name under which the column leaves the gateway."""
        return self.element or self.name

    @property
    def declared(self) -> bool:
        """Whether a person set the verdict."""
        return self.declaration is not None

    @property
    def declared_by(self) -> Role | None:
        """The role of the person who set the verdict; None: classified."""
        return None if self.declaration is None else self.declaration.role

    @property
    def questioned(self) -> bool:
        """Whether what the rules find is not what holds, and no officer has answered that yet: it is
        milder, or they do not know what the holder says."""
        if self.found is None or self.declared_by is Role.OFFICER:
            return False
        return self.declaration is None or self.found.entity is None

    @property
    def verdict(self) -> tuple[str | None, Grade | None, ColumnRole | None]:
        """Entity, grade and role in force."""
        return self.entity, self.grade, self.role

    @property
    def finding(self) -> Finding | None:
        """The newest verdict of the rules; None: not classified yet."""
        if self.found is not None or self.declaration is not None or self.rules is None:
            return self.found
        return self.in_force()

    def in_force(self) -> Finding:
        """The verdict in force and what it rests on, as if the rules had found it."""
        return Finding(**{name: getattr(self, name) for name in Finding.model_fields})

    def as_found(self, finding: Finding | None) -> "Column":
        """The column with that finding in force, and nobody's declaration. Under the name of an
        element it does not leave when it turns out to be something else."""
        finding = finding or Finding()
        same = self.entity == finding.entity
        return self.but(
            **dict(finding), element=self.element if same else None, declaration=None, found=None
        )

    def at(self, now: datetime) -> "Column":
        """The column as it is at that moment: a lapsed declaration does not hold, whether or not
        anybody has swept it."""
        if self.declaration is None or self.declaration.holds(now):
            return self
        return self.as_found(self.found)

    def admits(self, declared: "Column") -> bool:
        """Whether a holder may say this of the column: never a lower grade, never a weaker role,
        no other entity than the one that is known.

        What the rules do not know may be filled in where that does not rest on the values, as
        something about persons or graver; elsewhere an officer says it.
        """
        if declared.verdict == self.verdict:
            return True
        if not self.has_verdict and not self.fillable:
            return False
        least = PERSONAL if self.grade is None else self.grade
        return (
            declared.effective_grade.at_least(least)
            and (
                self.role in (None, ColumnRole.OTHER, declared.role)
                or declared.role is ColumnRole.DIRECT_IDENTIFIER
            )
            and self.entity in (None, "NONE", declared.entity)
        )

    @property
    def effective_grade(self) -> Grade:
        return effective(self.grade)

    @property
    def has_verdict(self) -> bool:
        return None not in self.verdict


class SourceVersion(Noun):
    """What a data set's content is at one moment: a new fingerprint is a new version."""

    fingerprint: Digest
    schema_digest: Digest
    rows: Annotated[int, Field(ge=0)]


class DataSetDraft(Noun):
    """What a holder says of a data set; terms follow DCAT (title, description, licence, …)."""

    name: str
    title: ShortText
    description: LongText = ""
    steward: ShortText = ""
    licence: ShortText = ""
    legal_basis: ShortText = ""
    retention_days: Annotated[int, Field(ge=1, le=36500)] | None = None
    update_cycle: ShortText = ""
    keywords: tuple[ShortText, ...] = ()
    privacy_unit: ColumnName | None = None  # the column that names the person
    contributions: Contributions | None = None  # of one person, in statistics
    source: SourceRef
    columns: tuple[Column, ...] = ()  # in a draft only those of which something is known

    @field_validator("name")
    @classmethod
    def _well_named(cls, name: str) -> str:
        identifier(name, "datasets")
        return name


class DataSet(DataSetDraft):
    """A registered data set with all of its columns and the version last looked at."""

    holder: str  # parties/…
    version: SourceVersion | None = None
    judged: Judged | None = None  # what its verdicts were made on; None: not classified yet
    state: DataSetState = DataSetState.ACTIVE
    revision: Annotated[int, Field(ge=1)] = 1
    created: Moment
    updated: Moment

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        identifier(self.holder, "parties")
        if not self.columns:
            raise ValueError("a data set has at least one column")
        names = {column.name for column in self.columns}
        if len(names) != len(self.columns):
            raise ValueError("two columns have the same name")
        published = [column.published_name for column in self.columns]
        if len(set(published)) != len(published):
            raise ValueError("two columns would be released under the same element")
        for column in self.columns:
            if column.element in names and column.element != column.name:
                raise ValueError("an element is also the source name of another column")
        if self.privacy_unit is not None and self.privacy_unit not in names:
            raise ValueError("the privacy unit is not one of the columns")
        return self

    def find(self, name: str) -> Column | None:
        """The column of that source name or published name."""
        for column in self.columns:
            if name in (column.name, column.published_name):
                return column
        return None

    def at(self, now: datetime) -> Self:
        """The data set as it is at that moment, without declarations that lapsed."""
        columns = tuple(column.at(now) for column in self.columns)
        return self if columns == self.columns else self.but(columns=columns)

    @property
    def current(self) -> bool:
        """Whether its verdicts are on the content that it has now, if it has any."""
        if self.version is None:
            return True
        return self.judged is not None and self.judged.fingerprint == self.version.fingerprint

    @property
    def lapses(self) -> datetime | None:
        """When the next of its declarations lapses."""
        ends = [c.declaration.until for c in self.columns if c.declaration is not None]
        return min((end for end in ends if end is not None), default=None)
