"""Classifies the labelled benchmark and scores it: the column part of classification.py."""

import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict
from typing import Any

import pyarrow as pa

from gateway.classify.columns import verdicts
from gateway.classify.pack import Pack, standard
from gateway.execute.sampling import sample_batches
from gateway.model.catalog import Column
from gateway.model.grades import Grade
from gateway.norms.standard import item_name
from gateway.norms.standards import default_standard
from gateway.ports import SAMPLED_VALUES, ColumnSample
from gateway.testing.benchmark import DOMAINS, KINDS, NAMING_STYLES, LabelledColumn, Split, tables
from gateway.testing.benchmark.hidden import HIDING, ROWS, hidden
from gateway.testing.benchmark.naming import names_of
from gateway.testing.benchmark.score import (
    Answer,
    HiddenRated,
    Rated,
    Score,
    f1_by_entity,
    score,
)

# Seen while the rules were written; the curves of confidence were fitted on further ones.
TUNING_SEEDS = range(1, 6)
CALIBRATION_SEEDS = range(21, 61)
# Other seeds on the other half of the names and words, many of which entered the rules later.
SECOND_HALF_SEEDS = range(101, 141)
# Names of another hand, which had not read the rules; measured, never tuned on.
FRESH_SEEDS = range(301, 341)
HIDDEN_SEEDS = range(401, 404)


def rated(
    seeds: Iterable[int], split: Split, *, pack: Pack, values: bool = True
) -> Iterator[Rated]:
    """The verdict on every column, by name and values or by name alone."""
    for seed in seeds:
        for table in tables(seed, split=split):
            columns = [Column(name=f.name, type=str(f.type)) for f in table.data.schema]
            found = verdicts(samples(table.data) if values else None, columns, pack=pack)
            for label, verdict in zip(table.columns, found, strict=True):
                answer = Answer(
                    verdict.entity, verdict.role, verdict.confidence_percent / 100, verdict.grade
                )
                yield Rated(table.domain, label, answer, _floor(label))


def rated_hidden(seeds: Iterable[int], rows: Sequence[int], *, pack: Pack) -> Iterator[HiddenRated]:
    """The verdict on every column of hidden identifiers, each a table of its own."""
    for seed in seeds:
        for one in hidden(seed, rows=rows):
            table = pa.table([one.values], names=[one.name])
            column = Column(name=one.name, type=str(one.values.type))
            (verdict,) = verdicts(samples(table), [column], pack=pack)
            answer = Answer(
                verdict.entity, verdict.role, verdict.confidence_percent / 100, verdict.grade
            )
            yield HiddenRated(
                one.hiding, one.carrier, one.identifier, one.per_cent, one.rows, answer
            )


def samples(table: pa.Table) -> Iterator[ColumnSample]:
    """What a source of these rows would hand to the classifier."""
    return sample_batches(table.to_batches(), table.schema, lambda _: None, SAMPLED_VALUES)


def run(quick: bool) -> dict[str, Any]:
    """Figures on both halves of one hand's names, on those of another, and on hidden identifiers."""
    pack = standard()
    few = slice(1) if quick else slice(None)
    second = list(rated(SECOND_HALF_SEEDS[few], "held-out", pack=pack))
    tuned = list(rated(TUNING_SEEDS[few], "tuning", pack=pack))
    started = time.process_time()
    fresh = list(rated(FRESH_SEEDS[few], "fresh", pack=pack))
    seconds = time.process_time() - started
    named = [
        r
        for r in rated(FRESH_SEEDS[few][:5], "fresh", pack=pack, values=False)
        if r.column.style != "meaningless"
    ]
    others = _names_of("all")
    unseen = [r for r in fresh if r.column.entry and r.column.entry.lower() not in others]
    hid = list(rated_hidden(HIDDEN_SEEDS[few], ROWS[:1] if quick else ROWS, pack=pack))
    return {
        "rules": pack.reference,
        "milliseconds_a_column": 1000 * seconds / len(fresh),
        "fresh_names_of_the_first_hand": _shared(_names_of("fresh"), others),
        "second_half_names_of_the_tuning_half": _shared(_names_of("held-out"), _names_of("tuning")),
        "tuning": _figures(tuned),
        "second_half": _figures(second),
        "fresh": _figures(fresh),
        "fresh_new_names": _figures(unseen),
        "fresh_names_alone": _figures(named),
        "by_domain": {d: _short([r for r in fresh if r.domain == d]) for d in DOMAINS},
        "by_naming": {s: _short([r for r in fresh if r.column.style == s]) for s in NAMING_STYLES},
        "hidden": _hidden_figures(hid),
    }


def _floor(label: LabelledColumn) -> Grade | None:
    """The grade of what the column is, under the standard that grades columns."""
    if label.entity is None:
        return None
    # A grade is given so that the label counts as whole; harmless columns are not looked up by it.
    item = item_name(label.entity, Grade.GENERAL_2, label.role)
    return Grade(default_standard().item(item).level)


def _figures(all_: list[Rated]) -> dict[str, Any]:
    scored: Score = score(all_)
    return asdict(scored) | {"confusions": [list(c) for c in scored.confusions[:60]]}


def _short(some: list[Rated]) -> dict[str, Any]:
    f1 = f1_by_entity(some)
    return {
        "columns": len(some),
        "macro_f1": sum(f1.values()) / len(f1),
        "direct_missed": sum(r.missed for r in some),
        "right": sum(r.right for r in some) / len(some),
    }


def _hidden_figures(all_: list[HiddenRated]) -> dict[str, Any]:
    hiding = [r for r in all_ if r.hiding != "clean"]
    clean = [r for r in all_ if r.hiding == "clean"]
    return {
        "columns": len(hiding),
        "released": sum(r.released for r in hiding),
        "clean": len(clean),
        "clean_held_back": sum(r.held_back for r in clean),
        "by_hiding": {
            h: _released([r for r in hiding if r.hiding == h], lambda r: f"{r.per_cent} %")
            for h in HIDING
            if h != "clean"
        },
        "minority_by_rows": _released([r for r in hiding if r.hiding == "minority"],
                                      lambda r: f"{r.rows:,} rows, {r.per_cent} %"),
        "by_identifier": _released(
            [r for r in hiding if r.hiding != "written otherwise"], lambda r: r.identifier
        ),
        "by_writing": _released(
            [r for r in hiding if r.hiding == "written otherwise"],
            lambda r: r.identifier.partition(", ")[2],
        ),
        "by_carrier": _released(hiding, lambda r: r.carrier),
        "worst": _released(
            hiding, lambda r: f"{r.hiding}: {r.identifier} in {r.carrier}", only_released=True
        ),
        "clean_by_carrier": {
            carrier: [sum(r.held_back for r in clean if r.carrier == carrier),
                      sum(r.carrier == carrier for r in clean)]
            for carrier in dict.fromkeys(r.carrier for r in clean)
        },
    }  # fmt: skip


def _released(
    some: list[HiddenRated], part: Callable[[HiddenRated], str], *, only_released: bool = False
) -> dict[str, list[int]]:
    """By part: how many were released as harmless, and of how many."""
    counted: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for one in some:
        counted[part(one)][0] += one.released
        counted[part(one)][1] += 1
    if not only_released:
        return dict(counted)
    worst = sorted(counted.items(), key=lambda item: -item[1][0])
    return {name: counts for name, counts in worst if counts[0]}


def _names_of(split: Split) -> set[str]:
    return {n.lower() for k in KINDS for s in NAMING_STYLES[:-1] for n in names_of(k, s, split)}


def _shared(names: set[str], others: set[str]) -> float:
    """Share of the names that the others have as well."""
    return len(names & others) / len(names)
