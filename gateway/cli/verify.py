"""``gateway verify``: verify a certificate, and a file against it, offline."""

from pathlib import Path
from typing import Annotated, Any

import typer

from gateway.cli.options import Json
from gateway.cli.output import json_or, say, show_fields, show_table
from gateway.cli.transforms import transform_told
from gateway.errors import InvalidRequest, NotFound
from gateway.verify import Verified, public_key, verify_certificate, verify_file

app = typer.Typer()


@app.command()
def verify(
    certificate: Annotated[Path, typer.Argument(help="The certificate, a DSSE envelope in JSON.")],
    file: Annotated[Path | None, typer.Argument(help="The extract: Arrow, Parquet or CSV.")] = None,
    key: Annotated[
        Path, typer.Option(help="The gateway's public key in PEM, from a source you trust.")
    ] = Path("signing.pub.pem"),
    as_json: Json = False,
) -> None:
    """Verify that a certificate is genuine, and that a file is what it certifies.

    Needs no server and no network. Ends with 6 when something is not as it should be.
    """
    envelope, public = _bytes(certificate, "certificate"), _bytes(key, "key")
    if file is not None and not file.is_file():
        raise NotFound(f"{file} does not exist")
    verified = (
        verify_certificate(envelope, public)
        if file is None
        else verify_file(envelope, public, file)
    )
    found = _plain(verified) | {"key": {"file": str(key), "id": str(public_key(public).keyid)}}
    json_or(as_json, found, _show)


def _bytes(path: Path, what: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InvalidRequest.of(what, f"{path} cannot be read") from error


def _plain(verified: Verified) -> dict[str, Any]:
    return {
        "genuine": True,
        "file": verified.file_check,
        "statement": verified.statement.model_dump(mode="json", by_alias=True),
    }


def _show(found: dict[str, Any]) -> None:
    predicate = found["statement"]["predicate"]
    say(f"genuine: signed by the key in {found['key']['file']}, key id {found['key']['id']}")
    say(f"file: {found['file'] or 'none was given'}")
    if "answer" in predicate:
        _show_answer(predicate)
    else:
        _show_release(predicate)


def _show_answer(predicate: dict[str, Any]) -> None:
    """What a question with differential privacy cost, and what is guaranteed."""
    fields = {name: predicate[name] for name in ("answer", "recipient", "purpose", "project")}
    fields |= {
        "datasets": [dataset["name"] for dataset in predicate["datasets"]],
        "policies": [f"{p['name']} version {p['version']}" for p in predicate["policies"]],
        "grants": predicate["grants"],
        "columns": [column["name"] for column in predicate["columns"]],
        "sealed": predicate["sealed"],
        "expires": predicate["expires"],
    }
    show_fields(fields)
    show_fields(predicate["claim"], title="what is guaranteed, in the terms of NIST SP 800-226")


def _show_release(predicate: dict[str, Any]) -> None:
    fields = {name: predicate[name] for name in ("release", "recipient", "purpose", "project")}
    fields |= {
        "dataset": predicate["dataset"]["name"],
        "holder": predicate["dataset"]["holder"],
        "policies": [f"{p['name']} version {p['version']}" for p in predicate["policies"]],
        "grant": predicate["grant"],
        "grade": predicate["grade"],
        "rows": predicate["rows"],
        "sample": _sample(predicate["sample"]),
        "sealed": predicate["sealed"],
        "expires": predicate["expires"],
        "checks": [
            f"{f['check']} {f['name']} {f['value']}: {'passed' if f['passed'] else 'FAILED'}"
            for f in predicate["figures"]
        ],
    }
    show_fields(fields)
    show_table(
        ["column", "type", "from", "transform", "grade left"],
        [
            [
                c["name"],
                c["type"],
                c["source_column"],
                transform_told(c["transform"], recoded=c.get("recoded", False)),
                c["grade"],
            ]
            for c in predicate["columns"]
        ],
    )
    keyed = [[c["name"], *_key(c)] for c in predicate["columns"] if c["construction"]] + [
        [f"{c['name']}: {f['entity']}", *_key(f)] for c in predicate["columns"] for f in c["finds"]
    ]
    if keyed:
        show_table(["column", "construction", "key domain", "key version"], keyed)


def _key(made: dict[str, Any]) -> list[Any]:
    return [made["construction"], made["key_domain"], made["key_version"]]


def _sample(sample: dict[str, Any] | None) -> str | None:
    if sample is None:
        return None
    return (
        f"{sample['percent']} % of the persons in {sample['subject']}, drawn by key version "
        f"{sample['key_version']} of {sample['key_domain']}"
    )
