"""The level of de-identification of GB/T 42460-2023, by the threshold of a kind of sharing."""

from collections.abc import Sequence

from gateway.model.exact import PositiveNumber, millionths
from gateway.model.noun import Noun, ShortText
from gateway.norms.disclosure import Sharing, disclosure


class Effect(Noun):
    """A level from 1, identifies people directly, to 4, aggregates; in both languages, and why.

    ``level`` is None where direct identifiers were not looked for, and 1 can not be ruled out.
    """

    level: int | None
    zh: ShortText
    en: ShortText
    because: str
    sharing: Sharing
    threshold: PositiveNumber
    source: ShortText


def effect(
    highest: str,
    *,
    sharing: Sharing,
    threshold: str | None = None,
    direct_identifiers: Sequence[str] | None,
    aggregated: bool = False,
) -> Effect:
    """The level of a table whose record most at risk has the risk ``highest``.

    ``threshold``: of the policy, instead of the proposal for the kind of sharing.
    ``direct_identifiers``: columns that are some; None when nobody looked. ``aggregated``: the rows
    are groups, not people.
    """
    rules = disclosure()
    limit = threshold or rules.sharing[sharing].threshold
    acceptable = millionths(highest) <= millionths(limit)
    compared = f"the highest risk, {highest}, is {'at most' if acceptable else 'above'} {limit}"
    if direct_identifiers:
        level, because = 1, f"direct identifiers: {', '.join(direct_identifiers)}"
    elif direct_identifiers is None:
        level, because = None, f"nobody looked for direct identifiers; {compared}"
    elif aggregated:
        level, because = 4, "the rows are declared to be aggregates"
    else:
        level, because = (3 if acceptable else 2), compared
    named = rules.effect.levels.get(level or 0)
    return Effect(
        level=level,
        zh=named.zh if named else "未评定",
        en=named.en if named else "not graded",
        because=because,
        sharing=sharing,
        threshold=limit,
        source=rules.effect.source,
    )
