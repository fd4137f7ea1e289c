"""The text of a key domain tells its parts apart, and its owner from what belongs to a column."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import InvalidRequest
from gateway.model.key_domains import name_of, owner_of, parts_of, written

LABELS = st.sampled_from(["project", "recipient", "dataset", "name", "transform"])
PARTS = st.lists(st.tuples(LABELS, st.text(max_size=8)), min_size=1, max_size=5)


@given(PARTS)
def test_parts_are_read_back_exactly(parts):
    assert parts_of(written(parts)) == tuple(parts)


@given(PARTS, PARTS)
def test_different_parts_are_different_texts(one, other):
    assert (one == other) == (written(one) == written(other))


def test_the_owner_is_what_stands_before_column_and_transform():
    owner = [("recipient", "parties/lab"), ("dataset", "datasets/a|name:1:x"), ("purpose", "p")]
    domain = written([*owner, ("name", "phone"), ("transform", "token"), ("cipher", "SM4")])
    assert owner_of(domain) == written(owner)
    assert owner_of(written([*owner, ("transform", "shift_date")])) == written(owner)
    assert name_of(written(owner)) != name_of(written(owner[:-1]))


@pytest.mark.parametrize(
    "text",
    ["domain", "project:3:ab", "project:2:abc", "project:x:ab", ":1:a", "project:-1:", "name:1:a",
     "project:1:a|", "project:1:aproject:1:b", "", "project:²:ab"],
)  # fmt: skip
def test_a_text_that_no_domain_has_is_refused(text):
    with pytest.raises(InvalidRequest, match="key domain"):
        owner_of(text)
