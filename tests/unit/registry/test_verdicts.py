"""Which verdict holds: by itself only a stricter one, and a person's word until it lapses."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import PermissionDenied
from gateway.model.catalog import Column, DataSet, ParquetSource, Party, SourceVersion
from gateway.model.evidence import Coverage, Declaration, Finding
from gateway.model.grades import Grade
from gateway.model.names import ColumnRole, RecipientKind, Role
from gateway.registry.declaring import declare, overridden
from gateway.registry.verdicts import judged, settle

NOW = datetime(2026, 3, 1, tzinfo=UTC)
DIRECT, QUASI = ColumnRole.DIRECT_IDENTIFIER, ColumnRole.QUASI_IDENTIFIER
SENSITIVE, OTHER = ColumnRole.SENSITIVE, ColumnRole.OTHER
HOLDER = "parties/bureau"
OFFICER = Party(
    name="parties/officer", role=Role.OFFICER, kind=RecipientKind.GOVERNMENT, display_name="o"
)
UNKNOWN = (None, None, None)
MOBILE = ("CN_MOBILE", Grade.GENERAL_3, DIRECT)
AGE = ("AGE", Grade.GENERAL_2, QUASI)
PLAIN = ("NONE", Grade.GENERAL_1, OTHER)

VERDICTS = st.one_of(
    st.just(UNKNOWN),
    st.tuples(
        st.sampled_from(["CN_MOBILE", "AGE", "DIAGNOSIS", "NONE"]),
        st.sampled_from(Grade),
        st.sampled_from(ColumnRole),
    ),
)


def column(verdict=UNKNOWN, rules="2, sha256 b", **fields):
    entity, grade, role = verdict
    return Column(
        name="c", type="string", entity=entity, grade=grade, role=role, rules=rules, **fields
    )


def said(role, until=None):
    party = HOLDER if role is Role.HOLDER else OFFICER.name
    return Declaration(party=party, role=role, at=NOW, until=until)


@given(VERDICTS, VERDICTS, st.sampled_from([None, Role.HOLDER]))
def test_a_verdict_becomes_only_stricter_by_itself(old, new, by):
    before, after = column(old, rules="1, sha256 a"), settle(column(old), column(new), by)
    if not before.has_verdict:  # a holder may fill in what was unknown, nobody else
        assert not after.has_verdict or by is Role.HOLDER
    if after.has_verdict and before.has_verdict:
        assert after.grade.at_least(before.grade)
        assert after.grade.at_least(Grade(new[1]))
        assert after.role is DIRECT or before.role is not DIRECT
        assert (after.role is OTHER) <= (before.role is OTHER)
        assert (after.entity == "NONE") <= (before.entity == "NONE")
    if new == UNKNOWN:
        assert not after.has_verdict


@given(VERDICTS, VERDICTS)
def test_what_is_milder_is_asked_and_what_is_asked_was_found(old, new):
    after = settle(column(old), column(new))
    assert after.questioned == (after.verdict != new)
    assert after.finding == column(new).in_force()
    assert settle(after, column(new)) == after
    assert settle(after, column(new), Role.OFFICER).verdict == new


def test_a_verdict_on_names_alone_gives_way_to_the_first_on_values():
    version = SourceVersion(fingerprint="a" * 64, schema_digest="b" * 64, rows=7)
    dataset = DataSet(
        name="datasets/d1x", title="d", source=ParquetSource(path="d"), holder=HOLDER,
        columns=(Column(name="c", type="string"),), created=NOW, updated=NOW,
    )  # fmt: skip
    by_name = judged(dataset, None, [column(MOBILE)])
    assert by_name.judged.fingerprint is None
    seen = column(PLAIN, coverage=Coverage(rows=3, present=3, sampled=3))
    by_values = judged(by_name, version, [seen])
    assert by_values.columns[0].verdict == PLAIN
    assert by_values.columns[0].coverage.rows == 3
    assert by_values.current
    assert judged(by_values, version, [column(MOBILE)]).columns[0].verdict == MOBILE
    assert not by_values.but(version=version.but(fingerprint="c" * 64)).current


# ---- declarations -------------------------------------------------------------------------------


@pytest.mark.parametrize("by", [None, Role.HOLDER, Role.OFFICER])
def test_an_officers_verdict_survives_and_the_newest_finding_is_kept_beside_it(by):
    set_ = overridden(column(MOBILE), OFFICER, PLAIN, "a test number", NOW, None)
    assert set_.found.grade is Grade.GENERAL_3
    again = settle(set_, column(("CN_RESIDENT_ID", Grade.GENERAL_4, DIRECT)), by)
    assert again.verdict == PLAIN
    assert again.declaration == set_.declaration
    assert again.found.entity == "CN_RESIDENT_ID"
    assert not again.questioned


def test_a_lapsed_verdict_gives_way_to_the_newest_finding():
    until = NOW + timedelta(days=1)
    set_ = overridden(column(MOBILE), OFFICER, PLAIN, "for now", NOW, until)
    set_ = set_.but(element=None)
    assert set_.at(until - timedelta(microseconds=1)) is set_
    lapsed = set_.at(until)
    assert (lapsed.verdict, lapsed.declaration, lapsed.found) == (MOBILE, None, None)
    never_looked_at = overridden(
        Column(name="c", type="string"), OFFICER, PLAIN, "for now", NOW, until
    )
    assert not never_looked_at.at(until).has_verdict


def test_a_column_does_not_keep_the_element_of_a_verdict_that_lapsed():
    until = NOW + timedelta(days=1)
    set_ = overridden(column(MOBILE), OFFICER, AGE, "for now", NOW, until).but(element="age")
    assert set_.at(until).element is None
    same = overridden(column(MOBILE), OFFICER, MOBILE, "for now", NOW, until)
    assert same.but(element="mobile_phone").at(until).element == "mobile_phone"


@pytest.mark.parametrize(
    ("declared", "found", "kept"),
    [
        (("CN_MOBILE", Grade.GENERAL_4, DIRECT), MOBILE, True),
        (MOBILE, MOBILE, True),
        (MOBILE, UNKNOWN, True),  # a holder may know what the rules do not
        (PLAIN, MOBILE, False),
        (AGE, MOBILE, False),
    ],
)
def test_a_holders_verdict_stands_while_it_is_no_weaker(declared, found, kept):
    before = column(declared, declaration=said(Role.HOLDER))
    after = settle(before, column(found))
    assert (after.declaration is not None) is kept
    assert after.verdict == (declared if kept else found)


def test_what_a_holder_raised_stays_raised_when_the_column_turns_out_to_be_another():
    before = column(("CN_MOBILE", Grade.GENERAL_4, DIRECT), declaration=said(Role.HOLDER))
    after = settle(before, column(AGE))
    assert after.verdict == ("AGE", Grade.GENERAL_4, DIRECT)
    assert after.found == Finding(
        entity="AGE", grade=Grade.GENERAL_2, role=QUASI, rules=after.rules
    )


@pytest.mark.parametrize("role", [Role.CONSUMER, Role.AUDITOR, Role.ADMINISTRATOR])
def test_only_a_holder_or_an_officer_declares(role):
    with pytest.raises(ValueError, match="holder or an officer"):
        Declaration(party="parties/x1x", role=role, at=NOW)


def test_a_declaration_lapses_later_than_it_is_made():
    with pytest.raises(ValueError, match="later"):
        said(Role.OFFICER, until=NOW)


def test_a_holder_does_not_make_an_officers_passing_verdict_last():
    until = NOW + timedelta(days=1)
    milder = overridden(column(MOBILE), OFFICER, PLAIN, "for now", NOW, until)
    barely = Column(name="c", type="string", grade=Grade.GENERAL_2)
    with pytest.raises(PermissionDenied, match="officer"):
        declare({}, HOLDER, NOW, [milder], [barely])
    # What is as grave as the finding, too, a holder may say.
    graver = Column(name="c", type="string", entity="CN_MOBILE", grade=Grade.GENERAL_4, role=DIRECT)
    (raised,) = declare({}, HOLDER, NOW, [milder], [graver])
    assert raised.declared_by is Role.HOLDER
    described = Column(name="c", type="string", description="the second phone")
    (kept,) = declare({}, HOLDER, NOW, [milder], [described])
    assert kept.declaration == milder.declaration
