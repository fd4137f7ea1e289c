"""The pre-check never rules out what a pattern matches, and does rule out most of what it does not."""

import re

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gateway.classify.distinct import accepts
from gateway.classify.pack import Identifier, standard
from gateway.classify.traits import ALL, DIGIT, LETTER, OTHER, needs, traits

FORMS = standard().identifiers
HARD = "0123456789AX Z中·-./:@+()_,;°轉转号路\u0131ß\u2028\n*"


def shaped_by_the_pattern_alone(form: Identifier, values: pa.Array) -> list[bool]:
    bare = pc.utf8_upper(values)
    for character in form.drop:
        bare = pc.replace_substring(bare, character, "")
    return pc.match_substring_regex(bare, f"^(?:{form.pattern})$").to_pylist()


def of_form(form: Identifier) -> st.SearchStrategy[str]:
    """Texts of the form, as Python reads the pattern, with separators strewn in."""
    pattern = form.pattern.replace(r"[\p{Han}", "[一-鿿").replace(r"\p{Han}", "[一-鿿]")
    made = st.from_regex(re.compile(pattern, re.ASCII), fullmatch=True)
    strewn = st.tuples(made, st.integers(0, 40), st.sampled_from([*form.drop, ""]))
    return strewn.map(lambda t: t[0][: t[1]] + t[2] * 3 + t[0][t[1] :])


@pytest.mark.parametrize("form", FORMS, ids=lambda f: f"{f.entity}-{FORMS.index(f)}")
@settings(max_examples=40)
@given(data=st.data())
def test_the_same_values_have_the_form_with_and_without_the_pre_check(form, data):
    texts = st.one_of(of_form(form), st.text(HARD, max_size=30), st.text(max_size=20))
    values = pa.array(data.draw(st.lists(texts, max_size=12)), pa.string())
    shaped, _ = accepts(form, values)
    assert shaped.tolist() == shaped_by_the_pattern_alone(form, values)


@given(st.lists(st.one_of(st.none(), st.text(max_size=12)), max_size=20), st.integers(0, 20))
@example(["", "a", "", "1中", None, ""], 1)
def test_traits_of_each_value_are_its_own(values, start):
    whole = pa.array(["pad", *values], pa.string()).slice(min(start, len(values)))
    found = traits(whole)
    for text, length, classes in zip(
        whole.fill_null("").to_pylist(), found.lengths, found.classes, strict=True
    ):
        assert length == len(text)
        assert bool(classes & DIGIT) == any(c in "0123456789" for c in text)
        assert bool(classes & LETTER) == any(c.isascii() and c.isalpha() for c in text)
        assert bool(classes & OTHER) == (not text.isascii())


@pytest.mark.parametrize(
    ("pattern", "shortest", "longest", "required"),
    [
        ("[0-9]{4}", 4, 4, DIGIT),
        (r"\p{Han}{2,3}A?", 2, 4, OTHER),
        ("(?:1|A)[0-9]", 2, 2, DIGIT),
        ("a*", 0, 2**31, 0),
        (r"^1[^x]$", 2, 2, DIGIT),
    ],
)
def test_what_is_read_off_a_pattern(pattern, shortest, longest, required):
    read = needs(pattern)
    assert (read.shortest, read.longest, read.required) == (shortest, longest, required)


def test_what_is_not_understood_rules_nothing_out():
    read = needs(r"\pN+")
    assert (read.shortest, read.allowed, read.required) == (0, ALL, 0)


def test_most_forms_never_meet_a_column_of_words():
    words = traits(pa.array(["已完成", "处理中"]))
    met = [f.entity for f in FORMS if np.any(needs(f.pattern).met(words, f.drop))]
    assert met == []
