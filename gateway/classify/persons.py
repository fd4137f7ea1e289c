"""Finds Chinese persons' names in text: words of a kind of their own in the likeliest cutting.

Text is cut into words so that the product of their probabilities is highest, as jieba does, from
jieba's dictionary; beside its words stand names, each as likely as its surname and the characters
of its given name are, by the 40,000 names in the same dictionary. Words near (`患者`, `姓名：`,
`先生`) make a name likelier. Where the dictionary's words alone explain a place better, no name is
found there: `方便` is not a Mr Fang.

A name that loses against the best cutting of its own characters cannot win in any text, since each
cutting with the name has one without it that is likelier. So `person_screen` may leave out all
others before anything is cut.
"""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from math import log

# Characters that a name or the words around it are made of: jieba's runs, and the interpunct.
RUN = re.compile(r"[\u3400-\u9FFF·]+")

CUES = frozenset(
    "姓名 患者 病人 来信人 来电人 报警人 当事人 申请人 投诉人 举报人 经办人 审核人 联系人 收款人 收件人 代表人 负责人"
    " 委托人 监护人 被告人 借款人 承租人 出租人 证人 户主 车主 业主 死者 伤者 家属 儿子 女儿 妻子 丈夫 父亲 母亲"
    " 爷爷 奶奶 哥哥 姐姐 弟弟 妹妹 医生 医师 护士 工作人员 民警 律师 委托 同志 我叫 我是 本人 居民 老师 邻居 同事"
    " 会计 主任 经理 书记 局长 科长 院长 校长 主席 总理 教授 记者 演员 导演 学生 司机 转给 男子 女子 找到".split()
)
"""Words before a name, which may be parted from it by one of SEPARATORS."""
SEPARATORS = "：: 是为叫（(@"
TITLES = frozenset(
    "先生 女士 小姐 老师 医生 大夫 同志 教授 主任 律师 师傅 太太 经理 局长 科长 院长 护士 警官 书记 校长 处长 部长"
    " 总监 会计 阿姨 叔叔".split()
)
"""Words of two characters behind a name."""

# Characters that names of other languages are written with.
_FOREIGN = (
    "阿艾爱安昂奥巴白班邦保鲍贝比彼宾波伯勃布才仓策茨次措达大戴丹当道德登邓狄迪蒂丁顿东杜敦多顿恩儿尔凡范菲费芬弗伏福"
    "噶盖甘冈高哥格葛根古贡瓜哈海韩汉豪赫黑亨洪胡华霍基吉加嘉贾坚杰金津晋京君喀卡凯坎康考柯科可克肯孔库夸奎坤拉莱兰朗劳"
    "勒雷黎里理丽利莉莲列林琳柳隆龙娄卢鲁路露伦罗洛玛马买迈麦满曼茂梅美门蒙孟米密妮明缪莫墨默姆木穆拿娜纳乃南内嫩妮尼"
    "宁纽农努女诺欧帕潘佩朋彭皮毗平珀普其奇齐契恰钦琴青琼丘曲让热仁日荣茹儒瑞若萨塞赛桑瑟森沙莎山珊尚邵舍申什圣施诗石"
    "史士舒朔丝司思斯松苏孙索塔台泰坦汤唐特腾提田铁廷亭通图吐土托瓦万汪旺威韦维伟卫魏温文翁沃乌吾武西锡希席夏香肖谢辛欣"
    "兴雄休修许旭雪逊雅亚扬央杨耶叶伊依宜义易英永尤尧雨玉裕约泽扎詹张哲珍真芝朱珠卓兹宗祖佐力都合甫库汗孜仙帕再衣姑江"
)

# Natural logarithms: the share of names among words, of given names of one and two characters,
# and what the words around a name and being alone between signs add. Set on generated letters.
_NAME = log(0.008)
ONE, TWO = _NAME + log(0.25), _NAME + log(0.75)
CUED, TITLED, ALONE = 4.0, 4.0, 2.0
_SMOOTHING, _LEANING = 0.5, 2000
# How much likelier a word of two characters that the dictionary calls a name may be than the name
# is: beyond, it is a word (`文明`) and no person's name (`肖伟`).
COMMON = 4.0
# Characters that stand behind a name more often than in it, and what they take from a name.
_HARDLY = frozenset(
    "的是在和与说对到去有了也都不被把将向从为以及或等称叫问请给让年日时号同下中由此该这那我你他她它们个其某各每第"
    "而但因所用做作打看没又再还就才只却能会要想须已正着过地得吗呢吧啊么几多少很太最更陪收名讲送写住三人氏家记村庄镇县市"
    "省区州府路街店厂馆院局部所站社"
)
_SELDOM = frozenset("可之若来于未上内外前后左右")
_HARD, _SOFT = -5.0, -1.5
# Words that Tibetan names are made of, two by two.
TIBETAN = tuple(
    (
        "扎西|丹增|次仁|洛桑|格桑|索朗|多吉|顿珠|平措|罗布|旺堆|坚赞|卓玛|拉姆|央金|曲珍|德吉|白玛|尼玛|达瓦|米玛|拉巴|普布|巴桑"
        "|边巴|仁增|仁青|贡布|强巴|阿旺|桑杰|嘉措|群培|旦增|旺姆|拥忠|次旺|次旦|普琼|江村|土登|云丹|泽仁|措姆|玉珍|玉措|朗杰"
    ).split("|")
)
_WHOLE = re.compile(
    rf"[{_FOREIGN}]{{2,10}}(?:·(?:(?!女士)[{_FOREIGN}]){{2,10}}){{1,3}}|(?:{'|'.join(TIBETAN)}){{2}}"
)


@dataclass(frozen=True, slots=True)
class Likelihoods:
    """Logarithms of probability: of dictionary words, of surnames, of given names' characters.

    only: of a given name's one character; first, last: of the two of one. What no list has is
    `unseen`, a character that is no word by itself `unknown`.
    """

    words: dict[str, float]  # beginnings of words too, at minus infinity
    unknown: float
    named: frozenset[str]
    surnames: dict[str, float]
    only: dict[str, float]
    first: dict[str, float]
    last: dict[str, float]
    unseen: float

    @classmethod
    def of(
        cls, frequencies: dict[str, int], classes: dict[str, str], surnames: tuple[str, ...]
    ) -> "Likelihoods":
        """From jieba's frequencies and word classes."""
        total = log(sum(frequencies.values()))
        # Words of one frequency share one number: there are half a million words. What only begins
        # words is kept, so that a search for words knows when to end.
        shared = {count: log(count) - total for count in set(frequencies.values()) if count}
        nothing = float("-inf")
        words = {
            word: shared[count] if count else -total if len(word) == 1 else nothing
            for word, count in frequencies.items()
        }
        known = frozenset(surnames)
        borne, only, first, last = Counter(surnames), *(Counter[str]() for _ in range(3))
        named = set()
        for word, flag in classes.items():
            surname = word[:2] if word[:2] in known else word[:1]
            given = word[len(surname) :]
            if not flag.startswith("nr") or surname not in known or len(given) not in (1, 2):
                continue
            borne[surname] += 1
            if len(given) == 1:
                only[given] += 1
            else:
                first[given[0]] += 1
                last[given[1]] += 1
            named.add(word)
        every = only + first + last
        whole = sum(every.values()) + _SMOOTHING * len(every)

        def shares(counts: Counter[str]) -> dict[str, float]:
            """Of the characters at one place, leaning on all places where names are few."""
            shared = log(sum(counts.values()) + _LEANING)
            return {
                c: log(counts[c] + _LEANING * (every[c] + _SMOOTHING) / whole) - shared + _place(c)
                for c in every.keys() | _HARDLY | _SELDOM
            }

        people = log(sum(borne.values()))
        return cls(
            words=words,
            unknown=-total,
            named=frozenset(named),
            surnames={surname: log(borne[surname]) - people for surname in known},
            only=shares(only),
            first=shares(first),
            last=shares(last),
            unseen=log(_SMOOTHING / whole),
        )


class Persons:
    """Finds names in folded texts by the likelihoods of one dictionary and surname list."""

    def __init__(self, likelihoods: Likelihoods, not_names: frozenset[str]) -> None:
        self._by = likelihoods
        self._not_names = not_names

    def names(self, folded: str, start: int, end: int) -> list[tuple[int, int]]:
        """Start and end of each name in the run of Chinese characters from `start` to `end`."""
        names: list[tuple[int, int]] = []
        for whole in _WHOLE.finditer(folded, start, end):
            names += [*self._simple(folded, start, whole.start()), whole.span()]
            start = whole.end()
        return names + self._simple(folded, start, end)

    def _simple(self, folded: str, start: int, end: int) -> list[tuple[int, int]]:
        """The names with a surname."""
        path = self._path(folded, start, end)
        names = []
        for at, (begin, stop, is_name) in enumerate(path):
            word = folded[begin:stop]
            titled = at + 1 < len(path) and folded[slice(*path[at + 1][:2])] in TITLES
            if is_name or (titled and word in self._by.surnames):
                names.append((begin, stop))
            elif word[-2:] in TITLES and word[:-2] in self._by.surnames:
                # The dictionary holds some with their title, 王先生.
                names.append((begin, stop - 2))
        return names

    def _path(self, folded: str, start: int, end: int) -> list[tuple[int, int, bool]]:
        """The likeliest cutting: start, end, whether it is a name."""
        words = self._by.words
        best = [0.0] + [float("-inf")] * (end - start)
        came: list[tuple[int, bool]] = [(0, False)] * (end - start + 1)
        for at in range(end - start):
            reached = best[at]
            place = start + at
            # Every character may stand by itself, so each place is reached.
            single = reached + words.get(folded[place], self._by.unknown)
            if single > best[at + 1]:
                best[at + 1], came[at + 1] = single, (at, False)
            for length in range(2, end - place + 1):
                likelihood = words.get(folded[place : place + length])
                if likelihood is None:
                    break
                if reached + likelihood > best[at + length]:
                    best[at + length], came[at + length] = reached + likelihood, (at, False)
            for length, likelihood in self._edges(folded, place, end):
                # A name that is a word of the dictionary, too, is a name.
                if reached + likelihood >= best[at + length]:
                    best[at + length], came[at + length] = reached + likelihood, (at, True)
        path = []
        at = end - start
        while at:
            before, is_name = came[at]
            path.append((start + before, start + at, is_name))
            at = before
        return path[::-1]

    def _edges(self, folded: str, place: int, end: int) -> Iterator[tuple[int, float]]:
        """Length and likelihood of each name that may begin at a place of the run up to `end`."""
        by = self._by
        for size in (1, 2):
            surname = by.surnames.get(folded[place : place + size])
            if surname is None or place + size >= end:
                continue
            cued = self._cued(folded, place)
            for length in (size + 1, size + 2):
                name = folded[place : place + length]
                if place + length > end or name in self._not_names or "·" in name:
                    continue
                given = name[size:]
                if length == size + 1:
                    likelihood = ONE + by.only.get(given, by.unseen)
                else:
                    likelihood = TWO + by.first.get(given[0], by.unseen)
                    likelihood += by.last.get(given[1], by.unseen)
                likelihood += surname + cued + self._around(folded, place, place + length)
                known = by.words.get(name) if name in by.named else None
                if known is not None and length == 2 and known > likelihood + COMMON:
                    known = None
                if likelihood > self._cut(name, whole=known is None):
                    yield length, likelihood if known is None else max(likelihood, known)

    def _cut(self, name: str, *, whole: bool) -> float:
        """The likelihood of the best cutting of a few characters; `whole` also as one word."""
        words = self._by.words
        best = words.get(name, float("-inf")) if whole else float("-inf")
        if len(name) == 1:
            return max(best, self._by.unknown)
        for at in range(1, len(name)):
            head = words.get(name[:at])
            if head is None and at == 1:
                head = self._by.unknown
            if head is not None:
                best = max(best, head + self._cut(name[at:], whole=True))
        return best

    @staticmethod
    def _cued(folded: str, place: int) -> float:
        before = folded[max(0, place - 5) : place]
        bare = before[:-1] if before[-1:] and before[-1] in SEPARATORS else before
        for text in (before, bare):
            if any(text[-size:] in CUES for size in (2, 3, 4)):
                return CUED
        return 0.0

    @staticmethod
    def _around(folded: str, place: int, end: int) -> float:
        if folded[end : end + 2] in TITLES:
            return TITLED
        alone = not is_han(folded[place - 1 : place]) and not is_han(folded[end : end + 1])
        return ALONE if alone else 0.0


def _place(character: str) -> float:
    """What the character takes from a name in whose given name it stands."""
    return _HARD if character in _HARDLY else _SOFT if character in _SELDOM else 0.0


def is_han(character: str) -> bool:
    """Whether this is one of the usual Chinese characters."""
    return "\u3400" <= character <= "\u9fff"
