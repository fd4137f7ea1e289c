"""``gateway perturb``: microaggregation, PRAM and rank swapping on a file of one's own."""

import secrets
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pyarrow as pa
import typer
from numpy.typing import NDArray

from gateway.cli.microdata import Delimiter, Encoding, read_microdata, told_delimiter
from gateway.cli.options import Json, listed
from gateway.cli.output import hint, json_or, say, show_fields, show_table
from gateway.cli.table_files import check_output, write_table
from gateway.errors import InvalidRequest
from gateway.transform.anonymize.microaggregation import microaggregate
from gateway.transform.anonymize.pram import Pram, counts_of, invariant, retention
from gateway.transform.anonymize.problem import one_array
from gateway.transform.anonymize.rank_swapping import rank_swapped
from gateway.transform.base import as_text

app = typer.Typer()


@app.command()
def perturb(
    file: Annotated[Path, typer.Argument(help="Records: .csv, .tsv, .parquet or .arrows.")],
    output: Annotated[
        Path, typer.Option("--output", "-o", help="File to write: .csv, .parquet or .arrows.")
    ],
    mean: Annotated[
        str, typer.Option(help="Columns of numbers that become means of k records, with commas.")
    ] = "",
    k: Annotated[
        int, typer.Option("--k", min=2, help="Records that have a mean in common at least.")
    ] = 3,
    separately: Annotated[
        bool,
        typer.Option(
            "--separately",
            help="Group each column for itself: closer means, no k-anonymity over several columns.",
        ),
    ] = False,
    pram: Annotated[
        list[str] | None,
        typer.Option(
            "--pram",
            metavar="COLUMN=KEEP",
            help="Draw categories anew; a value stays with the chance KEEP, such as 0.8; repeat.",
        ),
    ] = None,
    keep_counts: Annotated[
        bool,
        typer.Option(
            "--keep-counts/--no-keep-counts",
            help="Make the chances of --pram such that expected counts stay as they are.",
        ),
    ] = True,
    swap: Annotated[
        list[str] | None,
        typer.Option(
            "--swap",
            metavar="COLUMN=SHARE",
            help="Exchange values with records within SHARE of all ranks, such as 0.05; repeat.",
        ),
    ] = None,
    order: Annotated[
        list[str] | None,
        typer.Option(
            "--order",
            metavar="COLUMN=LEAST,…,MOST",
            help="Order of the categories of a text column that is swapped; repeat.",
        ),
    ] = None,
    delimiter: Delimiter = None,
    encoding: Encoding = "utf-8",
    as_json: Json = False,
) -> None:
    """Put means in place of numbers, draw categories anew, exchange values of nearly equal rank.

    Needs no server. Chance is the operating system's, and nothing of it is kept: a second run
    differs. What was done, and the matrix of chances that an analyst needs, is told.
    """
    check_output("--output", output)
    means = listed(mean)
    chances = _shares("--pram", pram)
    swaps = _shares("--swap", swap)
    orders = {name: listed(text) for name, text in _pairs("--order", order)}
    _check_once([*means, *chances, *swaps])
    if unknown := sorted(set(orders) - set(swaps)):
        raise InvalidRequest.of("--order", f"{', '.join(unknown)}: not swapped")
    table = read_microdata(file, delimiter=delimiter, encoding=encoding)
    if unknown := [name for name in (*means, *chances, *swaps) if name not in table.column_names]:
        raise InvalidRequest.of("columns", f"{', '.join(unknown)}: no such column")
    told: dict[str, Any] = {"rows": table.num_rows, "means": None, "pram": {}, "swapped": {}}
    if means:
        grouping = "separately" if separately else "together"
        found = microaggregate(table, means, k, grouping="separately" if separately else "together")
        table = found.table
        told["means"] = {
            "columns": means,
            "k": k,
            "grouping": grouping,
            "information_loss": found.information_loss,
            "blanked": found.blanked,
        }
    for name, keep in chances.items():
        table, told["pram"][name] = _drawn(table, name, keep, keep_counts=keep_counts)
    for name, share in swaps.items():
        column = one_array(table.column(name))
        draws = _draws(table.num_rows + 1)
        swapped = rank_swapped(column, share, draws, order=_with_null(orders.get(name), column))
        table = _put(table, name, swapped)
        told["swapped"][name] = {"share": float(share), "ranks": int(share * table.num_rows)}
    write_table(table, output, told_delimiter(file, delimiter, encoding))
    told["output"] = str(output)
    json_or(as_json, told, _show)
    say(f"wrote {output}")
    hint("none of this is k-anonymity but means of columns that were grouped together")


def _pairs(option: str, given: Sequence[str] | None) -> list[tuple[str, str]]:
    found = []
    for text in given or ():
        name, sign, value = text.partition("=")
        if not sign or not name or not value:
            raise InvalidRequest.of(option, "write COLUMN=VALUE")
        found.append((name, value))
    return found


def _shares(option: str, given: Sequence[str] | None) -> dict[str, Fraction]:
    found: dict[str, Fraction] = {}
    for name, text in _pairs(option, given):
        if name in found:
            raise InvalidRequest.of(option, f"{name} is named twice")
        try:
            found[name] = Fraction(text)
        except (ValueError, ZeroDivisionError):
            raise InvalidRequest.of(option, f"{name}: write a share, such as 0.8") from None
    return found


def _check_once(columns: Sequence[str]) -> None:
    if not columns:
        raise InvalidRequest.of("--mean", "name a column with --mean, --pram or --swap")
    if twice := sorted({name for name in columns if columns.count(name) > 1}):
        raise InvalidRequest.of("columns", f"{', '.join(twice)}: perturbed in two ways")


def _drawn(
    table: pa.Table, name: str, keep: Fraction, *, keep_counts: bool
) -> tuple[pa.Table, dict[str, Any]]:
    column = as_text(one_array(table.column(name)))
    categories, counts = counts_of(column)
    matrix = retention(categories, keep)
    if keep_counts:
        matrix = invariant(matrix, counts)
    drawn = Pram(matrix).apply(column, _draws(table.num_rows))
    epsilon = matrix.local_epsilon
    return _put(table, name, drawn), {
        "keep": float(keep),
        "expected_counts_kept": keep_counts,
        # without a bound there is no number, and JSON has none for infinity
        "local_epsilon": epsilon if np.isfinite(epsilon) else None,
        **matrix.stated(),
    }


def _draws(count: int) -> NDArray[np.uint64]:
    return np.frombuffer(secrets.token_bytes(8 * count), np.uint64)


def _with_null(order: list[str] | None, column: pa.Array) -> list[str | None] | None:
    return None if order is None else [*order, *([None] if column.null_count else [])]


def _put(table: pa.Table, name: str, column: pa.Array) -> pa.Table:
    return table.set_column(table.column_names.index(name), name, column)


def _show(told: dict[str, Any]) -> None:
    if told["means"]:
        show_fields(
            {
                "means of": told["means"]["columns"],
                "k": told["means"]["k"],
                "grouped": told["means"]["grouping"],
                "variance lost": f"{told['means']['information_loss']:.3f}",
                "cells blanked": told["means"]["blanked"],
            }
        )
    for name, found in told["pram"].items():
        names = ["null" if value is None else value for value in found["categories"]]
        show_table(
            [f"{name} is", *names],
            [
                [value, *(f"{chance:.4f}" for chance in row)]
                for value, row in zip(names, found["matrix"], strict=True)
            ],
            title="chances of what is published",
        )
    if told["swapped"]:
        show_table(
            ["swapped", "within ranks"],
            [[name, found["ranks"]] for name, found in told["swapped"].items()],
        )
