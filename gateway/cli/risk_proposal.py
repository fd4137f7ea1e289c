"""``gateway risk --propose``: which columns of a file single people out together, and why."""

import time
from pathlib import Path
from typing import Any

from gateway.cli.microdata import quasi_identifiers, read_microdata
from gateway.cli.output import hint, json_or, say, show_fields, show_table, stages
from gateway.errors import InvalidRequest
from gateway.risk.uniques.proposal import Proposal, propose

_KINDS = {
    "identifier": "identifier",
    "quasi_identifier": "quasi-identifier",
    "other": "-",
    "constant": "constant",
}


def show_proposal(
    file: Path,
    qi: str,
    largest_set: int,
    sampling_fraction: str | None,
    *,
    seconds: int,
    delimiter: str | None,
    encoding: str,
    as_json: bool,
) -> None:
    """Looks at all columns, or at those of ``qi``, for so many seconds."""
    begun = time.monotonic()
    with stages("looking for who is alone") as tell:
        table = read_microdata(file, delimiter=delimiter, encoding=encoding)
        columns = quasi_identifiers(qi) if qi else table.column_names
        if unknown := [name for name in columns if name not in table.column_names]:
            raise InvalidRequest.of("--qi", f"{', '.join(unknown)}: no such column")
        found = propose(
            table,
            columns,
            largest_set=largest_set,
            sampling_fraction=None if sampling_fraction is None else float(sampling_fraction),
            tell=lambda done, of: tell("sets of columns", done, of),
            over=lambda: time.monotonic() - begun > seconds,
        )
    json_or(as_json, {"file": file.name, **_numbers(found.model_dump(mode="json"))}, _show)
    if not found.complete:
        say(
            f"the time was over: sets of more than {found.largest_set} columns were not looked at "
            f"whole, and {largest_set} were asked for (--seconds, fewer columns in --qi)"
        )
    _hints(file, found)


_SHARES = frozenset("distinction separation contribution dis highest".split())


def _numbers(value: Any) -> Any:
    """Shares are exact decimal text inside, and numbers in JSON."""
    if isinstance(value, list):
        return [_numbers(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {
        name: float(item)
        if isinstance(item, str) and (name in _SHARES or name == "alone")
        else _numbers(item)
        for name, item in value.items()
    }


def _show(told: dict[str, Any]) -> None:
    show_table(
        ["column", "proposed as", "values", "tells apart", "why"],
        [
            [one["column"], _KINDS[one["kind"]], one["values"], one["separation"], one["reason"]]
            for one in told["columns"]
        ],
        title=f"{told['file']}: what would single people out if others knew it",
    )
    show_table(
        ["set", "alone", "by no part of it", "why"],
        [
            [" + ".join(one["columns"]), one["alone"], one["minimal"], one["reason"]]
            for one in told["sets"]
        ],
    )
    fields = {
        "records": told["records"],
        f"alone by at most {told['largest_set']} columns": told["special"],
        "sets looked at": told["sets_visited"],
    }
    if told["dis"] is not None:
        fields["chance that a match is right (DIS)"] = told["dis"]
        fields["of the record with the highest (DIS-SUDA)"] = told["highest"]
    show_fields(fields)


def _hints(file: Path, found: Proposal) -> None:
    identifiers = [one.column for one in found.columns if one.kind == "identifier"]
    if identifiers:
        say(
            f"{', '.join(identifiers)}: nearly every record has a value of its own; leave it out, "
            "pseudonymise it, or make it coarser"
        )
    if found.proposed:
        hint(f"gateway risk {file} --qi {','.join(found.proposed)}")
        hint("leave out of --qi what nobody outside can know, such as a diagnosis")
    if found.dis is None:
        hint("--sampling-fraction says how likely a match is right")
