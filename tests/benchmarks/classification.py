"""Measures the classification of columns and of texts: how often it is right, and how fast it is.

    python tests/benchmarks/classification.py [--quick] [--json FILE]

Columns: forty generated tables a seed, with gold labels (`gateway.testing.benchmark`), on the half
of its names and words that the rules were tuned on, on the second half, and on names of another
hand; and columns that hide identifiers under a harmless name. Parts
that live in modules of their own (texts, the speed of a wide file) are run when they are there.
"""

import argparse
import json
import os
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from _machine import facts
from rich.console import Console
from rich.table import Table

PARTS = ("columns", "text", "speed")
"""Each is a module _classification_<part>.py with run(quick) -> figures, and may have show(...)."""


def main() -> None:
    """Measure, print tables, write JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one seed, few texts")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    parser.add_argument("--part", choices=PARTS, action="append", help="only these parts")
    options = parser.parse_args()
    load, console, figures = os.getloadavg(), Console(width=110), {}
    for part in options.part or PARTS:
        name = f"_classification_{part}"
        if find_spec(name) is None:
            continue
        module = import_module(name)
        figures[part] = module.run(quick=options.quick)
        if part == "columns":
            _show_columns(console, figures[part])
        elif hasattr(module, "show"):
            module.show(console, figures[part])
        else:
            _show_any(console, part, figures[part])
    if options.json is not None:
        report = {"machine": facts(load), "quick": options.quick, **figures}
        options.json.write_text(json.dumps(report, ensure_ascii=False, indent=2) + "\n")


def _show_columns(console: Console, found: dict[str, Any]) -> None:
    parts = ("tuning", "second_half", "fresh", "fresh_new_names", "fresh_names_alone")
    table = Table(title=f"Columns, rules {found['rules']}", title_justify="left")
    table.add_column("")
    for part in (*parts, "aim"):
        table.add_column(part.replace("_", " "), justify="right")
    rows: tuple[tuple[str, str, str, str], ...] = (
        ("columns", "columns", "{:,}", ""),
        ("macro F1 over entities", "macro_f1", "{:.4f}", ">= 0.97"),
        ("claims of check-digit types", "check_digit_claims", "{:,}", ""),
        ("precision of check-digit types", "check_digit_precision", "{:.4f}", ">= 0.999"),
        ("direct identifiers", "direct", "{:,}", ""),
        ("  called something milder", "direct_missed", "{:,}", "none"),
        ("  unknown, so not released", "direct_unknown", "{:,}", ""),
        ("role milder than it should be", "role_milder", "{:,}", ""),
        ("role exactly right", "role_right", "{:.4f}", ""),
        ("unknown where nobody could tell", "unknown_right", "{:.4f}", ""),
        ("traps taken for something", "traps_claimed", "{:,}", ""),
        ("calibration error (ECE)", "calibration_error", "{:.4f}", ""),
    )
    for title, key, form, aim in rows:
        table.add_row(title, *(form.format(found[part][key]) for part in parts), aim)
    console.print(table)
    console.print(
        f"{found['fresh_names_of_the_first_hand']:.0%} of the fresh names are the first hand's as "
        f"well; {found['milliseconds_a_column']:.1f} ms of computing a fresh column of 400 rows"
    )
    _show_parts(console, "By domain, fresh", found["by_domain"])
    _show_parts(console, "By style of the names, fresh", found["by_naming"])
    reliability = Table(title="Reliability, fresh", title_justify="left")
    for heading in ("mean confidence", "right", "columns"):
        reliability.add_column(heading, justify="right")
    for said, was, count in found["fresh"]["reliability"]:
        reliability.add_row(f"{said:.2f}", f"{was:.2f}", f"{count:,}")
    console.print(reliability)
    wrong = Table(title="Most frequent confusions, fresh", title_justify="left")
    for heading in ("gold", "answer", "kind of column", "columns"):
        wrong.add_column(heading)
    for gold, answer, kind, count in found["fresh"]["confusions"][:12]:
        wrong.add_row(gold, answer, kind, str(count))
    console.print(wrong)
    _show_hidden(console, found["hidden"])


def _show_hidden(console: Console, found: dict[str, Any]) -> None:
    table = Table(title="Hidden identifiers released as harmless", title_justify="left")
    table.add_column("")
    for heading in ("released", "columns", "share"):
        table.add_column(heading, justify="right")
    lines: list[tuple[str, list[int] | None]] = [("all", [found["released"], found["columns"]])]
    for hiding, shares in found["by_hiding"].items():
        lines += [(f"{hiding}, {share}", counts) for share, counts in shares.items()]
    for part in ("minority_by_rows", "by_identifier", "by_writing", "by_carrier"):
        lines += [("", None), (part.replace("_", " "), None)]
        lines += [(f"  {name}", counts) for name, counts in found[part].items()]
    for name, counts in lines:
        if counts is None:
            table.add_row(name, "", "", "")
        else:
            table.add_row(name, *(f"{n:,}" for n in counts), f"{counts[0] / counts[1]:.3f}")
    console.print(table)
    console.print(
        f"{found['clean_held_back']:,} of {found['clean']:,} such columns without any identifier "
        "are unknown"
    )


def _show_parts(console: Console, title: str, parts: dict[str, dict[str, Any]]) -> None:
    table = Table(title=title, title_justify="left")
    for heading in ("", "columns", "macro F1", "right", "direct missed"):
        table.add_column(heading, justify="left" if not heading else "right")
    for name, one in parts.items():
        table.add_row(
            name, f"{one['columns']:,}", f"{one['macro_f1']:.4f}", f"{one['right']:.4f}",
            str(one["direct_missed"]),
        )  # fmt: skip
    console.print(table)


def _show_any(console: Console, title: str, figures: dict[str, Any]) -> None:
    table = Table(title=title.capitalize(), title_justify="left", show_header=False)
    for name, value in figures.items():
        table.add_row(name, f"{value:,.4g}" if isinstance(value, float) else str(value))
    console.print(table)


if __name__ == "__main__":
    main()
