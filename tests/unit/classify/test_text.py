"""Free text: spans, replacement, mixed scripts, attacks on time, and no network at all."""

import subprocess
import sys
import time

import pyarrow as pa
import pytest

from gateway import testing
from gateway.classify.engine import engine
from gateway.classify.folding import fold
from gateway.classify.pack import standard
from gateway.classify.recognizers import LANGUAGE, FormRecognizer
from gateway.classify.text import SPANS, TextProtector
from gateway.errors import ConfigurationError, InvalidRequest, ReleaseStopped
from gateway.testing.letters import letters
from gateway.transform.found import canonical_form


@pytest.fixture(scope="module")
def protector() -> TextProtector:
    return TextProtector(standard())


def found(protector: TextProtector, text: str) -> list[tuple[str, str]]:
    [spans] = protector.find(pa.array([text])).to_pylist()
    return [(span["entity"], text[span["start"] : span["end"]]) for span in spans]


CASES = {
    "患者王小明，身份证号11010519491231002x。": [
        ("PERSON", "王小明"), ("CN_RESIDENT_ID", "11010519491231002x")],
    "身份证 110105 19491231 002X，旧号130503670401001": [
        ("CN_RESIDENT_ID", "110105 19491231 002X"), ("CN_RESIDENT_ID", "130503670401001")],
    "手机１３８００１３８０００，座机010-82345678": [
        ("CN_MOBILE", "１３８００１３８０００"), ("CN_LANDLINE", "010-82345678")],
    "家住云岚省汐川市丹渚区采薇路77号朗润小区15栋1单元402室。": [
        ("ADDRESS", "云岚省汐川市丹渚区采薇路77号朗润小区15栋1单元402室")],
    "阿依古丽·买买提和欧阳雪女士到场": [("PERSON", "阿依古丽·买买提"), ("PERSON", "欧阳雪")],
    "Mail zhang.san@example.com or +44 20 7946 0958": [
        ("EMAIL_ADDRESS", "zhang.san@example.com"), ("PHONE_NUMBER", "+44 20 7946 0958")],
    "内网邮箱li@mail.internal，主机10.0.0.1": [
        ("EMAIL_ADDRESS", "li@mail.internal"), ("IP_ADDRESS", "10.0.0.1")],
    "车牌京A·12345，统一社会信用代码91350100M000100Y43": [
        ("CN_LICENSE_PLATE", "京A·12345"), ("CN_USCC", "91350100M000100Y43")],
    "card 4111 1111 1111 1111": [("CREDIT_CARD", "4111 1111 1111 1111")],
    "北纬39.9042东经116.4074，QQ12345678": [
        ("COORDINATES", "北纬39.9042东经116.4074"), ("QQ_NUMBER", "QQ12345678")],
    "卡号6222021234567894567 已挂失": [("CN_BANK_CARD", "6222021234567894567")],
    "设备IMEI 352706643681048": [("IMEI", "352706643681048")],
    "材料寄至云岚省汐川市丹渚区西岭巷260号和悦花园12栋": [
        ("ADDRESS", "云岚省汐川市丹渚区西岭巷260号和悦花园12栋")],
    "他的QQ号是123456789，微信wxid_abc123": [
        ("QQ_NUMBER", "123456789"), ("WECHAT_ID", "wxid_abc123")],
}  # fmt: skip


# What stands beside a number in letters and lists must not hide it.
ID, CARD, MOBILE = "11010519491231002X", "6222021234567894567", "13800138000"
BESIDE = {
    "1.{}": (ID, CARD, MOBILE, "010-82345678", "91350100M000100Y43", "E12345678", "京A12345"),
    "12.{}，": (ID, CARD, MOBILE, "1HGCM82633A004352"),
    "{}.2023年": (ID, CARD, MOBILE, "010-82345678", "91350100M000100Y43"),
    "{}.5": (ID, CARD, MOBILE),
    "sfz{}": (ID, CARD, MOBILE, "010-82345678"),
    "ID{}": (ID, CARD, MOBILE),
    "tel{}": (ID, CARD, MOBILE, "010-82345678", "+8613800138000"),
    "id_{}": (ID, CARD, MOBILE, "010-82345678", "91350100M000100Y43", "E12345678"),
    "{}_x": (ID, CARD, MOBILE, "010-82345678", "91350100M000100Y43", "E12345678"),
    "{}abc": (ID, CARD, MOBILE),
    "No{}abc": (ID, CARD),
    f"{{}}_{CARD}": (ID, MOBILE),
    "1.{} 2.13900139000": (MOBILE,),
}


@pytest.mark.parametrize(
    ("form", "value"), [(form, value) for form, values in BESIDE.items() for value in values]
)
def test_what_stands_beside_an_identifier_does_not_hide_it(
    protector: TextProtector, form: str, value: str
) -> None:
    text = form.format(value)
    assert value in [marked for _, marked in found(protector, text)]
    assert len(found(protector, text)) == 1 + form.count(CARD) + form.count("13900139000")


@pytest.mark.parametrize(
    ("entity", "text"),
    [
        ("CN_RESIDENT_ID", "1101 0519 4912 3100 2X"),
        ("CN_RESIDENT_ID", "110 105 1949 1231 002X"),
        ("CN_RESIDENT_ID", "110105.19491231.002X"),
        ("CN_RESIDENT_ID", "110105/19491231/002X"),
        ("CN_RESIDENT_ID", "110105·19491231·002X"),
        ("CN_RESIDENT_ID", "110105  19491231002X"),
        ("CN_RESIDENT_ID", "130503-670401-001"),
        ("CN_BANK_CARD", "6225.8812.3456.7898"),
        ("CN_BANK_CARD", "6225  8812  3456  7898"),
        ("CN_MOBILE", "138.0013.8000"),
        ("CN_MOBILE", "138 001 38000"),
        ("CN_MOBILE", "13800 138000"),
        ("CN_LANDLINE", "010 8234 5678"),
        ("CN_LANDLINE", "0755-2600-1234"),
        ("CN_LANDLINE", "+86 10 8234 5678"),
        ("CN_LANDLINE", "(86-10) 82345678"),
        ("CN_LANDLINE", "+86(10)82345678"),
        ("CN_LANDLINE", "座机8234-5678"),
        ("CN_LICENSE_PLATE", "京AD1234F"),
        ("CN_HK_MACAU_PERMIT", "M12345678 通行证"),
        ("CN_TAIWAN_PERMIT", "Taiwan permit 12345678"),
        ("CN_POSTAL_CODE", "postal code 100080"),
        ("WECHAT_ID", "vx：zhang123"),
        ("MAC_ADDRESS", "mac 001A2B3C4D5E"),
        ("COORDINATES", "lat: 39.9042, lng: 116.4074"),
        ("COORDINATES", "39°54'15\"N 116°24'26\"E"),
        ("COORDINATES", "北纬39°54′15″，东经116°24′26″"),
    ],
)
def test_the_ways_in_which_people_part_a_number(
    protector: TextProtector, entity: str, text: str
) -> None:
    assert [one for one, _ in found(protector, text)] == [entity]


@pytest.mark.parametrize("text", CASES)
def test_what_stands_in_a_text(protector: TextProtector, text: str) -> None:
    assert found(protector, text) == CASES[text]


@pytest.mark.parametrize(
    "text",
    [
        "hotel rooms 123456789, order 20240101123456789",
        "金额13800138000.5元",
        "编号X13800138000Y",
        "110105194912310021",
        "温度 高兴 时间 金额 方便 安全",
        "0.13800138000 116.13800138000 0.6222021234567894567 -0.110105194912310021",
        "版本1.2.13，内核5.15.0-138，构建号20240101.138.13800",
        "共13800138000.50 元，约13800138000.5 万元",
        "型号SN138001380001、AB1380013800、X13800138000Y、ID12345678、No20240101",
        "电话会议2019-2023，订单20240101123456789，发票号12345678",
        "",
    ],
)
def test_what_does_not(protector: TextProtector, text: str) -> None:
    assert found(protector, text) == []


def test_columns_keep_their_length_nulls_and_repeats(protector: TextProtector) -> None:
    texts = pa.chunked_array([["电话13800138000", None], ["", "电话13800138000"]])
    spans = protector.find(texts)
    assert spans.type == SPANS
    assert spans.to_pylist()[0] == spans.to_pylist()[3]
    assert spans.to_pylist()[1:3] == [None, []]


def test_of_overlapping_finds_the_surer_stays(protector: TextProtector) -> None:
    # `internal` by itself has the form of a WeChat name, and the word for it stands near.
    assert found(protector, "微信 li@mail.internal") == [("EMAIL_ADDRESS", "li@mail.internal")]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "wang.xiaoming-13800138000@corp.internal",
            [
                ("EMAIL_ADDRESS", "wang.xiaoming-"),
                ("CN_MOBILE", "13800138000"),
                ("EMAIL_ADDRESS", "@corp.internal"),
            ],
        ),
        (
            "https://x.cn/u/zhangsan?tel=13800138000&name=wangxm",
            [
                ("URL", "https://x.cn/u/zhangsan?tel="),
                ("CN_MOBILE", "13800138000"),
                ("URL", "&name=wangxm"),
            ],
        ),
    ],
)
def test_what_sticks_out_of_a_surer_find_is_found_too(
    protector: TextProtector, text: str, expected: list[tuple[str, str]]
) -> None:
    assert found(protector, text) == expected


MARKS = ["\u200b", "\u200d", "\u00ad", "\u2060", "\ufeff", "\u202e", "\U000e0020", "\u200b\u200c"]


@pytest.mark.parametrize("mark", MARKS, ids=ascii)
@pytest.mark.parametrize("value", [ID, CARD, MOBILE, "zhang.san@example.com", "王小明", "10.0.0.1"])
def test_marks_that_show_nothing_hide_nothing(
    protector: TextProtector, value: str, mark: str
) -> None:
    bare = f"患者{value}，"
    [entity] = [one for one, _ in found(protector, bare)]
    for at in range(1, len(value)):
        parted = value[:at] + mark + value[at:]
        # Around a find they do not belong to it, within it they do.
        text = f"{mark}患者{mark}{parted}{mark}，"
        assert found(protector, text) == [(entity, parted)]
    everywhere = mark.join(value)
    texts = pa.array([bare, f"患者{everywhere}", None, "x" + mark])
    spans = protector.find(texts).to_pylist()
    assert [s and [(x["start"], x["end"]) for x in s] for s in spans] == [
        [(2, 2 + len(value))],
        [(2, 2 + len(everywhere))],
        None,
        [],
    ]


@pytest.mark.parametrize("hyphen", "‐‑‒–—―−﹘﹣－", ids=ascii)
def test_every_hyphen_is_one(protector: TextProtector, hyphen: str) -> None:
    assert [one for one, _ in found(protector, f"138{hyphen}0013{hyphen}8000")] == ["CN_MOBILE"]
    cells = fold(pa.array([f"138{hyphen}0013{hyphen}8000"]))
    assert cells.to_pylist() == ["138-0013-8000"]
    assert canonical_form("URL", pa.array([f"a{hyphen}b"])).to_pylist() == ["a-b"]


def test_only_the_named_entities(protector: TextProtector) -> None:
    [spans] = protector.find(pa.array(["王小明 13800138000"]), ["CN_MOBILE"]).to_pylist()
    assert [(s["entity"], s["start"], s["end"]) for s in spans] == [("CN_MOBILE", 4, 15)]


def test_what_a_find_was_replaced_by_is_no_find(protector: TextProtector) -> None:
    for text in CASES:
        once = text
        [spans] = protector.find(pa.array([text])).to_pylist()
        for span in reversed(spans):
            once = f"{once[: span['start']]}<{span['entity']}>{once[span['end'] :]}"
        assert found(protector, once) == []


@pytest.mark.parametrize(
    "text",
    ["." * 4000, "a." * 4000 + "@", "1" * 20_000, "路一" * 4000, "张" * 4000, ":" * 4000,
     "[" * 4000, "a@" * 4000, "1 " * 8000],
    ids=lambda text: text[:2] * 2,
)  # fmt: skip
def test_no_text_takes_long(protector: TextProtector, text: str) -> None:
    # A quadratic pattern took half a minute here; the bound is far above what a linear one needs.
    started = time.perf_counter()
    protector.find(pa.array([text]))
    assert time.perf_counter() - started < 10


@pytest.mark.parametrize("find", ["13800138000 ", "电话13800138000，", "王小明 "])
def test_many_finds_in_one_text_take_no_longer_than_they_are_many(
    protector: TextProtector, find: str
) -> None:
    took = []
    for count in (2_000, 32_000):
        started = time.process_time()
        assert len(protector.find(pa.array([find * count]))[0]) == count
        took.append(time.process_time() - started)
    assert took[1] < 60 * took[0]  # quadratic would be 256 times


def test_a_pattern_out_of_time_stops_everything(
    protector: TextProtector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.classify.recognizers.SECONDS", 1e-9)
    with pytest.raises(ReleaseStopped, match="more than") as stopped:
        protector.find(pa.array(["13800138000 " * 20_000]))
    assert stopped.value.reason == "PATTERN_TIMEOUT"


def test_too_long_and_not_utf8_are_refused_by_name(protector: TextProtector) -> None:
    with pytest.raises(InvalidRequest, match="split it"):
        protector.find(pa.array(["x" * 1_000_001]))
    with pytest.raises(InvalidRequest, match="UTF-8"):
        protector.find(pa.array([b"\xd0\xd5"]).view(pa.string()))


def test_every_form_of_the_pack_is_searched_in_text() -> None:
    searched = set(engine(standard()).get_supported_entities(LANGUAGE))
    assert {form.entity for form in standard().identifiers} | {"PERSON", "CRYPTO"} == searched


def test_a_recogniser_that_presidio_does_not_have_is_told_with_the_remedy() -> None:
    form = standard().identifiers[0].but(text="presidio")
    with pytest.raises(ConfigurationError, match="no recogniser of CN_RESIDENT_ID"):
        engine(standard().but(identifiers=(form,)))


OFFLINE = """
import socket

def refuse(*_, **__):
    raise SystemExit("the network was asked")


socket.getaddrinfo = socket.gethostbyname = socket.create_connection = refuse
socket.socket.connect = socket.socket.connect_ex = socket.socket.sendto = refuse
import pyarrow as pa
from gateway import testing
from gateway.classify.pack import standard
from gateway.classify.text import TextProtector
texts = pa.array(["王小明 zhang@example.co.uk https://www.example.com.cn/x 010-82345678"])
protector = TextProtector(standard())
assert protector.find(pa.concat_arrays([texts] * 50)).to_pylist()
from gateway.classify.engine import engine
from gateway.classify.recognizers import LANGUAGE
assert engine(standard()).analyze(texts[0].as_py(), LANGUAGE)
import spacy, tempfile
from gateway.classify.models import load
with tempfile.TemporaryDirectory() as folder:
    spacy.blank("zh").to_disk(folder)
    import pathlib
    assert TextProtector(standard(), model=load("spacy", pathlib.Path(folder))).find(texts)
[done] = protector.find(texts).to_pylist()
assert [s["entity"] for s in done] == "PERSON EMAIL_ADDRESS URL CN_LANDLINE".split(), done
print("done")
"""


@pytest.mark.parametrize("prefix", [[], ["unshare", "-rn"]], ids=["sockets refused", "no network"])
def test_it_works_with_no_network(prefix: list[str]) -> None:
    # The second run has no network at all below Python, where the machine lets us say so.
    if prefix and subprocess.run([*prefix, "true"], capture_output=True, check=False).returncode:
        pytest.skip("this machine gives no network namespace of one's own")
    ended = subprocess.run(
        [*prefix, sys.executable, "-c", OFFLINE], capture_output=True, text=True, check=False
    )
    assert (ended.returncode, ended.stdout.strip()) == (0, "done"), ended.stderr


def test_columns_are_classified_without_loading_presidio() -> None:
    code = (
        "import sys, gateway.classify.columns as c, gateway.classify.pack as p; p.standard();"
        "print({'presidio_analyzer', 'spacy', 'jieba', 'regex'} & set(sys.modules))"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ended.stdout.strip() == "set()"


def test_a_form_may_name_chinese_characters_and_stand_between_them() -> None:
    form = standard().identifiers[0].but(pattern=r"\p{Han}字第[0-9]{4}号", check=None, drop="")
    recognizer = FormRecognizer(form, 0)
    assert [(r.start, r.end) for r in recognizer.analyze("见京字第1234号文", [])] == [(1, 9)]


@pytest.mark.parametrize("style", ["office", "chat"])
def test_identifiers_are_found_however_they_are_typed(protector: TextProtector, style: str) -> None:
    made = letters(1500, 20_260_101, style, rough=True)
    spans = protector.find(pa.array([letter.text for letter in made])).to_pylist()
    marked = found = 0
    for letter, listed in zip(made, spans, strict=True):
        places = {(span["start"], span["end"], span["entity"]) for span in listed}
        structured = {one for one in letter.spans if not one[2].startswith("PERSON")}
        marked += len(structured)
        found += len(structured & places)
    assert marked > 1000
    assert found >= 0.995 * marked


def test_most_generated_names_are_found_in_sentences(protector: TextProtector) -> None:
    names = testing.residents(300, 11)["name"].to_pylist()
    texts = [f"经办人员联系了{name}，{name}表示同意。" for name in names]
    spans = protector.find(pa.array(texts), ["PERSON"]).to_pylist()
    whole = sum(
        text[s["start"] : s["end"]] == name
        for name, text, listed in zip(names, texts, spans, strict=True)
        for s in listed
    )
    assert whole >= 0.85 * 2 * len(names)
    assert sum(map(len, spans)) - whole <= 0.1 * 2 * len(names)
