"""Proposes quasi-identifiers: the columns that, together, single people out, with the reason.

*Distinction* of a set of columns: different combinations divided by records. *Separation*: the
share of pairs of records that differ in the set (Motwani & Xu, "Efficient algorithms for masking
and finding quasi-identifiers", PDM at VLDB 2007). Whether others can know a column is not in the
data: the proposal says what would single people out if they did.
"""

from collections.abc import Callable, Sequence
from typing import Final, Literal

import numpy as np
import pyarrow as pa

from gateway.errors import InvalidRequest
from gateway.model.exact import Number
from gateway.model.noun import Noun
from gateway.risk.privacy.definition import decimal, rounded_up
from gateway.risk.uniques.special import Scoring, Special, dis, dis_suda
from gateway.risk.uniques.subsets import (
    MOST_COLUMNS,
    Coded,
    Visited,
    check_sets,
    number_of_sets,
    visit,
)

LARGEST_SET: Final = 3
SETS_TOLD: Final = 20
_IDENTIFIES: Final = 0.95
"""A column by which so large a share of records is alone is told as an identifier, and left out of
the sets: every set with it singles everybody out, which tells nothing of the others."""

_NOTABLE: Final = 0.01
"""A column is proposed when so large a share of all scores is from sets with it."""

_ALWAYS: Final = 2
"""Sets of so many columns are few, and are looked at whatever the time is."""

_HELD: Final = 1_000
"""Sets that are held before all but the foremost are let go."""

Kind = Literal["identifier", "quasi_identifier", "other", "constant"]


class ColumnFinding(Noun):
    """One column. ``alone``: share of records that it singles out by itself; ``contribution``:
    share of the scores of minimal sample uniques from sets with it, None where it was not looked at in sets.
    Shares are decimal text, rounded up to a millionth."""

    column: str
    kind: Kind
    values: int
    distinction: Number
    separation: Number
    alone: Number
    contribution: Number | None
    reason: str


class SetFinding(Noun):
    """One set. ``alone``: records that it singles out; ``minimal``: those of them that no part of
    it does."""

    columns: tuple[str, ...]
    alone: int
    minimal: int
    distinction: Number
    separation: Number
    reason: str


class Proposal(Noun):
    """Columns and sets, those that single out most first. ``special``: records with a minimal sample
    unique of at most ``largest_set`` columns; that is fewer than was asked for, and ``complete`` False,
    where time was over. ``dis``: the chance that a unique match is right, and
    ``highest``: that of the record with the highest, at the sampling fraction; None without one."""

    records: int
    largest_set: int
    complete: bool
    sets_visited: int
    proposed: tuple[str, ...]
    special: int
    dis: Number | None
    highest: Number | None
    columns: tuple[ColumnFinding, ...]
    sets: tuple[SetFinding, ...]


def propose(
    table: pa.Table,
    columns: Sequence[str] | None = None,
    *,
    largest_set: int = LARGEST_SET,
    sampling_fraction: float | None = None,
    tell: Callable[[int, int], None] = lambda _done, _expected: None,
    over: Callable[[], bool] = lambda: False,
) -> Proposal:
    """Looks at all sets of up to ``largest_set`` of the columns; None: of all columns.

    Where there are more than 25 the sets are of those that tell most pairs of records apart.

    Work grows with rows times sets. ``tell``: sets visited, and how many there are of up to the size
    that is looked at. ``over``: whether time is; the sets up to the last size that was looked at
    whole are told then, of at least two columns. `InvalidRequest`
    for columns that are unknown, named twice or too many, and for sets that do not fit in memory.
    """
    if not table.num_rows:
        raise InvalidRequest.of("table", "has no rows: nobody can be singled out")
    every = Coded.of(table, table.column_names if columns is None else columns)
    single = {visited.columns[0]: visited for visited in visit(every, 1)}
    usual = [place for place in single if _kind(every, single[place]) == "other"]
    # of too many columns those that tell most pairs apart
    usual = sorted(sorted(usual, key=lambda place: single[place].pairs)[:MOST_COLUMNS])
    coded = Coded.of(table, [every.names[place] for place in usual]) if usual else None
    sets: list[Visited] = []
    special, looked_at, complete = None, largest_set, True
    if coded is not None:
        check_sets(coded, largest_set)
        # By size, so that what there is when time is over is of all columns, and not of the first.
        # Each size costs about as much as all below it by a factor, so to begin again is cheap.
        for size in range(min(_ALWAYS, largest_set), largest_set + 1):
            found_now = _all_sets(coded, size, tell, over if size > _ALWAYS else _never)
            if found_now is None:
                complete = False
                break
            special, sets = found_now
            looked_at = size
    contributions = {} if special is None else dict(zip(usual, special.contributions, strict=True))
    columns_found = [
        _column(every, single[place], contributions.get(place))
        for place in sorted(
            single, key=lambda place: (-contributions.get(place, 0), single[place].pairs, place)
        )
    ]
    found = sorted(columns_found, key=lambda one: _ORDER[one.kind])
    chance = highest = None
    if coded is not None and special is not None and sampling_fraction is not None:
        chance = dis(coded.counts, sampling_fraction)
        highest = float(dis_suda(special, coded, sampling_fraction).max(initial=0))
    return Proposal(
        records=every.rows,
        largest_set=looked_at,
        complete=complete,
        sets_visited=number_of_sets(len(usual), looked_at),
        proposed=tuple(one.column for one in found if one.kind == "quasi_identifier"),
        special=0 if special is None else int(np.count_nonzero(special.minimal)),
        dis=_share(chance),
        highest=_share(highest),
        columns=tuple(found),
        sets=tuple(_set(coded, one) for one in sets[:SETS_TOLD] if coded is not None),
    )


def _all_sets(
    coded: Coded, size: int, tell: Callable[[int, int], None], over: Callable[[], bool]
) -> tuple[Special, list[Visited]] | None:
    """Scores by all sets of up to ``size`` columns, and those that single out most; None when time
    was over before."""
    scoring, sets = Scoring(coded, size), list[Visited]()
    expected = number_of_sets(len(coded.names), size)
    for done, visited in enumerate(visit(coded, size)):
        if over():
            return None
        tell(done, expected)
        scoring.add(visited)
        if len(visited.minimal):
            sets.append(visited)
        if len(sets) > _HELD:
            sets = _foremost(sets)
    return scoring.done(), _foremost(sets)


def _foremost(sets: list[Visited]) -> list[Visited]:
    key = lambda one: (-len(one.minimal), len(one.columns), one.columns)  # noqa: E731
    return sorted(sets, key=key)[:SETS_TOLD]


def _never() -> bool:
    return False


_ORDER: Final = {"identifier": 0, "quasi_identifier": 1, "other": 2, "constant": 3}


def _kind(coded: Coded, visited: Visited) -> Kind:
    if visited.classes <= 1:
        return "constant"
    return "identifier" if visited.alone >= _IDENTIFIES * coded.rows else "other"


def _separation(coded: Coded, visited: Visited) -> float:
    pairs = coded.rows * (coded.rows - 1)
    return 1 - visited.pairs / pairs if pairs else 0.0


def _column(coded: Coded, visited: Visited, contribution: float | None) -> ColumnFinding:
    [place] = visited.columns
    kind = _kind(coded, visited)
    if kind == "other" and contribution is not None and contribution >= _NOTABLE:
        kind = "quasi_identifier"
    separation = _separation(coded, visited)
    alone = visited.alone / coded.rows
    match kind:
        case "constant":
            reason = "one value for all records"
        case "identifier":
            reason = f"singles out {_percent(alone)} of all records by itself"
        case _ if contribution is None:
            reason = f"not looked at in sets: {MOST_COLUMNS} other columns tell more records apart"
        case _:
            reason = (
                f"{_percent(contribution)} of the scores of minimal uniques are from sets with "
                f"it; tells {_percent(separation)} of all pairs of records apart"
            )
    return ColumnFinding(
        column=coded.names[place],
        kind=kind,
        values=visited.classes,
        distinction=_text(visited.classes / coded.rows),
        separation=_text(separation),
        alone=_text(alone),
        contribution=_share(contribution),
        reason=reason,
    )


def _set(coded: Coded, visited: Visited) -> SetFinding:
    names = tuple(coded.names[place] for place in visited.columns)
    by_part = "" if len(names) == 1 else ", and by no part of it"
    share = _percent(len(visited.minimal) / coded.rows)
    return SetFinding(
        columns=names,
        alone=visited.alone,
        minimal=len(visited.minimal),
        distinction=_text(visited.classes / coded.rows),
        separation=_text(_separation(coded, visited)),
        reason=f"{share} of all records are alone by {' + '.join(names)}{by_part}",
    )


def _percent(share: float) -> str:
    return f"{share:.1%}" if share >= 0.0005 or not share else "less than 0.1%"


def _share(share: float | None) -> str | None:
    return None if share is None else _text(share)


def _text(share: float) -> str:
    return decimal(rounded_up(share))
