"""Bodies that the first schema's programs wrote, in the form of today.

Verdicts become evidence, declarations and what they were made on, so that they hold until their data
set is classified again, which is asked for here. What cannot be told from an old body counts as
unknown. Releases say which content they were read from, and the first version of each key.
"""

import json
import re
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

# As one line of text: kind, what is told, entity and weight, which is signed.
_PIECE = re.compile(r"(name|value|neighbour|rule): (.*) \(([A-Z_]+) ([+-]\d{1,3})\)", re.DOTALL)
_RULES = "rules: "
_SET_BY = re.compile(r"set by (parties/[a-z0-9-]+): (.*)", re.DOTALL)
_LONGEST = 200

_DATASET = sa.table(
    "dataset", sa.column("name"), sa.column("state"), sa.column("rules"), sa.column("body")
)
_RELEASE = sa.table("release", sa.column("name"), sa.column("body"))
_CLASSIFICATION = sa.table(
    "classification",
    sa.column("dataset"),
    sa.column("state"),
    sa.column("updated"),
    sa.column("body"),
)


def upgrade() -> None:
    connection = op.get_bind()
    known = set(connection.execute(sa.select(_CLASSIFICATION.c.dataset)).scalars())
    for name, state, body in connection.execute(
        sa.select(_DATASET.c.name, _DATASET.c.state, _DATASET.c.body)
    ).all():
        dataset = json.loads(body)
        if any(_former(column) for column in dataset["columns"]):
            _convert(dataset)
            connection.execute(
                _DATASET.update()
                .where(_DATASET.c.name == name)
                .values(rules=(dataset["judged"] or {}).get("rules", ""), body=_text(dataset))
            )
        if name not in known and state != "withdrawn":
            connection.execute(_CLASSIFICATION.insert().values(**_asked(dataset)))
    for name, body in connection.execute(sa.select(_RELEASE.c.name, _RELEASE.c.body)).all():
        release = json.loads(body)
        if _complete(release):
            changed = _RELEASE.update().where(_RELEASE.c.name == name)
            connection.execute(changed.values(body=_text(release)))


def _text(body: dict[str, Any]) -> str:
    return json.dumps(body, ensure_ascii=False, separators=(",", ":"))


# ---- data sets ------------------------------------------------------------------------------------


def _former(column: dict[str, Any]) -> bool:
    return "declared_by" in column or any(isinstance(e, str) for e in column.get("evidence", []))


def _convert(dataset: dict[str, Any]) -> None:
    for column in dataset["columns"]:
        if _former(column):
            _convert_column(column, dataset)
    made = [column["rules"] for column in dataset["columns"] if column.get("rules")]
    version = dataset.get("version")
    if dataset.get("judged") is None:
        # Until now, registering and pushing classified what was there before they returned.
        fingerprint = None if version is None else version["fingerprint"]
        dataset["judged"] = {"rules": made[0], "fingerprint": fingerprint} if made else None


def _convert_column(column: dict[str, Any], dataset: dict[str, Any]) -> None:
    told = [text for text in column.get("evidence", []) if isinstance(text, str)]
    role = column.pop("declared_by", None)
    pieces = [_piece(match) for text in told if (match := _PIECE.fullmatch(text))]
    pieces += [piece for piece in column.get("evidence", []) if not isinstance(piece, str)]
    rules = [text.removeprefix(_RULES) for text in told if text.startswith(_RULES)]
    column.setdefault("rules", rules[0] if rules else None)
    if role is not None and column.get("declaration") is None:
        declared = _declaration(role, told, dataset)
        column["declaration"] = declared
        if declared is None:  # nobody is known to have said it
            column.update(entity=None, grade=None, role=None, element=None)
        else:
            detail = next(iter(told), f"declared by the {role}")
            pieces = [_declared(column.get("entity") or "NONE", detail)]
    column["evidence"] = pieces


def _piece(match: re.Match[str]) -> dict[str, Any]:
    kind, detail, entity, weight = match.groups()
    number = max(-100, min(100, int(weight)))
    return {"kind": kind, "entity": entity, "detail": detail[:_LONGEST], "weight": number}


def _declared(entity: str, detail: str) -> dict[str, Any]:
    return {"kind": "declared", "entity": entity, "detail": detail[:_LONGEST], "weight": 100}


def _declaration(role: str, told: list[str], dataset: dict[str, Any]) -> dict[str, Any] | None:
    at = dataset["updated"]
    if role == "holder":
        return {"party": dataset["holder"], "role": role, "at": at}
    said = next((match for text in told if (match := _SET_BY.fullmatch(text))), None)
    if role != "officer" or said is None:
        return None
    return {"party": said[1], "role": role, "reason": said[2][:_LONGEST], "at": at}


def _asked(dataset: dict[str, Any]) -> dict[str, Any]:
    asked = {
        "dataset": dataset["name"],
        "number": 1,
        "cause": "rules",
        "asked_by": "gateway",
        "columns_total": len(dataset["columns"]),
        "created": dataset["updated"],
        "updated": dataset["updated"],
    }
    return {"dataset": dataset["name"], "state": "pending", "updated": 0, "body": _text(asked)}


# ---- releases -------------------------------------------------------------------------------------


def _complete(release: dict[str, Any]) -> bool:
    """Whether anything was missing, and is there now."""
    plan, sealed, changed = release.get("plan"), release.get("sealed"), False
    if plan is None:
        return False
    if sealed is not None and "source_fingerprint" not in sealed:
        # A source that had changed by then was not read.
        sealed["source_fingerprint"], changed = plan["dataset_fingerprint"], True
    for step in plan["steps"]:
        if step.get("key_domain") is not None and step.get("key_version") is None:
            step["key_version"], changed = 1, True
    return changed
