"""Streams survive being cut into any pieces, and nothing but a whole one is taken for whole."""

import hashlib
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.api.pb import release_pb2
from gateway.client.failures import Unreachable
from gateway.client.link import ATTEMPTS
from gateway.client.reading import Chunks
from gateway.client.saving import save_stream
from gateway.client.streams import Batches, pieces
from gateway.errors import InvalidRequest, PermissionDenied, StagingCorrupt, VerificationFailed
from gateway.testing import residents

TABLE = residents(3000, 1)
STREAM = b"".join(pieces(TABLE))


def cut(stream: bytes, *places: int) -> list[bytes]:
    edges = [0, *sorted(places), len(stream)]
    return [stream[a:b] for a, b in pairwise(edges)]


def read(payloads: list[bytes]) -> pa.Table:
    batches = Batches(payloads)
    return pa.Table.from_batches(list(batches), batches.schema)


# ---- pieces ---------------------------------------------------------------------------------


@given(st.lists(st.integers(0, len(STREAM)), max_size=20))
def test_a_stream_cut_anywhere_is_the_same_table(places: list[int]) -> None:
    assert read(cut(STREAM, *places)).equals(TABLE)


def test_a_reader_is_sent_as_the_table_is() -> None:
    assert read(list(pieces(TABLE.to_reader()))).equals(TABLE)
    assert all(0 < len(piece) <= 2 << 20 for piece in pieces(residents(50_000, 2)))


def test_dictionaries_and_no_rows_are_sent() -> None:
    encoded = pa.table({"d": TABLE["district"].dictionary_encode()})
    assert read(list(pieces(encoded)))["d"].cast(pa.string()).equals(TABLE["district"])
    assert read(list(pieces(TABLE.slice(0, 0)))).equals(TABLE.slice(0, 0))


@pytest.mark.parametrize(
    "stream",
    [b"", b"noise that is no stream", STREAM[:-100], STREAM + b"more", STREAM + STREAM],
    ids=["nothing", "noise", "cut", "more", "twice"],
)
def test_what_is_not_one_stream_is_refused(stream: bytes) -> None:
    with pytest.raises(StagingCorrupt):
        read(cut(stream, len(stream) // 2))


# ---- chunks ---------------------------------------------------------------------------------


class Served:
    """A sealed release of which streams are served that end as they are told to."""

    def __init__(self, *endings: Any) -> None:
        payloads = cut(STREAM, 1000, 5000, 90_000)
        self.chunks = [
            release_pb2.ReadReleaseResponse(
                index=index, payload=payload, rows=10, last=index == len(payloads) - 1
            )
            for index, payload in enumerate(payloads)
        ]
        self.endings = list(endings)
        self.offsets: list[int] = []
        self.pauses: list[int] = []
        self.drained = 0

    def read(self, offset: int) -> Iterator[release_pb2.ReadReleaseResponse]:
        self.offsets.append(offset)
        ending = self.endings.pop(0) if self.endings else None
        if ending is None:
            yield from self.chunks[offset:]
            self.drained += 1
            return
        served, failure = ending
        yield from self.chunks[offset : offset + served]
        self.drained += 1
        if failure is not None:
            raise failure

    def iterate(self, sha256: str | None = None, rows: list[int] | None = None) -> Chunks:
        known = hashlib.sha256(STREAM).hexdigest() if sha256 is None else sha256
        told = (lambda _: None) if rows is None else rows.append
        return Chunks(self.read, self.pauses.append, lambda: known, told)


def test_a_whole_stream_is_read_once() -> None:
    served, rows = Served(), []
    assert b"".join(served.iterate(rows=rows)) == STREAM
    assert (served.offsets, rows) == ([0], [10, 20, 30, 40])


@pytest.mark.parametrize("name", ["x.arrows", "x.parquet", "x.csv"])
def test_a_stream_is_read_to_its_end_and_not_given_up_at_its_last_chunk(
    tmp_path: Path, name: str
) -> None:
    served = Served()
    save_stream(served.iterate(), tmp_path / name)
    assert served.drained == 1
    tables = Served()
    assert list(Batches(tables.iterate()))
    assert tables.drained == 1


def test_what_goes_wrong_after_the_last_chunk_is_of_no_account() -> None:
    served = Served((4, Unreachable("lost")))
    assert b"".join(served.iterate()) == STREAM
    assert served.offsets == [0]
    more = Served()
    more.chunks.append(release_pb2.ReadReleaseResponse(index=4, payload=b"more"))
    assert b"".join(more.iterate()) == STREAM


def test_a_lost_connection_is_taken_up_where_it_broke() -> None:
    lost = Unreachable("lost")
    served = Served((2, lost), (0, lost), (1, None))
    assert b"".join(served.iterate()) == STREAM
    assert served.offsets == [0, 2, 2, 3]
    assert served.pauses == [1, 2, 1]


def test_taking_up_ends_when_nothing_comes_of_it() -> None:
    served = Served(*[(0, Unreachable("lost"))] * 100)
    with pytest.raises(Unreachable):
        list(served.iterate())
    assert len(served.offsets) == ATTEMPTS


def test_a_stream_that_never_says_it_is_the_last_is_cut_off() -> None:
    served = Served(*[(0, None)] * 100)
    with pytest.raises(StagingCorrupt, match="before its last"):
        list(served.iterate())


def test_without_a_sealed_hash_nothing_is_taken_for_whole() -> None:
    """A release that was looked at before it was sealed: nothing says what it should be."""
    with pytest.raises(VerificationFailed):
        list(Served().iterate(sha256=""))


def test_a_revoked_grant_is_not_tried_again() -> None:
    served = Served((1, PermissionDenied("revoked", reason="GRANT_REVOKED")))
    with pytest.raises(PermissionDenied, match="revoked"):
        list(served.iterate())
    assert served.offsets == [0]


def test_a_chunk_out_of_order_is_noticed() -> None:
    served = Served()
    served.chunks[1], served.chunks[2] = served.chunks[2], served.chunks[1]
    with pytest.raises(StagingCorrupt, match="chunk 1 was expected and chunk 2 came"):
        list(served.iterate())


def test_a_stream_with_another_hash_is_not_given_out_whole() -> None:
    served, got = Served(), []
    with pytest.raises(VerificationFailed, match="not the stream that was sealed"):
        got.extend(served.iterate("0" * 64))
    assert len(b"".join(got)) < len(STREAM)


# ---- files ----------------------------------------------------------------------------------


def loaded(path: Path) -> pa.Table:
    if path.suffix == ".parquet":
        return pq.read_table(path)
    if path.suffix == ".arrows":
        return pa.ipc.open_stream(path.read_bytes()).read_all()
    options = pa_csv.ConvertOptions(
        column_types=TABLE.schema,
        strings_can_be_null=True,
        quoted_strings_can_be_null=False,
        null_values=[""],
    )
    return pa_csv.read_csv(path, convert_options=options)


@pytest.mark.parametrize("name", ["x.arrows", "x.parquet", "x.csv", "X.CSV"])
def test_a_saved_file_holds_the_table(tmp_path: Path, name: str) -> None:
    path = save_stream(cut(STREAM, 7, 70_000), tmp_path / name)
    assert loaded(path).equals(TABLE)
    assert path.stat().st_mode & 0o077 == 0
    assert [p.name for p in path.parent.iterdir()] == [path.name]


def test_the_stream_is_saved_byte_by_byte(tmp_path: Path) -> None:
    assert save_stream(cut(STREAM, 9), tmp_path / "x.arrows").read_bytes() == STREAM


def test_nulls_and_empty_texts_stay_apart_in_csv(tmp_path: Path) -> None:
    table = pa.table({"a": ["", None, 'q"q', "a,b", "x\ny"]})
    path = save_stream(list(pieces(table)), tmp_path / "x.csv")
    assert path.read_bytes() == b'"a"\n""\n\n"q""q"\n"a,b"\n"x\ny"\n'


@pytest.mark.parametrize("name", ["x.arrows", "x.parquet", "x.csv"])
def test_a_broken_stream_leaves_no_file_and_an_old_one_as_it_was(tmp_path: Path, name: str) -> None:
    def broken() -> Iterator[bytes]:
        yield STREAM[: len(STREAM) // 2]
        raise PermissionDenied("revoked")

    (tmp_path / name).write_text("the old one")
    with pytest.raises(PermissionDenied):
        save_stream(broken(), tmp_path / name)
    assert [p.name for p in tmp_path.iterdir()] == [name]
    assert (tmp_path / name).read_text() == "the old one"


def test_a_folder_that_is_not_there_is_said_and_not_made(tmp_path: Path) -> None:
    with pytest.raises(InvalidRequest, match=r"the folder .*deep is not there"):
        save_stream(cut(STREAM, 9), tmp_path / "deep" / "x.csv")
    assert not list(tmp_path.iterdir())


def test_an_unknown_format_is_refused_before_anything_is_read(tmp_path: Path) -> None:
    with pytest.raises(InvalidRequest, match=r"\.arrows, \.parquet, \.csv"):
        save_stream(iter(()), tmp_path / "x.xlsx")
    assert not list(tmp_path.iterdir())
