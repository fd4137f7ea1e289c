"""Encryption that keeps the form: what comes back, what is kept, what is refused and when."""

import pyarrow as pa
import pytest
from pydantic import ValidationError

from gateway.errors import InvalidRequest
from gateway.model.transforms import EncryptCharacters, EncryptIdentifier, TransformSpec
from gateway.transform import profiles
from gateway.transform.ff1 import FF1
from gateway.transform.registry import build, construction, output_type

KEY = bytes(range(32))
DIGITS = "0123456789"
RESIDENT = EncryptIdentifier(profile="resident_id", last_day="2030-12-31")


def applied(spec: TransformSpec, values: list, kind: pa.DataType | None = None):
    column = pa.array(values, kind or pa.string())
    return build(spec, source_type=column.type, key=KEY).apply(column)


@pytest.mark.parametrize(
    ("spec", "value", "kept"),
    [
        (EncryptIdentifier(profile="mobile"), "13800138000", 3),
        (EncryptIdentifier(profile="mobile", keep=0), "13800138000", 1),
        (EncryptIdentifier(profile="bank_card"), "4111111111111111", 6),
        (EncryptIdentifier(profile="bank_card", keep=0), "4111111111111111", 0),
        (RESIDENT, "11010519491231002X", 0),
        (EncryptIdentifier(profile="plate"), "京AD12345", 1),
        (EncryptIdentifier(profile="uscc"), "91350100M000100Y43", 2),
        (EncryptCharacters(alphabet=DIGITS), "00123456", 0),
        (EncryptCharacters(alphabet="甲乙丙丁戊己庚辛壬癸", length=7), "甲乙丙丁戊己庚", 0),
    ],
)  # fmt: skip
def test_the_core_takes_back_what_a_policy_encrypts(spec, value, kept):
    done = applied(spec, [value, None])
    sealed, missing = done.column.to_pylist()
    assert (missing, done.unhandled) == (None, None)
    assert sealed != value
    assert len(sealed) == len(value)
    assert sealed[:kept] == value[:kept]
    core = {
        "mobile": lambda: profiles.mobile(KEY, keep_prefix=bool(spec.keep)),
        "bank_card": lambda: profiles.bank_card(KEY, keep=spec.keep),
        "resident_id": lambda: profiles.resident_id(
            KEY, first_day=spec.first_day, last_day=spec.last_day
        ),
        "plate": lambda: profiles.plate(KEY),
        "uscc": lambda: profiles.uscc(KEY),
    }.get(getattr(spec, "profile", ""), lambda: FF1(KEY, spec.alphabet))()
    assert core.decrypt(done.column).to_pylist() == [value, None]


@pytest.mark.parametrize(
    ("spec", "value"),
    [
        (EncryptIdentifier(profile="mobile"), "１３８００１３８０００"),
        (EncryptIdentifier(profile="mobile"), "138 0013 8000"),
        (EncryptIdentifier(profile="bank_card"), "4111111111111112"),
        (EncryptIdentifier(profile="bank_card", keep=8), "4222222222222"),
        (RESIDENT, "110105203112310020"),
        (EncryptCharacters(alphabet=DIGITS), "12345"),
        (EncryptCharacters(alphabet=DIGITS), "1234567a"),
        (EncryptCharacters(alphabet=DIGITS), "１２３４５６７"),
        (EncryptCharacters(alphabet=DIGITS, separators="-"), "123-45"),
        (EncryptCharacters(alphabet=DIGITS, length=8), "1234567"),
        (EncryptCharacters(alphabet=DIGITS, length=8, separators="-"), "1234-5678-9"),
        (EncryptCharacters(alphabet=DIGITS), ""),
    ],
)
def test_what_does_not_fit_is_null_and_counted(spec, value):
    done = applied(spec, [value, None])
    assert done.column.to_pylist() == [None, None]
    assert done.unhandled.to_pylist() == [True, False]


def test_what_may_be_normalised_is_read_as_what_it_means():
    spec = EncryptIdentifier(profile="mobile", normalise=True)
    done = applied(spec, ["１３８００１３８０００", "138-0013 8000", "13800138000"]).column
    assert len(set(done.to_pylist())) == 1
    lower = applied(RESIDENT.but(normalise=True), ["11010519491231002x", "11010519491231002X"])
    assert len(set(lower.column.to_pylist())) == 1


def test_separators_stay_where_they_are_and_do_not_count():
    spec = EncryptCharacters(alphabet=DIGITS, length=8, separators="-.")
    plain, parted = applied(spec, ["12345678", "1234-56.78"]).column.to_pylist()
    assert parted == f"{plain[:4]}-{plain[4:6]}.{plain[6:]}"


def test_whole_numbers_are_read_by_their_digits_and_keep_their_zeros():
    spec = EncryptCharacters(alphabet=DIGITS)
    numbers = applied(spec, [*range(1_000_000, 1_000_200), -1_000_000], pa.int32())
    texts = applied(spec, [str(n) for n in range(1_000_000, 1_000_200)])
    assert numbers.column.type == pa.string()
    assert numbers.column.to_pylist()[:-1] == texts.column.to_pylist()
    assert any(value.startswith("0") for value in texts.column.to_pylist())
    assert numbers.unhandled.to_pylist() == [False] * 200 + [True]


@pytest.mark.parametrize("alphabet", ["01", "0123456789", "abcdefghijklmnopqrstuvwxyz", "甲乙丙"])
@pytest.mark.parametrize("unsafe", [False, True])
def test_the_shortest_length_is_known_without_a_key(alphabet, unsafe):
    spec = EncryptCharacters(alphabet=alphabet, unsafe_small_domains=unsafe)
    assert spec.shortest == FF1(KEY, alphabet, unsafe_small_domains=unsafe).shortest
    bounds = {"alphabet": alphabet, "unsafe_small_domains": unsafe}
    assert EncryptCharacters(length=spec.shortest, **bounds).shortest == spec.shortest
    if spec.shortest > 2:
        with pytest.raises(ValidationError, match="can be tried one by one"):
            EncryptCharacters(length=spec.shortest - 1, **bounds)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"profile": "mobile", "keep": 4}, "first 0 or 3 characters"),
        ({"profile": "uscc", "keep": 0}, "first 2 characters"),
        ({"profile": "resident_id"}, "last_day"),
        ({"profile": "mobile", "last_day": "2030-12-31"}, "last_day"),
        ({"profile": "mobile", "first_day": "1900-01-01"}, "first_day belongs"),
        (
            {"profile": "resident_id", "first_day": "2031-01-01", "last_day": "2030-12-31"},
            "must not be after",
        ),
        ({"profile": "resident_id", "last_day": "2100-01-01"}, "from 1800"),
        ({"profile": "email"}, "Input should be"),
    ],
)
def test_a_profile_that_cannot_be_honoured_is_refused_with_the_policy(fields, said):
    with pytest.raises(ValidationError, match=said):
        EncryptIdentifier(**fields)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"alphabet": "0"}, "at least 2"),
        ({"alphabet": "0120"}, "twice"),
        ({"alphabet": DIGITS, "separators": "a"}, "no letter"),
        ({"alphabet": "01-", "separators": "-"}, "not in the alphabet"),
        ({"alphabet": DIGITS, "separators": "--"}, "once"),
        ({"alphabet": DIGITS, "length": 5}, "6 are needed"),
    ],
)
def test_an_alphabet_that_cannot_be_honoured_is_refused_with_the_policy(fields, said):
    with pytest.raises(ValidationError, match=said):
        EncryptCharacters(**fields)


@pytest.mark.parametrize("spec", [EncryptCharacters(alphabet=DIGITS), RESIDENT])
def test_over_sm4_it_is_another_permutation_and_says_what_it_is(spec):
    values = ["11010519491231002X", "12345678"]
    sm4 = spec.but(cipher="SM4")
    assert applied(spec, values).column != applied(sm4, values).column
    assert "not a published standard" in construction(sm4)
    assert construction(spec).startswith("FF1 (NIST SP 800-38G)")
    assert build(sm4, source_type=pa.string(), key=KEY).construction == construction(sm4)


def test_a_key_is_needed_but_the_type_is_known_without():
    spec = EncryptCharacters(alphabet=DIGITS)
    assert output_type(spec, pa.int64()) == pa.string()
    for each in (spec, RESIDENT):
        with pytest.raises(InvalidRequest, match=f"{each.kind} needs a key"):
            build(each, source_type=pa.string())
