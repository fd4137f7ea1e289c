"""Classifies the labelled benchmark and scores it: the column part of classification.py."""

import time
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from typing import Any

from gateway.classify.columns import verdicts
from gateway.classify.pack import Pack, standard
from gateway.model.catalog import Column
from gateway.testing.benchmark import DOMAINS, KINDS, NAMING_STYLES, Split, tables
from gateway.testing.benchmark.naming import names_of
from gateway.testing.benchmark.score import Answer, Rated, Score, f1_by_entity, score

# Seen while the rules were written; the curves of confidence were fitted on further ones.
TUNING_SEEDS = range(1, 6)
CALIBRATION_SEEDS = range(21, 61)
# Never looked at column by column; with the other half of the names and words.
HELD_OUT_SEEDS = range(101, 201)
QUICK_SEEDS = range(101, 102)


def rated(
    seeds: Iterable[int], split: Split, *, pack: Pack, values: bool = True
) -> Iterator[Rated]:
    """The verdict on every column, by name and values or by name alone."""
    for seed in seeds:
        for table in tables(seed, split=split):
            columns = [Column(name=f.name, type=str(f.type)) for f in table.data.schema]
            found = verdicts(table.data if values else None, columns, pack=pack)
            for label, verdict in zip(table.columns, found, strict=True):
                answer = Answer(verdict.entity, verdict.role, verdict.confidence_percent / 100)
                yield Rated(table.domain, label, answer)


def run(quick: bool) -> dict[str, Any]:
    """Figures on the held-out half, and beside them on the half that the rules were tuned on."""
    pack, started = standard(), time.process_time()
    seeds = QUICK_SEEDS if quick else HELD_OUT_SEEDS
    held = list(rated(seeds, "held-out", pack=pack))
    seconds = time.process_time() - started
    tuned = list(rated(TUNING_SEEDS[:1] if quick else TUNING_SEEDS, "tuning", pack=pack))
    named = [
        r
        for r in rated(seeds[:5], "held-out", pack=pack, values=False)
        if r.column.style != "meaningless"
    ]
    return {
        "rules": pack.reference,
        "held_out_seeds": [seeds[0], seeds[-1]],
        "milliseconds_a_column": 1000 * seconds / len(held),
        "names_not_in_the_other_half": _new_names(),
        "held_out": _figures(held),
        "tuning": _figures(tuned),
        "names_alone": _figures(named),
        "by_domain": {d: _short([r for r in held if r.domain == d]) for d in DOMAINS},
        "by_naming": {s: _short([r for r in held if r.column.style == s]) for s in NAMING_STYLES},
    }


def _figures(all_: list[Rated]) -> dict[str, Any]:
    scored: Score = score(all_)
    return asdict(scored) | {"confusions": [list(c) for c in scored.confusions[:25]]}


def _short(some: list[Rated]) -> dict[str, Any]:
    f1 = f1_by_entity(some)
    return {
        "columns": len(some),
        "macro_f1": sum(f1.values()) / len(f1),
        "direct_missed": sum(r.missed for r in some),
        "right": sum(r.right for r in some) / len(some),
    }


def _new_names() -> float:
    """Share of the held-out half's names that the tuning half does not have."""
    held = {n for k in KINDS for s in NAMING_STYLES[:-1] for n in names_of(k, s, "held-out")}
    tuning = {n for k in KINDS for s in NAMING_STYLES[:-1] for n in names_of(k, s, "tuning")}
    return len(held - tuning) / len(held)
