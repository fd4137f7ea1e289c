"""Every reason can be read in English and in Chinese, and confidence keeps what it promises."""

import re
from collections.abc import Iterator

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from gateway.classify import sentences
from gateway.classify.calibration import Basis, Calibration
from gateway.classify.columns import verdicts
from gateway.classify.pack import standard
from gateway.classify.sentences import Sentence, percents
from gateway.execute.sampling import sample_batches
from gateway.model.catalog import Column
from gateway.ports import SAMPLED_VALUES, ColumnSample
from gateway.testing import residents
from gateway.testing.benchmark import tables

PACK = standard()
HAN = re.compile(r"[\u4e00-\u9fff]")


def samples(table: pa.Table) -> Iterator[ColumnSample]:
    """What a source of these rows would hand over."""
    return sample_batches(table.to_batches(), table.schema, lambda _: None, SAMPLED_VALUES)


def told():
    for table in tables(11, rows=60):
        columns = [Column(name=f.name, type=str(f.type)) for f in table.data.schema]
        for data in (samples(table.data), None):
            for verdict in verdicts(data, columns, pack=PACK):
                yield from ((verdict, piece) for piece in verdict.evidence)


def test_every_piece_of_evidence_is_said_in_both_languages():
    seen = set()
    for verdict, piece in told():
        english = re.sub(r'"[^"]*"', "", piece.detail)  # what the name says is quoted
        assert piece.detail
        assert not HAN.search(english), piece.detail
        assert HAN.search(piece.detail_zh), piece
        assert verdict.evidence
        seen.add(piece.kind)
    assert seen == {"name", "value", "neighbour", "rule"}


def test_the_check_digit_is_named_by_its_norm():
    said = sentences.passes(0.982, "resident_id", "CN_RESIDENT_ID")
    assert said == Sentence(
        "98 % of the values pass the check digit of GB 11643", "98 % 的值通过 GB 11643 校验位"
    )


@pytest.mark.parametrize(
    ("share", "said"), [(0.0, "0 %"), (1.0, "100 %"), (0.0001, "1 %"), (0.9999, "99 %")]
)
def test_all_and_none_are_said_only_when_true(share, said):
    assert percents(share) == said


def test_a_verdict_by_names_alone_says_so_and_is_never_surer_than_its_bound():
    table = residents(50, 1)
    columns = [Column(name=f.name, type=str(f.type)) for f in table.schema]
    for verdict in verdicts(None, columns, pack=PACK):
        assert verdict.metadata_only
        assert verdict.confidence_percent <= PACK.calibration.most_by_name
    assert not any(v.metadata_only for v in verdicts(samples(table), columns, pack=PACK))


def test_conflicting_evidence_is_said_in_words():
    ids = residents(300, 1)["resident_id"]
    (verdict,) = verdicts(
        samples(pa.table({"email": ids})), [Column(name="email", type="string")], pack=PACK
    )
    assert verdict.entity == "CN_RESIDENT_ID"
    assert any(e.weight < 0 and e.entity == "EMAIL_ADDRESS" for e in verdict.evidence)
    assert any(
        e.kind == "rule" and e.entity == "EMAIL_ADDRESS" and "部分证据" in e.detail_zh
        for e in verdict.evidence
    )


# ---- calibration ----------------------------------------------------------------------------------


@given(st.sampled_from(list(Basis)), st.integers(0, 100), st.integers(0, 100))
def test_more_trust_is_never_less_sure(basis, one, other):
    low, high = sorted((one, other))
    confidence = PACK.calibration.confidence
    assert 0 <= confidence(basis, low) <= confidence(basis, high) <= 99


RISING = ((50, 40), (90, 95))


def curves(**changed):
    return {basis: changed.get(basis.value, RISING) for basis in Basis}


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        (curves(values=((50, 80), (60, 70))), "falls"),
        (curves(names=((50, 40), (50, 60))), "falls"),
        (curves(names=()), "no point"),
        ({Basis.VALUES: RISING}, "no curve"),
        (curves(values=((50, 100),)), "99"),
    ],
)
def test_a_curve_that_falls_or_is_missing_is_refused(changed, why):
    with pytest.raises(ValidationError, match=why):
        Calibration(most_by_name=90, curves=changed)


def test_between_points_confidence_lies_on_a_straight_line():
    calibration = Calibration(most_by_name=80, curves=curves())
    found = [calibration.confidence(Basis.VALUES, t) for t in (0, 50, 70, 90, 99)]
    assert found == [40, 40, 68, 95, 95]
    assert calibration.confidence(Basis.NAMES, 99) == 80
