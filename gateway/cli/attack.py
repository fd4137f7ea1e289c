"""``gateway attack``: attack a release of one's own, without a server."""

from pathlib import Path
from typing import Annotated

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import typer
from numpy.typing import NDArray

from gateway.cli.exits import EXIT_FAILED
from gateway.cli.microdata import (
    Delimiter,
    Encoding,
    HierarchyFolder,
    Qi,
    quasi_identifiers,
    read_ladders,
    read_microdata,
)
from gateway.cli.options import Json, listed
from gateway.cli.output import hint, say, show_json, show_table
from gateway.errors import InvalidRequest
from gateway.model.attacks import AttackLimits, AttackResult
from gateway.risk.attacks.differencing import Held
from gateway.risk.attacks.setting import AttackSpec
from gateway.risk.attacks.suite import run_attacks
from gateway.transform.anonymize.ladder import Ladder

app = typer.Typer()


@app.command()
def attack(
    original: Annotated[Path, typer.Argument(help="File of the records as they are.")],
    released: Annotated[Path, typer.Argument(help="File of the same records as released.")],
    qi: Qi,
    sensitive: Annotated[
        str, typer.Option(help="Columns that attackers want to learn, with commas.")
    ] = "",
    control: Annotated[
        Path | None,
        typer.Option(
            help="File of records of the same population that were not released: what can be told "
            "of these people too is not the fault of the release."
        ),
    ] = None,
    held: Annotated[
        list[Path] | None,
        typer.Option(
            help="File of an earlier release of the same records in the same hands, or in hands that "
            "may meet; repeat."
        ),
    ] = None,
    k: Annotated[
        int, typer.Option("--k", min=2, help="So many must look alike in all releases together.")
    ] = 2,
    id_column: Annotated[
        str | None,
        typer.Option(
            "--id",
            help="Column of both files that says which records are of the same person. It is used "
            "to tell right guesses from wrong ones, and never by the attackers.",
        ),
    ] = None,
    same_order: Annotated[
        bool,
        typer.Option("--same-order", help="Both files hold the same persons in the same order."),
    ] = False,
    hierarchies: HierarchyFolder = None,
    delimiter: Delimiter = None,
    encoding: Encoding = "utf-8",
    limit: Annotated[
        list[str] | None,
        typer.Option(
            "--limit",
            help="Greatest success, such as linkability=0.1 or inference=0.2; repeat. Ends with 1 "
            "when the upper end of an interval is above.",
        ),
    ] = None,
    targets: Annotated[int, typer.Option(min=1, help="At most so many persons are tried.")] = 1_000,
    seed: Annotated[int, typer.Option(min=0, help="The same seed tries the same persons.")] = 0,
    as_json: Json = False,
) -> None:
    """Try what attackers could get out of a release, and say with which success.

    Needs no server. The success is what the release adds to a guess without it, with an interval
    of 95 % confidence.
    """
    columns = quasi_identifiers(qi)
    limits = _limits(limit or [])
    ladders = read_ladders(hierarchies, [*columns, *listed(sensitive)])

    def read(file: Path) -> pa.Table:
        return read_microdata(file, delimiter=delimiter, encoding=encoding, as_text=tuple(ladders))

    before, after = read(original), read(released)
    spec = AttackSpec(
        quasi_identifiers=columns,
        sensitive=tuple(listed(sensitive)),
        hierarchies={name: _table_of(ladder) for name, ladder in ladders.items()},
        targets=targets,
        k=k,
    )

    def origin(table: pa.Table) -> NDArray[np.int64] | None:
        return _origin(before, table, id_column, same_order=same_order)

    results = run_attacks(
        before,
        after,
        spec,
        np.random.default_rng(seed),
        origin=origin(after),
        control=None if control is None else read(control),
        held=[Held(table, origin(table)) for table in map(read, held)] if held else None,
    )
    exceeded = limits.exceeded(results)
    missing = sorted(limits.missing(results))
    if as_json:
        show_json(
            {
                "attacks": [_told(result, limits) for result in results],
                "exceeded": [_name(result) for result in exceeded],
                "not_attacked": missing,
            }
        )
    else:
        _show(results, exceeded)
        if missing:
            say(f"limited, but nothing was there to attack: {', '.join(missing)}")
    if exceeded or missing:
        raise typer.Exit(EXIT_FAILED)


def _limits(given: list[str]) -> AttackLimits:
    pairs = dict(text.partition("=")[::2] for text in given)
    if unknown := set(pairs) - set(AttackLimits.model_fields):
        known = ", ".join(AttackLimits.model_fields)
        raise InvalidRequest.of(
            "--limit", f"no attack {', '.join(sorted(unknown))}; there are {known}"
        )
    try:
        return AttackLimits.model_validate(pairs)
    except ValueError:
        raise InvalidRequest.of("--limit", "a limit is a share from 0 to 1, such as 0.1") from None


def _table_of(ladder: Ladder) -> pa.Table:
    """Leaf first, a column a level."""
    return pa.table(
        {
            f"level_{level}": labels.take(pa.array(codes))
            for level, (labels, codes) in enumerate(zip(ladder.labels, ladder.codes, strict=True))
        }
    )


def _origin(
    before: pa.Table, after: pa.Table, id_column: str | None, *, same_order: bool
) -> NDArray[np.int64] | None:
    """For each released record its row in the original; None when nobody said."""
    if same_order:
        if before.num_rows != after.num_rows:
            raise InvalidRequest.of(
                "--same-order", "the files do not have equally many records; is there an --id?"
            )
        return np.arange(before.num_rows)
    if id_column is None:
        return None
    for table in (before, after):
        if table.column_names.count(id_column) != 1:
            raise InvalidRequest.of("--id", f"{id_column} must be one column of both files")
    names = [
        table.column(id_column).cast(pa.string()).combine_chunks() for table in (before, after)
    ]
    if any(len(column.unique()) != len(column) or column.null_count for column in names):
        raise InvalidRequest.of(
            "--id", f"{id_column} must be there in every record, each time another"
        )
    found = pc.index_in(names[1], value_set=names[0]).fill_null(-1)
    rows: NDArray[np.int64] = found.to_numpy(zero_copy_only=False).astype(np.int64)
    return rows


def _told(result: AttackResult, limits: AttackLimits) -> dict[str, object]:
    """For programs: shares as numbers."""
    shares = ("success", "low", "high", "rate", "baseline", "control")
    told = result.model_dump(mode="json")
    return {
        **told,
        **{name: None if told[name] is None else float(told[name]) for name in shares},
        "limit": _number(limits.by_kind().get(result.kind)),
    }


def _number(text: str | None) -> float | None:
    return None if text is None else float(text)


def _name(result: AttackResult) -> str:
    return result.name if result.column is None else f"{result.name} of {result.column}"


def _show(results: tuple[AttackResult, ...], exceeded: tuple[AttackResult, ...]) -> None:
    show_table(
        ["attack", "success", "95 % interval", "right", "without", "attempts", ""],
        [
            [
                _name(result).replace("_", " "),
                _percent(result.success),
                f"{_percent(result.low)} – {_percent(result.high)}",
                _percent(result.rate),
                _percent(result.control or result.baseline),
                result.attempts,
                "above its limit" if result in exceeded else "",
            ]
            for result in results
        ],
    )
    for result in results:
        hint(f"{_name(result).replace('_', ' ')}: {result.explanation}")


def _percent(share: str) -> str:
    return f"{100 * float(share):.1f} %"
