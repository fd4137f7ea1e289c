"""Inference: learning a sensitive value of a known person.

Giomi et al. (PoPETs 2023, section 5.3), for the criterion of WP216. The attacker goes by all
nearest records instead of one of them and takes their most frequent value, for numbers their
median: whoever has a class of records at hand uses all of it. The naive attacker guesses what is
most frequent, or the median, in the whole release, or in the whole that was released from in part.
"""

from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from gateway.model.attacks import AttackResult
from gateway.risk.attacks.arrays import Indices, Shares, expand, joined
from gateway.risk.attacks.intervals import Rate, result
from gateway.risk.attacks.labels import flags, wildcards
from gateway.risk.attacks.nearest import Nearest, nearest
from gateway.risk.attacks.setting import Setting
from gateway.risk.attacks.view import Classes, Column, Relation, Release

THREAT: Final = (
    "An attacker knows the quasi-identifiers of a person, finds the nearest released records and "
    "takes their most frequent value of the sensitive column for the person's."
)
TOLERANCE: Final = 0.05
"""A number counts as learnt when the guess is off by no more than this share of it."""


class _Secret:
    """The sensitive column, as published and as it truly is."""

    def __init__(self, setting: Setting, name: str) -> None:
        self.release = Release(
            setting.original, setting.released, (name,), setting.spec.hierarchies
        )
        self.name = name
        self.labels = self.release.labels[name]
        kind = setting.released.schema.field(name).type
        self.is_number = _is_number(kind) and _is_number(setting.original.schema.field(name).type)
        nothing = wildcards(self.labels.values)
        self.told = np.ones(len(self.labels.values), np.bool_)
        self.told[nothing] = False
        if not self.release.null_is_value[name]:
            self.told &= ~flags(pc.is_null(self.labels.values))

    @property
    def codes(self) -> Indices:
        """The label of each released record."""
        return self.labels.codes

    def amounts(self) -> Shares:
        """The number behind each label; NaN for null."""
        texts = self.labels.values.cast(pa.float64())
        numbers: Shares = pc.fill_null(texts, float("nan")).to_numpy(zero_copy_only=False)
        return numbers

    def truth(self, column: pa.ChunkedArray, rows: Indices) -> tuple[Column, Relation]:
        """What is true of some rows, and which labels say so."""
        coded = Column.of(column).take(rows)
        return coded, self.release.relation(self.name, coded.values)


def inference(setting: Setting, control: pa.Table | None = None) -> tuple[AttackResult, ...]:
    """For each sensitive column, the share of persons of whom it is guessed."""
    if not setting.spec.sensitive or not setting.release.rows:
        return ()
    columns = setting.spec.quasi_identifiers
    classes = setting.release.classes(columns)
    near = nearest(setting.people, columns, classes)
    others = None
    if control is not None and control.num_rows:
        rows, people = setting.others(control)
        others = rows, nearest(people, columns, classes)
    return tuple(
        _of_column(setting, _Secret(setting, name), classes, near, others, control)
        for name in setting.spec.sensitive
    )


def _of_column(
    setting: Setting,
    secret: _Secret,
    classes: Classes,
    near: Nearest,
    others: tuple[Indices, Nearest] | None,
    control: pa.Table | None,
) -> AttackResult:
    truth = setting.original.column(secret.name)
    attack = _rate(secret, classes, near, truth, setting.targets)
    against = None
    if others is not None and control is not None:
        alike = setting.alike(control, (secret.name,))
        against = _rate(secret, classes, others[1], alike.column(secret.name), others[0])
    if setting.spec.reference is None:
        everybody = np.arange(setting.original.num_rows)
        naive = _naive(secret, *secret.truth(truth, everybody))
    else:
        naive = _commonest(setting.spec.reference.column(secret.name), secret.is_number)
    return result(
        "inference",
        attack,
        baseline=Rate.exact(naive, setting.original.num_rows),
        control=against,
        column=secret.name,
        threat=THREAT,
        explanation=f"{attack.attempts} persons were tried. "
        + (
            "What the release adds is measured against persons who are not in it."
            if against is not None
            else "Without persons who are not in the release it is measured against the guess that "
            "needs no quasi-identifier, so what holds for people in general counts as well."
        )
        + (f" A guess within {TOLERANCE:.0%} is right." if secret.is_number else ""),
    )


def _rate(
    secret: _Secret, classes: Classes, near: Nearest, truth: pa.ChunkedArray, rows: Indices
) -> Rate:
    attempts = near.looked_at
    column, relation = secret.truth(truth, rows[:attempts])
    person, label, records = _seen(secret, classes, near)
    if secret.is_number:
        guess = _medians(person, secret.amounts()[label], records, attempts)
        right = _close(guess, relation.numbers[column.codes])
        return Rate.of(float(right.sum()), attempts)
    most = np.zeros(attempts, np.int64)
    np.maximum.at(most, person, records)
    tied = records == most[person]
    person, label = person[tied], label[tied]
    right = relation.covers(column.codes[person], label)
    chance = np.bincount(person, right, minlength=attempts) / np.maximum(
        np.bincount(person, minlength=attempts), 1
    )
    return Rate.of(float(chance.sum()), attempts)


def _seen(secret: _Secret, classes: Classes, near: Nearest) -> tuple[Indices, Indices, Indices]:
    """Person, label, and how many of the nearest records have it; labels that tell nothing not."""
    cell, first = joined([classes.class_of, secret.codes])
    order = np.argsort(classes.class_of[first], kind="stable")
    of_class = classes.class_of[first][order]
    labels = secret.codes[first][order]
    sizes = np.bincount(cell, minlength=len(first))[order]
    starts = np.searchsorted(of_class, near.pairs.fits, "left")
    counts = np.searchsorted(of_class, near.pairs.fits, "right") - starts
    which, place = expand(starts, counts)
    width = len(secret.told)
    keys = near.pairs.person[which] * width + labels[place]
    kept = secret.told[labels[place]]
    distinct, where = np.unique(keys[kept], return_inverse=True)
    records = np.bincount(where, sizes[place][kept], minlength=len(distinct)).astype(np.int64)
    return distinct // width, distinct % width, records


def _medians(person: Indices, amounts: Shares, records: Indices, count: int) -> Shares:
    """The median of each person's nearest records, NaN where there is none."""
    known = ~np.isnan(amounts)
    person, amounts, records = person[known], amounts[known], records[known]
    order = np.lexsort((amounts, person))
    person, amounts, records = person[order], amounts[order], records[order]
    running = np.cumsum(records)
    total = np.bincount(person, records, minlength=count)
    before = np.cumsum(total) - total
    middle = running - before[person] >= total[person] / 2
    guess = np.full(count, np.nan)
    # In reverse, so that the first record of the upper half is what stays
    guess[person[middle][::-1]] = amounts[middle][::-1]
    return guess


def _close(guess: Shares, truth: Shares) -> NDArray[np.bool_]:
    with np.errstate(invalid="ignore"):  # infinity less infinity, which are equal
        near = np.abs(guess - truth) <= TOLERANCE * np.abs(truth)
    right: NDArray[np.bool_] = (guess == truth) | (near & np.isfinite(truth))
    return right


def _naive(secret: _Secret, column: Column, relation: Relation) -> float:
    """The share of all persons that one guess for everybody gets right."""
    counts = np.bincount(secret.codes, minlength=len(secret.told)) * secret.told
    if not counts.any():
        return 0.0
    if secret.is_number:
        label = np.flatnonzero(counts)
        person = np.zeros(len(label), np.int64)
        guess = _medians(person, secret.amounts()[label], counts[label], 1)
        return float(_close(guess, relation.numbers[column.codes]).mean())
    best = np.full(len(column.codes), int(counts.argmax()))
    return float(relation.covers(column.codes, best).mean())


def _commonest(values: pa.ChunkedArray, is_number: bool) -> float:
    """The share of a whole that one guess for everybody gets right: null is never guessed."""
    known = values.drop_null()
    if not len(known):
        return 0.0
    if is_number:
        amounts = known.cast(pa.float64()).to_numpy()
        guess = np.full(len(amounts), np.sort(amounts)[len(amounts) // 2])
        return float(_close(guess, amounts).sum()) / len(values)
    most: int = pc.max(pc.value_counts(known.combine_chunks()).field("counts")).as_py()
    return most / len(values)


def _is_number(kind: pa.DataType) -> bool:
    return bool(
        pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)
    )
