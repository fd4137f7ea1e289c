"""Attacks on any table: figures are shares in order, bounds that must hold do, and bad input is said."""

import datetime as dt
from decimal import Decimal

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from gateway.model.attacks import AttackResult
from gateway.risk.attacks.differencing import Held
from gateway.risk.attacks.setting import AttackSpec
from gateway.risk.attacks.suite import run_attacks

FIRST = dt.datetime(1900, 1, 1)  # noqa: DTZ001 - moments of tables may have no zone
VALUES = {
    "whole": (pa.int64(), st.integers(-5, 2**40)),
    "real": (pa.float64(), st.floats()),
    "half": (pa.float16(), st.sampled_from([0.5, 1.0, 2.5])),
    "decimal": (pa.decimal128(9, 2), st.decimals(0, 99, places=2).map(Decimal)),
    "truth": (pa.bool_(), st.booleans()),
    "day": (pa.date32(), st.dates(dt.date(1900, 1, 1), dt.date(2100, 1, 1))),
    "moment": (pa.timestamp("us"), st.datetimes(FIRST)),
    "text": (pa.string(), st.sampled_from(["a", "b", "c", "男"])),
    # What only looks like a label
    "odd": (pa.string(), st.sampled_from(
        ["", "*", "{a", "[1,2", "2–1", "1–", "a*b", "***", "2024-13-45", "{}", "<", "[,]"])),
    "nothing": (pa.null(), st.none()),
    "names": (pa.dictionary(pa.int32(), pa.string()), st.sampled_from(["a", "b"])),
}  # fmt: skip


@st.composite
def tables(draw: st.DrawFn) -> tuple[pa.Table, pa.Table, np.ndarray]:
    """An original, some of its records with some columns suppressed, and which records they are."""
    rows = draw(st.integers(1, 12))
    columns = {}
    for name in ("one", "two", "secret"):
        kind, values = VALUES[draw(st.sampled_from(sorted(VALUES)))]
        cells = draw(st.lists(st.none() | values, min_size=rows, max_size=rows))
        columns[name] = pa.array(cells, kind)
    original = pa.table(columns)
    kept = np.array(draw(st.permutations(range(rows)))[: draw(st.integers(0, rows))], np.int64)
    released = original.take(pa.array(kept))
    for place, name in enumerate(columns):
        if draw(st.booleans()):
            stars = pa.array(["*"] * len(kept), pa.string())
            released = released.set_column(place, name, stars)
    return original, released, kept


SPEC = AttackSpec(("one", "two"), ("secret",), targets=8)


def attacked(case: tuple[pa.Table, pa.Table, np.ndarray]) -> dict[str, AttackResult]:
    original, released, kept = case
    results = run_attacks(
        original,
        released,
        SPEC,
        np.random.default_rng(1),
        origin=kept,
        control=original,
        held=[Held(released, kept)],
    )
    return {result.name: result for result in results}


@given(tables())
def test_every_table_can_be_attacked(case: tuple[pa.Table, pa.Table, np.ndarray]) -> None:
    found = attacked(case)
    # The nouns check that figures are shares and in order
    assert {"linkability", "record_linkage", "differencing"} <= set(found)
    assert found["record_linkage"].attempts == min(8, case[0].num_rows)
    # The same release twice tells nothing more
    assert found["differencing"].success == "0"


@given(tables())
def test_where_all_is_suppressed_nobody_is_found(
    case: tuple[pa.Table, pa.Table, np.ndarray],
) -> None:
    original, released, kept = case
    stars = pa.array(["*"] * len(kept), pa.string())
    for place, name in enumerate(("one", "two", "secret")):
        released = released.set_column(place, name, stars)
    found = attacked((original, released, kept))
    assert found["record_linkage"].rate == found["record_linkage"].baseline or len(kept) < len(
        original
    )
    assert float(found["record_linkage"].rate) <= 1 / max(len(kept), 1) + 1e-6
    if len(kept):
        assert found["inference"].rate == "0"
    if len(kept) > 1:
        assert found["singling_out_multivariate"].attempts == 0
