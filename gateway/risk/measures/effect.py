"""The level of de-identification of GB/T 42460-2023, by the threshold of a kind of sharing."""

from collections.abc import Sequence

from gateway.model.exact import PositiveNumber, millionths
from gateway.model.noun import Noun, ShortText
from gateway.norms.disclosure import Sharing, disclosure
from gateway.norms.set_grades import Said


class Effect(Noun):
    """A level from 1, identifies people directly, to 4, aggregates; in both languages, and why.

    ``level`` is None where direct identifiers were not looked for, and 1 can not be ruled out.
    """

    level: int | None
    zh: ShortText
    en: ShortText
    because: Said
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
    compared = Said(
        en=f"the highest risk, {highest}, is {'at most' if acceptable else 'above'} {limit}",
        zh=f"最高风险 {highest} {'不超过' if acceptable else '超过'} {limit}",
    )
    level: int | None
    if direct_identifiers:
        listed = ", ".join(direct_identifiers)
        level = 1
        because = Said(en=f"direct identifiers: {listed}", zh=f"含直接标识符：{listed}")
    elif direct_identifiers is None:
        level = None
        because = Said(
            en=f"nobody looked for direct identifiers; {compared.en}",
            zh=f"未检查直接标识符；{compared.zh}",
        )
    elif aggregated:
        level = 4
        because = Said(en="the rows are declared to be aggregates", zh="已声明各行为聚合结果")
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
