"""SIV of columns equals cryptography's AESSIV value by value; its text form loses nothing."""

import base64

import numpy as np
import pyarrow as pa
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from hypothesis import given
from hypothesis import strategies as st

from gateway.transform.alphabets import BASE32, HEX
from gateway.transform.base_text import BaseText
from gateway.transform.siv import Siv
from gateway.transform.siv_tokens import SivTokens
from gateway.transform.varlen import VarlenColumn

RFC4648_64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
RFC4648_32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
KEYS = st.sampled_from([32, 48, 64]).flatmap(lambda size: st.binary(min_size=size, max_size=size))
CONTEXTS = st.lists(st.binary(max_size=40), max_size=4)
VALUES = st.lists(st.none() | st.binary(max_size=70), max_size=40)
ALPHABETS = st.sampled_from([BASE32, HEX, RFC4648_32, RFC4648_64])


@given(KEYS, CONTEXTS, VALUES)
def test_equals_aessiv(key: bytes, context: list[bytes], values: list[bytes | None]) -> None:
    siv, column = Siv(key, context), pa.array(values, pa.binary())
    sealed = siv.seal(VarlenColumn.of(column))
    assert sealed.to_arrow(binary=True).to_pylist() == [
        None if value is None else AESSIV(key).encrypt(value, context) for value in values
    ]
    opened, authentic = siv.open(sealed)
    assert authentic.all()
    assert opened.to_arrow(binary=True).equals(column)


@given(VALUES, st.data())
def test_any_change_is_noticed_and_opens_to_nothing(
    values: list[bytes | None], data: st.DataObject
) -> None:
    siv = Siv(bytes(range(32)), [b"context"])
    sealed = siv.seal(VarlenColumn.of(pa.array(values, pa.binary())))
    if not sealed.rows:
        return
    row = data.draw(st.integers(0, sealed.rows - 1))
    place = data.draw(st.integers(0, int(sealed.lengths[row]) - 1))
    sealed.data[sealed.starts[row] + place] ^= data.draw(st.integers(1, 255))
    opened, authentic = siv.open(sealed)
    assert authentic.tolist() == [other != row for other in range(sealed.rows)]
    start = int(opened.starts[row])
    assert not opened.data[start : start + int(opened.lengths[row])].any()


@given(st.lists(st.binary(max_size=40), max_size=20))
def test_bytes_shown_are_those_of_rfc4648_without_padding(values: list[bytes]) -> None:
    column = VarlenColumn.of(pa.array(values, pa.binary()))
    for alphabet, encode in (
        (RFC4648_64, base64.urlsafe_b64encode),
        (RFC4648_32, base64.b32encode),
        ("0123456789ABCDEF", base64.b16encode),
    ):
        shown = BaseText(alphabet).show(column).to_arrow().to_pylist()
        assert shown == [encode(value).decode().rstrip("=") for value in values]


@given(ALPHABETS, st.lists(st.text(RFC4648_64 + "é=", max_size=30), max_size=20))
def test_what_is_read_is_exactly_what_is_shown(alphabet: str, texts: list[str]) -> None:
    form = BaseText(alphabet)
    data, canonical = form.read(VarlenColumn.of(pa.array(texts, pa.string())))
    again = form.show(data).to_arrow().to_pylist()
    for text, fine, shown, length in zip(texts, canonical, again, data.lengths, strict=True):
        assert fine == (shown == text)
        assert fine or shown == alphabet[0] * len(shown) or not length


@given(
    KEYS, CONTEXTS, ALPHABETS, st.lists(st.none() | st.text(max_size=20), max_size=20), st.data()
)
def test_tokens_reverse_in_any_slice(
    key: bytes,
    context: list[bytes],
    alphabet: str,
    values: list[str | None],
    data: st.DataObject,
) -> None:
    tokens = SivTokens(key, context, alphabet=alphabet)
    column = pa.array(values, pa.large_string())
    shown = tokens.apply(column)
    shown.validate(full=True)
    assert tokens.reverse(shown).equals(column)
    begin = data.draw(st.integers(0, len(values)))
    assert tokens.apply(column.slice(begin)).equals(shown.slice(begin))
    assert tokens.reverse(shown.slice(begin)).equals(column.slice(begin))


@given(KEYS, st.lists(st.binary(max_size=30), min_size=1, max_size=10, unique=True))
def test_contexts_are_unrelated(key: bytes, values: list[bytes]) -> None:
    column = pa.array(values, pa.binary())
    one, other = SivTokens(key, [b"a"]), SivTokens(key, [b"b"], unfit="null")
    shared = set(one.apply(column).to_pylist()) & set(other.apply(column).to_pylist())
    assert not shared
    assert other.reverse(one.apply(column), binary=True).null_count == len(values)
    assert not np.isin(one.apply(column), other.apply(column)).any()
