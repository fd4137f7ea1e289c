"""Which verdict on a column holds: what a person said, what held before, what the rules find now.

By itself a verdict only becomes stricter (就高从严), entity and all. Where the rules find something
milder, what held before stays and the finding is kept beside it as an open question, for an officer
to answer; where they find something that is graver in one way and milder in another, the column is
unknown until then.
"""

from collections.abc import Sequence

from gateway.model.catalog import Column, DataSet, SourceVersion
from gateway.model.evidence import Evidence, Judged
from gateway.model.grades import highest
from gateway.model.names import Role


def settle(before: Column, found: Column, by: Role | None = None, *, first: bool = False) -> Column:
    """The column after the rules looked at it. ``found``: by the rules alone.

    ``by``: whose call it was. An officer's accepts every finding; a holder's those that fill in
    what a holder may; nobody's (None) only what is stricter. A declaration stays: an officer's
    until it lapses, a holder's as long as it is no weaker than the finding. ``first``: no content
    was looked at before, so that nothing could be released on what held.
    """
    if before.declared_by is Role.OFFICER or (
        before.declared_by is Role.HOLDER and before.has_verdict and found.admits(before)
    ):
        return before.but(found=found.in_force())
    new = (first or before.rules is None) and before.declaration is None
    if new or by is Role.OFFICER:
        return found
    if not found.has_verdict:
        # What was known, or rested on values, does not become a holder's to fill in by other content.
        return found.but(fillable=found.fillable and before.fillable)
    if not before.has_verdict:
        filled = by is Role.HOLDER and before.fillable
        return found if filled else before.but(declaration=None, found=found.in_force())
    return _stricter(before, found)


def _stricter(before: Column, found: Column) -> Column:
    """Both have a verdict. Rules of policies speak about entities, so grade and role alone do not
    make the column of another entity as well guarded: it becomes that only where the finding is no
    milder in either, stays what it was where the finding is milder, and is unknown between the two.
    """
    asked = before.but(declaration=None, found=found.in_force())
    if found.entity == before.entity:
        grade = highest((before.grade, found.grade))
        role = before.role if _guarded(before, found) else found.role
        same = (found.entity, grade, role) == found.verdict
        return found if same else asked.but(grade=grade, role=role)
    if _as_grave(found, before) and found.entity != "NONE":
        return found
    if _as_grave(before, found):
        return asked
    between = Evidence(
        kind="rule",
        entity="NONE",
        detail=f"it was {before.entity}, the rules find {found.entity}, and neither is the stricter",
        detail_zh=f"原为 {before.entity}，规则现判为 {found.entity}，两者均非更严",
        weight=0,
    )
    return asked.but(
        entity=None,
        grade=None,
        role=None,
        confidence_percent=0,
        evidence=(between,),
        fillable=False,
    )


def _as_grave(one: Column, other: Column) -> bool:
    return one.effective_grade.at_least(other.effective_grade) and _guarded(one, other)


def _guarded(one: Column, other: Column) -> bool:
    return one.role is not None and (other.role is None or one.role.at_least(other.role))


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
