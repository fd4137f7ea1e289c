"""Cells of several extracts, against a count that goes person by person."""

from collections import Counter

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st

from gateway.risk.extracts import NOT_SHOWN, Cells


@st.composite
def histories(draw):
    persons = draw(st.integers(0, 24))
    extract = st.tuples(
        st.lists(st.integers(NOT_SHOWN, 3), min_size=persons, max_size=persons),
        st.integers(2, 5),
    )
    return persons, draw(st.lists(extract, max_size=4))


def fewest_are_enough(persons, extracts) -> bool:
    seen = Counter(tuple(shown[i] for shown, _ in extracts) for i in range(persons))
    for cell, size in seen.items():
        leasts = [
            least for (_, least), place in zip(extracts, cell, strict=True) if place != NOT_SHOWN
        ]
        if leasts and size < min(leasts):
            return False
    return True


@given(histories())
@example((4, [([0, 0, 0, 0], 2), ([0, 0, 0, NOT_SHOWN], 2)]))
@example((3, [([NOT_SHOWN, 0, 0], 2)]))
def test_a_cell_is_whom_nothing_tells_apart(history):
    persons, extracts = history
    cells = Cells(persons)
    for shown, least in extracts:
        cells.add(np.array(shown, np.int32), least)
    assert cells.large_enough == fewest_are_enough(persons, extracts)
    visible = [any(shown[i] != NOT_SHOWN for shown, _ in extracts) for i in range(persons)]
    assert cells.visible.tolist() == visible


@given(histories(), st.randoms(use_true_random=False))
def test_the_order_of_extracts_does_not_matter(history, order):
    persons, extracts = history
    shuffled = list(extracts)
    order.shuffle(shuffled)
    answers = []
    for each in (extracts, shuffled):
        cells = Cells(persons)
        for shown, least in each:
            cells.add(np.array(shown, np.int32), least)
        answers.append(cells.large_enough)
    assert answers[0] == answers[1]
