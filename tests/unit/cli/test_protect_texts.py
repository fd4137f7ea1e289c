"""``gateway protect`` for documents and columns of free text: what leaves, and what is told of it."""

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pyarrow.csv
import pytest
from typer.testing import CliRunner, Result

from gateway.app import documents
from gateway.cli.main import program
from gateway.errors import AlreadyExists, FailedPrecondition, GatewayError, InvalidRequest
from gateway.model.names import RecipientKind
from gateway.transform.text_parts import LONGEST_PART

ROOT = Path(__file__).parents[3]
NUMBER, TYPED = "11010519491231002X", "110105 19491231 002x"
NOTE = f"患者王小明，身份证号{TYPED}，手机１３８００１３８０００。\r\nMail zhang.san@example.com\n"
POLICY = """
format: gateway-policy/1
name: policies/health
purposes: {health-research: Research.}
rules:
  - name: names
    match: {entity: [PERSON]}
    transform: {kind: mask_form, form: chinese_name}
  - name: numbers
    match: {entity: [CN_RESIDENT_ID]}
    transform: {kind: token, scope: project}
  - name: mail
    match: {entity: [EMAIL_ADDRESS]}
    transform: {kind: keep}
"""


def run(*arguments: object, stdin: bytes | None = None) -> Result:
    return CliRunner().invoke(program, [str(a) for a in arguments], input=stdin)


def refused(*arguments: object) -> str:
    error = run(*arguments).exception
    assert isinstance(error, InvalidRequest), error
    return error.message


@pytest.fixture
def note(tmp_path: Path) -> Path:
    path = tmp_path / "note.md"
    path.write_bytes(NOTE.encode())
    return path


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    path = tmp_path / "p.yaml"
    path.write_text(POLICY, encoding="utf-8")
    return path


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    path = tmp_path / "notes.csv"
    path.write_text(
        f'name,resident_id,notes\n王小明,{NUMBER},"见患者王小明，{TYPED}，10.1.2.3"\n', "utf-8"
    )
    return path


def test_a_document_without_a_policy_names_what_was_found(note: Path) -> None:
    done = run("protect", note)
    assert done.exit_code == 0
    assert done.stdout_bytes.decode() == (
        "患者<PERSON>，身份证号<CN_RESIDENT_ID>，手机<CN_MOBILE>。\r\nMail <EMAIL_ADDRESS>\n"
    )
    assert done.stderr == (
        "found in free text: CN_MOBILE 1, CN_RESIDENT_ID 1, EMAIL_ADDRESS 1, PERSON 1\n"
    )


def test_a_text_from_standard_input_under_a_policy(tmp_path: Path, policy: Path) -> None:
    out = tmp_path / "out.md"
    done = run("protect", "-", "--policy", policy, "-o", out, "--json", stdin=NOTE.encode())
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert told["found"] == {
        "CN_MOBILE": 1, "CN_RESIDENT_ID": 1, "EMAIL_ADDRESS": 1, "PERSON": 1,
    }  # fmt: skip
    assert told["transform"]["entities"]["EMAIL_ADDRESS"] == {"kind": "keep"}
    text = out.read_text("utf-8")
    assert text.startswith("患者王**，身份证号")
    assert "手机<CN_MOBILE>" in text
    assert "zhang.san@example.com" in text
    assert TYPED not in text
    # Nothing that was found is told anywhere.
    assert "王小明" not in done.output
    assert out.stat().st_mode & 0o077 == 0


def test_a_document_and_a_table_have_the_same_tokens_under_one_key_ring(
    tmp_path: Path, note: Path, notes: Path, policy: Path
) -> None:
    ring = tmp_path / "ring.json"
    assert run("keys", "create", ring).exit_code == 0
    fixed = ("--policy", policy, "--key-ring", ring)
    text = run("protect", note, *fixed).stdout_bytes.decode()
    out = tmp_path / "out.csv"
    done = run("protect", notes, *fixed, "--text-columns", "notes", "-o", out, "--json")
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["found"] == {"CN_RESIDENT_ID": 1, "IP_ADDRESS": 1, "PERSON": 1}
    row = pyarrow.csv.read_csv(out).to_pylist()[0]
    token = row["resident_id"]
    assert len(token) == 17
    assert row["notes"] == f"见患者王**，{token}，<IP_ADDRESS>"
    assert f"身份证号{token}，" in text
    # Without the ring every run has keys of its own.
    assert token not in run("protect", note, "--policy", policy).stdout_bytes.decode()


def test_other_rules_for_a_text_column_hold_beside(
    tmp_path: Path, notes: Path, policy: Path
) -> None:
    rule = """
  - name: notes-without-names
    match: {column: [notes]}
    transform: {kind: redact_text, entities: {CN_RESIDENT_ID: {kind: token, scope: project}}}
"""
    policy.write_text(POLICY + rule, encoding="utf-8")
    out = tmp_path / "out.csv"
    arguments = ("--policy", policy, "--text-columns", "notes", "-o", out)
    assert run("protect", notes, *arguments).exit_code == 0
    row = pyarrow.csv.read_csv(out).to_pylist()[0]
    assert row["notes"] == f"见患者<PERSON>，{row['resident_id']}，<IP_ADDRESS>"
    policy.write_text(
        POLICY + rule.split("transform", maxsplit=1)[0] + "effect: deny\n", encoding="utf-8"
    )
    denied = run("protect", notes, *arguments[:-1], tmp_path / "denied.csv")
    assert denied.exit_code == 3
    assert not (tmp_path / "denied.csv").exists()


def test_a_text_column_is_denied_unless_it_is_said_to_be_one(
    tmp_path: Path, notes: Path, policy: Path
) -> None:
    out = tmp_path / "out.csv"
    assert run("protect", notes, "--policy", policy, "-o", out).exit_code == 3
    assert not out.exists()


def test_another_encoding_is_told_and_taken(tmp_path: Path) -> None:
    path = tmp_path / "gb.txt"
    path.write_bytes(NOTE.encode("gb18030"))
    message = refused("protect", path)
    assert "byte 0 of the document is not utf-8" in message
    assert "--encoding gb18030" in message
    done = run("protect", path, "--encoding", "gb18030").stdout_bytes.decode("gb18030")
    assert done.startswith("患者<PERSON>，身份证号<CN_RESIDENT_ID>，")
    assert "no encoding of texts" in refused("protect", path, "--encoding", "klingon")


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-32", "utf-8-sig", "utf-7", "gbk"])
def test_a_long_document_is_one_text_in_its_encoding(tmp_path: Path, encoding: str) -> None:
    text = "手机13800138000\n" * 9000
    path, out = tmp_path / "x.txt", tmp_path / "out.txt"
    path.write_bytes(text.encode(encoding))
    assert run("protect", path, "--encoding", encoding, "-o", out).exit_code == 0
    shown = text.replace("13800138000", "<CN_MOBILE>")
    # A mark of the encoding stands at the beginning and nowhere else.
    assert out.read_bytes() == shown.encode(encoding)


@pytest.mark.parametrize(
    "encoding", ["hex", "rot13", "base64", "zlib", "undefined", "punycode", "idna", "cp037x"]
)
def test_what_is_no_encoding_of_texts_is_refused(note: Path, encoding: str) -> None:
    assert "no encoding of texts" in refused("protect", note, "--encoding", encoding)


def test_what_the_encoding_cannot_write_is_told_with_what_to_do(
    tmp_path: Path, policy: Path
) -> None:
    path = tmp_path / "x.txt"
    path.write_text("IP 10.1.2.3\n", "ascii")
    rule = """
  - name: machines
    match: {entity: [IP_ADDRESS]}
    transform: {kind: replace, text: 机器}
"""
    policy.write_text(POLICY + rule, "utf-8")
    assert "convert the document" in refused(
        "protect", path, "--policy", policy, "--encoding", "latin-1"
    )


def test_a_document_that_fails_midway_is_told_to_be_incomplete(tmp_path: Path) -> None:
    path = tmp_path / "x.txt"
    path.write_bytes("手机13800138000\n".encode() * 9000 + b"\xff")
    done = subprocess.run(
        [sys.executable, "-m", "gateway", "protect", str(path)],
        check=False, capture_output=True, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert done.returncode == 2
    assert done.stdout
    assert b"13800138000" not in done.stdout
    assert b"INCOMPLETE" in done.stderr
    assert b"not utf-8" in done.stderr
    # Where nothing was written nothing is incomplete.
    path.write_bytes(b"\xff")
    assert "INCOMPLETE" not in run("protect", path).stderr


def test_what_only_a_policy_uses_is_refused_without_one(tmp_path: Path, note: Path) -> None:
    for name, value in {
        "--purpose": "care",
        "--recipient-kind": "research",
        "--key-ring": tmp_path / "ring.json",
        "--hierarchies": tmp_path,
    }.items():
        message = refused("protect", note, name, value)
        assert name in message or "only with --policy" in message


def test_all_columns_by_that_word_and_a_folder_is_told_from_nothing(
    tmp_path: Path, notes: Path, policy: Path
) -> None:
    fixed = ("--policy", policy, "--text-columns", "notes", "--columns", "all")
    out = tmp_path / "out.csv"
    assert run("protect", notes, *fixed, "-o", out).exit_code == 0
    assert pyarrow.csv.read_csv(out).column_names == ["name", "resident_id", "notes"]
    assert "is a folder" in refused("protect", tmp_path)
    assert "does not exist" in refused("protect", tmp_path / "nothing.csv")


def test_the_place_of_a_wrong_byte_is_right_across_pieces(monkeypatch, tmp_path: Path) -> None:
    monkeypatch.setattr(documents, "_READ_BYTES", 4)
    path = tmp_path / "x.txt"
    path.write_bytes("字a字".encode() + b"\xe5\xad\xff" + b"tail")
    assert "byte 7 of" in refused("protect", path)
    path.write_bytes("字".encode()[:2])
    assert "byte 0 of" in refused("protect", path)


def test_a_failure_in_the_middle_leaves_no_file(tmp_path: Path) -> None:
    path, out = tmp_path / "x.txt", tmp_path / "out.txt"
    path.write_bytes("手机13800138000\n".encode() * 9000 + b"\xff")
    assert isinstance(run("protect", path, "-o", out).exception, InvalidRequest)
    assert [found.name for found in tmp_path.iterdir()] == ["x.txt"]
    path.write_text("x" * (LONGEST_PART + 10), encoding="utf-8")
    error = run("protect", path, "-o", out).exception
    assert isinstance(error, GatewayError)
    assert "breaks it into lines" in error.message
    assert not out.exists()


def test_what_belongs_to_tables_is_refused_for_documents_and_the_other_way_round(
    tmp_path: Path, note: Path, notes: Path, policy: Path
) -> None:
    assert "--columns" in refused("protect", note, "--columns", "a")
    assert "--delimiter" in refused("protect", note, "--delimiter", ";")
    assert "-o FILE" in refused("protect", note, "--json")
    assert "--policy" in refused("protect", notes, "-o", tmp_path / "o.csv")
    assert "--output" in refused("protect", notes, "--policy", policy)
    assert "nots: not among" in refused(
        "protect", notes, "--policy", policy, "-o", tmp_path / "o.csv", "--text-columns", "nots"
    )
    other = tmp_path / "x.docx"
    other.touch()
    assert ".md" in refused("protect", other)
    note.with_suffix(".out").touch()
    again = run("protect", note, "-o", note.with_suffix(".out"))
    assert isinstance(again.exception, AlreadyExists)


def test_a_pinned_rule_of_another_pack_is_no_rule_of_this_one(
    tmp_path: Path, notes: Path, policy: Path
) -> None:
    rule = """
  - name: notes
    match: {column: [notes]}
    transform: {kind: redact_text, rules: "1999-01-01, sha256 0"}
"""
    policy.write_text(POLICY + rule, encoding="utf-8")
    describe = tmp_path / "d.yaml"
    describe.write_text(
        "columns:\n  - {name: notes, entity: NONE, role: sensitive, grade: general-4}\n", "utf-8"
    )
    arguments = ("--policy", policy, "--describe", describe, "-o", tmp_path / "o.csv")
    error = run("protect", notes, *arguments).exception
    assert isinstance(error, FailedPrecondition)
    assert error.reason == "TEXT_RULES_MISSING"


MEMORY = """
import resource, sys
from pathlib import Path
from gateway.app.documents import document_protection, protect_document
from gateway.model.names import RecipientKind
with document_protection(None, purpose=None, kind=RecipientKind.RESEARCH) as protection:
    for name in sys.argv[1:]:
        with Path(name).open("rb") as source, Path(name + ".out").open("wb") as target:
            found = protect_document(protection, source, target, "utf-8")
        print(found, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""


def test_a_document_of_10_mb_is_done_in_pieces(tmp_path: Path) -> None:
    line = "这一行里没有任何需要保护的内容，只是很普通的一段话，用来把文件写得很长很长。\n"
    block = line * 800 + f"患者身份证号{NUMBER}。\n"
    short, long = tmp_path / "short.txt", tmp_path / "long.txt"
    short.write_text(block * 11, encoding="utf-8")
    long.write_text(block * 110, encoding="utf-8")
    assert long.stat().st_size > 10_000_000
    done = subprocess.run(
        [sys.executable, "-c", MEMORY, str(short), str(long)],
        check=True, capture_output=True, text=True, cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    before, after = (int(told.split()[-1]) for told in done.stdout.splitlines())
    assert "{'CN_RESIDENT_ID': 110}" in done.stdout
    out = tmp_path / "long.txt.out"
    assert out.read_text("utf-8") == (block * 110).replace(NUMBER, "<CN_RESIDENT_ID>")
    # MiB: ten times the text takes no more than what allocation happens to need.
    assert after < before + 60, (before, after)


def test_the_report_of_a_document_counts_what_was_found() -> None:
    with documents.document_protection(
        None, purpose=None, kind=RecipientKind.RESEARCH
    ) as protection:
        target = io.BytesIO()
        text = f"{NUMBER}\n" * 3
        found = documents.protect_document(protection, io.BytesIO(text.encode()), target, "utf-8")
    assert found == {"CN_RESIDENT_ID": 3}
    assert target.getvalue() == b"<CN_RESIDENT_ID>\n" * 3
