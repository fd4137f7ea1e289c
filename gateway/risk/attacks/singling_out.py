"""Singling out: a predicate that exactly one of the original records satisfies.

Giomi et al. (PoPETs 2023, section 5.1), for the criterion of WP216: predicates that one released
record alone satisfies, by one column or by several. The predicates speak of published columns
only: one of any other kind, such as a hash of the record, isolates somebody in more than a third of
all cases without any release (Cohen & Nissim, PNAS 117, 2020), and is no measure of one.
"""

from math import exp, lgamma
from typing import Final

import numpy as np
import pyarrow as pa

from gateway.model.attacks import AttackResult
from gateway.risk.attacks.arrays import Indices, Shares
from gateway.risk.attacks.intervals import Rate, result
from gateway.risk.attacks.predicates import Predicates, Records, of_records, rare, records_of
from gateway.risk.attacks.setting import Setting

THREAT: Final = (
    "An attacker who has the release alone states a condition on the quasi-identifiers that, so "
    "the claim, exactly one of the people has whom the data are about."
)


def singling_out(setting: Setting, control: pa.Table | None = None) -> tuple[AttackResult, ...]:
    """The share of such predicates that are right, by one column and by several.

    None of either without the whole original: nobody is known to be the only one in a sample.
    """
    if not setting.spec.whole:
        return ()
    release = setting.release
    people = records_of(release, setting.original)
    others = None
    if control is not None and control.num_rows:
        others = records_of(release, setting.alike(control, release.columns))
    one, there = rare(release, people.relations, setting.draw, setting.spec.targets)
    classes = release.classes(release.columns)
    published = Records(classes.labels, classes.sizes, people.relations, are_labels=True)
    every = there == len(one)
    several, alone = _several(setting, published)
    return (
        _result(setting, "singling_out_univariate", one, people, others, every, _rare_text(there)),
        _result(
            setting,
            "singling_out_multivariate",
            several,
            people,
            others,
            False,
            f"{len(several)} conditions on several columns were claimed to fit one person alone."
            if alone
            else "No record is alone in what is published of it, so no condition on several columns "
            "isolates one.",
        ),
    )


def _rare_text(there: int) -> str:
    if not there:
        return "No value and no end of a column belongs to one released record alone."
    return f"{there} values or ends of columns belong to one released record alone."


def _several(setting: Setting, published: Records) -> tuple[Predicates, int]:
    """One predicate for each of the records that are alone in their class, and how many there are.

    Only those can be isolated: a condition on published columns fits a class as a whole.
    """
    alone = np.flatnonzero(published.sizes == 1)
    most = min(setting.spec.targets, published.at_most)
    chosen = published.codes[setting.draw.permutation(alone)[:most]]
    some = of_records(chosen, published.relations, setting.draw, some=True)
    isolating = published.matches(some) == 1
    whole = of_records(chosen[~isolating], published.relations, setting.draw, some=False)
    # On all columns a record that is alone is isolated, unless an open end lets others in.
    kept = whole.take(np.flatnonzero(published.matches(whole) == 1))
    first = some.take(np.flatnonzero(isolating))
    both = Predicates(
        np.concatenate([first.forms, kept.forms]), np.concatenate([first.labels, kept.labels])
    )
    return both.distinct(), len(alone)


def _result(
    setting: Setting,
    name: str,
    predicates: Predicates,
    people: Records,
    others: Records | None,
    every: bool,
    text: str,
) -> AttackResult:
    if len(predicates) > people.at_most:
        predicates, every = predicates.take(np.arange(people.at_most)), False
    attempts = len(predicates)
    matches = people.matches(predicates)
    right = float(np.count_nonzero(matches == 1))
    attack = Rate.exact(right / max(attempts, 1), attempts) if every else Rate.of(right, attempts)
    naive = _naive(setting, predicates, people)
    against, shown = None, attack
    if others is not None and attempts:
        rows, size = int(people.sizes.sum()), int(others.sizes.sum())
        common = min(rows, size)
        against = Rate.of(float(_one_in(others.matches(predicates), size, common).sum()), attempts)
        shown = Rate.of(float(_one_in(matches, rows, common).sum()), attempts)
    return result(
        name,  # type: ignore[arg-type]
        shown,
        baseline=naive,
        control=against,
        subtracted=False,
        threat=THREAT,
        explanation=text
        + (
            " The share that is right is measured in a sample as large as the control."
            if against is not None and shown != attack
            else ""
        ),
    )


def _naive(setting: Setting, predicates: Predicates, people: Records) -> Rate:
    """The same predicates, with the labels of each column shuffled among them."""
    if not len(predicates):
        return Rate.of(0, 0)
    order = setting.draw.random(predicates.labels.shape).argsort(axis=0)
    labels = np.take_along_axis(predicates.labels, order, axis=0)
    right = people.matches(Predicates(predicates.forms, labels)) == 1
    return Rate.of(float(np.count_nonzero(right)), len(predicates))


def _one_in(matches: Indices, size: int, drawn: int) -> Shares:
    """The probability that exactly one of the matching records is among ``drawn`` of ``size``.

    Sets of different size are compared so: in fewer people a condition fits one alone more often.
    """
    if drawn == size:
        alone: Shares = (matches == 1).astype(np.float64)
        return alone
    kinds, where = np.unique(matches, return_inverse=True)
    chances: Shares = np.array([_hypergeometric_one(int(count), size, drawn) for count in kinds])
    found: Shares = chances[where]
    return found


def _hypergeometric_one(matching: int, size: int, drawn: int) -> float:
    if matching == 0 or size - matching < drawn - 1:
        return 0.0
    return matching * exp(_log_choose(size - matching, drawn - 1) - _log_choose(size, drawn))


def _log_choose(of: int, some: int) -> float:
    return lgamma(of + 1) - lgamma(some + 1) - lgamma(of - some + 1)
