"""What is wrong with a file is said, or its column is unknown and counts as the highest grade.

Each case goes the two ways that a file comes in: looked at by the command, and registered.
"""

import json
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from gateway.classify.grading import grade_of
from gateway.cli import main
from gateway.errors import GatewayError
from gateway.model.catalog import CsvSource, DataSet, DataSetDraft, ParquetSource
from gateway.model.grades import Grade

GB = "姓名,备注\n张伟,他住在汐川市的临汐区揽月大道\n李娜,电话打不通\n"


@dataclass(frozen=True)
class Bad:
    """A file, and what is to become of it: an error that says this, or unknown columns."""

    write: Callable[[Path], object]
    error: str = ""
    unknown: tuple[str, ...] = ()
    suffix: str = ".csv"
    encoding: str = "utf-8"
    only: str = ""  # command or registered, where the other way is of no interest


def text(content: str | bytes) -> Callable[[Path], object]:
    raw = content if isinstance(content, bytes) else content.encode()
    return lambda path: path.write_bytes(raw)


def parquet(**columns: object) -> Callable[[Path], object]:
    return lambda path: pq.write_table(pa.table(columns), path)


def not_utf8() -> pa.Array:
    broken = pa.array([b"\xd5\xc5\xce\xb0", b"\xff"], pa.binary())
    return pa.Array.from_buffers(pa.string(), 2, broken.buffers())


def cut_off(path: Path) -> None:
    pq.write_table(pa.table({"x": list(range(10_000))}), path)
    path.write_bytes(path.read_bytes()[:-1000])


def wide(path: Path) -> None:
    pq.write_table(pa.table({f"c{n}": ["x", None, "1"] for n in range(10_000)}), path)


def wide_csv(path: Path) -> None:
    header = ",".join(f"c{n}" for n in range(10_000))
    path.write_text(f"{header}\n{','.join(['x'] * 10_000)}\n", "utf-8")


NOISE = [bytes(row) for row in np.random.default_rng(0).integers(0, 256, (50, 40), np.uint8)]

CASES = {
    "an empty file": Bad(text(""), "the file is empty"),
    "an empty Parquet file": Bad(text(""), "cannot be read as Parquet", suffix=".parquet"),
    "an empty Arrow file": Bad(text(""), "is empty, cut off", suffix=".arrow", only="command"),
    "text that is called Arrow": Bad(
        text("a,b\n1,2\n"), "neither a file nor a stream", suffix=".arrows", only="command"
    ),
    "a header line and no rows": Bad(text("x1,x2\n"), unknown=("x1", "x2")),
    "a Parquet file without rows": Bad(
        parquet(x1=pa.array([], pa.string())), unknown=("x1",), suffix=".parquet"
    ),
    "a Parquet file without columns": Bad(
        lambda path: pq.write_table(pa.table({}), path), "there is no column", suffix=".parquet"
    ),
    "one row": Bad(text("x1,sjh\nab,13812345678\n"), unknown=("x1",)),
    "nothing but nulls": Bad(
        parquet(x1=pa.nulls(50), x2=pa.nulls(50, pa.int64())),
        unknown=("x1", "x2"),
        suffix=".parquet",
    ),
    "bytes that are no text": Bad(parquet(x1=NOISE), unknown=("x1",), suffix=".parquet"),
    "a list": Bad(
        parquet(sjh=[["13812345678"]], ok=["x"]), "sjh: the type list", suffix=".parquet"
    ),
    "a structure": Bad(
        parquet(p=[{"name": "x"}]), "p: the type struct<name: string> is not", suffix=".parquet"
    ),
    "ten thousand columns": Bad(
        wide, unknown=("c0", "c9999"), suffix=".parquet", only="registered"
    ),
    "ten thousand columns of CSV": Bad(wide_csv, unknown=("c0", "c9999"), only="command"),
    "a cell of 10 MB": Bad(parquet(x1=["a" * 10_000_000, "b"]), unknown=("x1",), suffix=".parquet"),
    "a cell of 10 MB in CSV": Bad(
        text('x1,x2\n"' + "a" * 10_000_000 + '",b\n'), "longer than 2 MiB"
    ),
    "invalid UTF-8": Bad(
        text(b"x1,x2\na,b\nc,\xff\xfe\n"), "row 2: the value of column x2 is not valid text"
    ),
    "invalid UTF-8 in Parquet": Bad(parquet(x1=not_utf8()), unknown=("x1",), suffix=".parquet"),
    "GB 18030 declared as UTF-8": Bad(text(GB.encode("gb18030")), "real encoding, such as gb18030"),
    "GB 18030 below a plain header": Bad(
        text(b"x1,x2\n" + "张伟,李娜\n".encode("gb18030")), "row 1: .*column x1.*valid text"
    ),
    "UTF-8 declared as GB 18030": Bad(text(GB), "the file is UTF-8", encoding="gb18030"),
    "UTF-16 declared as UTF-8": Bad(text(GB.encode("utf-16")), "real encoding"),
    "UTF-8 declared as UTF-16": Bad(text("a,b\n1,2\n"), "not valid utf-16", encoding="utf-16"),
    "an encoding that nobody has": Bad(text(GB), "is not one of utf-8, gb18030", encoding="x-y"),
    "many scripts in one column": Bad(
        parquet(x1=["张Иван", "محمد李", "ＡＢ１２", "ｶﾅ가나", "Ω≈ç", "😀🏳️‍🌈"] * 9),
        unknown=("x1",),
        suffix=".parquet",
    ),
    "marks that turn the direction": Bad(
        parquet(x1=["\u202e12345\u202c", "\u2067ab\u2069", "\u200f1\u200e"] * 9),
        unknown=("x1",),
        suffix=".parquet",
    ),
    "four thousand dots in an e-mail address": Bad(
        parquet(x1=["a" + "." * 4000 + "@" + "." * 4000 + "a", "a@" + "a." * 4000] * 20),
        unknown=("x1",),
        suffix=".parquet",
    ),
    "a Parquet file cut off": Bad(cut_off, "is damaged, encrypted", suffix=".parquet"),
    "CSV that is called Parquet": Bad(text("a\n1\n"), "cannot be read as", suffix=".parquet"),
    "a column twice": Bad(text("a,a\n1,2\n"), "a is there twice"),
    "a column without a name": Bad(text("a,\n1,2\n"), "column 2: has no name"),
    "a name that goes on for ever": Bad(text("a" * 300 + ",b\n1,2\n"), "over 200 characters"),
    "a row too long": Bad(text("a,b\n1,2\n3,4,5\n" + "6,7\n" * 20), "row 2: does not have 2"),
    "a quote that is never closed": Bad(text('a,b\n1,"2\n3,4\n'), "line 2: .*never closed"),
    "zero bytes": Bad(text(b"x1,x2\na\x00b,c\n" * 1), unknown=("x1", "x2")),
}


def written(bad: Bad, folder: Path) -> Path:
    file = folder / f"bad{bad.suffix}"
    bad.write(file)
    return file


def cases(way: str) -> list[object]:
    wanted = [(name, bad) for name, bad in CASES.items() if bad.only in ("", way)]
    slow = (pytest.mark.slow, pytest.mark.timeout(400))
    return [pytest.param(b, id=n, marks=slow if "thousand c" in n else ()) for n, b in wanted]


@pytest.mark.parametrize("bad", cases("command"))
def test_the_command_says_what_is_wrong_or_knows_nothing(
    bad: Bad, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = written(bad, tmp_path)
    monkeypatch.setattr(
        sys, "argv", ["gateway", "classify", str(file), "--encoding", bad.encoding, "--json"]
    )
    with pytest.raises(SystemExit) as ended:
        main.app()
    told = capsys.readouterr()
    assert "Traceback" not in told.err
    if bad.error:
        error = json.loads(told.err)["error"]
        assert ended.value.code in (1, 2)
        assert error["reason"] in ("INVALID_REQUEST", "RECORDS_REJECTED", "SOURCE_ERROR")
        assert re.search(bad.error, error["message"]), error["message"]
        assert told.out == ""
        return
    assert ended.value.code in (0, None), told.err
    columns = {column["name"]: column for column in json.loads(told.out)["columns"]}
    for name in bad.unknown:
        assert columns[name]["grade"] is columns[name]["role"] is columns[name]["entity"] is None
        assert columns[name]["verdict"] == "unknown, treated as highest"
        assert columns[name]["evidence"]
    assert json.loads(told.out)["grade"] == "core"


@pytest.mark.parametrize("bad", cases("registered"))
def test_registering_says_what_is_wrong_or_lets_nothing_out(bad: Bad, office) -> None:
    file = written(bad, office.data)
    if bad.error:
        with pytest.raises(GatewayError, match=bad.error) as caught:
            registered(office, file, bad)
        assert caught.value.reason in ("INVALID_REQUEST", "RECORDS_REJECTED", "SOURCE_ERROR")
        return
    dataset = registered(office, file, bad)
    assert grade_of(dataset) is Grade.CORE
    for name in bad.unknown:
        column = dataset.find(name)
        assert not column.has_verdict
        assert column.effective_grade is Grade.CORE
    office.activate()
    request = office.request(bad.unknown[:1]).but(dataset=dataset.name)
    assert not office.rooms.opening.preview(office.consumer, request).decision.permitted


def registered(office, file: Path, bad: Bad) -> DataSet:
    if bad.suffix == ".parquet":
        source = ParquetSource(path=file.name)
    else:
        source = CsvSource(path=file.name, encoding=bad.encoding)
    draft = DataSetDraft(name="datasets/bad", title="bad", source=source)
    office.rooms.catalog.register(office.holder, draft, office.key())
    return office.classified(draft.name)
