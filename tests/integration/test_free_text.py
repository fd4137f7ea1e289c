"""A column of notes leaves without the identifiers in it, and its tokens are those of the register."""

import re
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

from gateway.app.setup import initialise
from gateway.cli.demo_server import free_address, serving
from gateway.client import Client, connect, plain
from gateway.errors import GatewayError, InvalidRequest, NotFound
from gateway.model.catalog import Column, CsvSource, ParquetSource
from gateway.model.names import RecipientKind, Role
from gateway.testing import residents
from gateway.transform.row_order import RowOrder

PEOPLE = residents(120, 11)
POLICY = """
format: gateway-policy/1
name: policies/case-notes
purposes: {care-study: How care is given.}
rules:
  - name: numbers
    match: {entity: [CN_RESIDENT_ID]}
    transform: {kind: token, scope: project}
  - name: names
    match: {entity: [PERSON]}
    transform: {kind: mask_form, form: chinese_name}
  - name: notes
    match: {column: [case_notes]}
    transform:
      kind: redact_text
      entities:
        CN_RESIDENT_ID: {kind: token, scope: project}
        PERSON: {kind: mask_form, form: chinese_name}
        CN_MOBILE: mask
"""


def notes() -> pa.Table:
    """Each person's note names them by number, typed as people type; most also by phone."""
    rows = []
    for number, person in enumerate(PEOPLE.to_pylist()):
        typed = person["resident_id"]
        if number % 3 == 1:
            typed = f"{typed[:6]} {typed[6:14]} {typed[14:]}"
        if number % 3 == 2:
            typed = typed.translate({48 + n: 0xFF10 + n for n in range(10)})
        phone = person["phone"] or "none"
        rows.append(
            f"复诊，患者身份证号{typed}。\nCall back on {phone}, 住址：{person['address']}。 Better"
        )
    rows[5] = None
    return pa.table(
        {
            "xm": PEOPLE["name"],
            "sfzh": PEOPLE["resident_id"],
            "case_notes": pa.array(rows, pa.string()),
        }
    )


def planted(table: pa.Table) -> set[str]:
    """What must not be found in what leaves, separators and widths aside."""
    found = {
        value
        for column in ("resident_id", "phone", "address")
        for value in PEOPLE[column].drop_null().to_pylist()
    }
    text = "".join(filter(None, table["case_notes"].to_pylist()))
    plain_text = text.translate({0xFF10 + n: 48 + n for n in range(10)}).replace(" ", "")
    return {value for value in found if value in plain_text}


def tokens_of(table: pa.Table) -> list[str | None]:
    found = [
        re.search(r"身份证号([0-9a-z]{17})。", text or "")
        for text in table["case_notes"].to_pylist()
    ]
    return [match.group(1) if match else None for match in found]


# ---- a real server ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    made = tmp_path_factory.mktemp("texts") / "installation"
    initialise(made, listen=free_address())
    pa.csv.write_csv(notes(), made / "data" / "holder" / "notes.csv")
    pq.write_table(PEOPLE, made / "data" / "holder" / "residents.parquet")
    with serving(made):
        yield made


def client(folder: Path, name: str) -> Client:
    return connect(folder / "clients" / name / "profile.yaml")


def test_notes_in_a_csv_file_are_released_with_the_tokens_of_the_register(folder: Path) -> None:
    with (
        client(folder, "holder") as holder,
        client(folder, "officer") as officer,
        client(folder, "second-officer") as second,
        client(folder, "consumer") as consumer,
    ):
        source = CsvSource(path="notes.csv", types={"sfzh": "string"})
        mapped = [
            Column(name="xm", type="string", element="name"),
            Column(name="sfzh", type="string", element="resident_id"),
        ]
        registered = holder.register("notes", source, title="Notes", columns=mapped)
        verdicts = {c["name"]: c for c in plain(registered)["columns"]}
        # Classification does not take free text for harmless: nobody can ask for it yet.
        assert not verdicts["case_notes"]["entity"]
        officer.override(
            "notes",
            "case_notes",
            entity="NONE",
            grade="general-4",
            role="sensitive",
            reason="case notes: free text about patients",
        )
        holder.register("residents", ParquetSource(path="residents.parquet"), title="R")
        draft = officer.create_policy(POLICY)
        second.activate_policy(draft.name, draft.version)
        asked = {
            "notes": ["name", "resident_id", "case_notes"],
            "residents": ["name", "resident_id"],
        }
        read = {}
        for dataset, columns in asked.items():
            grant = consumer.request_grant(
                dataset, columns, "care-study", justification="a test", days=5, project="wards"
            )
            for approver in (holder, officer):
                if plain(grant)["state"] == "requested":
                    grant = approver.approve(grant.name, "fits")
            preview = consumer.preview(dataset, columns, "care-study", project="wards")
            release = consumer.wait(
                consumer.request(dataset, columns, "care-study", project="wards")
            )
            read[dataset] = consumer.read(release)
            if dataset == "notes":
                certificate = consumer.verify(release).predicate
                shown = plain(preview)["plan"]
        table = read["notes"]
        assert table.num_rows == 120
        assert planted(notes()) != set()
        assert planted(table) == set()
        # The token in a note is that of the person's column, in this file and in the register.
        pairs = zip(tokens_of(table), table["resident_id"].to_pylist(), strict=True)
        assert sum(note is not None for note, _ in pairs) == 119
        for note, column in zip(tokens_of(table), table["resident_id"].to_pylist(), strict=True):
            assert note in (column, None)
        assert set(tokens_of(table)) - {None} <= set(read["residents"]["resident_id"].to_pylist())
        assert table["case_notes"].null_count == 1
        # Everything else of the notes stays as it was written.
        assert all(
            text.startswith("复诊，患者身份证号") and text.endswith("。 Better")
            for text in table["case_notes"].drop_null().to_pylist()
        )
        # The dry run and the certificate say what was searched for, by which rules.
        column = next(c for c in certificate.columns if c.name == "case_notes")
        assert column.transform.rules is not None
        assert "sha256" in column.transform.rules
        assert [(f.entity, f.construction) for f in column.finds] == [
            ("CN_RESIDENT_ID", "AES-CMAC-PRF-128 (RFC 4615)")
        ]
        identity = next(c for c in certificate.columns if c.name == "resident_id")
        assert column.finds[0].key_domain == identity.key_domain
        step = next(s for s in shown["steps"] if s["published"] == "case_notes")
        assert column.transform.rules in step["transform_json"]
        assert step["finds"] == [
            {"entity": "CN_RESIDENT_ID", "key_domain": identity.key_domain, "key_version": 1}
        ]
        assert shown["digest"] == certificate.plan_digest


# ---- recipients, batches ------------------------------------------------------------------------


def released(office, who, project: str | None) -> pa.Table:
    request = office.request(
        ("resident_id", "case_notes"), dataset="datasets/notes", purpose="care-study",
        project=project,
    )  # fmt: skip
    office.grant(request, who=who)
    release = office.rooms.opening.open(who, request, office.key())
    office.rooms.runner.run(release.name)
    release = office.rooms.custody.get(who, release.name)
    assert release.sealed is not None, (release.ending, release.decision.reasons)
    return pa.ipc.open_stream(office.stream(release, who)).read_all()


def test_tokens_in_texts_meet_inside_a_project_and_differ_between_recipients(
    office, monkeypatch
) -> None:
    monkeypatch.setattr("gateway.execute.local.RowOrder", lambda _: RowOrder(None))
    office.register(notes().rename_columns(["name", "resident_id", "case_notes"]), name="notes")
    dataset = office.rooms.catalog.get(office.officer, "datasets/notes")
    office.rooms.catalog.override(
        office.officer, dataset.name, "case_notes", "NONE", "general-4", "sensitive", "free text",
        dataset.revision, office.key(),
    )  # fmt: skip
    office.activate(POLICY)
    second = office.another("second-lab", Role.CONSUMER, RecipientKind.RESEARCH)
    ours = released(office, office.consumer, "wards")
    assert released(office, second, "wards").equals(ours)
    alone, theirs = released(office, office.consumer, None), released(office, second, None)
    sets = [set(tokens_of(table)) - {None} for table in (ours, alone, theirs)]
    assert all(len(tokens) == 119 for tokens in sets)
    assert len(set.union(*sets)) == 3 * 119
    for table in (ours, alone, theirs):
        pairs = zip(tokens_of(table), table["resident_id"].to_pylist(), strict=True)
        assert all(note in (column, None) for note, column in pairs)
    # The same plan gives the same result however the rows come.
    monkeypatch.setattr("gateway.execute.steps._SEARCHED_ROWS", 7)
    assert released(office, second, "wards").equals(ours)


def test_nobody_gets_a_token_of_a_release_for_a_number_of_their_choice(office) -> None:
    """A caller's own texts and records have keys of the caller's own, whatever the rule says."""
    office.register(PEOPLE.select(["resident_id", "district"]), name="notes")
    office.activate(POLICY)
    numbers = PEOPLE["resident_id"].combine_chunks()
    texts = pc.binary_join_element_wise("身份证号", numbers, "。", "")
    seen: list[set[str]] = []
    for project in ("wards", None):
        request = office.request(
            ("resident_id",), dataset="datasets/notes", purpose="care-study", project=project
        )
        office.grant(request)
        release = office.rooms.opening.open(office.consumer, request, office.key())
        office.rooms.runner.run(release.name)
        seen.append(set(office.table(release)["resident_id"].to_pylist()))
    for party in (office.consumer, office.holder):
        protection = office.rooms.texts.by_policy(
            party, "policies/case-notes", "care-study", RecipientKind.RESEARCH
        )
        done = protection.transform.redact(texts)
        tokens = [re.search("身份证号([0-9a-z]{17})", t).group(1) for t in done.texts.to_pylist()]
        seen.append(set(tokens))
    assert [len(tokens) for tokens in seen] == [120] * 4
    assert len(set.union(*seen)) == 4 * 120


# ---- texts that a caller brings -----------------------------------------------------------------

BROUGHT = """
format: gateway-policy/1
name: policies/brought
purposes: {care-study: How care is given., teaching: Examples.}
rules:
  - name: numbers
    match: {entity: [CN_RESIDENT_ID]}
    transform: {kind: token, scope: project}
  - name: names
    match: {entity: [PERSON]}
    transform: {kind: mask_form, form: chinese_name}
  - name: phones
    match: {entity: [CN_MOBILE]}
    transform: {kind: replace, text: 电话}
  - name: mail
    match: {entity: [EMAIL_ADDRESS]}
    transform: {kind: truncate, length: 3}
  - name: plates
    match: {entity: [CN_LICENSE_PLATE]}
    effect: deny
"""
SAMPLE = "患者王小明，身份证号{}，手机13812345678，mail a@example.com，车牌京A·12345，IP 10.1.2.3"
KIND = "research"


@pytest.fixture(scope="module")
def brought(folder: Path) -> Path:
    with client(folder, "officer") as officer, client(folder, "second-officer") as second:
        draft = officer.create_policy(BROUGHT)
        second.activate_policy(draft.name, draft.version)
    return folder


def test_rules_about_columns_say_what_becomes_of_texts(brought: Path) -> None:
    number = PEOPLE["resident_id"][0].as_py()
    text = SAMPLE.format(number)
    asked = {"policy": "brought", "purpose": "care-study", "recipient_kind": KIND}
    with client(brought, "holder") as holder, client(brought, "consumer") as consumer:
        ((done, found),) = holder.protect_texts([text], **asked)
        shape = (
            r"患者王\*\*，身份证号([0-9a-z]{17})，手机电话，mail <EMAIL_ADDRESS>，"
            "车牌<CN_LICENSE_PLATE>，IP <IP_ADDRESS>"
        )
        token = re.fullmatch(shape, done).group(1)
        assert found[:2] == ("PERSON", "CN_RESIDENT_ID")
        # The caller's own records have the same token, under the same purpose.
        records = pa.table({"resident_id": [number]})
        _, protected = holder.protect(records, **asked)
        assert protected["resident_id"].to_pylist() == [token]
        # Another caller, another purpose: another token.
        others = [
            consumer.protect_texts([text], **asked),
            holder.protect_texts([text], **{**asked, "purpose": "teaching"}),
            holder.protect_texts([text], policy="case-notes", purpose="care-study",
                                 recipient_kind=KIND),
        ]  # fmt: skip
        tokens = [re.search("身份证号([0-9a-z]{17})", answer[0][0]).group(1) for answer in others]
        assert tokens[0] != token
        assert tokens[1] != token
        # Another policy for the same purpose is no other domain, as for records.
        assert tokens[2] == token
        assert holder.protect_texts([text])[0][0].startswith(
            "患者<PERSON>，身份证号<CN_RESIDENT_ID>"
        )
    with client(brought, "auditor") as auditor:
        entries = [plain(entry) for entry in auditor.audit_entries()]
        actions = [entry for entry in entries if entry["action"] == "protect.texts"]
        assert actions
        assert all(number not in str(entry) for entry in actions)


@pytest.mark.parametrize(
    ("asked", "fields"),
    [
        ({"policy": "brought", "purpose": "unheard-of", "recipient_kind": KIND}, ["rules.purpose"]),
        ({"policy": "brought", "purpose": "", "recipient_kind": "x"},
         ["rules.purpose", "rules.recipient_kind"]),
        ({"purpose": "care-study"}, ["rules.purpose"]),
        ({"policy": "brought", "purpose": "care-study", "recipient_kind": KIND,
          "entities": ["PERSON"]}, ["rules.entities"]),
    ],
)  # fmt: skip
def test_rules_that_make_no_sense_are_refused(brought, asked, fields) -> None:
    with client(brought, "holder") as holder:
        with pytest.raises(InvalidRequest) as refused:
            holder.protect_texts(["a"], **asked)
        assert [v.field for v in refused.value.violations] == fields
        with pytest.raises(NotFound):
            holder.protect_texts(["a"], policy="unheard-of", purpose="x", recipient_kind=KIND)


def test_documents_of_any_length_come_back_in_order_as_they_are_taken(brought: Path) -> None:
    number = PEOPLE["resident_id"][0].as_py()
    line = f"第一行：{number}。\nsecond line without anything in it\n"
    long = line * 5000
    taken = []

    def sent() -> Iterator[str]:
        for document in ("", long, line, "x" * 10, *["字。" * 30_000] * 2000):
            taken.append(len(document))
            yield document

    with client(brought, "holder") as holder:
        answers = holder.protect_documents(sent())
        assert next(answers) == ("", ())
        text, found = next(answers)
        assert text == long.replace(number, "<CN_RESIDENT_ID>")
        assert found == ("CN_RESIDENT_ID",) * 5000
        assert number not in next(answers)[0]
        assert next(answers) == ("x" * 10, ())
        # 360 MB are waiting: what nobody takes is not sent.
        assert len(taken) < 200
        answers.close()
        # In one message or in a stream, the same.
        asked = {"policy": "brought", "purpose": "care-study", "recipient_kind": KIND}
        assert list(holder.protect_documents([line] * 3, **asked)) == holder.protect_texts(
            [line] * 3, **asked
        )
        with pytest.raises(GatewayError, match="breaks it into lines"):
            list(holder.protect_documents(["x" * 150_000]))
