"""Releases, decisions and plans as people see them, and as progress."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from gateway.cli.output import show_fields, show_table, stages, when
from gateway.cli.transforms import transform_text
from gateway.client import Client, plain


def show_release(release: dict[str, Any]) -> None:
    """One release for people: its state, what was decided, what was done to each column."""
    request = release["request"]
    fields = {
        "state": release["state"],
        "consumer": release["consumer"],
        "dataset": request["dataset"],
        "purpose": request["purpose"],
        "project": request["project"],
        "filters": [f"{f['column']} {f['operator']} {', '.join(f['values'])}".rstrip()
                    for f in request["filters"]],
        "ended because": release["ending_text"],
        "same rows as": release["reissue_of"],
        "issued again as": release["reissued_as"],
        "rows": release["rows"] if release["state"] == "sealed" else "",
        "content digest": release["content_digest"],
        "can be read until": when(release["expires"]),
    }  # fmt: skip
    show_fields(fields, title=release["name"] or "dry run: nothing was stored or charged")
    show_decision(release["decision"])
    if release["plan"] is not None:
        show_plan(release["plan"], again=bool(release["reissue_of"]))


def show_decision(decision: dict[str, Any]) -> None:
    """Outcome and reasons."""
    show_table(
        ["reason", "why", "rule", "column"],
        [[r["code"], r["text"], r["rule"], r["column"]] for r in decision["reasons"]],
        title=decision["outcome"].replace("_", " "),
    )


def show_plan(plan: dict[str, Any], *, again: bool = False) -> None:
    """What is done to each column, what is checked, what it costs. ``again``: of a release whose
    rows were charged before."""
    rows = f"at most {plan['charge_rows']:,} rows"
    show_table(
        ["column", "published as", "type", "transform", "grade left"],
        [
            [
                s["column"],
                s["published"],
                s["output_type"],
                transform_text(s["transform_json"], recoded=s["recoded"]),
                s["grade"],
            ]
            for s in plan["steps"]
        ],
    )
    show_fields(
        {
            "grade of what leaves": plan["grade"],
            "checks": "; ".join(plan["checks"]),
            "charge": "one release; its rows are not charged again"
            if again
            else f"one release, {rows}",
            "plan digest": plan["digest"],
        }
    )


def show_releases(releases: list[dict[str, Any]]) -> None:
    """A list of releases for people."""
    show_table(
        ["name", "state", "consumer", "dataset", "purpose", "rows", "asked"],
        [
            [r["name"], r["state"], r["consumer"], r["request"]["dataset"],
             r["request"]["purpose"], r["rows"] if r["state"] == "sealed" else "",
             when(r["created"])]
            for r in releases
        ],
    )  # fmt: skip


@contextmanager
def waited_for(client: Client, name: str) -> Iterator[dict[str, Any]]:
    """The release once it is sealed, with a progress bar until then."""
    with stages(name) as tell:

        def told(now: Any) -> None:
            release = plain(now)
            if release["stage"] == "anonymising":  # long before a row is read
                tell(release["stage"], release["percent"], 100)
            else:
                tell(release["stage"] or "", release["rows_done"], release["rows_expected"])

        sealed = plain(client.wait(name, told))
    yield sealed
