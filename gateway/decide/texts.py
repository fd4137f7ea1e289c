"""What policies say of identifiers in a text that a caller brings: their rules about columns.

For each entity that can be found, the rules about a column of it decide what becomes of a find, as
they would decide over such a column of the caller's own records. What they deny, what no rule
speaks about, what they permit only under conditions on whole tables (row filters, least cell sizes,
most rows), and what their transform does to columns only is replaced by the entity's name.
"""

from collections.abc import Sequence
from typing import Final

from gateway.decide import reasons
from gateway.decide.engine import judge
from gateway.decide.facts import Facts
from gateway.decide.matching import Matched, RuleBook
from gateway.decide.strictest import combine
from gateway.errors import InvalidRequest
from gateway.model.catalog import Column
from gateway.model.decision import ColumnDecision, Decision, Outcome, Reason
from gateway.model.text_specs import RedactText, TextAction, text_action

TEXT: Final = "text"
"""The one column of a data set of texts."""


def decide_texts(purpose: str, facts: Facts, columns: Sequence[Column]) -> Decision:
    """The decision over texts: the column ``text`` with what happens to each entity in it.

    ``columns``: one for each entity that can be found, with its usual grade and role. No grant is
    needed, as nothing leaves that the caller did not send. InvalidRequest for a purpose that no
    policy defines.
    """
    if purpose not in facts.purposes:
        known = ", ".join(facts.purposes) or "none"
        raise InvalidRequest.of("purpose", f"no active policy defines it; known are: {known}")
    rules = RuleBook(purpose, facts)
    actions: dict[str, TextAction] = {}
    grounds: list[Reason] = []
    taking_part: list[Matched] = []
    for column in columns:
        judged = judge(column, rules)
        combined = combine(judged.permits)
        whole_tables = (
            combined.row_filters
            or combined.sample_percent
            or combined.max_rows
            or combined.min_cell_size
            or combined.anonymity
        )
        if column.entity is None or whole_tables or any(judged.denials()):
            continue
        actions[column.entity] = text_action(judged.transform, column.entity)
        grounds += judged.grounds()
        taking_part += judged.permits
    others = Reason(
        code=reasons.OBLIGATION,
        text="whatever else is found in a text is replaced by the name of its entity",
    )
    return Decision(
        outcome=Outcome.PERMITTED_WITH_OBLIGATIONS,
        reasons=(*grounds, others),
        columns=(
            ColumnDecision(
                column=TEXT,
                published=TEXT,
                transform=RedactText(entities=actions),
                rules=tuple(sorted({matched.name for matched in taking_part})),
            ),
        ),
        policies=combine(taking_part).refs(),
    )
