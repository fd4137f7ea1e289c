"""The command line: what is loaded, what is said, and how it ends."""

import errno
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import nullcontext
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import pytest
from typer.main import get_command
from typer.testing import CliRunner, Result

from gateway.cli import audit, main, request
from gateway.cli.exits import exit_code
from gateway.cli.grant import show_grant
from gateway.cli.main import COMMANDS, program
from gateway.cli.output import complain, show_fields, show_table
from gateway.cli.tables import open_table
from gateway.client import Unreachable
from gateway.decide.cases import cases_schema
from gateway.decide.parse import json_schema
from gateway.errors import (
    Conflict,
    DeadlineExceeded,
    FailedPrecondition,
    GatewayError,
    InvalidRequest,
    NotFound,
    PermissionDenied,
    RecordsRejected,
    ReleaseStopped,
    Unauthenticated,
    VerificationFailed,
    Violation,
)
from gateway.model.catalog import Column
from gateway.norms.starters import starters
from gateway.testing import residents

ROOT = Path(__file__).parents[3]


def run(*arguments: object) -> Result:
    return CliRunner().invoke(program, [str(argument) for argument in arguments])


def python(code: str, *arguments: object) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        check=False,
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


# ---- loading --------------------------------------------------------------------------------

HEAVY = ("presidio_analyzer", "duckdb", "sqlalchemy", "pandas", "gateway.api.server",
         "jieba", "alembic")  # fmt: skip
LOADED = """
import sys
from gateway.cli.main import program
try:
    program(sys.argv[1:])
except SystemExit:
    pass
except Exception:
    pass
print("LOADED", *(name for name in sys.modules if name in {names}))
"""


@pytest.mark.parametrize(
    "arguments",
    [["--help"], ["verify", "--help"], ["verify", "none.json"], ["policy", "lint", "none.yaml"]],
    ids=" ".join,
)
def test_quick_commands_load_nothing_heavy(arguments: list[str]) -> None:
    heavy = (*HEAVY, "grpc") if arguments[0] != "policy" else HEAVY
    output = python(LOADED.replace("{names}", repr(set(heavy))), *arguments)
    assert output.splitlines()[-1].split()[1:] == []


DIGEST = """
import sys
import pyarrow.parquet as pq
from gateway.model.content import content_digest
file = pq.ParquetFile(sys.argv[1])
content_digest(file.schema_arrow, file.iter_batches())
print("pandas" in sys.modules)
"""


def test_verifying_a_file_does_not_load_pandas(tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    table = residents(300, 1)
    kinds = {"flag": pa.array([True, None, False] * 100), "ratio": pa.array([0.5, None, 1.0] * 100)}
    for name, column in kinds.items():
        table = table.append_column(name, column)
    pq.write_table(table, path)
    assert python(DIGEST, path).strip() == "False"


def test_every_command_and_subcommand_explains_itself() -> None:
    listed = run("--help").output
    for name in COMMANDS:
        assert name in listed
        assert run(name, "--help").exit_code == 0
    for name in ("dataset", "policy", "grant", "release", "audit", "party", "keys"):
        group: Any = get_command(__import__(f"gateway.cli.{name}", fromlist=["app"]).app)
        for subcommand, command in group.commands.items():
            assert run(name, subcommand, "--help").exit_code == 0
            assert command.help, f"{name} {subcommand}"
            for parameter in command.params:
                assert parameter.help, f"{name} {subcommand} {parameter.name}"


def test_a_mistyped_command_is_told_what_was_meant() -> None:
    result = run("datset", "list")
    assert result.exit_code == 2
    assert "Did you mean 'dataset'" in result.output


# ---- ending ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (InvalidRequest("x"), 2),
        (PermissionDenied("x", reason="DENIED"), 3),
        (PermissionDenied("x"), 4),
        (NotFound("x"), 4),
        (Unauthenticated("x"), 4),
        (Unreachable("x"), 5),
        (DeadlineExceeded("x"), 5),
        (ReleaseStopped("x", reason="RECALLED"), 4),
        (PermissionDenied("x", reason="GRANT_REVOKED"), 4),
        (ReleaseStopped("x", reason="FAILED"), 1),
        (VerificationFailed("x"), 6),
        (Conflict("x"), 1),
        (FailedPrecondition("x"), 1),
    ],
)
def test_exit_codes_mean_something(error: GatewayError, code: int) -> None:
    assert exit_code(error) == code


def test_an_error_is_a_message_and_no_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["gateway", "dataset", "list", "--as", "nobody"])
    monkeypatch.delenv("GATEWAY_HOME", raising=False)
    with pytest.raises(SystemExit) as ended:
        main.app()
    assert ended.value.code == 2
    assert "has no party nobody" in capsys.readouterr().err


def ended(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> int | str | None:
    """How the program itself ends, as it does for a shell."""
    monkeypatch.setattr(sys, "argv", ["gateway", *map(str, arguments)])
    for name in ("GATEWAY_HOME", "GATEWAY_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(SystemExit) as caught:
        main.app()
    return caught.value.code


def test_for_programs_an_error_is_one_line_of_json(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ended(monkeypatch, "dataset", "list", "--json") == 2
    told = capsys.readouterr()
    assert told.out == ""
    error = json.loads(told.err)["error"]
    assert error["reason"] == "NO_IDENTITY"
    assert "--as NAME" in error["message"]
    assert error["violations"] == []


def test_an_error_of_the_file_system_is_a_message_and_no_traceback(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "none" / "x.csv"
    assert ended(monkeypatch, "generate", "residents", "--rows", 10, "-o", output) == 1
    told = capsys.readouterr().err
    assert "FILE: " in told
    assert "No such file or directory" in told
    assert "x.csv" in told
    assert "Traceback" not in told


def full(*_: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device", "/some/file")


def test_a_full_disk_is_said_and_leaves_no_draft(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(pq.ParquetWriter, "write_batch", full)
    monkeypatch.setattr(Path, "unlink", lambda *_, **__: full())
    output = tmp_path / "x.parquet"
    assert ended(monkeypatch, "generate", "residents", "--rows", 10, "-o", output) == 1
    assert capsys.readouterr().err == "FILE: No space left on device: /some/file\n"


def test_an_export_that_fails_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Served:
        def audit_entries(self) -> Iterator[object]:
            full()
            yield None

    monkeypatch.setattr(audit, "connected", lambda *_: nullcontext(Served()))
    result = run("audit", "export", "-o", tmp_path / "log.jsonl")
    assert isinstance(result.exception, OSError)
    assert not list(tmp_path.iterdir())


def test_one_says_once_who_one_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    who = ("--as", "officer", "--profile", tmp_path / "p.yaml")
    assert ended(monkeypatch, "dataset", "list", *who) == 2


def test_violations_are_said_once(capsys: pytest.CaptureFixture[str]) -> None:
    complain(InvalidRequest.collected([Violation("a", "is one"), Violation("b", "is two")]))
    told = capsys.readouterr().err
    assert told.count("is one") == told.count("is two") == 1
    complain(InvalidRequest("of its own", violations=[Violation("a", "x"), Violation("b", "y")]))
    assert "of its own" in capsys.readouterr().err


def test_a_title_is_not_wrapped_into_its_table(capsys: pytest.CaptureFixture[str]) -> None:
    title = "dry run: nothing was stored or charged"
    show_fields({"a": 1}, title=title)
    show_table(["b"], [[1]], title=title)
    assert capsys.readouterr().out.count(title + "\n") == 2


def test_nothing_to_compare_with_is_said_before_a_server_is_asked() -> None:
    error = run("policy", "diff", "p").exception
    assert isinstance(error, InvalidRequest)
    assert "give --to VERSION or --with FILE" in error.message


def test_a_name_that_is_none_is_told_what_would_be_one() -> None:
    error = run("dataset", "register", "诊所", "x.csv", "--as", "holder").exception
    assert isinstance(error, InvalidRequest)
    assert "the title may be anything" in error.message


def test_an_interrupted_request_says_that_it_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    class Asked:
        def request(self, *_: object, **__: object) -> dict[str, str]:
            return {"name": "releases/r-1"}

    monkeypatch.setattr(request, "connected", lambda *_: nullcontext(Asked()))
    monkeypatch.setattr(request, "plain", lambda message: message)
    monkeypatch.setattr(request, "waited_for", interrupted)
    result = run("request", "d", "--columns", "a", "--purpose", "p")
    assert result.exit_code == 130
    assert "it goes on: gateway release watch|cancel r-1" in result.output


def test_a_revoked_grant_shows_why(capsys: pytest.CaptureFixture[str]) -> None:
    fields = ("name", "consumer", "dataset", "columns", "purpose", "project", "justification")
    revoked = {"party": "parties/holder", "reason": "no longer needed"}
    told = dict.fromkeys(fields) | {"state": "revoked", "not_before": None, "expires": None}
    lost = [{"text": "phone no longer leaves"}]
    show_grant(told | {"approvals": [], "revocation": revoked, "affected": lost})
    shown = capsys.readouterr().out
    assert "no longer needed" in shown
    assert "phone no longer leaves" in shown


COLUMNS = [Column(name="id", type="string"), Column(name="born", type="date")]


def test_a_csv_file_that_is_pushed_is_read_as_one_that_is_registered(tmp_path: Path) -> None:
    file = tmp_path / "x.csv"
    file.write_text("born,id\n2000-01-01,007\n,8\n", "utf-8")
    with open_table(file, COLUMNS) as records:
        assert records.read_all().to_pydict() == {
            "id": ["007", "8"],
            "born": [date(2000, 1, 1), None],
        }
    file.write_text("id,born\n1,2000-01-01\n2,secret\n", "utf-8")
    with (
        pytest.raises(RecordsRejected, match="row 2: the value of column born is not") as caught,
        open_table(file, COLUMNS) as records,
    ):
        records.read_all()
    assert "secret" not in str(caught.value)
    file.write_text("id\n1\n", "utf-8")
    with pytest.raises(InvalidRequest, match="columns id, born"), open_table(file, COLUMNS):
        pass
    with (
        pytest.raises(InvalidRequest, match="does not exist"),
        open_table(tmp_path / "none.csv", COLUMNS),
    ):
        pass


# ---- files ----------------------------------------------------------------------------------

POLICY = """\
format: gateway-policy/1
name: policies/mine
purposes: {research: Research.}
rules:
  - {name: names, match: {entity: [PERSON]}, transform: {kind: mask_form, form: chinese_name}}
  - {name: numbers, match: {entity: [CN_RESIDENT_ID]}, transform: {kind: token, scope: recipient}}
  - {name: regions, match: {entity: [REGION]}, transform: {kind: keep}}
"""


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    path = tmp_path / "mine.yaml"
    path.write_text(POLICY, encoding="utf-8")
    return path


@pytest.fixture
def people(tmp_path: Path) -> Path:
    path = tmp_path / "people.parquet"
    pq.write_table(residents(500, 3), path)
    return path


def test_lint_offline_and_its_exit_code(tmp_path: Path) -> None:
    fine = tmp_path / "fine.yaml"
    fine.write_text(starters()[0].policy, encoding="utf-8")
    result = run("policy", "lint", fine, "--json")
    assert result.exit_code == 0
    assert all(finding["severity"] != "error" for finding in json.loads(result.stdout))
    bad = tmp_path / "bad.yaml"
    bad.write_text(
        POLICY + "  - {name: nobody, match: {entity: [PERSON]}, effect: deny}\n", "utf-8"
    )
    result = run("policy", "lint", bad, "--json")
    assert result.exit_code == 1
    assert {finding["code"] for finding in json.loads(result.stdout)} >= {"SHADOWED_BY_DENY"}


def test_starters_are_copied_with_their_cases_and_pass_them(tmp_path: Path) -> None:
    for starter in json.loads(run("policy", "starters", "--json").stdout):
        copy = tmp_path / f"{starter['name']}.yaml"
        assert run("policy", "starters", starter["name"], "-o", copy).exit_code == 0
        result = run("policy", "test", copy, "--json")
        assert result.exit_code == 0
        assert all(case["passed"] for case in json.loads(result.stdout))
    again = run("policy", "starters", starter["name"], "-o", copy)
    assert isinstance(again.exception, GatewayError)


def test_a_case_that_fails_ends_with_1(tmp_path: Path) -> None:
    starter = starters()[0]
    copy = tmp_path / "p.yaml"
    copy.write_text(starter.policy, encoding="utf-8")
    wrong = starter.cases.replace("outcome: denied", "outcome: permitted")
    copy.with_suffix(".cases.yaml").write_text(wrong, encoding="utf-8")
    result = run("policy", "test", copy)
    assert result.exit_code == 1
    assert "FAILED" in result.output


def test_a_file_that_is_not_there_is_said_so(tmp_path: Path, policy: Path) -> None:
    missing = tmp_path / "none.yaml"
    error = run("policy", "lint", missing).exception
    assert isinstance(error, InvalidRequest)
    assert f"{missing} does not exist" in error.message
    error = run("policy", "test", policy).exception
    assert isinstance(error, InvalidRequest)
    assert "mine.cases.yaml does not exist: write one beside the policy" in error.message


def test_schemas_are_printed_for_editors() -> None:
    assert json.loads(run("policy", "schema").stdout) == json_schema()
    assert json.loads(run("policy", "schema", "--cases").stdout) == cases_schema()


@pytest.mark.parametrize("register", ["residents", "households", "insurance", "employment"])
@pytest.mark.parametrize("suffix", ["parquet", "csv"])
def test_registers_are_made_up(tmp_path: Path, register: str, suffix: str) -> None:
    path = tmp_path / f"x.{suffix}"
    made = run("generate", register, "--rows", 300, "-o", path)
    assert made.exit_code == 0
    rows = (pa_csv.read_csv if suffix == "csv" else pq.read_table)(path).num_rows
    assert f"{rows:,} rows about a city of 300 people" in " ".join(made.stderr.split())
    assert path.stat().st_size > 1000
    assert [p.name for p in tmp_path.iterdir()] == [path.name]
    assert isinstance(run("generate", register, "-o", path).exception, GatewayError)


@pytest.mark.parametrize("suffix", ["parquet", "csv", "arrows"])
def test_protect_writes_what_the_policy_permits(
    tmp_path: Path, policy: Path, people: Path, suffix: str
) -> None:
    out = tmp_path / f"out.{suffix}"
    arguments = ("--policy", policy, "--columns", "name,resident_id,district", "-o", out)
    result = run("protect", people, *arguments, "--json")
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    assert told["rows"] == 500
    assert [step["transform"]["kind"] for step in told["plan"]["steps"]] == [
        "mask_form",
        "token",
        "keep",
    ]
    content = out.read_bytes()
    for name in pq.read_table(people)["resident_id"].slice(0, 20).to_pylist():
        assert name.encode() not in content


def test_protect_is_denied_whole_and_writes_nothing(
    tmp_path: Path, policy: Path, people: Path
) -> None:
    out = tmp_path / "out.parquet"
    result = run("protect", people, "--policy", policy, "-o", out)
    assert result.exit_code == 3
    assert "NO_RULE" in result.output
    assert not out.exists()


def test_protect_agrees_with_itself_under_one_key_ring_only(
    tmp_path: Path, policy: Path, people: Path
) -> None:
    ring = tmp_path / "ring.json"
    assert run("keys", "create", ring).exit_code == 0
    assert isinstance(run("keys", "create", ring).exception, GatewayError)

    def tokens(name: str, *arguments: object) -> pa.ChunkedArray:
        out = tmp_path / name
        fixed = ("--policy", policy, "--columns", "resident_id", "-o", out)
        assert run("protect", people, *fixed, *arguments).exit_code == 0
        return pq.read_table(out)["resident_id"]

    assert tokens("a.parquet", "--key-ring", ring) == tokens("b.parquet", "--key-ring", ring)
    assert tokens("c.parquet") != tokens("d.parquet")
    assert run("keys", "rotate", "--file", ring).exit_code == 0
    shown = json.loads(run("keys", "show", "--file", ring, "--json").stdout)
    assert shown == {"ring": f"file {ring}", "current": 2, "versions": [1, 2]}
    assert tokens("e.parquet", "--key-ring", ring) != pq.read_table(tmp_path / "a.parquet")[0]
    assert isinstance(run("keys", "retire", 2, "--file", ring).exception, FailedPrecondition)
    assert run("keys", "retire", 1, "--file", ring).exit_code == 0
    assert json.loads(run("keys", "show", "--file", ring, "--json").stdout)["versions"] == [2]


def test_protect_names_a_column_that_is_not_there(
    tmp_path: Path, policy: Path, people: Path
) -> None:
    arguments = ("--policy", policy, "--columns", "name,nmae", "-o", tmp_path / "o.csv")
    error = run("protect", people, *arguments).exception
    assert isinstance(error, InvalidRequest)
    assert "nmae" in error.message


def test_what_nobody_foresaw_is_told_by_its_type_and_place_only(monkeypatch, capsys) -> None:
    def broken() -> None:
        raise ZeroDivisionError("canary-7391")

    monkeypatch.setattr(main, "program", broken)
    monkeypatch.setattr("sys.argv", ["gateway", "init"])
    with pytest.raises(SystemExit) as ended:
        main.app()
    told = "".join(capsys.readouterr())
    assert ended.value.code == 1
    assert "ZeroDivisionError at test_commands.py:" in told
    assert "canary" not in told


def test_the_benchmark_is_made_with_its_labels_and_overwrites_nothing(tmp_path):
    folder = tmp_path / "tables"
    assert run("generate", "benchmark", "--rows", 20, "-o", folder).exit_code == 0
    made = {path.stem: pq.read_schema(path).names for path in folder.glob("*.parquet")}
    labels = pa_csv.read_csv(folder / "labels.csv").to_pylist()
    assert len(made) == 40
    assert {(row["table"], row["name"]) for row in labels} == {
        (table, name) for table, names in made.items() for name in names
    }
    again = run("generate", "benchmark", "--rows", 20, "-o", folder)
    assert isinstance(again.exception, GatewayError)
