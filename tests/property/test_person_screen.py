"""The screen for names lets every place through at which the cutting finds a name."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.classify.pack import standard
from gateway.classify.persons import CUES, RUN, TITLES
from gateway.classify.scanned import Scanned
from gateway.classify.words import JiebaNlpEngine
from gateway.testing.letters import letters

ENGINE = JiebaNlpEngine(standard())
ENGINE.load()
SURNAMES = standard().surnames + standard().rare_surnames
WORDS = sorted(word for word in ENGINE._persons._by.words if 1 < len(word) < 5)[::97]

piece = st.one_of(
    st.sampled_from(SURNAMES),
    st.sampled_from(WORDS),
    st.sampled_from(sorted(CUES)),
    st.sampled_from(sorted(TITLES)),
    st.text(st.characters(min_codepoint=0x4E00, max_codepoint=0x9FA5), max_size=3),
    st.text("伟强丽明华国立新一小文安高方的是和到：， ·0a", max_size=3),
)


def holds(texts):
    scanned = Scanned(pa.array(texts, pa.string()))
    starts, ends = ENGINE._screen.runs(scanned)
    found = set(zip(starts.tolist(), ends.tolist(), strict=True))
    named = 0
    for index, text in enumerate(texts):
        offset = int(scanned.starts[index])
        folded = scanned.text(index)
        for run in RUN.finditer(folded):
            if ENGINE._persons.names(folded, *run.span()):
                named += 1
                assert (offset + run.start(), offset + run.end()) in found, ascii(text)
    return named, len(found)


@settings(max_examples=600, deadline=None)
@given(st.lists(st.lists(piece, max_size=8).map("".join), max_size=5))
def test_no_run_with_a_name_is_left_out(texts):
    holds(texts)


@pytest.mark.parametrize("style", ["office", "chat"])
def test_of_generated_letters_few_runs_without_a_name_are_let_through(style):
    named, through = holds([letter.text for letter in letters(400, 12, style)])
    assert named > 300
    # It would be useless if it let most through.
    assert through < 1.6 * named


def test_likely_names_at_the_ends_of_texts_are_seen():
    named, _ = holds(["王小明", "", "李", "伟", "王", "小明", "张伟", "·", "欧阳", "女士", "司马"])
    assert named == 2


def test_random_characters_hold_few_names():
    drawn = np.random.Generator(np.random.PCG64(1)).integers(0x4E00, 0x9FA5, 40_000)
    texts = ["".join(map(chr, row)) for row in drawn.reshape(400, 100)]
    holds(texts)
