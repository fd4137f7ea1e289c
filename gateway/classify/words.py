"""Chinese words and names for presidio: jieba as its language engine, with no file and no network.

Names are found by surname and what follows it: a word that jieba lists as a name, or the single
characters into which a name falls that no dictionary knows. It finds most names of two to four
characters and misses unusual ones; an operator who needs more configures a language model.
"""

import re
import warnings
from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import accumulate
from typing import Any

from presidio_analyzer.nlp_engine import NlpArtifacts, NlpEngine
from spacy.tokens import Doc, Span
from spacy.vocab import Vocab

from gateway.classify.folding import fold_text
from gateway.classify.pack import Pack
from gateway.classify.recognizers import LANGUAGE
from gateway.classify.scanned import Scanned

with warnings.catch_warnings():
    # jieba 0.42 holds escapes and imports that newer Pythons warn about.
    warnings.simplefilter("ignore")
    import jieba
    import jieba.posseg

# jieba cuts each run of these by itself, and every other character off singly.
BLOCK = re.compile(r"[\u4E00-\u9FD5a-zA-Z0-9+#&._%-]+")
# A name lies within a run of these: what jieba cuts, the other Chinese characters, interpuncts.
_RUN = re.compile(r"[\u3400-\u9FFFa-zA-Z0-9+#&._%·-]+")
# A name is not the beginning of these: 王先生, 李女士, 张老师 stay whole, with less trust.
_TITLES = frozenset(
    "先生 女士 小姐 老师 医生 大夫 同志 教授 主任 律师 师傅 太太 经理 局长 科长".split()
)


class JiebaNlpEngine(NlpEngine):
    """Splits text into words and marks persons' names. Holds no model; made once a process."""

    engine_name = "jieba"
    is_available = True
    score = 0.7

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
        words = self.cut(fold_text(text))
        tagged = self._tagged(words)
        doc = Doc(self._vocab, words=words, spaces=[False] * len(words))
        names = [Span(doc, start, end, label="PERSON") for start, end in self._names(tagged)]
        return NlpArtifacts(
            entities=names,
            tokens=doc,
            tokens_indices=[token.idx for token in doc],
            lemmas=[word.lower() for word in words],
            nlp_engine=self,
            language=language,
            scores=[self.score] * len(names),
        )

    def cut(self, folded: str) -> list[str]:
        """The words of a folded text, one behind the other.

        By the dictionary alone: guessing unknown words by jieba's Markov model takes a thousand
        times longer on hostile texts and hides the given names we look for.
        """
        tokenizer, _ = _tagger(self._whole)
        return list(tokenizer.cut(folded, HMM=False))

    def names_in(self, scanned: Scanned) -> Iterator[tuple[int, int, int]]:
        """Text, start and end of every name in a column."""
        for index in range(len(scanned)):
            for run in _RUN.finditer(scanned.text(index)):
                words = self.cut(run.group())
                places = list(accumulate(map(len, words), initial=run.start()))
                for first, end in self._names(self._tagged(words)):
                    yield index, places[first], places[end]

    def _tagged(self, words: list[str]) -> list[tuple[str, str]]:
        _, classes = _tagger(self._whole)
        return [(word, classes.get(word, "")) for word in words]

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

    def _names(self, tagged: list[tuple[str, str]]) -> Iterator[tuple[int, int]]:
        """(first word, word after the last) of each name."""
        position = 0
        while position < len(tagged):
            end = _dotted(tagged, position) or self._name_at(tagged, position)
            if end:
                yield position, end
            position = max(end, position + 1)

    def _name_at(self, tagged: list[tuple[str, str]], at: int) -> int:
        """The word after a name that begins at this one, 0 when none does."""
        word, flag = tagged[at]
        if not _is_han(word) or word in self._not_names:
            return 0
        known = word in self._double or (len(word) == 1 and word in self._single)
        if not known:
            starts = word[0] in self._single or word[:2] in self._double
            return at + 1 if flag.startswith("nr") and starts and len(word) <= 4 else 0
        following = [word for word, _ in tagged[at + 1 : at + 4]] + ["", ""]
        if following[0] in _TITLES:
            return at + 1
        given = self._given(tagged, at + 1)
        name = word + "".join(following[:given])
        return at + 1 + given if given and name not in self._not_names else 0

    def _given(self, tagged: list[tuple[str, str]], at: int) -> int:
        """How many words from here on are the given name behind a surname: 0, 1 or 2."""
        words = [word for word, _ in tagged[at : at + 2] if _is_han(word)] + ["", ""]
        flags = [flag for _, flag in tagged[at : at + 2]] + ["", ""]
        surname = tagged[at - 1][0]
        if not words[0] or words[0] != tagged[at][0] or words[0][0] in _FUNCTION:
            return 0
        if len(words[0]) == 2:
            # 刘 美兰: jieba knows the given name by itself as a name or a place.
            return 1 if flags[0][:2] in _NAMELIKE else 0
        if len(words[0]) > 2:
            return 0
        two = len(words[1]) == 1 and words[1] not in _FUNCTION
        if surname in _AMBIGUOUS:
            # 高 and 方 begin many a phrase: a name only with a character that names are made of.
            rare = {flags[0][:2], flags[1][:2] if two else ""} & _NAME_CHARACTERS
            return (2 if two else 1) if rare else 0
        return 2 if two else 1


# Characters that no given name begins or ends with in running text.
_FUNCTION = frozenset(
    "的是在和与说对到来去有了也都不被把将向从为以及或等称叫问请给让年月日时号区县市省人同上下中于由此该"
    "这那我你他她它们个其某各每第之而并但因所用做作打看没未又再还就才只仅则却可会能要想应须曾已正着过地得"
    "吗呢吧啊么几多少很太最更"
)
# Surnames that are also common words.
_AMBIGUOUS = frozenset(
    "高方金白时常单安万向全成管于文关房车何曾曲游解强初连官米古易温严满池麦干原幸商冷党石江田路叶苗毛牛马"
    "季钟钱黄段余付简乐盛费左景边占项童包司位卫"
)
# jieba's classes of person and place names, and of characters used in little else than names.
_NAMELIKE = frozenset({"nr", "ns", "nz"})
_NAME_CHARACTERS = frozenset({"nr", "nz", "ns", "zg", "ng", "ag", "g"})
_MOST_PARTS = 3


def _is_han(word: str) -> bool:
    return bool(word) and all("\u3400" <= character <= "\u9fff" for character in word)


def _dotted(tagged: list[tuple[str, str]], at: int) -> int:
    """The word after a name of parts joined by an interpunct, 0 when none begins here."""
    end = _part(tagged, at)
    parts = 1
    while parts <= _MOST_PARTS and end < len(tagged) - 1 and tagged[end][0] == "·":
        after = _part(tagged, end + 1)
        if after == end + 1:
            break
        end, parts = after, parts + 1
    return end if parts > 1 else 0


def _part(tagged: list[tuple[str, str]], at: int) -> int:
    """The end of one part of such a name: one word, or several of one character."""
    end = at
    while end < len(tagged) and end - at < 5:
        word = tagged[end][0]
        if not _is_han(word) or (end > at and (len(word) > 1 or word in _FUNCTION)):
            break
        end += 1
        if len(word) > 1 and (end >= len(tagged) or len(tagged[end][0]) > 1):
            break
    return end


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
