"""No two different parts of a key's domain can be mistaken for each other."""

from hypothesis import assume, given
from hypothesis import strategies as st

from gateway.model.access import ExtractRequest
from gateway.model.catalog import Party
from gateway.model.names import RecipientKind, Role
from gateway.model.transforms import Token
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
