"""The engine looks for the words near a find without walking through the whole text."""

import random

import pytest
from presidio_analyzer.context_aware_enhancers import LemmaContextAwareEnhancer

from gateway.classify.engine import engine
from gateway.classify.pack import standard
from gateway.classify.recognizers import LANGUAGE


class Walked(list):
    """Words that count how many of them were looked at."""

    looks = 0

    def __getitem__(self, place):
        self.looks += 1
        return super().__getitem__(place)

    def __iter__(self):
        self.looks += len(self)
        return super().__iter__()


@pytest.fixture(scope="module")
def analyzer():
    return engine(standard())


def words(count, seed):
    drawn = random.Random(seed)
    texts = ["x" * drawn.randint(1, 4) for _ in range(count)]
    starts, at = [], 0
    for text in texts:
        starts.append(at)
        at += len(text) + drawn.choice((0, 0, 1))  # a language model leaves out the spaces
    return texts, starts


@pytest.mark.parametrize("seed", range(20))
def test_the_word_of_a_find_is_the_one_that_presidio_finds(analyzer, seed):
    texts, starts = words(40, seed)
    ours = analyzer.context_aware_enhancer._find_index_of_match_token
    theirs = LemmaContextAwareEnhancer._find_index_of_match_token
    for start in range(starts[-1] + len(texts[-1])):
        assert ours("", start, texts, starts) == theirs("", start, texts, starts), start


def test_a_find_in_a_long_text_looks_at_a_few_words_only(analyzer):
    texts, starts = words(10_000, 0)
    walked = Walked(texts)
    find = analyzer.context_aware_enhancer._find_index_of_match_token
    assert find("", starts[9_000], walked, starts) == 9_000
    assert walked.looks < 50


def test_the_words_that_count_are_looked_up_and_not_walked_through(analyzer, monkeypatch):
    seen = []

    def looked(_self, nlp_artifacts, word, start):
        seen.append((type(nlp_artifacts.keywords), word, start))
        return [""]

    enhancer = type(analyzer.context_aware_enhancer)
    monkeypatch.setattr(enhancer, "_extract_surrounding_words", looked)
    analyzer.analyze("电话 13812345678", language=LANGUAGE)
    assert seen
    assert {kind for kind, _, _ in seen} == {frozenset}
