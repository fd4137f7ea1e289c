"""Which verdict on a column holds: what a person said, what held before, what the rules find now.

By itself a verdict only becomes stricter (就高从严). Where the rules find something milder, what held
before stays and the finding is kept beside it as an open question, for an officer to answer.
"""

from collections.abc import Sequence

from gateway.model.catalog import Column, DataSet, SourceVersion
from gateway.model.evidence import Judged
from gateway.model.grades import highest
from gateway.model.names import ColumnRole, Role


def settle(before: Column, found: Column, by: Role | None = None, *, first: bool = False) -> Column:
    """The column after the rules looked at it. ``found``: by the rules alone.

    ``by``: whose call it was. An officer's accepts every finding; a holder's those that fill in
    what was unknown; nobody's (None) only what is stricter. A declaration stays: an officer's until
    it lapses, a holder's as long as it is no weaker than the finding. ``first``: no content was
    looked at before, so that nothing could be released on what held.
    """
    if before.declared_by is Role.OFFICER or (
        before.declared_by is Role.HOLDER and before.has_verdict and found.admits(before)
    ):
        return before.but(found=found.in_force())
    new = (first or before.rules is None) and before.declaration is None
    if new or by is Role.OFFICER or not found.has_verdict:
        return found
    if not before.has_verdict:
        return found if by is Role.HOLDER else before.but(declaration=None, found=found.in_force())
    return _stricter(before, found)


def _stricter(before: Column, found: Column) -> Column:
    """Both have a verdict: what the values now are, as grave as either."""
    entity = before.entity if found.entity == "NONE" else found.entity
    grade = highest((before.grade, found.grade))
    kept = found.role is ColumnRole.OTHER or before.role is ColumnRole.DIRECT_IDENTIFIER
    role = before.role if kept else found.role
    if (entity, grade, role) == found.verdict:
        return found
    base = before if entity == before.entity else found
    return base.but(entity=entity, grade=grade, role=role, declaration=None, found=found.in_force())


def judged(
    dataset: DataSet,
    version: SourceVersion | None,
    found: Sequence[Column],
    by: Role | None = None,
) -> DataSet:
    """The data set with its columns settled; ``found`` by the rules alone, in their order, on the
    content of that version, or on names alone (None)."""
    first = dataset.judged is None or dataset.judged.fingerprint is None
    columns = tuple(
        settle(before, column, by, first=first)
        for before, column in zip(dataset.columns, found, strict=True)
    )
    made = Judged(
        rules=next((column.rules for column in found if column.rules), ""),
        fingerprint=None if version is None else version.fingerprint,
    )
    return dataset.but(version=version or dataset.version, columns=columns, judged=made)
