"""The use cases of statistics, together: who serves or composes them needs all of them."""

from dataclasses import dataclass

from gateway.registry.budgets import Budgets
from gateway.release.answer_custody import AnswerCustody
from gateway.release.answering import Answering
from gateway.release.asking import Asking


@dataclass(frozen=True, slots=True)
class Statistics:
    """A question is asked (decided, priced, charged), answered, and kept; budgets bound it."""

    asking: Asking
    answering: Answering
    answers: AnswerCustody
    budgets: Budgets
