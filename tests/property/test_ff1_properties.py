"""FF1 over columns equals a plain scalar reading of the standard, and decryption inverts it.

The reference is SP 800-38G as it is written, one value at a time, sharing nothing with the code
under test: numerals are lists of integers, numbers are Python's, the cipher is called block by
block. Read it against algorithms 7 and 8.
"""

import pyarrow as pa
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.transform.blocks import CipherName
from gateway.transform.ff1 import FF1

CHARACTERS = [chr(code) for code in range(0x21, 0xD800)] + [
    chr(code) for code in range(0x10000, 0x16000)
]
RADICES = st.one_of(
    st.integers(2, 64),
    st.sampled_from([10, 16, 26, 31, 36, 94, 95, 128, 255, 256, 257, 4096, 20_902, 65_536]),
)
KEYS = st.sampled_from([16, 24, 32]).flatmap(lambda size: st.binary(min_size=size, max_size=size))


def alphabet_of(radix: int) -> str:
    return "".join(CHARACTERS[:radix])


def num(numerals: list[int], radix: int) -> int:
    number = 0
    for numeral in numerals:
        number = number * radix + numeral
    return number


def numerals_of(number: int, radix: int, count: int) -> list[int]:
    numerals = []
    for _ in range(count):
        number, numeral = divmod(number, radix)
        numerals.insert(0, numeral)
    return numerals


def ff1_reference(
    key: bytes,
    radix: int,
    tweak: bytes,
    numerals: list[int],
    *,
    inverse: bool = False,
    cipher: str = "AES",
) -> list[int]:
    algorithm = algorithms.AES(key) if cipher == "AES" else algorithms.SM4(key)

    def ciph(block: bytes) -> bytes:
        return Cipher(algorithm, modes.ECB()).encryptor().update(block)  # noqa: S305 - one block, as the standard's CIPH

    def prf(message: bytes) -> bytes:
        state = bytes(16)
        for start in range(0, len(message), 16):
            block = message[start : start + 16]
            state = ciph(bytes(x ^ y for x, y in zip(state, block, strict=True)))
        return state

    n, t = len(numerals), len(tweak)
    u = n // 2
    v = n - u
    a, b = numerals[:u], numerals[u:]
    bits = 0
    while 2**bits < radix**v:
        bits += 1
    beta = (bits + 7) // 8
    d = 4 * ((beta + 3) // 4) + 4
    p = bytes([1, 2, 1]) + radix.to_bytes(3, "big") + bytes([10, u % 256])
    p += n.to_bytes(4, "big") + t.to_bytes(4, "big")
    for i in range(9, -1, -1) if inverse else range(10):
        half = a if inverse else b
        q = tweak + bytes((-t - beta - 1) % 16) + bytes([i])
        q += num(half, radix).to_bytes(beta, "big")
        r = prf(p + q)
        s = r
        j = 1
        while len(s) < d:
            s += ciph(bytes(x ^ y for x, y in zip(r, j.to_bytes(16, "big"), strict=True)))
            j += 1
        y = int.from_bytes(s[:d], "big")
        m = u if i % 2 == 0 else v
        if inverse:
            c = (num(b, radix) - y) % radix**m
            b, a = a, numerals_of(c, radix, m)
        else:
            c = (num(a, radix) + y) % radix**m
            a, b = b, numerals_of(c, radix, m)
    return a + b


def expected(
    key: bytes, alphabet: str, tweak: bytes, text: str, cipher: str, *, inverse: bool
) -> str:
    numerals = [alphabet.index(character) for character in text]
    result = ff1_reference(key, len(alphabet), tweak, numerals, inverse=inverse, cipher=cipher)
    return "".join(alphabet[numeral] for numeral in result)


@st.composite
def cases(draw: st.DrawFn) -> tuple[FF1, bytes, str, str, list[str | None]]:
    alphabet = alphabet_of(draw(RADICES))
    cipher: CipherName = draw(st.sampled_from(["AES", "AES", "SM4"]))
    key = draw(KEYS if cipher == "AES" else st.binary(min_size=16, max_size=16))
    ff1 = FF1(key, alphabet, cipher=cipher)
    longest = ff1.shortest + draw(st.sampled_from([0, 3, 12, 40]))
    lengths = st.integers(ff1.shortest, longest)
    values = st.builds(
        lambda size, seed: "".join(
            alphabet[(seed * (place + 7) + seed // (place + 1)) % len(alphabet)]
            for place in range(size)
        ),
        lengths,
        st.integers(0, 2**40),
    )
    return ff1, key, alphabet, cipher, draw(st.lists(st.none() | values, max_size=8))


@settings(max_examples=200)
@given(cases(), st.binary(max_size=40))
def test_equals_the_standard_read_value_by_value(
    case: tuple[FF1, bytes, str, str, list[str | None]], tweak: bytes
) -> None:
    ff1, key, alphabet, cipher, values = case
    column = pa.array(values, pa.string())
    sealed = ff1.encrypt(column, tweak)
    sealed.validate(full=True)
    assert sealed.to_pylist() == [
        value and expected(key, alphabet, tweak, value, cipher, inverse=False) for value in values
    ]
    assert ff1.decrypt(column, tweak).to_pylist() == [
        value and expected(key, alphabet, tweak, value, cipher, inverse=True) for value in values
    ]
    assert ff1.decrypt(sealed, tweak).equals(column)


@given(cases(), st.data())
def test_a_tweak_column_equals_one_call_for_each_tweak(
    case: tuple[FF1, bytes, str, str, list[str | None]], data: st.DataObject
) -> None:
    ff1, _, _, _, values = case
    count = len(values)
    tweaks = data.draw(st.lists(st.binary(max_size=40), min_size=count, max_size=count))
    column = pa.array(values, pa.large_string())
    by_row = ff1.encrypt(column, pa.array(tweaks, pa.binary()))
    for row, tweak in enumerate(tweaks):
        assert by_row.slice(row, 1).equals(ff1.encrypt(column.slice(row, 1), tweak))
    assert ff1.decrypt(by_row, pa.array(tweaks, pa.large_binary())).equals(column)


@given(st.lists(st.text("0123456789- ·", max_size=30), max_size=20), st.data())
def test_separators_keep_their_places(values: list[str], data: st.DataObject) -> None:
    kept = data.draw(st.sampled_from(["- ", "- ·"]))
    ff1 = FF1(bytes(16), "0123456789", separators=kept, unfit="null")
    plain = FF1(bytes(16), "0123456789")
    sealed = ff1.encrypt(pa.array(values, pa.string()))
    for value, result in zip(values, sealed.to_pylist(), strict=True):
        digits = "".join(character for character in value if character.isdigit())
        if len(digits) < 6 or set(value) - set("0123456789") - set(kept):
            assert result is None
            continue
        assert [c if c in kept else "#" for c in result] == [c if c in kept else "#" for c in value]
        inner = "".join(character for character in result if character.isdigit())
        assert [inner] == plain.encrypt(pa.array([digits])).to_pylist()
    assert ff1.decrypt(sealed).to_pylist() == [
        value if result is not None else None
        for value, result in zip(values, sealed.to_pylist(), strict=True)
    ]


@given(st.integers(0, 10**6 - 1), st.binary(max_size=20))
@settings(max_examples=20)
def test_is_a_permutation_of_the_smallest_domain(start: int, tweak: bytes) -> None:
    values = [f"{(start + step) % 10**6:06d}" for step in range(5_000)]
    sealed = FF1(bytes(16), "0123456789").encrypt(pa.array(values), tweak).to_pylist()
    assert len(set(sealed)) == len(values)
    assert all(len(value) == 6 and value.isdigit() for value in sealed)
