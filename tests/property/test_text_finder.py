"""Screening a whole column finds what presidio by itself finds in each text: spans and scores."""

import random

import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from presidio_analyzer import EntityRecognizer, RecognizerResult

from gateway import testing
from gateway.classify.engine import engine
from gateway.classify.finder import Reference, Screened, resolved, without_contained
from gateway.classify.pack import standard
from gateway.classify.recognizers import AddressRecognizer, Strict
from tests.property._drawn_texts import Drawn, typed

THRESHOLDS = (0.0, 0.4, 0.75)
_ANALYZER = engine(standard())
_FINDERS = {t: (Screened(_ANALYZER, t), Reference(_ANALYZER, t)) for t in THRESHOLDS}


def hold_together(texts, threshold=0.4, entities=None):
    screened, reference = _FINDERS[threshold]
    column = pa.array(texts, pa.string())
    ours, theirs = screened.find(column, entities), reference.find(column, entities)
    for index, text in enumerate(texts):
        assert ours.get(index) == theirs.get(index), ascii(text)
    return ours


# Each is near something that a rule looks for; joined at random they overlap and touch.
PIECES = """
11010519491231002X 110105194912310021 130503670401001 110105-19491231-002x 91350100M000100Y43
13800138000 +8613800138000 0086-138-0013-8000 010-82345678 (0755)26001234 86-10-62345678转12
6222021234567894567 6222 0212 3456 7894 567 4111111111111111 4111-1111-1111-1111 378282246310005
京A12345 粤BD12345 京A·12345 沪AF12345 E12345678 G12345678 H1234567890 C12345678 100080 518000
a@b.cn zhang.san@example.com li@mail.internal x@y @@ 10.0.0.1 256.1.1.1 ::1 fe80::1 2001:db8::ff00
::ffff:10.0.0.1 00:1A:2B:3C:4D:5E 00-1a-2b-3c-4d-5e 0012.3456.789a http://a.b/c www.example.com
490154203237518 35 123456 123456 1 1HGCM82633A004352 LSVAA4182E2184847 GB82WEST12345698765432
DE89 3704 0044 0532 0130 00 078-05-1120 123-45-6789 123456789 39.9042,116.4074 39.904，-116.407
1BoatSLRHtKNngkdXEeobR76b53LETtpyT bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq +44 20 7946 0958
wxid_abc123 123456 微信 微信号 qq QQ号 手机 电话 tel hotel 身份证号 邮编 台胞证 护照 通行证 imei 串号
车架号 组织机构代码 12345678-5 ssn social 银行卡 card 账号 ip mac vin 地址 住址
云岚省汐川市丹渚区采薇路77号朗润小区15栋1单元402室 采薇路 77号 路 街12号 道8 号
王小明 欧阳雪 阿依古丽·买买提 张伟 李 先生 王先生 刘美兰 高兴 方便 时间 文明 谢谢 常德市 马上 单位
患者 姓名 联系人 今天 我们 的 和 在 是 了 请 给
""".split()
SIGNS = list("，。：:；、 .-_+#%&·•()（）<>《》\n\t\r@/\\'\"!！?？０１９ａＺ＜＞　")
SIGNS += ["\u200b", "\u202e", "\u200f", "\ufeff", "\u0301", "\u20e3", "\U0001f600", "\U00020bb7",
          "㐀", "䶮", "鿿", "\u2028", "\u0085", "\x0b", "\x1c", "\u00a0", "ı", "İ", "ſ", "\u212a", "ß",
          "٣", "\U0001d7d9", "\x00", "é", "Σ", "be", "Be"]  # fmt: skip

piece = st.one_of(
    st.sampled_from(PIECES),
    st.sampled_from(SIGNS),
    st.text(max_size=4),
    st.from_regex(r"[0-9]{1,20}", fullmatch=True),
    st.from_regex(r"[0-9A-Fa-f:.]{1,12}", fullmatch=True),
    st.text(alphabet="王李张高方时安明伟华国强丽·的先生小", max_size=6),
)
text = st.lists(piece, max_size=12).map("".join)


@settings(max_examples=400, deadline=None)
@given(
    texts=st.lists(text, max_size=6),
    threshold=st.sampled_from(THRESHOLDS),
    entities=st.sampled_from([None, ["PERSON"], ["CN_MOBILE", "QQ_NUMBER"], ["PERSON", "ADDRESS"]]),
)
@example(texts=["＜PERSON＞ <CN_MOBILE> 王小明"], threshold=0.4, entities=None)
@example(texts=["39.904\u2028,\u202839.904"], threshold=0.4, entities=None)
@example(
    texts=["电话ı3800138000", "Kate@Kelvin.com \u212a@\u212a.\u212a\u212a"],
    threshold=0.4,
    entities=None,
)
@example(
    texts=["be_wechat88", "加我 bewechat88", "bewx12345 wx", "联系 be_weixin01"],
    threshold=0.4,
    entities=None,
)
@example(
    texts=[
        "家住采薇街朗润国际金融中心商务写字楼西塔楼东区1203室",
        "采薇街" + "\u3000" * 20 + "12号",
    ],
    threshold=0.4,
    entities=None,
)
def test_the_same_spans_and_scores_as_presidio(texts, threshold, entities):
    hold_together(texts, threshold, entities)


@pytest.mark.parametrize("seed", range(6))
def test_the_same_in_long_columns_of_joined_pieces(seed):
    drawn = random.Random(seed)
    texts = [
        drawn.choice(("", " ", "，", "：")).join(
            drawn.choice(PIECES if drawn.random() < 0.8 else SIGNS)
            for _ in range(drawn.randint(0, 14))
        )
        for _ in range(250)
    ]
    assert len(hold_together(texts)) > 100


def _patterns(recognizer):
    if isinstance(recognizer, AddressRecognizer):
        return [recognizer._TAIL.pattern]
    return [p.regex for p in recognizer.patterns] if isinstance(recognizer, Strict) else []


_RECOGNIZERS = [r for r in _ANALYZER.registry.recognizers if _patterns(r)]


@pytest.mark.parametrize("recognizer", _RECOGNIZERS, ids=lambda r: r.name)
def test_the_same_in_strings_of_each_recognisers_own_pattern(recognizer):
    """A screen is a second reading of a pattern: what it forgets shows in strings of that pattern,
    beside the words and the neighbours that decide whether they count."""
    drawn = random.Random(recognizer.name)
    own = [Drawn(pattern) for pattern in _patterns(recognizer)]
    words = [*(recognizer.context or ["电话"]), "", "是", "x", "be ", "的", "1.", "No", "id_"]
    between = ["", " ", "：", "是", ", be ", "，" * 9, " a b c d e ", " a b c d e f "]
    behind = ["", "。", " ", "号", "a", ".", ".1", ".5元", "_", "\n", "x 2."]
    texts = []
    for _ in range(150):
        value = typed(drawn, drawn.choice(own).value(drawn))
        word = drawn.choice(words)
        word = word.upper() if drawn.random() < 0.2 else word
        texts.append(
            drawn.choice(["", "我", "x ", "\n"])
            + (word + drawn.choice(between) + value + drawn.choice(behind))
        )
    for threshold in THRESHOLDS:
        hold_together(texts, threshold)


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["A", "B"]),
            st.integers(0, 12),
            st.integers(1, 8),
            st.sampled_from([0.1, 0.5, 0.9]),
        ),
        max_size=12,
    )
)
def test_what_lies_within_a_surer_find_goes_as_presidio_lets_it_go(drawn):
    finds = [(entity, start, start + length, score) for entity, start, length, score in drawn]
    theirs = EntityRecognizer.remove_duplicates([RecognizerResult(*find) for find in finds])
    kept = {(r.entity_type, r.start, r.end, r.score) for r in theirs}
    assert set(without_contained(finds)) == kept


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["A", "B"]),
            st.integers(0, 12),
            st.integers(1, 8),
            st.sampled_from([0.4, 0.5, 0.9]),
        ),
        max_size=12,
    )
)
def test_all_that_was_found_is_hidden_and_the_surest_stays_whole(drawn):
    text = "a.b" * 7
    finds = [(entity, start, start + length, score) for entity, start, length, score in drawn]
    spans = resolved(text, finds)
    hidden = [place for start, end, *_ in spans for place in range(start, end)]
    assert len(hidden) == len(set(hidden))
    found = {place for _, start, end, _ in finds for place in range(start, end)}
    assert {p for p in found if text[p] != "."} <= set(hidden) <= found
    for start, end, entity, percent in spans:
        by = [f for f in finds if f[0] == entity and f[1] <= start and end <= f[2]]
        assert any(round(score * 100) == percent for *_, score in by)
    if finds:
        entity, start, end, _ = min(finds, key=lambda f: (-f[3], f[1] - f[2], f[1], f[0]))
        assert (start, end, entity) in {span[:3] for span in spans}


HOSTILE = {
    "empty": "",
    "dots": "." * 4000,
    "dots before an address": "a" + "." * 4000 + "@b.cn",
    "at signs": "a@" * 3000,
    "digits": "1" * 5000,
    "spaced digits": "1 " * 3000,
    "colons": "a:" * 3000,
    "cards": "6222021234567894567 " * 60,
    "streets": "路一" * 2000 + "号",
    "surnames": "张王李" * 1500,
    "interpuncts": "阿·" * 1500,
    "placeholders": "<CN_MOBILE>" * 100 + "13800138000",
    "full-width": "手机１３８００１３８０００，身份证１１０１０５１９４９１２３１００２Ｘ" * 20,
    "marks": "\u202e13800138000\u202c 1\u03013\u03018\u03010\u03010138000 1\u20e33",
    "emoji": "😀13800138000😀王小明👨\u200d👩\u200d👧" * 20,
    "rare characters": "\U00020bb7野家的张䶮和王㐀明，\U0002a6d6" * 20,
    "no separators": "王小明13800138000a@b.cn11010519491231002X" * 30,
    "far words": "电话" + "，" * 500 + "12345678 " + "一 " * 5 + "微信 abc_def1 " * 20,
    "null bytes": "138\x0000138000 \x00王小明\x00",
    "English": "Mr Smith be at be qq be be be be be 123456 be, ID: 123456789",
}


def test_the_same_in_hostile_texts():
    texts = list(HOSTILE.values())
    for threshold in THRESHOLDS:
        hold_together(texts, threshold)
    hold_together([text for text in texts for _ in range(2)][::-1])


def test_the_same_in_generated_sentences():
    people = testing.residents(200, 5).to_pylist()
    texts = [
        f"{person['name']}（{person['resident_id']}）来电{person['phone']}，家住{person['address']}，"
        f"卡号{person['bank_card']}"
        for person in people
    ]
    assert len(hold_together(texts)) == len(texts)
