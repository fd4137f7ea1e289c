"""What all attacks on one release start from: the two tables, who is attacked, what is known."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from gateway.errors import InvalidRequest, Violation
from gateway.risk.attacks.arrays import Indices
from gateway.risk.attacks.view import People, Release


@dataclass(frozen=True, slots=True)
class AttackSpec:
    """What attackers know, what they are after, and how many persons they try.

    ``quasi_identifiers``: columns, of both tables, that attackers know of a person. ``sensitive``:
    published columns that they want to learn. ``hierarchies``: of columns whose labels need one,
    leaf first, as ``transform.hierarchy`` reads them. ``targets``: at most so many persons are
    attacked, drawn at random. ``k``: the size below which a group of persons counts as
    distinguishable. ``whole``: the original given is all that was released from, and no sample.
    ``reference``: sensitive columns of all that the original was chosen from, when it is a part: the
    naive guess is made there, for a part may have been chosen by what is to be learnt.
    """

    quasi_identifiers: tuple[str, ...]
    sensitive: tuple[str, ...] = ()
    hierarchies: Mapping[str, pa.Table] = field(default_factory=dict)
    targets: int = 1_000
    k: int = 2
    whole: bool = True
    reference: pa.Table | None = None

    def checked(self, original: pa.Table, released: pa.Table) -> None:
        """InvalidRequest lists what of this the two tables do not allow."""
        wrong: list[Violation] = []
        named = (*self.quasi_identifiers, *self.sensitive)
        if not self.quasi_identifiers:
            wrong.append(Violation("qi", "name at least one column that an attacker may know"))
        twice = sorted({name for name in named if named.count(name) > 1})
        wrong.extend(Violation(name, "is named twice") for name in twice)
        for name in dict.fromkeys(named):
            for table, which in ((original, "original"), (released, "release")):
                there = table.column_names.count(name)
                if there != 1:
                    said = "has no such column" if there == 0 else "has it more than once"
                    wrong.append(Violation(name, f"the {which} {said}"))
                elif not _usable(table.schema.field(name).type):
                    kind = table.schema.field(name).type
                    wrong.append(Violation(name, f"values of type {kind} cannot be attacked"))
        lacking = [
            name
            for name in self.sensitive
            if self.reference is not None and self.reference.column_names.count(name) != 1
        ]
        wrong.extend(Violation(name, "the whole has no such column") for name in lacking)
        if not original.num_rows:
            wrong.append(Violation("original", "has no records, so nobody can be attacked"))
        if self.targets < 1:
            wrong.append(Violation("targets", "attack at least one person"))
        if self.k < 2:
            wrong.append(Violation("k", "must be at least 2"))
        if wrong:
            raise InvalidRequest.collected(wrong)


def _usable(kind: pa.DataType) -> bool:
    """Text, numbers, truth values, dates and moments: what labels are made of."""
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    return bool(
        pa.types.is_string(kind)
        or pa.types.is_large_string(kind)
        or pa.types.is_string_view(kind)
        or pa.types.is_integer(kind)
        or pa.types.is_floating(kind)
        or pa.types.is_decimal(kind)
        or pa.types.is_boolean(kind)
        or pa.types.is_date(kind)
        or pa.types.is_timestamp(kind)
        or pa.types.is_null(kind)
    )


@dataclass(frozen=True, slots=True)
class Setting:
    """One release under attack; made by `prepare`.

    ``targets``: rows of ``original``, in random order. ``record_of``: the released row of each row
    of the original, −1 if it was left out; None if nobody knows.
    """

    spec: AttackSpec
    original: pa.Table
    released: pa.Table
    release: Release
    targets: Indices
    people: People
    record_of: Indices | None
    draw: np.random.Generator

    def others(self, control: pa.Table) -> tuple[Indices, People]:
        """Persons of a table of people who are not in the release: their rows, and they."""
        drawn = self.draw.permutation(control.num_rows)[: self.spec.targets]
        table = self.alike(control, self.release.columns)
        return drawn, People(self.release, table, drawn)

    def alike(self, control: pa.Table, columns: Sequence[str]) -> pa.Table:
        """Columns of the control with the types that they have in the original; InvalidRequest if
        that cannot be."""
        missing = [name for name in columns if control.column_names.count(name) != 1]
        if missing:
            raise InvalidRequest.collected(
                [Violation(name, "the control has no such column") for name in missing]
            )
        schema = pa.schema([self.original.schema.field(name) for name in columns])
        try:
            return control.select(list(columns)).cast(schema, safe=False)
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
            raise InvalidRequest.of(
                "control", "its columns are of other types than those of the original"
            ) from None


def prepare(
    original: pa.Table,
    released: pa.Table,
    spec: AttackSpec,
    draw: np.random.Generator,
    origin: Sequence[int] | Indices | None,
) -> Setting:
    """``origin``: for each released record the row of the original that it came from, or −1."""
    spec.checked(original, released)
    release = Release(original, released, spec.quasi_identifiers, spec.hierarchies)
    targets = draw.permutation(original.num_rows)[: spec.targets]
    return Setting(
        spec=spec,
        original=original,
        released=released,
        release=release,
        targets=targets,
        people=People(release, original, targets),
        record_of=None if origin is None else record_of(origin, original, released),
        draw=draw,
    )


def record_of(origin: Sequence[int] | Indices, original: pa.Table, released: pa.Table) -> Indices:
    """The released row of each row of the original, −1 if it was left out; see ``prepare``."""
    rows = np.asarray(origin, np.int64)
    if rows.shape != (released.num_rows,) or (rows >= original.num_rows).any():
        raise InvalidRequest.of("origin", "names one row of the original for each released record")
    known = np.flatnonzero(rows >= 0)
    if len(np.unique(rows[known])) != len(known):
        raise InvalidRequest.of("origin", "a row of the original was released twice")
    record = np.full(original.num_rows, -1, np.int64)
    record[rows[known]] = known
    return record
