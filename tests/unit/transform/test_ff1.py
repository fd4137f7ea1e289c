"""FF1: what is accepted, what is refused or made null, what stays hidden."""

import pickle

import pyarrow as pa
import pytest

from gateway.errors import InvalidRequest, KeyUnavailable, TransformFailed
from gateway.transform.alphabets import DIGITS, HEX
from gateway.transform.ff1 import FF1

KEY = bytes.fromhex("2B7E151628AED2A6ABF7158809CF4F3C")
FIT = "13800138000"
UNFIT = {
    "empty": "",
    "one character": "1",
    "domain below a million": "12345",
    "letter": "1380013800a",
    "full-width digits": "１３８００１３８０００",
    "one full-width digit": "1380013800０",
    "separator not declared": "138-0013-8000",
    "emoji": "1380013800😀",
    "line feed": "13800138000\n",
    "zero byte": "1380013800\0",
}


@pytest.mark.parametrize("value", [pytest.param(v, id=k) for k, v in UNFIT.items()])
def test_an_unfit_value_is_refused_and_not_shown(value: str) -> None:
    with pytest.raises(TransformFailed) as refused:
        FF1(KEY, DIGITS).encrypt(pa.array([FIT, value, None]))
    assert value == "" or value not in str(refused.value) or value == "1"


@pytest.mark.parametrize("value", [pytest.param(v, id=k) for k, v in UNFIT.items()])
@pytest.mark.parametrize("separators", ["", " ", "·"])
def test_an_unfit_value_becomes_null_and_its_neighbours_do_not_change(
    value: str, separators: str
) -> None:
    ff1 = FF1(KEY, DIGITS, unfit="null", separators=separators)
    sealed = ff1.encrypt(pa.array([FIT, value, None, FIT, value]))
    alone = FF1(KEY, DIGITS).encrypt(pa.array([FIT])).to_pylist()[0]
    assert sealed.to_pylist() == [alone, None, None, alone, None]
    assert len(sealed.buffers()[2]) == 22  # nothing of the unfit values is left underneath
    assert ff1.decrypt(sealed).to_pylist() == [FIT, None, None, FIT, None]


def test_the_value_under_a_null_reaches_no_buffer() -> None:
    hidden = pa.array(["13800138000", "13900139000"])
    slots = pa.Array.from_buffers(
        pa.string(), 2, [pa.py_buffer(b"\x02"), *hidden.buffers()[1:]], null_count=1
    )
    sealed = FF1(KEY, DIGITS).encrypt(slots)
    assert sealed.to_pylist()[0] is None
    assert b"13800138000" not in sealed.buffers()[2].to_pybytes()


def test_separators_stay_and_the_digits_between_are_one_value() -> None:
    ff1 = FF1(KEY, DIGITS, separators="+- ")
    sealed = ff1.encrypt(pa.array(["+86 138-0013-8000", "8613800138000"])).to_pylist()
    assert sealed[0].replace("+", "").replace("-", "").replace(" ", "") == sealed[1]
    assert [sealed[0][place] for place in (0, 3, 7, 12)] == ["+", " ", "-", "-"]


def test_chinese_characters_and_wide_separators() -> None:
    surnames = "赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨朱秦尤许何吕施张孔曹严华金魏陶姜"
    ff1 = FF1(KEY, surnames, separators="·")
    column = pa.array(["赵钱·孙李", None, "王王王王王", "张孔曹严华金魏"])
    sealed = ff1.encrypt(column)
    sealed.validate(full=True)
    assert sealed.to_pylist()[0][2] == "·"
    assert set("".join(value or "" for value in sealed.to_pylist())) <= set(surnames) | {"·"}
    assert ff1.decrypt(sealed).equals(column)


def test_characters_of_different_widths_change_the_bytes_and_not_the_length() -> None:
    ff1 = FF1(KEY, "aé甲😀" + DIGITS)
    column = pa.array(["aé甲😀012", "甲甲甲甲甲甲", "😀aaaaaa"] * 50)
    sealed = ff1.encrypt(column)
    sealed.validate(full=True)
    assert [len(value) for value in sealed.to_pylist()] == [7, 6, 7] * 50
    assert ff1.decrypt(sealed).equals(column)


def test_long_values_go_the_exact_way() -> None:
    ff1 = FF1(KEY, DIGITS)
    column = pa.array(["7" * size for size in (36, 37, 38, 39, 40, 60, 100, 301)])
    assert ff1.decrypt(ff1.encrypt(column, b"tweak"), b"tweak").equals(column)


@pytest.mark.parametrize("column", [pa.array([], pa.string()), pa.array([None, None], pa.string())])
def test_nothing_to_encrypt(column: pa.Array) -> None:
    assert FF1(KEY, DIGITS).encrypt(column).equals(column)
    assert (
        FF1(KEY, DIGITS).encrypt(column, pa.array([None] * len(column), pa.binary())).equals(column)
    )


def test_slices_and_piece_boundaries_change_nothing() -> None:
    column = pa.array([f"{number:011d}" if number % 7 else None for number in range(20_000)])
    ff1 = FF1(KEY, DIGITS)
    whole = ff1.encrypt(column)
    parts = [ff1.encrypt(column.slice(begin, 999)) for begin in range(0, 20_000, 999)]
    assert pa.concat_arrays(parts).equals(whole)


class TestTweaks:
    def test_another_tweak_another_result(self) -> None:
        ff1, column = FF1(KEY, DIGITS), pa.array([FIT])
        assert not ff1.encrypt(column, b"a").equals(ff1.encrypt(column, b"b"))
        assert not ff1.encrypt(column, b"a").equals(ff1.encrypt(column, b"a\0"))

    def test_a_null_tweak_makes_its_value_unfit(self) -> None:
        column, tweaks = pa.array([FIT, FIT, None]), pa.array([b"a", None, None])
        with pytest.raises(TransformFailed, match="tweak"):
            FF1(KEY, DIGITS).encrypt(column, tweaks)
        sealed = FF1(KEY, DIGITS, unfit="null").encrypt(column, tweaks)
        assert sealed.is_valid().to_pylist() == [True, False, False]

    @pytest.mark.parametrize(
        "tweak",
        [
            pytest.param(pa.array([b"a"]), id="too few"),
            pytest.param(pa.array([1, 2]), id="numbers"),
            pytest.param("text", id="text"),
            pytest.param(pa.chunked_array([[b"a", b"b"]]), id="chunked"),
        ],
    )
    def test_refused(self, tweak: object) -> None:
        with pytest.raises(InvalidRequest, match="tweak"):
            FF1(KEY, DIGITS).encrypt(pa.array([FIT, FIT]), tweak)


@pytest.mark.parametrize(
    ("parameters", "match"),
    [
        pytest.param({"alphabet": "0"}, "alphabet", id="radix one"),
        pytest.param({"alphabet": "0120"}, "twice", id="character repeated"),
        pytest.param({"alphabet": "01\ud800"}, "surrogate", id="half a character"),
        pytest.param({"separators": "-1"}, "separators", id="separator in the alphabet"),
        pytest.param({"separators": "keep"}, "separators", id="letters as separators"),
        pytest.param({"separators": "０"}, "separators", id="full-width digit as separator"),
        pytest.param({"unfit": "pass"}, "unfit", id="unknown answer to unfit values"),
        pytest.param({"cipher": "3DES"}, "cipher", id="unknown cipher"),
    ],
)
def test_refused_parameters(parameters: dict[str, str], match: str) -> None:
    with pytest.raises(InvalidRequest, match=match):
        FF1(KEY, **{"alphabet": DIGITS, **parameters})  # type: ignore[arg-type]


def test_a_radix_beyond_the_standard_is_refused() -> None:
    characters = "".join(map(chr, [*range(0xD800), *range(0xE000, 0x11000)]))
    assert FF1(KEY, characters[:65_536]).shortest == 2
    with pytest.raises(InvalidRequest, match="alphabet"):
        FF1(KEY, characters[:65_537])


@pytest.mark.parametrize("size", [0, 15, 17, 64])
def test_a_key_of_another_length_is_refused(size: int) -> None:
    with pytest.raises(KeyUnavailable):
        FF1(bytes(size), DIGITS)


def test_other_columns_are_refused() -> None:
    for column in (pa.array([13800138000]), pa.array([b"13800138000"]), pa.chunked_array([[FIT]])):
        with pytest.raises(InvalidRequest, match="column"):
            FF1(KEY, DIGITS).encrypt(column)


def test_text_that_is_not_utf8_is_refused_without_being_shown() -> None:
    _, ends, bytes_ = pa.array([b"138\xff0013800"]).buffers()
    broken = pa.Array.from_buffers(pa.string(), 1, [None, ends, bytes_])
    with pytest.raises(TransformFailed, match="UTF-8") as refused:
        FF1(KEY, "甲" + DIGITS).encrypt(broken)
    assert refused.value.__cause__ is None
    with pytest.raises(TransformFailed):
        FF1(KEY, DIGITS).encrypt(broken)


def test_least_lengths() -> None:
    assert FF1(KEY, DIGITS).shortest == 6
    assert FF1(KEY, HEX).shortest == 5
    assert FF1(KEY, "01").shortest == 20
    small = FF1(KEY, DIGITS, unsafe_small_domains=True)
    assert small.shortest == 2
    values = pa.array([f"{number:02d}" for number in range(100)])
    assert sorted(small.encrypt(values).to_pylist()) == values.to_pylist()


def test_the_key_is_hidden_and_never_serialised() -> None:
    ff1 = FF1(b"hunter2-hunter2-", DIGITS)
    assert "hunter2" not in repr(ff1)
    with pytest.raises(TypeError):
        pickle.dumps(ff1)


def test_construction_over_sm4_says_it_is_no_standard() -> None:
    assert FF1(KEY, DIGITS).construction == "FF1 (NIST SP 800-38G)"
    assert "not a published standard" in FF1(KEY, DIGITS, cipher="SM4").construction


@pytest.mark.parametrize(
    ("value", "tweak", "told"),
    [
        ("1234567x", b"", "neither in the alphabet nor a separator$"),
        ("123", b"", "fewer than [0-9]+ characters"),
        ("12345678", pa.array([None], pa.string()), "its tweak is null$"),
    ],
)
def test_what_is_wrong_with_a_value_is_said_and_nothing_else(value, tweak, told):
    with pytest.raises(TransformFailed, match=told) as refused:
        FF1(bytes(16), "0123456789").encrypt(pa.array([value]), tweak)
    assert value not in refused.value.message


def test_a_key_that_is_text_is_no_key():
    with pytest.raises(KeyUnavailable):
        FF1("a" * 16, "0123456789")


def test_chunks_are_refused_with_what_to_do():
    with pytest.raises(InvalidRequest, match="combine_chunks"):
        FF1(bytes(16), "0123456789").encrypt(pa.chunked_array([["12345678"]]))
