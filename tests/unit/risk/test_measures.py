"""Risk measures by hand, and classes under wildcards by brute force."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import InvalidRequest
from gateway.model.exact import millionths
from gateway.risk.measures.attackers import Attacker, Cell, attacker
from gateway.risk.measures.effect import effect
from gateway.risk.measures.report import assess
from gateway.risk.measures.safe_harbor import ColumnFacts, Finding, Outcome, safe_harbor
from gateway.risk.measures.wildcard import wildcard_sizes


def test_attackers_by_hand() -> None:
    # One record alone, one class of 2 and one of 5: 3 classes, 8 records.
    found = attacker([Cell(1, 1, 1), Cell(2, 2, 1), Cell(5, 5, 1)], millionths("0.2"))
    assert found == Attacker(highest="1", average="0.375", over_threshold="0.375", records_over=3)


def test_a_risk_that_is_the_threshold_is_borne() -> None:
    assert attacker([Cell(3, 3, 4)], millionths("0.333334")).records_over == 0
    assert attacker([Cell(3, 3, 4)], millionths("0.333333")).records_over == 12


def test_the_journalist_looks_in_the_population() -> None:
    here = pa.table({"q": ["a", "b", "b", None]})
    there = pa.table({"q": ["a"] * 4 + ["b"] * 2 + ["c"] + [None] * 8})
    report = assess(here.to_reader(), ["q"], threshold="0.3", population=there.to_reader())
    # 1/4, twice 1/2 and 1/8: together 11/8, of 4 records.
    assert report.journalist == Attacker(
        highest="0.5", average="0.34375", over_threshold="0.5", records_over=2
    )
    assert report.marketer == report.journalist
    assert report.prosecutor.highest == "1"
    assert [said.en for said in report.remarks] == [
        "q has nulls, which agree with each other and with no value"
    ]


def test_a_population_that_lacks_somebody_makes_no_risk_smaller() -> None:
    here = pa.table({"q": ["a", "a", "z"]})
    there = pa.table({"q": ["a"] * 5})
    report = assess(here.to_reader(), ["q"], threshold="0.3", population=there.to_reader())
    assert report.journalist is not None
    assert report.journalist.highest == "1"  # z
    assert "lacks records" in report.remarks[-1].en


def test_report_of_one_record() -> None:
    report = assess(pa.table({"q": [1]}).to_reader(), ["q"], threshold="0.2")
    assert (report.records, report.alone, report.prosecutor.average) == (1, 1, "1")
    assert [said.en for said in report.remarks] == [
        "q is the same in every record: it tells nothing"
    ]


def test_report_of_three_hundred_columns() -> None:
    table = pa.table({f"c{place}": [place, place, None] for place in range(300)})
    report = assess(table.to_reader(), table.column_names, threshold="0.2")
    assert (report.classes, report.smallest_class) == (2, 1)


def test_no_records_are_no_risk_to_report() -> None:
    with pytest.raises(InvalidRequest, match="no records"):
        assess(pa.table({"q": pa.array([], pa.string())}).to_reader(), ["q"], threshold="0.2")


def test_bands_hold_every_record_once() -> None:
    table = pa.table({"q": [str(n) for n in range(130) for _ in range(n)]})
    report = assess(table.to_reader(), ["q"], threshold="0.2", sampling_fraction="0.5")
    assert sum(band.records for band in report.sizes) == table.num_rows
    assert sum(band.classes for band in report.sizes) == 129
    assert report.uniqueness is not None
    assert report.uniqueness.zayatz is not None


@given(
    st.lists(
        st.tuples(*[st.sampled_from([-1, 0, 1, 2])] * 3), min_size=1, max_size=12, unique=True
    ),
    st.data(),
)
def test_wildcard_classes_against_every_pair(
    rows: list[tuple[int, ...]], data: st.DataObject
) -> None:
    records = data.draw(
        st.lists(st.integers(1, 4), min_size=len(rows), max_size=len(rows)), label="records"
    )
    expected = [
        sum(
            count
            for other, count in zip(rows, records, strict=True)
            if all(a == b or -1 in (a, b) for a, b in zip(row, other, strict=True))
        )
        for row in rows
    ]
    found = wildcard_sizes(np.array(rows, np.int32), np.array(records, np.int64))
    assert found is not None
    assert found.tolist() == expected


def test_many_values_of_many_columns_do_not_overflow() -> None:
    # In 64 bits the first column of three such would be left with its value modulo 4.
    most = 2**31 - 1
    codes = np.array([[0, 0, 0], [4, 0, 0], [most, most, most], [0, 0, -1]], np.int32)
    found = wildcard_sizes(codes, np.array([1, 10, 100, 1000]))
    assert found is not None
    assert found.tolist() == [1001, 10, 100, 1001]


def test_stars_and_nulls_are_wildcards_in_the_report() -> None:
    table = pa.table({"q": ["a", "a", "*", None], "r": pa.array([1, 2, 1, 2])})
    report = assess(table.to_reader(), ["q", "r"], threshold="0.2")
    assert report.prosecutor.highest == "1"
    assert report.wildcard is not None
    assert (report.wildcard.records, report.wildcard.smallest) == (2, 2)
    assert report.wildcard.prosecutor.highest == "0.5"


def facts(values: list, entity: str | None, *, all_different: bool = False) -> ColumnFacts:
    return ColumnFacts("c", entity, pa.array(values), all_different)


def outcome(column: ColumnFacts, identifier: str) -> Outcome:
    return next(f for f in safe_harbor([column], 100) if f.identifier == identifier).outcome


@pytest.mark.parametrize(
    ("column", "identifier", "expected"),
    [
        (facts(["张*"], "PERSON"), "A", "found"),
        (facts(["***", None], "PERSON"), "A", "not_found"),
        (facts([17, 89], "AGE"), "C", "not_found"),
        (facts([17, 91], "AGE"), "C", "found"),
        (facts([17, 90], "AGE"), "C", "judge"),
        (facts(["17", "90+", "90岁以上", "≥90"], "AGE"), "C", "not_found"),
        (facts(["17", "[85, 95)"], "AGE"), "C", "judge"),
        (facts(["1980", "1990-1994", "[1990, 1995)"], "BIRTH_DATE"), "C", "not_found"),
        (facts([1980, 2001], "BIRTH_DATE"), "C", "not_found"),
        (facts(["1980", "1980-03"], "BIRTH_DATE"), "C", "found"),
        (facts(["1980年3月"], "DATE"), "C", "found"),
        (facts(["19800305"], "DATE"), "C", "found"),
        (facts(["spring"], "DATE"), "C", "judge"),
        (ColumnFacts("c", "NONE", pa.array([0]).cast(pa.timestamp("s")), False), "C", "found"),
        (facts(["02139"], "REGION"), "B", "found"),
        (facts(["100084"], "CN_POSTAL_CODE"), "B", "found"),
        (facts(["021", "945**"], "REGION"), "B", "not_found"),
        (facts(["021", "036"], "REGION"), "B", "found"),
        (facts(["Ohio"], "REGION"), "B", "judge"),
        (facts(["a", "b"], "NONE"), "R", "not_found"),
        (facts(["a", "b"], "NONE", all_different=True), "R", "judge"),
        (facts(["a"], None), "R", "judge"),
        (facts(["a@b.cn"], "EMAIL_ADDRESS"), "F", "found"),
    ],
)
def test_safe_harbor(column: ColumnFacts, identifier: str, expected: Outcome) -> None:
    assert outcome(column, identifier) == expected


def test_safe_harbor_has_eighteen_findings_and_tells_no_value() -> None:
    findings = safe_harbor([facts(["secretvalue"], "PERSON"), facts([95], "AGE")], 100)
    assert [finding.identifier for finding in findings] == list("ABCDEFGHIJKLMNOPQR")
    told = "".join(map(Finding.model_dump_json, findings))
    assert "secretvalue" not in told
    assert "secretvalue" not in repr(facts(["secretvalue"], "PERSON"))


@pytest.mark.parametrize(
    ("highest", "direct", "aggregated", "level"),
    [
        ("0.05", ["name"], False, 1),
        ("0.05", ["name"], True, 1),
        ("0.050001", [], False, 2),
        ("0.05", [], False, 3),
        ("1", [], True, 4),
        ("0.01", None, False, None),
    ],
)
def test_levels_of_effect(
    highest: str, direct: list[str] | None, aggregated: bool, level: int | None
) -> None:
    found = effect(highest, sharing="public", direct_identifiers=direct, aggregated=aggregated)
    assert found.level == level


def test_the_threshold_of_a_policy_takes_the_place_of_the_proposal() -> None:
    stricter = effect("0.05", sharing="public", threshold="0.04", direct_identifiers=[])
    assert (stricter.level, stricter.threshold) == (2, "0.04")
    # A wider circle bears less risk.
    levels = [
        effect("0.1", sharing=kind, direct_identifiers=[]).level
        for kind in ("public", "controlled", "enclave")
    ]
    assert levels == [2, 2, 3]
