"""What attacks reach on Adult, before and after recoding, and how long they take.

    python _anonymity_attacks.py [--quick]

Eight quasi-identifiers, salary-class sensitive. Half of the records are released; the other half
are people of the same population who are not in the release, against whom inference, linkability
and singling out are measured as well. Each row is one attack on one release, with seed 0.
"""

import argparse
import time
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from gateway.cli.microdata import read_ladders, read_microdata
from gateway.model.anonymity import AnonymityGoal, KAnonymity, LDiversity, Method, PrivacyModel
from gateway.risk.attacks.setting import AttackSpec
from gateway.risk.attacks.suite import run_attacks
from gateway.transform.anonymize.full_domain import full_domain
from gateway.transform.anonymize.ladder import Ladder
from gateway.transform.anonymize.local_recoding import local_recoding
from gateway.transform.anonymize.problem import Problem

ADULT = Path(__file__).parents[2] / "../shared/data/adult"
SENSITIVE = "salary-class"
AIM_SECONDS = 5
"""For all attacks on one release of Adult together: a few seconds."""

FIVE = KAnonymity(k=5)
DIVERSE = LDiversity(column=SENSITIVE, l="2")
RELEASES: dict[str, tuple[Method, tuple[PrivacyModel, ...]]] = {
    "as it is": ("full_domain", ()),
    "k = 2": ("full_domain", (KAnonymity(k=2),)),
    "k = 5": ("full_domain", (FIVE,)),
    "k = 5, l = 2": ("full_domain", (FIVE, DIVERSE)),
    "k = 50": ("full_domain", (KAnonymity(k=50),)),
    "local, k = 5": ("local", (FIVE,)),
    "local, k = 5, l = 2": ("local", (FIVE, DIVERSE)),
}


def run(quick: bool, adult: Path = ADULT) -> dict[str, Any]:
    """Rows, one an attack: release, control or not, attack, figures, and seconds of the release."""
    ladders = read_ladders(adult, read_microdata(adult / "adult.csv").column_names)
    whole = read_microdata(adult / "adult.csv", as_text=tuple(ladders))
    qi = tuple(name for name in whole.column_names if name != SENSITIVE)
    half = np.random.default_rng(0).random(whole.num_rows) < 0.5
    people, strangers = whole.filter(pa.array(half)), whole.filter(pa.array(~half))
    spec = AttackSpec(
        quasi_identifiers=qi,
        sensitive=(SENSITIVE,),
        hierarchies={name: _table(ladders[name]) for name in qi},
    )
    rows = []
    for name, (method, models) in RELEASES.items():
        released, origin = people, np.arange(people.num_rows)
        if models:
            goal = AnonymityGoal(
                quasi_identifiers=qi, models=models, max_suppression="0.04", method=method
            )
            problem = Problem.of(people, goal, {name: ladders[name] for name in qi})
            recoding = (full_domain if method == "full_domain" else local_recoding)(problem)
            released, origin = recoding.apply(people), np.flatnonzero(~recoding.suppressed)
        for control in (None, strangers):
            began = time.perf_counter()
            found = run_attacks(
                people, released, spec, np.random.default_rng(0), origin=origin, control=control
            )
            seconds = time.perf_counter() - began
            rows.extend(
                {
                    "release": name,
                    "control": control is not None,
                    "attack": result.name,
                    **{
                        key: float(getattr(result, key))
                        for key in ("success", "low", "high", "rate", "baseline")
                    },
                    "attempts": result.attempts,
                    "seconds": seconds,
                }
                for result in found
            )
        if quick and models:
            break
    slowest = max(row["seconds"] for row in rows)
    return {"rows": rows, "seconds": slowest, "reached": slowest <= AIM_SECONDS}


def _table(ladder: Ladder) -> pa.Table:
    return pa.table(
        {
            f"level_{level}": labels.take(pa.array(codes))
            for level, (labels, codes) in enumerate(zip(ladder.labels, ladder.codes, strict=True))
        }
    )


def lines(found: dict[str, Any]) -> list[str]:
    """The figures as a table in Markdown."""
    told = [
        "| release | attack | success | 95 % interval | with a control | attempts |",
        "| --- | --- | ---: | ---: | ---: | ---: |",
    ]
    controlled = {(row["release"], row["attack"]): row for row in found["rows"] if row["control"]}
    for row in found["rows"]:
        if row["control"]:
            continue
        other = controlled[row["release"], row["attack"]]
        told.append(
            f"| {row['release']} | {row['attack'].replace('_', ' ')} | {row['success']:.1%} "
            f"| {row['low']:.1%} – {row['high']:.1%} | {other['success']:.1%} "
            f"| {row['attempts']:,} |"
        )
    told.append("")
    told.append(
        f"All attacks on one release together: at most {found['seconds']:.1f} s "
        f"(aim: {AIM_SECONDS} s, {'reached' if found['reached'] else '**missed**'})."
    )
    return told


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="two releases instead of five")
    print("\n".join(lines(run(parser.parse_args().quick))))
