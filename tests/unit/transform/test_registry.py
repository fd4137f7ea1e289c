"""Every spec has an implementation that says its type, its claim, and what it is missing."""

from typing import get_args

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from pydantic import TypeAdapter

from gateway.errors import InvalidRequest, TransformFailed
from gateway.model.transforms import (
    GeneralizeDate,
    Keep,
    Mask,
    MaskForm,
    Replace,
    ReversibleToken,
    Spec,
    Suppress,
    Token,
    TransformSpec,
)
from gateway.transform import registry
from gateway.transform.base import Outcome, Resources
from gateway.transform.registry import build, construction, output_type
from gateway.transform.siv_tokens import SivTokens
from gateway.transform.tokens import MOST_RISK, collision_bound

KEY = bytes(range(32))


def test_every_spec_has_an_implementation_with_a_claim() -> None:
    specs = get_args(get_args(TransformSpec)[0])
    assert set(registry._TRANSFORMS) == set(specs) == set(Spec.__subclasses__())
    for implementation in registry._TRANSFORMS.values():
        assert implementation.claim.guarantee
        assert implementation.claim.leaves


def test_no_shuffle_is_offered() -> None:
    with pytest.raises(ValueError, match="does not match any of the expected tags"):
        TypeAdapter(TransformSpec).validate_python({"kind": "shuffle"})


@pytest.mark.parametrize("kind", [pa.float64(), pa.bool_(), pa.date32(), pa.binary()])
def test_masks_take_text_and_whole_numbers_only(kind: pa.DataType) -> None:
    for spec in (Mask(), MaskForm(form="phone")):
        with pytest.raises(InvalidRequest, match=f"{spec.kind} takes text") as caught:
            output_type(spec, kind)
        assert str(kind) in caught.value.message


def test_a_token_needs_a_key_but_its_type_is_known_without() -> None:
    assert output_type(Token(), pa.int64()) == pa.string()
    with pytest.raises(InvalidRequest, match="token needs a key"):
        build(Token(), source_type=pa.string())


def test_a_key_for_a_transform_that_takes_none_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="mask takes no key"):
        build(Mask(), source_type=pa.string(), key=KEY)


@pytest.mark.parametrize("kind", [pa.float64(), pa.bool_(), pa.timestamp("us")])
def test_tokens_refuse_types_without_one_written_form(kind: pa.DataType) -> None:
    with pytest.raises(InvalidRequest, match="token takes"):
        output_type(Token(), kind)


def test_tokens_are_the_same_for_equal_values_and_differ_between_keys() -> None:
    column = pa.array(["张三", "李四", "张三", "", None])
    ours = build(Token(), source_type=pa.string(), key=KEY).apply(column).column
    theirs = build(Token(), source_type=pa.string(), key=bytes(32)).apply(column).column
    assert ours[0] == ours[2] != ours[1]
    assert ours[4].as_py() is None
    assert pc.utf8_length(ours).to_pylist() == [17, 17, 17, 17, None]
    assert set(ours.drop_null().to_pylist()).isdisjoint(theirs.to_pylist())


@pytest.mark.parametrize(("alphabet", "length"), [("base32", 17), ("hex", 21), ("digits", 25)])
def test_each_alphabet_has_a_safe_length(alphabet: str, length: int) -> None:
    spec = TypeAdapter(TransformSpec).validate_python({"kind": "token", "alphabet": alphabet})
    assert isinstance(spec, Token)
    assert spec.length == length
    build(spec, source_type=pa.string(), key=KEY)
    with pytest.raises(ValueError, match="characters"):
        Token(alphabet=spec.alphabet, length=length - 1)


@pytest.mark.parametrize(("alphabet", "radix"), [("base32", 32), ("hex", 16), ("digits", 10)])
@pytest.mark.parametrize("rows", [1000, 65_536, 10**6, 10**9, 2**32])
def test_the_default_length_is_the_shortest_whose_collisions_do_not_count(alphabet, radix, rows):
    spec = Token(alphabet=alphabet, rows=rows)
    assert collision_bound(rows, spec.length, radix) <= MOST_RISK
    assert collision_bound(rows, spec.length - 1, radix) > MOST_RISK
    build(spec, source_type=pa.string(), key=KEY)
    with pytest.raises(ValueError, match=f"for {rows} distinct values"):
        Token(alphabet=alphabet, rows=rows, length=spec.length - 1)


@pytest.mark.parametrize("column", [["张三", "", None], [7, 8, None]])
def test_a_reversible_token_comes_back_in_its_domain_and_in_no_other(column):
    values = pa.array(column)
    spec = ReversibleToken()
    tokens = build(spec, source_type=values.type, key=KEY, domain="a").apply(values)
    assert tokens.unhandled is None
    back = SivTokens(KEY, [b"a"]).reverse(tokens.column)
    assert back.equals(values.cast(pa.string()))
    with pytest.raises(TransformFailed, match="not a token of this domain"):
        SivTokens(KEY, [b"b"]).reverse(tokens.column)
    with pytest.raises(InvalidRequest, match="needs the domain"):
        build(spec, source_type=values.type, key=KEY)


def test_every_keyed_transform_names_its_construction_and_no_other_does():
    for spec, implementation in registry._TRANSFORMS.items():
        assert spec.keyed == ("construction_of" in vars(implementation))
    assert construction(Mask()) is None
    assert construction(Token()) == "AES-CMAC-PRF-128 (RFC 4615)"
    assert construction(ReversibleToken()) == "AES-SIV (RFC 5297)"
    for spec in (Token(), ReversibleToken()):
        sm4 = build(spec.but(cipher="SM4"), source_type=pa.string(), key=KEY, domain="a")
        assert "not a published standard" in sm4.construction


def test_a_column_of_another_type_than_planned_is_refused() -> None:
    transform = build(Mask(), source_type=pa.string())
    with pytest.raises(TransformFailed, match="another type than planned"):
        transform.apply(pa.array([1]))
    with pytest.raises(TransformFailed, match="another type than planned"):
        transform.apply(pa.chunked_array([["a"]]))


def test_constants_take_any_type() -> None:
    column = pa.array([True, None])
    assert build(Suppress(), source_type=pa.bool_()).apply(column).column.type == pa.bool_()
    replaced = build(Replace(text="x"), source_type=pa.bool_()).apply(column)
    assert replaced.column.to_pylist() == ["x", "x"]
    assert build(Keep(), source_type=pa.bool_()).apply(column).column.equals(column)


def test_an_outcome_cannot_let_an_unhandled_value_through() -> None:
    with pytest.raises(TransformFailed, match="could not handle"):
        Outcome(pa.array(["a"]), pa.array([True]))
    with pytest.raises(TransformFailed, match="rows"):
        Outcome(pa.array(["a"]), pa.array([True, False]))
    with pytest.raises(TransformFailed, match="rows"):
        Outcome(pa.array(["a"]), pa.array([None], pa.bool_()))


def test_nothing_that_holds_data_or_keys_shows_them() -> None:
    outcome = build(Keep(), source_type=pa.string()).apply(pa.array(["canary"]))
    shown = (
        repr(outcome)
        + repr(Resources(KEY))
        + repr(build(Token(), source_type=pa.string(), key=KEY))
    )
    assert "canary" not in shown
    assert repr(KEY)[2:-1] not in shown


@pytest.mark.parametrize("length", [0, 1, 3])
def test_empty_and_all_null_columns(length: int) -> None:
    text = pa.nulls(length, pa.string())
    for spec in (Mask(keep_length=True), MaskForm(form="address"), MaskForm(form="email")):
        done = build(spec, source_type=pa.string()).apply(text)
        assert done.column.to_pylist() == [None] * length
        assert done.unhandled is None
    dates = pa.nulls(length, pa.date32())
    assert build(GeneralizeDate(to="year"), source_type=pa.date32()).apply(dates).unhandled is None
