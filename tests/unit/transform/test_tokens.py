"""Deterministic tokens: what is accepted, what is refused, what stays hidden."""

import pickle
from fractions import Fraction

import pyarrow as pa
import pytest

from gateway.errors import InvalidRequest, KeyUnavailable, TransformFailed
from gateway.transform.alphabets import BASE32, DIGITS
from gateway.transform.tokens import CmacTokens, collision_bound, full_length

KEY = bytes.fromhex("2b7e151628aed2a6abf7158809cf4f3c")


def test_nulls_stay_null_and_the_empty_string_is_a_value() -> None:
    tokens = CmacTokens(KEY).apply(pa.array(["", None, "a", ""])).to_pylist()
    assert tokens[1] is None
    assert tokens[0] == tokens[3] != tokens[2]
    assert len(tokens[0]) == 26


def test_the_value_under_a_null_reaches_no_buffer() -> None:
    hidden = pa.array(["13800138000", "13900139000"])
    slots = pa.Array.from_buffers(
        pa.string(), 2, [pa.py_buffer(b"\x02"), *hidden.buffers()[1:]], null_count=1
    )
    tokens = CmacTokens(KEY).apply(slots)
    assert tokens.to_pylist()[0] is None
    assert len(tokens.buffers()[2]) == 26


@pytest.mark.parametrize(
    ("values", "kind", "result"),
    [
        pytest.param(["甲", "b"], pa.string(), pa.string(), id="string"),
        pytest.param(["甲", "b"], pa.large_string(), pa.large_string(), id="large string"),
        pytest.param([b"\xff", b""], pa.binary(), pa.string(), id="binary"),
        pytest.param([b"\xff", b""], pa.large_binary(), pa.large_string(), id="large binary"),
        pytest.param([None, None], pa.string(), pa.string(), id="only nulls"),
        pytest.param([], pa.string(), pa.string(), id="no rows"),
    ],
)
def test_types(values: list[object], kind: pa.DataType, result: pa.DataType) -> None:
    tokens = CmacTokens(KEY).apply(pa.array(values, kind))
    tokens.validate(full=True)
    assert tokens.type == result
    assert len(tokens) == len(values)


def test_a_piece_boundary_changes_nothing() -> None:
    column = pa.array([str(number) for number in range(20_000)])
    whole = CmacTokens(KEY).apply(column)
    parts = [CmacTokens(KEY).apply(column.slice(begin, 999)) for begin in range(0, 20_000, 999)]
    assert pa.concat_arrays(parts).equals(whole)
    assert len(set(whole.to_pylist())) == 20_000


@pytest.mark.parametrize(
    "column",
    [
        pytest.param(pa.array([1, 2]), id="numbers"),
        pytest.param(pa.array(["a"]).dictionary_encode(), id="dictionary"),
        pytest.param(pa.chunked_array([["a"], ["b"]]), id="chunked"),
    ],
)
def test_other_columns_are_refused(column: object) -> None:
    with pytest.raises(InvalidRequest, match="column"):
        CmacTokens(KEY).apply(column)


@pytest.mark.parametrize(
    ("parameters", "match"),
    [
        pytest.param({"length": 0}, "length", id="no characters"),
        pytest.param({"length": 27}, "length", id="longer than 128 bits"),
        pytest.param({"length": 11, "rows": 10**6}, "too few", id="too short for the rows"),
        pytest.param({"alphabet": "甲乙"}, "ASCII", id="alphabet not ASCII"),
        pytest.param({"alphabet": "aab"}, "twice", id="character repeated"),
        pytest.param({"alphabet": "a"}, "characters", id="radix one"),
        pytest.param({"cipher": "DES"}, "cipher", id="unknown cipher"),
        pytest.param({"rows": 2**70}, "no length suffices", id="more rows than 128 bits carry"),
    ],
)
def test_refused_parameters(parameters: dict[str, object], match: str) -> None:
    with pytest.raises(InvalidRequest, match=match):
        CmacTokens(KEY, **parameters)  # type: ignore[arg-type]


def test_the_length_named_by_the_refusal_is_enough() -> None:
    with pytest.raises(InvalidRequest, match="use 12 or more"):
        CmacTokens(KEY, length=11, rows=10**6)
    CmacTokens(KEY, length=12, rows=10**6)


def test_more_rows_than_declared_are_refused() -> None:
    tokens = CmacTokens(KEY, length=14, rows=3)
    assert len(tokens.apply(pa.array(["a", "b", "c", None]))) == 4
    with pytest.raises(TransformFailed, match="3 rows"):
        tokens.apply(pa.array(["a", "b", "c", "d"]))


def test_a_short_key_is_refused_without_being_shown() -> None:
    with pytest.raises(KeyUnavailable) as refused:
        CmacTokens(b"hunter2-hunter2")
    assert "hunter2" not in str(refused.value)


def test_the_key_is_hidden_and_never_serialised() -> None:
    tokens = CmacTokens(b"hunter2-hunter2-hunter2")
    assert "hunter2" not in repr(tokens)
    with pytest.raises(TypeError):
        pickle.dumps(tokens)


def test_construction_over_sm4_says_it_is_no_standard() -> None:
    assert CmacTokens(KEY).construction == "AES-CMAC-PRF-128 (RFC 4615)"
    sm4 = CmacTokens(KEY, cipher="SM4")
    assert "not a published standard" in sm4.construction
    assert not sm4.apply(pa.array(["a"])).equals(CmacTokens(KEY).apply(pa.array(["a"])))


def test_collision_bound() -> None:
    # 23 people, 365 days: the birthday bound is the pairs over the days
    assert collision_bound(1, 1) == 0
    assert collision_bound(2, 1, 32) == Fraction(1, 32)
    assert collision_bound(23, 1, 128) == 1
    assert collision_bound(2**32, 26) < Fraction(1, 2**64)
    assert full_length(len(BASE32)) == 26
    assert full_length(len(DIGITS)) == 39
    assert collision_bound(1000, 6, 10) >= Fraction(1000 * 999 // 2, 10**6)
    assert (
        collision_bound(1001, 7, 10) > collision_bound(1000, 7, 10) > collision_bound(1000, 8, 10)
    )
