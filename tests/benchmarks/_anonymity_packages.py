"""The packages anjana (search) and pycanon (verification) on Adult; prints what they did as JSON.

    python _anonymity_packages.py FOLDER RELEASED K SUPPRESSION PASSES SENSITIVE

Runs with an interpreter of its own, which needs the two packages and nothing of the gateway. FOLDER
has adult.csv and its hierarchies. RELEASED is an anonymised table (.csv, ``;``) that pycanon verifies
for k, and for l and t of SENSITIVE given the other columns. SUPPRESSION is a share. Reading is not
part of the time; each figure is the best of the passes, after one pass more that counts nothing.
"""

import csv
import json
import sys
import time
from collections import Counter
from collections.abc import Callable
from contextlib import redirect_stdout
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pandas as pd
from anjana.anonymity import k_anonymity_inner
from pycanon import anonymity


def timed(work: Callable[[], object], passes: int) -> tuple[float, object]:
    """Seconds, the best of the passes, and what came out."""
    best, result = float("inf"), work()
    for _ in range(passes):
        start = time.perf_counter()
        result = work()
        best = min(best, time.perf_counter() - start)
    return best, result


def hierarchy(file: Path) -> dict[int, np.ndarray]:
    """Levels of a hierarchy file, from leaves to the root."""
    with file.open(encoding="utf-8", newline="") as lines:
        rows = list(csv.reader(lines, delimiter=";"))
    return {level: np.array(column) for level, column in enumerate(zip(*rows, strict=True))}


def loss(table: pd.DataFrame, levels: dict[str, int], trees: dict, rows: int) -> float:
    """Mean over all cells of (leaves below - 1) / (all leaves - 1); a suppressed cell counts 1."""
    total = float((rows - len(table)) * len(levels))
    for name, level in levels.items():
        below = Counter(trees[name][level].tolist())
        lost = {label: (count - 1) / (len(trees[name][0]) - 1) for label, count in below.items()}
        total += table[name].map(lost).sum()
    return total / rows / len(levels)


def main() -> None:
    """Search with anjana, verify with pycanon."""
    folder, released = Path(sys.argv[1]), Path(sys.argv[2])
    k, suppression, passes = int(sys.argv[3]), float(sys.argv[4]), int(sys.argv[5])
    sensitive = sys.argv[6]
    table = pd.read_csv(folder / "adult.csv", sep=";", dtype=str)
    names = list(table.columns)
    trees = {name: hierarchy(folder / f"adult_hierarchy_{name}.csv") for name in names}
    found = {}

    def search() -> object:
        with redirect_stdout(sys.stderr):
            return k_anonymity_inner(table.copy(), [], list(names), k, suppression * 100, trees)

    seconds, (anonymous, suppressed, levels) = timed(search, passes)
    found[f"anjana {version('anjana')}, k = {k}"] = {
        "seconds": seconds,
        "told": f"loss {loss(anonymous, levels, trees, len(table)):.4f}, "
        f"levels {','.join(str(levels[name]) for name in names)}, {suppressed} suppressed",
    }
    there = pd.read_csv(released, sep=";", dtype=str)
    known = [name for name in names if name != sensitive]
    for what, work in (
        ("k", lambda: anonymity.k_anonymity(there, known)),
        (f"l of {sensitive}", lambda: anonymity.l_diversity(there, known, [sensitive])),
        (f"t of {sensitive}", lambda: anonymity.t_closeness(there, known, [sensitive])),
    ):
        seconds, figure = timed(work, passes)
        found[f"pycanon {version('pycanon')}, {what}"] = {
            "seconds": seconds,
            "told": f"{figure:.6g}",
        }
    print(json.dumps(found))


if __name__ == "__main__":
    main()
