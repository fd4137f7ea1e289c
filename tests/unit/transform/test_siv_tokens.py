"""Reversible tokens: what reverses, what does not, and what an error says."""

import pickle

import pyarrow as pa
import pytest

from gateway.errors import InvalidRequest, KeyUnavailable, TransformFailed
from gateway.transform.siv import Siv
from gateway.transform.siv_tokens import SivTokens

KEY = bytes(range(32))
TOKENS = SivTokens(KEY, [b"data set 1", b"column"])
GOOD = TOKENS.apply(pa.array(["张三"])).to_pylist()[0]
BAD = {
    "empty": "",
    "truncated by one character": GOOD[:-1],
    "truncated to the vector": GOOD[:26],
    "shorter than the vector": GOOD[:8],
    "one character more": GOOD + "0",
    "character outside the alphabet": "u" + GOOD[1:],
    "not ASCII": "é" + GOOD[2:],
    "upper case": GOOD.upper(),
    "first character changed": ("1" if GOOD[0] == "0" else "0") + GOOD[1:],
    "of another context": SivTokens(KEY, [b"data set 2", b"column"])
    .apply(pa.array(["张三"]))
    .to_pylist()[0],
    "of another key": SivTokens(bytes(32), [b"data set 1", b"column"])
    .apply(pa.array(["张三"]))
    .to_pylist()[0],
    "of a context cut elsewhere": SivTokens(KEY, [b"data set 1column"])
    .apply(pa.array(["张三"]))
    .to_pylist()[0],
}


@pytest.mark.parametrize("token", [pytest.param(t, id=name) for name, t in BAD.items()])
def test_a_token_that_does_not_reverse_says_no_more(token: str) -> None:
    with pytest.raises(TransformFailed) as refused:
        TOKENS.reverse(pa.array([GOOD, token]))
    assert str(refused.value) == "not a token of this domain"


@pytest.mark.parametrize("token", [pytest.param(t, id=name) for name, t in BAD.items()])
def test_a_token_that_does_not_reverse_becomes_null(token: str) -> None:
    tokens = SivTokens(KEY, [b"data set 1", b"column"], unfit="null")
    values = tokens.reverse(pa.array([token, GOOD, None, token, GOOD]))
    values.validate(full=True)
    assert values.to_pylist() == [None, "张三", None, None, "张三"]
    assert values.buffers()[2].to_pybytes() == "张三张三".encode()


def test_last_characters_spare_bits_are_checked() -> None:
    # 22 bytes are 176 bits in 36 characters of 5 bits: 4 bits of the last are spare
    alphabet = "0123456789abcdefghjkmnpqrstvwxyz"
    token = TOKENS.apply(pa.array(["123456"])).to_pylist()[0]
    assert len(token) == 36
    altered = token[:-1] + alphabet[alphabet.index(token[-1]) + 1]
    with pytest.raises(TransformFailed, match="not a token"):
        TOKENS.reverse(pa.array([altered]))


@pytest.mark.parametrize(
    "column",
    [
        pytest.param(pa.array([], pa.string()), id="no rows"),
        pytest.param(pa.array([None, None], pa.string()), id="only nulls"),
        pytest.param(pa.array(["", None, "a", "", "a" * 5000]), id="empty and long"),
        pytest.param(pa.array([f"{n:018d}" for n in range(20_000)]), id="many pieces"),
    ],
)
def test_reverse_inverts_apply(column: pa.Array) -> None:
    assert TOKENS.reverse(TOKENS.apply(column)).equals(column)


def test_bytes_that_are_no_text_reverse_as_binary_only() -> None:
    tokens = TOKENS.apply(pa.array([b"\xff\xfe"]))
    assert TOKENS.reverse(tokens, binary=True).to_pylist() == [b"\xff\xfe"]
    with pytest.raises(TransformFailed, match="UTF-8") as refused:
        TOKENS.reverse(tokens)
    assert refused.value.__cause__ is None


@pytest.mark.parametrize("size", [0, 16, 31, 33, 40, 128])
def test_a_key_of_another_length_is_refused(size: int) -> None:
    with pytest.raises(KeyUnavailable):
        SivTokens(bytes(size))


@pytest.mark.parametrize(
    ("parameters", "match"),
    [
        pytest.param({"alphabet": "0123456789"}, "alphabet", id="radix no power of two"),
        pytest.param({"alphabet": "01"}, "alphabet", id="one bit a character"),
        pytest.param({"unfit": "keep"}, "unfit", id="unknown answer to unfit tokens"),
        pytest.param({"context": [b""] * 127}, "context", id="too many components"),
    ],
)
def test_refused_parameters(parameters: dict[str, object], match: str) -> None:
    with pytest.raises(InvalidRequest, match=match):
        SivTokens(KEY, **parameters)  # type: ignore[arg-type]


def test_the_key_is_hidden_and_never_serialised() -> None:
    for keyed in (SivTokens(b"hunter2-" * 4), Siv(b"hunter2-" * 4)):
        assert "hunter2" not in repr(keyed)
        with pytest.raises(TypeError):
            pickle.dumps(keyed)


def test_sm4_says_it_is_no_standard_and_reverses() -> None:
    tokens = SivTokens(KEY, [b"c"], cipher="SM4")
    assert "not a published standard" in tokens.construction
    column = pa.array(["张三", "1" * 40])
    assert tokens.reverse(tokens.apply(column)).equals(column)
    assert not tokens.apply(column).equals(SivTokens(KEY, [b"c"]).apply(column))
