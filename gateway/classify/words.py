"""Chinese words and names for presidio: jieba as its language engine, with no file and no network.

Names are found as `persons` says. It finds most names of two to four characters and misses unusual
ones; an operator who needs more configures a language model.
"""

import re
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import pyarrow as pa
from presidio_analyzer.nlp_engine import NlpArtifacts, NlpEngine
from spacy.tokens import Doc
from spacy.vocab import Vocab

from gateway.classify.folding import fold_text
from gateway.classify.models import NameModel
from gateway.classify.pack import Pack
from gateway.classify.person_screen import PersonScreen
from gateway.classify.persons import RUN, Likelihoods, Persons
from gateway.classify.recognizers import LANGUAGE
from gateway.classify.scanned import Scanned

with warnings.catch_warnings():
    # jieba 0.42 holds escapes and imports that newer Pythons warn about.
    warnings.simplefilter("ignore")
    import jieba
    import jieba.posseg

_SCORE = 0.7
# jieba cuts each run of these by itself, and every other character off singly.
BLOCK = re.compile(r"[\u4E00-\u9FD5a-zA-Z0-9+#&._%-]+")


@dataclass(frozen=True, slots=True)
class Named:
    """A person's name as presidio reads it: a name need not begin and end where a word does."""

    start_char: int
    end_char: int
    text: str
    label_: str = "PERSON"


class JiebaNlpEngine(NlpEngine):
    """Splits text into words and marks persons' names. Holds no model; made once a process."""

    engine_name = "jieba"
    is_available = True

    def __init__(self, pack: Pack, model: NameModel | None = None) -> None:
        self._model = model
        self._surnames = tuple(dict.fromkeys(pack.surnames + pack.rare_surnames))
        self._not_names = frozenset(pack.not_names)
        # Words that recognisers look for near a find must come out of the cutting whole.
        self._whole = tuple(
            dict.fromkeys(word for form in pack.identifiers for word in form.context)
        )
        self._vocab = Vocab()
        self._loaded = False

    def load(self) -> None:
        """Read jieba's dictionary."""
        tokenizer, classes = _tagger(self._whole)
        likelihoods = Likelihoods.of(tokenizer.FREQ, classes, self._surnames)
        self._persons = Persons(likelihoods, self._not_names)
        self._screen = PersonScreen(likelihoods)
        self._loaded = True

    def is_loaded(self) -> bool:
        return self._loaded

    def process_text(self, text: str, language: str) -> NlpArtifacts:
        """The words of the text, and the names among them."""
        folded = fold_text(text)
        words = self.cut(folded)
        doc = Doc(self._vocab, words=words, spaces=[False] * len(words))
        named = self._names(folded) if self._model is None else next(self._model.names([text]))
        entities: list[Any] = [Named(start, end, text[start:end]) for start, end, _ in named]
        return NlpArtifacts(
            entities=entities,
            tokens=doc,
            tokens_indices=[token.idx for token in doc],
            lemmas=[word.lower() for word in words],
            nlp_engine=self,
            language=language,
            scores=[score for *_, score in named],
        )

    def cut(self, folded: str) -> list[str]:
        """The words of a folded text, one behind the other.

        By the dictionary alone: guessing unknown words by jieba's Markov model takes a thousand
        times longer on hostile texts and hides the given names we look for.
        """
        tokenizer, _ = _tagger(self._whole)
        return list(tokenizer.cut(folded, HMM=False))

    def names_in(
        self, scanned: Scanned, texts: pa.StringArray
    ) -> Iterator[tuple[int, int, int, float]]:
        """Text, start, end and score of every name in a column; a model reads every text."""
        if self._model is not None:
            found = self._model.names(texts.to_pylist())
            for index, named in zip(range(len(texts)), found, strict=True):
                yield from ((index, *name) for name in named)
            return
        starts, ends = self._screen.runs(scanned)
        owners = scanned.texts_of(starts)
        firsts = scanned.starts[owners]
        for index, start, end in zip(
            owners.tolist(), (starts - firsts).tolist(), (ends - firsts).tolist(), strict=True
        ):
            for name in self._persons.names(scanned.text(index), start, end):
                yield index, *name, _SCORE

    def _names(self, folded: str) -> list[tuple[int, int, float]]:
        """Start, end and score of every name in a folded text."""
        return [
            (*name, _SCORE)
            for run in RUN.finditer(folded)
            for name in self._persons.names(folded, *run.span())
        ]

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


@lru_cache(maxsize=2)
def _tagger(whole: tuple[str, ...]) -> tuple["jieba.Tokenizer", dict[str, str]]:
    """A tokenizer of jieba with its dictionary read from the package, and its word classes.

    Its own way keeps a marshalled copy in the temporary folder and loads whatever lies there,
    which anybody on the machine may have written.
    """
    tokenizer = jieba.Tokenizer()
    tokenizer.FREQ, tokenizer.total = tokenizer.gen_pfdict(tokenizer.get_dict_file())
    tokenizer.initialized = True
    for word in whole:
        tokenizer.add_word(word)
    return tokenizer, jieba.posseg.POSTokenizer(tokenizer).word_tag_tab
