"""No two different parts of a key's domain can be mistaken for each other."""

from typing import get_args

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from gateway.model.access import ExtractRequest
from gateway.model.catalog import Party
from gateway.model.names import RecipientKind, Role
from gateway.model.transforms import (
    EncryptCharacters,
    EncryptIdentifier,
    KeyedSpec,
    ReversibleToken,
    ShiftDate,
    Spec,
    Token,
)
from gateway.planning.domains import key_domain

# Names made of the separators themselves are the ones that could imitate a domain.
tricky = st.text(alphabet="ab:|1关", min_size=1, max_size=6)
identifiers = st.sampled_from(("abc", "abc-1", "b11"))
LAB = Party(name="parties/lab", role=Role.CONSUMER, kind=RecipientKind.RESEARCH, display_name="")


@st.composite
def parts(draw):
    return (
        draw(tricky),  # published name
        draw(tricky),  # purpose
        draw(st.none() | identifiers),  # project
        draw(identifiers),  # data set
        draw(identifiers),  # recipient
        draw(st.sampled_from(("recipient", "project"))),
    )


def domain(published, purpose, project, dataset, recipient, scope):
    request = ExtractRequest(
        dataset=f"datasets/{dataset}", columns=(published,), purpose=purpose, project=project
    )
    return key_domain(Token(scope=scope), published, request, LAB.but(name=f"parties/{recipient}"))


def owner(published, purpose, project, dataset, recipient, scope):
    if scope == "project" and project is not None:
        return published, "project", project
    return published, "recipient", recipient, dataset, purpose


@given(parts(), parts())
def test_domains_are_equal_exactly_when_their_parts_are(one, other):
    assert (domain(*one) == domain(*other)) == (owner(*one) == owner(*other))


@given(parts(), parts())
def test_two_recipients_never_share_a_domain_outside_a_project(one, other):
    assume(one[4] != other[4])
    assume(one[5] == "recipient" or one[2] is None)
    assert domain(*one) != domain(*other)


ASKED = ExtractRequest(
    dataset="datasets/abc", columns=("phone",), purpose="research", project="city-health"
)
OTHER = LAB.but(name="parties/other")


def test_every_keyed_spec_has_a_scope_and_so_a_domain():
    assert set(get_args(KeyedSpec)) == {spec for spec in Spec.__subclasses__() if spec.keyed}
    assert all({"scope", "cipher"} <= set(spec.model_fields) for spec in get_args(KeyedSpec))


@pytest.mark.parametrize(
    "spec",
    [
        Token(),
        ReversibleToken(),
        EncryptIdentifier(profile="mobile"),
        EncryptCharacters(alphabet="01"),
        ShiftDate(most_days=1),
    ],
)
def test_every_keyed_transform_is_shared_in_a_project_only_where_the_policy_says_so(spec):
    elsewhere = ASKED.but(dataset="datasets/abd", purpose="planning")
    shared = spec.but(scope="project")
    assert key_domain(shared, "phone", ASKED, LAB) == key_domain(shared, "phone", elsewhere, OTHER)
    domains = {
        key_domain(spec, "phone", ASKED, LAB),
        key_domain(spec, "phone", ASKED, OTHER),
        key_domain(spec, "phone", elsewhere, LAB),
        key_domain(shared, "phone", ASKED, LAB),
        key_domain(shared, "phone", ASKED.but(project="b11"), LAB),
        key_domain(shared, "phone", ASKED.but(project=None), OTHER.but(name="parties/third")),
    }
    assert len(domains) == 6


def test_each_transform_and_cipher_has_its_own_key():
    specs = [
        Token(),
        ReversibleToken(),
        EncryptIdentifier(profile="mobile"),
        ShiftDate(most_days=1),
    ]
    specs += [spec.but(cipher="SM4") for spec in specs]
    assert len({key_domain(spec, "phone", ASKED, LAB) for spec in specs}) == len(specs)


def test_all_dates_of_a_person_shift_by_one_key():
    spec = ShiftDate(most_days=9)
    assert key_domain(spec, "visit", ASKED, LAB) == key_domain(spec, "birth", ASKED, LAB)
    assert key_domain(Token(), "visit", ASKED, LAB) != key_domain(Token(), "birth", ASKED, LAB)
