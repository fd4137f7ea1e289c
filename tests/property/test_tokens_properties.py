"""Tokens of columns equal the standard's construction computed value by value elsewhere."""

import string

import numpy as np
import pyarrow as pa
from cryptography.hazmat.primitives.ciphers.algorithms import AES, SM4
from cryptography.hazmat.primitives.cmac import CMAC
from hypothesis import given
from hypothesis import strategies as st

from gateway.transform.alphabets import BASE32, DIGITS, HEX, PLATE, USCC
from gateway.transform.blocks import BlockCipher, CipherName
from gateway.transform.cmac import Cmac
from gateway.transform.numerals import join, spell, split
from gateway.transform.tokens import CmacTokens, full_length
from gateway.transform.varlen import VarlenColumn

KEYS = st.binary(min_size=16, max_size=16)
ALPHABETS = st.sampled_from(
    [BASE32, DIGITS, HEX, PLATE, USCC, "01", "abc", string.ascii_letters + string.digits]
)
COLUMNS = st.one_of(
    st.lists(st.none() | st.binary(max_size=70), max_size=60),
    st.integers(0, 70).flatmap(
        lambda size: st.lists(st.binary(min_size=size, max_size=size), max_size=20)
    ),
)


def cmac(key: bytes, value: bytes, cipher: CipherName = "AES") -> bytes:
    one = CMAC(AES(key) if cipher == "AES" else SM4(key))
    one.update(value)
    return one.finalize()


def spelled(number: int, alphabet: str, length: int) -> str:
    text = ""
    for _ in range(length):
        number, numeral = divmod(number, len(alphabet))
        text = alphabet[numeral] + text
    return text


@given(KEYS, st.sampled_from(["AES", "SM4"]), COLUMNS)
def test_macs_equal_those_of_cryptography(
    key: bytes, cipher: CipherName, values: list[bytes | None]
) -> None:
    macs = Cmac(BlockCipher(key, cipher)).column(VarlenColumn.of(pa.array(values, pa.binary())))
    assert [row.tobytes() for row in macs.view(np.uint8)] == [
        cmac(key, value, cipher) for value in values if value is not None
    ]


@given(KEYS, ALPHABETS, COLUMNS, st.data())
def test_tokens_are_the_mac_as_a_number_in_the_alphabet(
    key: bytes, alphabet: str, values: list[bytes | None], data: st.DataObject
) -> None:
    length = data.draw(st.integers(1, full_length(len(alphabet))))
    tokens = CmacTokens(key, alphabet=alphabet, length=length, rows=100, risk=1).apply(
        pa.array(values, pa.large_binary())
    )
    tokens.validate(full=True)
    assert tokens.to_pylist() == [
        None if value is None else spelled(int.from_bytes(cmac(key, value)), alphabet, length)
        for value in values
    ]


@given(st.lists(st.none() | st.text(max_size=30), max_size=40), st.data())
def test_a_slice_has_the_tokens_of_the_whole(values: list[str | None], data: st.DataObject) -> None:
    begin = data.draw(st.integers(0, len(values)))
    count = data.draw(st.integers(0, len(values) - begin))
    tokens, column = CmacTokens(bytes(16)), pa.array(values, pa.string())
    assert tokens.apply(column.slice(begin, count)).equals(tokens.apply(column).slice(begin, count))


@given(st.integers(2, 256), st.data())
def test_join_inverts_split(radix: int, data: st.DataObject) -> None:
    numbers = data.draw(st.lists(st.integers(0, radix**8 - 1), min_size=1, max_size=20))
    words = split(np.array(numbers, np.uint64), radix)
    for number, word in zip(numbers, words, strict=True):
        expected = [number // radix**power % radix for power in range(7, -1, -1)]
        assert list(word.tobytes()) == expected
    assert join(words, radix).tolist() == numbers


@given(st.lists(st.binary(min_size=16, max_size=16), min_size=1, max_size=9), st.integers(2, 128))
def test_spell_shows_every_bit(blocks: list[bytes], radix: int) -> None:
    length = full_length(radix)
    numerals = spell(np.frombuffer(b"".join(blocks), np.uint64).reshape(-1, 2), radix, length)
    for block, row in zip(blocks, numerals.tolist(), strict=True):
        number = 0
        for numeral in row:
            number = number * radix + numeral
        assert number == int.from_bytes(block)
