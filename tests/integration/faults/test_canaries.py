"""No value of a source and no key is in anything that the gateway keeps, logs, counts or answers.

Everything that can happen to a release happens to releases of planted values; then every file of
the installation, every row of the store, the log, the metrics, and every refusal with all of its
trailing metadata are searched for them.
"""

import base64
import json
import re
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from urllib.parse import quote

import pyarrow as pa
import pytest
from sqlalchemy import create_engine, inspect

from gateway.app.system import SystemEntropy
from gateway.client import Denied, DeniedRecords
from gateway.errors import GatewayError
from gateway.model.catalog import Column, CsvSource, ParquetSource, PushedSource
from gateway.store.keyring import FileKeyRing
from gateway.testing import residents

IDENTIFYING = ("name", "resident_id", "phone", "email", "address", "bank_card", "household_id")
COLUMNS = (*IDENTIFYING, "birth_date", "income", "remark", "district")
PLAIN = {"entity": "NONE", "grade": "general-2", "role": "other"}
REMARK = Column(name="remark", type="string", **PLAIN)
AMOUNT = Column(name="amount", type="int64", **PLAIN)
ASKED_FOR = 40
"""The row whose remark a consumer names in a filter: part of the request, and so of its record."""

POLICY = """
format: gateway-policy/1
name: policies/canaries
purposes: {canary-study: Whether anything leaks.}
on_unhandled: suppress
rules:
  - name: everything
    match: {grade: {at_most: important}}
    transform: {kind: suppress}
  - name: phones
    match: {column: [phone]}
    transform: {kind: mask_form, form: phone}
  - name: numbers
    match: {column: [resident_id, bank_card, household_id]}
    transform: {kind: token}
"""
STRICT = """
format: gateway-policy/1
name: policies/strict
purposes: {strict-study: Whether a value that stops a release leaks.}
on_unhandled: stop
rules:
  - name: phones
    match: {column: [phone]}
    transform: {kind: mask_form, form: phone}
  - name: the-rest
    match: {column: [amount, remark, name]}
    transform: {kind: suppress}
"""


def planted(table: pa.Table) -> pa.Table:
    """Residents with a remark and an income that nothing else can be mistaken for."""
    incomes = pa.array([739_100_000 + 7 * row for row in range(table.num_rows)])
    remarks = pa.array([f"zqremark{row} 住在七弯八拐巷{row}号" for row in range(table.num_rows)])
    position = table.schema.get_field_index("income")
    return table.set_column(position, "income", incomes).append_column("remark", remarks)


def forms(value: str) -> Iterator[bytes]:
    """A value as it might be written down."""
    yield value.encode()
    yield quote(value).encode()
    yield json.dumps(value)[1:-1].encode()
    yield value.encode("utf-16-le")
    yield value.encode("gb18030", "ignore")
    yield base64.b64encode(value.encode())


def searched_for(table: pa.Table) -> set[bytes]:
    rows = [*range(30), table.num_rows - 1]
    values = {
        str(table[name][row].as_py())
        for name in (*IDENTIFYING, "remark", "income")
        for row in rows
        if table[name][row].as_py() is not None
    }
    # A name of two characters, as six bytes, is what encrypted files hold by chance.
    return {form for value in values for form in forms(value) if len(form) >= 8}


def keys_of(site) -> set[bytes]:
    """Root keys, data keys, private keys: raw, in base64 and in hex."""
    ring = FileKeyRing(site.folder / "keys" / "ring.json", SystemEntropy())
    raw = {
        base64.b64decode(key)
        for key in json.loads((site.folder / "keys" / "ring.json").read_text())["keys"].values()
    }
    raw |= {
        ring.unwrap(bytes(wrapped), resource)
        for resource, wrapped in site.select("SELECT resource, wrapped FROM data_key")
    }
    assert len(raw) > 1
    found = {form for key in raw for form in (key, key.hex().encode(), base64.b64encode(key))}
    for file in private_files(site):
        lines = file.read_bytes().splitlines()
        found |= {line for line in lines if re.fullmatch(rb"[A-Za-z0-9+/=]{40,}", line)}
    return found


def private_files(site) -> list:
    return [*site.folder.glob("**/*.key"), site.folder / "keys" / "signing.pem"]


def rows_of(site, *, but: str = "") -> bytes:
    """Every cell of every table of the store, as text; ``but`` one table."""
    engine = create_engine(site.url.replace("postgresql:", "postgresql+psycopg:"))
    tables = inspect(engine).get_table_names()
    engine.dispose()
    assert {"release", "audit", "dataset", "charge", "data_key", "remembered"} <= set(tables)
    return b"\n".join(
        bytes(cell) if isinstance(cell, bytes | memoryview) else str(cell).encode()
        for table in tables
        if table != but
        for row in site.select(f"SELECT * FROM {table}")  # noqa: S608 - the store's own names
        for cell in row
    )


class Refusals:
    """Every error that a client met, with all that came along."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.reasons: set[str] = set()

    def listen(self, client):
        usual = client._link.failure

        def failure(error):
            trailing = error.trailing_metadata() or ()
            self.told += [str(error), error.details() or "", error.debug_error_string()]
            for name, value in trailing:
                plain = value if isinstance(value, str) else value.decode("utf-8", "replace")
                self.told.append(f"{name}: {plain}")
            decoded = usual(error)
            self.reasons.add(decoded.reason)
            return decoded

        client._link.failure = failure
        return client

    def meet(self, call) -> None:
        """Make a call that must fail."""
        with pytest.raises(GatewayError) as caught:
            call()
        self.reasons.add(caught.value.reason)
        self.told.append(f"{caught.value.message} {dict(caught.value.metadata)}")


def live_through_everything(site, gateway, table: pa.Table, refusals: Refusals) -> None:
    consumer, holder, officer = (
        refusals.listen(gateway.client(party)) for party in ("consumer", "holder", "officer")
    )
    asked = {"dataset": "residents", "columns": COLUMNS, "purpose": "canary-study"}
    site.write(table)
    residents_file = ParquetSource(path="residents.parquet")
    holder.register("residents", residents_file, title="Residents")
    holder.classify("residents")
    # The rules find words and addresses in it: what it is an officer says.
    officer.override("residents", "remark", **PLAIN, reason="made up for the test")
    gateway.activate(POLICY)
    gateway.activate(STRICT)
    officer.explain("consumer", "residents", COLUMNS, "canary-study")

    # Denied, then granted, sealed, read, recalled; cancelled.
    with pytest.raises(Denied) as denied:
        consumer.request(**asked)
    refusals.told.append(str(denied.value.release))
    gateway.grant(COLUMNS, purpose="canary-study")
    consumer.preview(**asked)
    sealed = consumer.wait(consumer.request(**asked))
    assert not leaks(searched_for(table), consumer.read(sealed).to_pandas().to_csv().encode())
    consumer.wait(consumer.request(**asked))  # stays sealed
    holder.recall(sealed, "enough")
    refusals.meet(lambda: consumer.read(sealed))
    # A sealed release cannot be cancelled any more, and cancelling may come too late.
    with suppress(GatewayError):
        consumer.cancel(consumer.request(**asked))

    # Values of the consumer's own request that cannot be read as the column's type.
    for column in ("income", "birth_date", "remark"):
        wish = {**asked, "filters": [f"{column} = {table['remark'][ASKED_FOR].as_py()}"]}
        refusals.meet(lambda wish=wish: consumer.request(**wish))

    # A value that stops the release, and one that is not of its column's type.
    phones = pa.table({"phone": table["remark"], "name": table["name"]}).slice(0, 50)
    site.write(phones, "phones")
    phone = Column(name="phone", type="string", **{**PLAIN, "entity": "CN_MOBILE"})
    phones_file = ParquetSource(path="phones.parquet")
    holder.register("phones", phones_file, title="Phones", columns=(phone,))
    amounts = site.data / "amounts.csv"
    amounts.write_text("amount,remark\n1,x\n2,y\n", "utf-8")
    csv = CsvSource(path="amounts.csv", types={"amount": "int64"})
    holder.register("amounts", csv, title="Amounts", columns=(AMOUNT, REMARK))
    for dataset, columns in (("phones", ("phone",)), ("amounts", ("amount",))):
        gateway.grant(columns, dataset=dataset, purpose="strict-study")
        if dataset == "amounts":
            amounts.write_text(f"amount,remark\n1,x\n{table['remark'][5].as_py()},y\n", "utf-8")
        refusals.meet(
            lambda d=dataset, c=columns: consumer.wait(consumer.request(d, c, "strict-study"))
        )
    refusals.meet(lambda: holder.register("more", csv, title="Refused"))

    # Pushed and protected, fitting and not.
    fields = (Column(name="name", type="string"), Column(name="income", type="int64"))
    records = table.select(["name", "income"])
    holder.register("pushed", PushedSource(), title="Pushed", columns=fields)
    holder.push("pushed", records)
    wrong = pa.table({"name": table["name"], "income": table["remark"]})
    refusals.meet(lambda: holder.push("pushed", wrong))
    refusals.meet(lambda: holder.push("pushed", broken_utf8(table)))
    for policy, purpose in (("canaries", "canary-study"), ("strict", "strict-study")):
        with suppress(DeniedRecords, GatewayError):
            holder.protect(
                records, policy=policy, purpose=purpose, recipient_kind="research", columns=fields
            )
    texts = table["remark"].to_pylist()[:20] + table["address"].to_pylist()[:20]
    holder.protect_texts(texts)
    asked = {"purpose": "canary-study", "recipient_kind": "research"}
    with suppress(GatewayError):
        holder.protect_texts(texts, policy="canaries", **asked)
    for policy in ("canaries", "no-such-policy"):
        with suppress(GatewayError):
            list(holder.protect_documents(["\n".join(texts)] * 3, policy=policy, **asked))
    with suppress(GatewayError):
        list(holder.protect_documents([texts[0] + "x" * 150_000]))


def broken_utf8(table: pa.Table) -> pa.Table:
    """Text whose bytes are no UTF-8, beside planted values."""
    spoilt = pa.array([name.encode() + b"\xff" for name in table["name"].to_pylist()], pa.binary())
    return pa.table({"name": spoilt, "income": table["income"]})


def foreign_exceptions(site, table: pa.Table, refusals: Refusals) -> None:
    """Exceptions of nobody's making that quote a value, at places where values are at hand."""
    text = " ".join(str(table[name][1].as_py()) for name in (*IDENTIFYING, "remark", "income"))
    asked = {"dataset": "residents", "columns": COLUMNS, "purpose": "canary-study"}
    for point in ("source", "run", "write", "publish", "sign", "open", "receive"):
        # The last thing that a gateway signs is its checkpoint, when it is stopped.
        broken = {"point": point, "call": 1 if point == "sign" else "every", "raise": text}
        with site.running(breaks=[broken]) as gateway:
            consumer = refusals.listen(gateway.client("consumer"))
            holder = refusals.listen(gateway.client("holder"))
            if point == "receive":
                refusals.meet(lambda c=holder: c.push("pushed", table.select(["name", "income"])))
            else:
                refusals.meet(lambda c=consumer: c.wait(c.request(**asked)))
            assert gateway.stop() == 0


def leaks(secrets: set[bytes], content: bytes) -> set[bytes]:
    return {secret for secret in secrets if secret in content}


@pytest.mark.slow
@pytest.mark.parametrize(
    "store", ["site", pytest.param("postgres_site", marks=pytest.mark.postgres)]
)
def test_no_value_and_no_key_is_found_anywhere(store, request) -> None:
    site = request.getfixturevalue(store)
    site.configure(metrics_listen="127.0.0.1:0")
    table, refusals = planted(residents(400, 11)), Refusals()
    with site.running() as gateway:
        live_through_everything(site, gateway, table, refusals)
        counted = urllib.request.urlopen(f"http://{gateway.metrics}/metrics").read()
        assert b"gateway_calls_total{" in counted
    foreign_exceptions(site, table, refusals)
    expected = {"TRANSFORM_FAILED", "RECORDS_REJECTED", "NOT_SEALED", "INTERNAL"}
    assert expected <= refusals.reasons, refusals.reasons

    values, keys = searched_for(table), keys_of(site)
    assert b"Foreign" in site.log.read_bytes()
    told = "\n".join(refusals.told).encode()
    for what, content in {"metrics": counted, "answers": told, "rows": rows_of(site)}.items():
        assert not leaks(values | keys, content), what
    asked_for = set(forms(table["remark"][ASKED_FOR].as_py()))
    recorded = rows_of(site, but="release")
    assert not leaks(asked_for, counted + told + recorded + site.log.read_bytes())
    secret_files = {*private_files(site), site.folder / "keys" / "ring.json"}
    for file in site.files():
        content = file.read_bytes()
        assert not leaks(values, content), file
        assert file in secret_files or not leaks(keys, content), file
