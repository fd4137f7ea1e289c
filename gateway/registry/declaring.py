"""What people say of columns: a holder adds to a verdict and raises it, an officer sets it."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from gateway.errors import InvalidRequest, PermissionDenied, Violation
from gateway.model.catalog import Column, Party
from gateway.model.evidence import Declaration, Evidence
from gateway.model.grades import Grade
from gateway.model.names import ColumnRole, Role
from gateway.norms.elements import Element

_DESCRIBED = ("description", "element", "unit", "bounds", "groups")
_JUDGED = ("entity", "grade", "role")
_ABOUT_NOBODY = ("NONE", Grade.GENERAL_1, ColumnRole.OTHER)


def declare(
    elements: Mapping[str, Element],
    holder: str,
    now: datetime,
    columns: Sequence[Column],
    declared: Sequence[Column],
) -> tuple[Column, ...]:
    """The columns with what their holder says of them.

    Raises InvalidRequest naming every column and element that there is not, PermissionDenied
    naming every column of which something weaker is said than is known.
    """
    by_name = {column.name: column for column in declared}
    known = {column.name for column in columns}
    faults = [
        Violation(f"columns.{name}", "the source has no such column")
        for name in by_name
        if name not in known
    ]
    faults += [
        Violation(f"columns.{c.name}.element", f"{c.element} is not a standard element")
        for c in declared
        if c.element is not None and c.element not in elements
    ]
    if faults:
        raise InvalidRequest.collected(faults)
    laid = tuple(
        laid_over(column, by_name[column.name], holder, now) if column.name in by_name else column
        for column in columns
    )
    weaker = [
        new.name
        for old, new in zip(columns, laid, strict=True)
        if not _may_say(old, new) or (new.name in by_name and not of_its_element(elements, new))
    ]
    if weaker:
        raise PermissionDenied(
            "a holder may add to a verdict and raise it; only an officer changes it otherwise "
            "(gateway dataset override): " + ", ".join(weaker),
            reason="VERDICT_WEAKENED",
        )
    return laid


def _may_say(old: Column, new: Column) -> bool:
    if not old.admits(new):
        return False
    if new.declaration == old.declaration or old.declared_by is not Role.OFFICER:
        return True
    # What an officer set may be milder than what the rules find, and may lapse: a holder does not
    # make it last by saying almost the same.
    return old.as_found(old.found).admits(new)


def of_its_element(elements: Mapping[str, Element], column: Column) -> bool:
    """Whether the column is what its element stands for: rules can speak about elements, so
    naming one must not make a column look harmless. What is unknown, and what is about nobody, may
    have any; of the elements without an entity those of its own role, if it has one."""
    element = elements.get(column.element or "")
    if element is None or column.entity is None or column.verdict == _ABOUT_NOBODY:
        return True
    if column.entity == "NONE" == element.entity:
        return column.role in (None, ColumnRole.OTHER, element.role)
    return column.entity == element.entity


def fitting(elements: Mapping[str, Element], column: Column) -> Column:
    """The column without an element that it is not."""
    return column if of_its_element(elements, column) else column.but(element=None)


def without_verdict(column: Column) -> Column:
    """What is said of a column besides what it is: description, element, unit, bounds, groups."""
    return column.but(entity=None, grade=None, role=None)


def laid_over(column: Column, declared: Column, holder: str, now: datetime) -> Column:
    """The column with what its holder says, whether or not that may be said. What the rules found
    is kept beside a declared verdict."""
    given: dict[str, object] = {
        name: getattr(declared, name)
        for name in (*_DESCRIBED, *_JUDGED)
        if getattr(declared, name) not in (None, "", ())
    }
    if given.keys() & set(_JUDGED):
        entity = declared.entity or column.entity or "NONE"
        said = _evidence(entity, "declared by the holder", "由数据持有方声明")
        given |= {
            "declaration": Declaration(party=holder, role=Role.HOLDER, at=now),
            "evidence": (said,),
            "found": column.finding,
        }
    return column.but(**given)


def overridden(
    column: Column,
    officer: Party,
    verdict: tuple[str, Grade, ColumnRole],
    reason: str,
    now: datetime,
    until: datetime | None,
) -> Column:
    """The column with an officer's verdict, and what the rules found beside it."""
    entity, grade, role = verdict
    told = f"set by {officer.name}: {reason}"
    told_zh = f"由 {officer.name} 认定：{reason}"
    return column.but(
        entity=entity,
        grade=grade,
        role=role,
        confidence_percent=100,
        evidence=(_evidence(entity, told, told_zh),),
        declaration=Declaration(
            party=officer.name, role=Role.OFFICER, reason=reason, at=now, until=until
        ),
        found=column.finding,
    )


def _evidence(entity: str, detail: str, detail_zh: str) -> Evidence:
    return Evidence(
        kind="declared", entity=entity, detail=detail[:200], detail_zh=detail_zh[:200], weight=100
    )
