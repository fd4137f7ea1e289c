"""``gateway policy lint|test|schema|starters``: work on policy files, with or without a server."""

from pathlib import Path
from typing import Annotated, Any

import typer

from gateway.cli.exits import EXIT_FAILED
from gateway.cli.options import As, Json, ProfileFile
from gateway.cli.output import OUT, hint, json_or, say, show_json, show_table
from gateway.decide.cases import cases_schema, parse_cases, run_cases
from gateway.decide.lint import lint
from gateway.decide.parse import json_schema, parse_policy
from gateway.errors import AlreadyExists, InvalidRequest, NotFound
from gateway.model.policy import Policy
from gateway.norms.starters import starters

PolicyFile = Annotated[Path, typer.Argument(help="Policy in YAML.")]


def read_text(file: Path) -> str:
    """A text file; InvalidRequest when it cannot be read."""
    try:
        return file.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise InvalidRequest.of("file", f"{file} does not exist") from error
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidRequest.of("file", f"{file} cannot be read as UTF-8 text") from error


def lint_(
    file: PolicyFile, name: As = None, profile: ProfileFile = None, as_json: Json = False
) -> None:
    """Find what you would regret in a policy; as an officer, also against the catalogue.

    Ends with 1 when an error was found.
    """
    text = read_text(file)
    found = _findings(text, name, profile)
    json_or(as_json, found, _show_findings)
    if any(finding["severity"] == "error" for finding in found):
        raise typer.Exit(EXIT_FAILED)


def try_cases(
    file: PolicyFile,
    cases: Annotated[
        Path | None, typer.Option(help="Cases; without it those in NAME.cases.yaml beside it.")
    ] = None,
    name: As = None,
    profile: ProfileFile = None,
    as_json: Json = False,
) -> None:
    """Run a policy's cases; as an officer, together with the other policies that are in force.

    Ends with 1 when a case failed.
    """
    policy = parse_policy(read_text(file))
    expected = parse_cases(_cases_text(file, cases))
    others = () if name is None and profile is None else _others(policy, name, profile)
    results = run_cases(policy, expected, others)
    listed = [
        {"name": r.name, "passed": r.passed, "differences": list(r.differences)} for r in results
    ]
    json_or(as_json, listed, _show_results)
    if not all(result.passed for result in results):
        raise typer.Exit(EXIT_FAILED)


def schema(
    cases: Annotated[bool, typer.Option("--cases", help="That of files of cases.")] = False,
) -> None:
    """Print the JSON Schema of policy files, for editors."""
    show_json(cases_schema() if cases else json_schema())


def starters_(
    starter: Annotated[
        str | None, typer.Argument(help="One to copy; all are listed without.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="File to write; its cases go beside it.")
    ] = None,
    as_json: Json = False,
) -> None:
    """List the policies to start from, show one, or copy one with its cases."""
    if starter is None:
        policies = [parse_policy(known.policy) for known in starters()]
        found = [{"name": p.name.removeprefix("policies/"), "title": p.title} for p in policies]
        json_or(
            as_json,
            found,
            lambda f: show_table(["starter", "title"], [[s["name"], s["title"]] for s in f]),
        )
        return
    chosen = next((known for known in starters() if known.name == starter), None)
    if chosen is None:
        raise NotFound(f"there is no starter {starter}: see `gateway policy starters`")
    if output is None:
        OUT.out(chosen.policy, highlight=False)
        return
    beside = output.with_suffix(".cases.yaml")
    for path, text in ((output, chosen.policy), (beside, chosen.cases)):
        if path.exists():
            raise AlreadyExists(f"{path} exists; nothing is overwritten")
        path.write_text(text, encoding="utf-8")
    say(f"wrote {output} and {beside}")
    hint(f"change it, then: gateway policy lint {output}; gateway policy test {output}")


def _cases_text(policy: Path, given: Path | None) -> str:
    beside = policy.with_suffix(".cases.yaml")
    if given is None and not beside.exists():
        raise InvalidRequest.of(
            "cases", f"{beside} does not exist: write one beside the policy or give --cases"
        )
    return read_text(given or beside)


def _findings(text: str, name: str | None, profile: Path | None) -> list[dict[str, Any]]:
    if name is None and profile is None:
        return [
            {"severity": f.severity.value, "code": f.code, "rule": f.rule or "", "text": f.text}
            for f in lint(parse_policy(text))
        ]
    from gateway.cli.session import connected  # noqa: PLC0415 - files are linted without gRPC
    from gateway.client import plain  # noqa: PLC0415 - the same

    with connected(name, profile) as client:
        return [plain(finding) for finding in client.lint_policy(text)]


def _others(policy: Policy, name: str | None, profile: Path | None) -> tuple[Policy, ...]:
    from gateway.cli.session import connected  # noqa: PLC0415 - files are tested without gRPC
    from gateway.client import plain  # noqa: PLC0415 - the same

    with connected(name, profile) as client:
        active = [p for p in map(plain, client.policies()) if p["state"] == "active"]
        texts = [
            client.policy(p["name"], p["version"]).text for p in active if p["name"] != policy.name
        ]
    return tuple(parse_policy(text) for text in texts)


def _show_findings(findings: list[dict[str, Any]]) -> None:
    if not findings:
        say("no fault was found")
        return
    show_table(
        ["severity", "code", "rule", "finding"],
        [[f["severity"], f["code"], f["rule"], f["text"]] for f in findings],
    )


def _show_results(results: list[dict[str, Any]]) -> None:
    show_table(
        ["", "case", "difference"],
        [
            ["passed" if r["passed"] else "FAILED", r["name"], "; ".join(r["differences"])]
            for r in results
        ],
    )
    failed = sum(not result["passed"] for result in results)
    say(f"{len(results) - failed} of {len(results)} cases passed")
