"""``gateway standards``: the grading standards, what they say of each entity, and on whose word."""

from typing import Annotated, Any

import typer

from gateway.cli.options import Json
from gateway.cli.output import hint, json_or, show_fields, show_table
from gateway.errors import NotFound
from gateway.norms.standards import standards as shipped

app = typer.Typer()


@app.command()
def standards(
    key: Annotated[
        str | None, typer.Argument(help="Of one of them, such as gdpr: everything it says.")
    ] = None,
    as_json: Json = False,
) -> None:
    """List the grading standards, or show one: levels, entities, combinations, thresholds.

    Levels of entities are those after crosswalks. Needs no server.
    """
    known = shipped()
    if key is None:
        listed = [
            found.model_dump(
                mode="json", include={"key", "standard", "title", "effective", "levels"}
            )
            for found in known.values()
        ]
        json_or(as_json, listed, _list)
        if not as_json:
            hint("gateway standards KEY, gateway classify FILE --standard KEY")
        return
    if key not in known:
        raise NotFound(f"there is no standard {key}; there are {', '.join(sorted(known))}")
    json_or(as_json, known[key].model_dump(mode="json"), _one)


def _list(listed: list[dict[str, Any]]) -> None:
    show_table(
        ["key", "standard", "title", "in force", "levels, lowest first"],
        [
            [
                found["key"],
                found["standard"],
                _both(found["title"]),
                found["effective"],
                ", ".join(level["name"] for level in found["levels"]),
            ]
            for found in listed
        ],
    )


def _one(found: dict[str, Any]) -> None:
    show_fields(
        {
            "title": _both(found["title"]),
            "about": found["about"],
            "in force": found["effective"],
            "data of": found["version"],
        },
        title=found["standard"],
    )
    show_table(
        ["level", "name", "meaning", "source"],
        [[n["name"], _both(n), n["meaning"], n["source"]] for n in reversed(found["levels"])],
    )
    categories = found["categories"]
    show_table(
        ["entity", "level", "category", "source"],
        [
            [name, _level(item), _both(categories[item["category"]]), _source(item)]
            for name, item in (
                *sorted(found["entities"].items()),
                *sorted(found["general"].items()),
            )
        ],
    )
    _together(found)
    if found["harm"] is not None:
        _harm(found["harm"])


def _together(found: dict[str, Any]) -> None:
    if found["combinations"]:
        show_table(
            ["together", "are at least", "source"],
            [[_both(c), c["level"], c["source"]] for c in found["combinations"]],
        )
    if found["thresholds"]:
        show_table(
            ["of so many rows", "are at least", "source"],
            [[_both(t), t["level"], t["source"]] for t in found["thresholds"]],
        )


def _harm(harm: dict[str, Any]) -> None:
    level = {(rule["object"], rule["degree"]): rule["level"] for rule in harm["rules"]}
    show_table(
        ["harm to", *(_both(degree) for degree in harm["degrees"])],
        [
            [_both(thing), *(level[thing["name"], degree["name"]] for degree in harm["degrees"])]
            for thing in harm["objects"]
        ],
    )


def _both(named: dict[str, Any]) -> str:
    return f"{named['zh']} · {named['en']}"


def _level(item: dict[str, Any]) -> str:
    return f"{item['level']} ({item['note']})" if item["note"] else str(item["level"])


def _source(item: dict[str, Any]) -> str:
    floor = item["floor"]
    if floor is None:
        return str(item["source"])
    return f"{item['source']}; raised: {floor['level']} under {floor['standard']}"
