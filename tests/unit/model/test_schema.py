"""The types that the gateway carries."""

from fractions import Fraction

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import InvalidRequest
from gateway.model.catalog import Column
from gateway.model.schema import (
    arrow_schema,
    arrow_type,
    carried_schema,
    carried_type,
    scaled_type,
    schema_digest,
)

CARRIED = [
    pa.bool_(),
    pa.int8(),
    pa.uint64(),
    pa.float32(),
    pa.float64(),
    pa.string(),
    pa.binary(),
    pa.date32(),
    pa.time64("us"),
    pa.timestamp("s"),
    pa.timestamp("us", tz="UTC"),
    pa.decimal128(38, 10),
    pa.decimal128(5, -2),
]


@pytest.mark.parametrize("kind", CARRIED, ids=str)
def test_a_carried_type_is_carried_as_itself_and_named_by_its_name(kind: pa.DataType) -> None:
    assert carried_type(kind) == kind
    assert arrow_type(str(kind)) == kind


@pytest.mark.parametrize(
    ("kind", "carried"),
    [
        (pa.large_string(), pa.string()),
        (pa.string_view(), pa.string()),
        (pa.dictionary(pa.int8(), pa.large_string()), pa.string()),
        (pa.null(), pa.string()),
        (pa.large_binary(), pa.binary()),
        (pa.binary(16), pa.binary()),
        (pa.date64(), pa.date32()),
        (pa.time32("s"), pa.time64("us")),
        (pa.time64("ns"), pa.time64("us")),
        (pa.timestamp("ns"), pa.timestamp("us")),
        (pa.timestamp("ns", tz="Asia/Shanghai"), pa.timestamp("us", tz="UTC")),
        (pa.float16(), pa.float32()),
        (pa.decimal32(7, 2), pa.decimal128(7, 2)),
        (pa.decimal256(38, 2), pa.decimal128(38, 2)),
    ],
    ids=str,
)
def test_other_encodings_are_carried_as_their_plain_type(
    kind: pa.DataType, carried: pa.DataType
) -> None:
    assert carried_type(kind) == carried


@pytest.mark.parametrize(
    "kind",
    [
        pa.list_(pa.int8()),
        pa.struct([("a", pa.int8())]),
        pa.duration("s"),
        pa.month_day_nano_interval(),
        pa.decimal256(39, 0),
    ],
    ids=str,
)
def test_what_is_not_carried_is_named(kind: pa.DataType) -> None:
    assert carried_type(kind) is None
    with pytest.raises(InvalidRequest, match=r"^b: the type") as caught:
        carried_schema(pa.schema([("a", pa.string()), ("b", kind)]))
    assert [v.field for v in caught.value.violations] == ["b"]


@pytest.mark.parametrize(
    "name", ["", "strange", "decimal128(39, 0)", "decimal128(x)", "list<int8>"]
)
def test_an_unknown_type_name_is_refused(name: str) -> None:
    with pytest.raises(InvalidRequest, match="unknown column type"):
        arrow_type(name)


def test_aliases_name_types() -> None:
    assert arrow_type("date") == pa.date32()
    assert arrow_type("float64") == pa.float64()
    assert arrow_type("integer") == pa.int64()
    assert arrow_type("decimal128(18,2)") == pa.decimal128(18, 2)


def test_the_digest_is_of_names_types_and_order() -> None:
    schema = pa.schema([("a", pa.string()), ("b", pa.int64())])
    nullability = pa.schema([pa.field("a", pa.string(), nullable=False), ("b", pa.int64())])
    assert schema_digest(schema) == schema_digest(nullability.with_metadata({"x": "y"}))
    assert schema_digest(schema) != schema_digest(pa.schema(list(schema)[::-1]))
    assert schema_digest(schema) != schema_digest(
        pa.schema([("a", pa.string()), ("b", pa.int32())])
    )


def test_columns_of_the_catalogue_make_a_schema() -> None:
    columns = [Column(name="a", type="string", nullable=False), Column(name="b", type="date")]
    schema = arrow_schema(columns)
    assert schema.field("a") == pa.field("a", pa.string(), nullable=False)
    assert schema.field("b").type == pa.date32()


@pytest.mark.parametrize(
    ("kind", "ratio", "scaled"),
    [
        (pa.string(), "1", pa.string()),
        (pa.int8(), "100", pa.int64()),
        (pa.uint64(), "1/100", pa.float64()),
        (pa.decimal128(10, 2), "12", pa.decimal128(38, 2)),
        (pa.decimal128(10, 2), "1/12", pa.float64()),
        (pa.float32(), "2", pa.float64()),
    ],
    ids=str,
)
def test_the_type_of_scaled_values(kind: pa.DataType, ratio: str, scaled: pa.DataType) -> None:
    assert scaled_type(kind, Fraction(ratio)) == scaled


@given(st.sampled_from([pa.string(), pa.bool_(), pa.date32(), pa.binary()]))
def test_what_has_no_unit_cannot_be_scaled(kind: pa.DataType) -> None:
    with pytest.raises(InvalidRequest, match="no unit"):
        scaled_type(kind, Fraction(2))
