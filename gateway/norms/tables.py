"""The grading standards as Markdown tables, for docs/grading.md; a test holds the two together."""

from collections.abc import Iterable, Mapping, Sequence

from gateway.norms.standard import Item, Standard

_FIRST = ("gbt-43697-2024", "gbt-45574-2025", "gbt-35273-2020", "jrt-0197-2020", "hipaa", "gdpr")
_HOW_MUCH = {
    "whole": "kept, rounded, shortened, shifted",
    "reduced": "masked, in ranges, made coarser, token",
    "reversible": "token or cipher that a key takes back",
    "redacted": "text without what was found in it",
    "aggregated": "figures over groups",
    "constant": "suppressed, one text for all",
}


def tables(standards: Mapping[str, Standard]) -> Mapping[str, str]:
    """All tables by title, in the order of the page."""
    known = [standards[key] for key in _FIRST if key in standards]
    return {
        "standards": _standards(known),
        "crosswalks": _crosswalks(known),
        "combinations": _combinations(known),
        "thresholds": _thresholds(known),
        "what is left": _derived(known),
        "harm": _harm(known[0]),
        "entities": _entities(known),
    }


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(
        "| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in lines
    )


def _standards(known: Sequence[Standard]) -> str:
    return _table(
        ["key", "standard", "in force", "levels, lowest first"],
        [
            [
                f"`{found.key}`",
                f"{found.standard} {found.title.zh}",
                str(found.effective),
                ", ".join(f"`{level.name}` {level.zh}" for level in found.levels),
            ]
            for found in known
        ],
    )


def _crosswalks(known: Sequence[Standard]) -> str:
    """Row: what has this level; column: what it is at least under the other."""
    return _table(
        ["is at least", *(f"`{found.key}`" for found in known)],
        [
            [f"{found.standard} `{level.name}`", *_floors(found, level.name, known)]
            for found in known
            for level in reversed(found.levels[1:])
        ],
    )


def _floors(found: Standard, level: str, known: Sequence[Standard]) -> list[str]:
    cells = []
    for other in known:
        least = level if other is found else other.floor(found.key, level)
        cells.append("" if least == other.lowest else f"`{least}`")
    return cells


def _combinations(known: Sequence[Standard]) -> str:
    return _table(
        ["standard", "together", "are at least", "source"],
        [
            [found.standard, f"{c.en} {c.zh}", f"`{c.level}`", c.source]
            for found in known
            for c in found.combinations
        ],
    )


def _thresholds(known: Sequence[Standard]) -> str:
    return _table(
        ["standard", "rows", "of columns from", "in kinds", "are at least", "source"],
        [
            [
                found.standard,
                f"{t.rows:,}",
                f"`{t.holding}`",
                str(t.kinds),
                f"`{t.level}`",
                t.source,
            ]
            for found in known
            for t in found.thresholds
        ],
    )


def _derived(known: Sequence[Standard]) -> str:
    first = known[0]
    return _table(
        ["what is left", *(f"of `{level.name}`" for level in reversed(first.levels)), "source"],
        [
            [
                how,
                *(f"`{first.after(level.name, residue)}`" for level in reversed(first.levels)),
                first.derived[residue].source,
            ]
            for residue, how in _HOW_MUCH.items()
            if residue in first.derived
        ],
    )


def _harm(first: Standard) -> str:
    if first.harm is None:
        return ""
    level = {(rule.object, rule.degree): rule.level for rule in first.harm.rules}
    return _table(
        ["harm to", *(f"{degree.en} {degree.zh}" for degree in first.harm.degrees)],
        [
            [
                f"{thing.en} {thing.zh}",
                *(f"`{level[thing.name, d.name]}`" for d in first.harm.degrees),
            ]
            for thing in first.harm.objects
        ],
    )


def _entities(known: Sequence[Standard]) -> str:
    def cell(item: Item) -> str:
        return f"{item.level} ({item.note})" if item.note else item.level

    names = [*sorted(known[0].entities), *sorted(known[0].general)]
    return _table(
        ["entity", "role", *(found.standard for found in known)],
        [
            [
                f"`{name}`",
                (known[0].item(name).role or "").replace("_", " "),
                *(cell(found.item(name)) for found in known),
            ]
            for name in names
        ],
    )
