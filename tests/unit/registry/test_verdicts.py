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
from gateway.norms.elements import elements
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


ROLES = (OTHER, QUASI, SENSITIVE, DIRECT)


def as_grave(one, other):
    return one[1].rank >= other[1].rank and ROLES.index(one[2]) >= ROLES.index(other[2])


@given(VERDICTS, VERDICTS, st.sampled_from([None, Role.HOLDER]), st.booleans())
def test_a_verdict_becomes_only_stricter_by_itself(old, new, by, fillable):
    before = column(old, rules="1, sha256 a", fillable=fillable and old == UNKNOWN)
    after = settle(before, column(new), by)
    if not before.has_verdict:  # a holder may fill in what a holder may, nobody else anything
        assert not after.has_verdict or (by is Role.HOLDER and fillable)
    if after.has_verdict and before.has_verdict:
        assert as_grave(after.verdict, old)
        if after.entity == old[0]:
            assert new[0] != old[0] or as_grave(after.verdict, new)
        else:  # policies speak of entities: another one is taken only as it was found
            assert after.verdict == new
            assert new[0] != "NONE"
    if before.has_verdict and not after.has_verdict:
        assert not (new != UNKNOWN and as_grave(old, new))
        assert not after.fillable
    if new == UNKNOWN:
        assert not after.has_verdict


PERSON = ("PERSON", Grade.GENERAL_3, DIRECT)
SEX = ("SEX", Grade.GENERAL_2, QUASI)
RESIDENT = ("CN_RESIDENT_ID", Grade.GENERAL_4, DIRECT)
DIAGNOSIS = ("DIAGNOSIS", Grade.GENERAL_4, SENSITIVE)
PERSON_KEY = ("NONE", Grade.GENERAL_3, DIRECT)


@pytest.mark.parametrize(
    ("old", "new", "then"),
    [
        (PERSON, SEX, PERSON),
        (RESIDENT, ("REGION", Grade.GENERAL_2, QUASI), RESIDENT),
        (DIAGNOSIS, SEX, DIAGNOSIS),
        (PERSON, PLAIN, PERSON),
        (PERSON_KEY, SEX, PERSON_KEY),
        (SEX, DIAGNOSIS, DIAGNOSIS),
        (PERSON, RESIDENT, RESIDENT),
        (PLAIN, SEX, SEX),
        (SEX, PERSON_KEY, UNKNOWN),  # no rule for sexes must meet it, and NONE says less
        (PERSON, DIAGNOSIS, UNKNOWN),  # graver in grade, milder in role
        (("SEX", Grade.GENERAL_2, OTHER), ("SEX", Grade.GENERAL_1, QUASI), SEX),
    ],
)
@pytest.mark.parametrize("by", [None, Role.HOLDER])
def test_a_column_does_not_become_another_milder_entity_by_itself(old, new, then, by):
    after = settle(column(old, rules="1, sha256 a"), column(new), by)
    assert after.verdict == then
    assert after.questioned == (then != new)
    assert after.finding == column(new).in_force()
    assert settle(after, column(new), by) == after
    assert settle(after, column(new), Role.OFFICER).verdict == new


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
        (PLAIN, MOBILE, False),
        (AGE, MOBILE, False),
    ],
)
def test_a_holders_verdict_stands_while_it_is_no_weaker(declared, found, kept):
    before = column(declared, declaration=said(Role.HOLDER))
    after = settle(before, column(found))
    assert (after.declaration is not None) is kept
    assert after.verdict == (declared if kept else found)


def test_what_a_holder_raised_stays_when_the_column_turns_out_to_be_milder():
    raised = ("CN_MOBILE", Grade.GENERAL_4, DIRECT)
    before = column(raised, declaration=said(Role.HOLDER))
    after = settle(before, column(AGE))
    assert after.verdict == raised
    assert after.questioned
    assert after.found == Finding(
        entity="AGE", grade=Grade.GENERAL_2, role=QUASI, rules=after.rules
    )


# ---- what the rules do not know -----------------------------------------------------------------


def filled(verdict, old=UNKNOWN, **fields):
    entity, grade, role = verdict
    new = Column(name="c", type="string", entity=entity, grade=grade, role=role)
    (laid,) = declare(elements(), HOLDER, NOW, [column(old, **fields)], [new])
    return laid


@given(VERDICTS.filter(lambda verdict: verdict != UNKNOWN))
def test_a_holder_says_nothing_of_a_column_whose_values_leave_it_unknown(verdict):
    with pytest.raises(PermissionDenied, match="officer"):
        filled(verdict, fillable=False)


@given(VERDICTS.filter(lambda verdict: verdict != UNKNOWN))
def test_what_a_holder_fills_in_counts_at_least_as_about_persons(verdict):
    if verdict[1] is Grade.GENERAL_1:
        with pytest.raises(PermissionDenied, match="officer"):
            filled(verdict, fillable=True)
        return
    laid = filled(verdict, fillable=True)
    assert (laid.verdict, laid.declared_by) == (verdict, Role.HOLDER)
    assert laid.questioned  # and an officer is asked


def test_what_a_holder_filled_in_holds_until_the_values_tell_something():
    laid = filled(("NONE", Grade.GENERAL_2, OTHER), fillable=True)
    again = settle(laid, column(UNKNOWN, fillable=True))
    assert (again.verdict, again.declaration) == (laid.verdict, laid.declaration)
    told = settle(again, column(UNKNOWN, fillable=False))
    assert (told.verdict, told.declaration) == (UNKNOWN, None)
    # From then on it takes an officer, whatever the content is next.
    assert not settle(told, column(UNKNOWN, fillable=True)).fillable
    assert settle(told, column(UNKNOWN, fillable=True), Role.OFFICER).fillable
    assert not settle(told, column(AGE), Role.HOLDER).has_verdict


def test_what_was_known_is_not_a_holders_to_fill_in_when_other_content_makes_it_unknown():
    unknown = settle(column(MOBILE), column(UNKNOWN, fillable=True))
    assert (unknown.verdict, unknown.fillable) == (UNKNOWN, False)


# ---- elements -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("verdict", "element", "may"),
    [
        (PERSON_KEY, "sex", False),
        (PERSON_KEY, "household_size", False),
        (("NONE", Grade.GENERAL_2, QUASI), "household_id", True),
        (("NONE", Grade.GENERAL_2, OTHER), "sex", False),
        (("NONE", Grade.GENERAL_4, SENSITIVE), "body_height", True),
        (("NONE", Grade.GENERAL_4, SENSITIVE), "household_size", False),
        (PLAIN, "sex", True),
        (UNKNOWN, "sex", True),
        (SEX, "sex", True),
        (SEX, "age", False),
    ],
)
def test_a_column_takes_no_element_that_makes_it_look_harmless(verdict, element, may):
    described = Column(name="c", type="string", element=element)
    if may:
        (laid,) = declare(elements(), HOLDER, NOW, [column(verdict)], [described])
        assert laid.element == element
    else:
        with pytest.raises(PermissionDenied, match="officer"):
            declare(elements(), HOLDER, NOW, [column(verdict)], [described])


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
