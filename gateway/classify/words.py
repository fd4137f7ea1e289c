"""Chinese words and names for presidio: jieba as its language engine, with no file and no network.

Names are found by word class and surname: what jieba takes for a person's name and what begins
with a known surname. It finds most names of two to four characters and misses unusual ones; an
operator who needs more configures a language model.
"""

import threading
import warnings
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any

from presidio_analyzer.nlp_engine import NlpArtifacts, NlpEngine
from spacy.tokens import Doc, Span
from spacy.vocab import Vocab

from gateway.classify.pack import Pack
from gateway.classify.recognizers import LANGUAGE

with warnings.catch_warnings():
    # jieba 0.42 holds escapes and imports that newer Pythons warn about.
    warnings.simplefilter("ignore")
    import jieba
    import jieba.posseg

_SCORE = 0.7
_WEAK = 0.45
# A name is not the beginning of these: 王先生, 李女士, 张老师 stay whole, with less trust.
_TITLES = frozenset(
    "先生 女士 小姐 老师 医生 大夫 同志 教授 主任 律师 师傅 太太 经理 局长 科长".split()
)


class JiebaNlpEngine(NlpEngine):
    """Splits text into words and marks persons' names. Holds no model; made once a process."""

    engine_name = "jieba"
    is_available = True

    def __init__(self, pack: Pack) -> None:
        listed = pack.surnames
        self._single = frozenset(name for name in listed if len(name) == 1)
        self._double = frozenset(name for name in listed if len(name) == 2)
        self._not_names = frozenset(pack.not_names)
        # Words that recognisers look for near a find must come out of the cutting whole.
        self._whole = tuple(
            dict.fromkeys(word for form in pack.identifiers for word in form.context)
        )
        self._vocab = Vocab()
        self._loaded = False

    def load(self) -> None:
        """Read jieba's dictionary."""
        _tagger(self._whole)
        self._loaded = True

    def is_loaded(self) -> bool:
        return self._loaded

    def process_text(self, text: str, language: str) -> NlpArtifacts:
        """The words of the text, and the names among them."""
        # jieba's tables are only read, but its cutting shares state between threads.
        with _LOCK:
            tagged = [(pair.word, pair.flag) for pair in _tagger(self._whole).cut(text)]
        words = [word for word, _ in tagged]
        doc = Doc(self._vocab, words=words, spaces=[False] * len(words))
        names = [
            (Span(doc, start, end, label="PERSON"), score)
            for start, end, score in self._names(tagged)
        ]
        return NlpArtifacts(
            entities=[span for span, _ in names],
            tokens=doc,
            tokens_indices=[token.idx for token in doc],
            lemmas=[word.lower() for word in words],
            nlp_engine=self,
            language=language,
            scores=[score for _, score in names],
        )

    def process_batch(
        self,
        texts: Iterable[str],
        language: str,
        batch_size: int = 1,
        n_process: int = 1,
        **kwargs: Any,
    ) -> Iterator[tuple[str, NlpArtifacts]]:
        """One text after another."""
        del batch_size, n_process, kwargs
        for text in texts:
            yield text, self.process_text(text, language)

    def is_stopword(self, word: str, language: str) -> bool:
        del word, language
        return False

    def is_punct(self, word: str, language: str) -> bool:
        del language
        return not any(character.isalnum() for character in word)

    def get_supported_entities(self) -> list[str]:
        return ["PERSON"]

    def get_supported_languages(self) -> list[str]:
        return [LANGUAGE]

    def _names(self, tagged: list[tuple[str, str]]) -> Iterator[tuple[int, int, float]]:
        """(first word, word after the last, score) of each name."""
        position = 0
        while position < len(tagged):
            end, score = self._name_at(tagged, position)
            if end > position:
                yield position, end, score
                position = end
            else:
                position += 1

    def _name_at(self, tagged: list[tuple[str, str]], at: int) -> tuple[int, float]:
        word, flag = tagged[at]
        following, after = tagged[at + 1] if at + 1 < len(tagged) else ("", "")
        if not all("\u3400" <= c <= "\u9fff" or c == "·" for c in word):
            return at, 0.0
        starts = word[0] in self._single or word[:2] in self._double
        if flag.startswith("nr") and starts and 2 <= len(word) <= 4:
            listed = word in self._not_names or word in self._double
            if not listed:
                return at + 1, _SCORE
        alone = word in self._single or word in self._double
        if alone and following in _TITLES:
            return at + 1, _WEAK
        # The surname cut from its given name: 王 小明, 欧阳 雪.
        given = alone and _is_han(following) and len(following) <= 2
        named = after.startswith("nr") or flag.startswith("nr") or word in self._double
        if given and named and word + following not in self._not_names:
            return at + 2, _SCORE if after.startswith("nr") or word in self._double else _WEAK
        # Names with an interpunct come apart at it: 阿依古丽 · 买买提.
        return _dotted(tagged, at)


_LOCK = threading.Lock()


def _is_han(word: str) -> bool:
    return bool(word) and all("\u3400" <= character <= "\u9fff" for character in word)


def _dotted(tagged: list[tuple[str, str]], at: int) -> tuple[int, float]:
    """A name of parts joined by an interpunct, up to six words a part."""
    end = at
    parts = 0
    while end < len(tagged) and _is_han(tagged[end][0]) and end - at <= 12:
        end += 1
        if end + 1 < len(tagged) and tagged[end][0] == "·" and _is_han(tagged[end + 1][0]):
            parts += 1
            end += 1
            if parts == 1:
                # The last part is one word: what follows belongs to the sentence.
                return end + 1, _SCORE
        else:
            break
    return at, 0.0


@lru_cache(maxsize=2)
def _tagger(whole: tuple[str, ...]) -> "jieba.posseg.POSTokenizer":
    """A tagger of jieba with its dictionary read from the package.

    Its own way keeps a marshalled copy in the temporary folder and loads whatever lies there,
    which anybody on the machine may have written.
    """
    tokenizer = jieba.Tokenizer()
    tokenizer.FREQ, tokenizer.total = tokenizer.gen_pfdict(tokenizer.get_dict_file())
    tokenizer.initialized = True
    for word in whole:
        tokenizer.add_word(word)
    return jieba.posseg.POSTokenizer(tokenizer)
