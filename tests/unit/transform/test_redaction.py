"""Identifiers in free text: found values go through the transforms of columns and back in place."""

import re
from collections.abc import Sequence
from typing import ClassVar

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.classify.operators import write
from gateway.classify.text import SPANS
from gateway.errors import InvalidRequest, ReleaseStopped, TransformFailed
from gateway.model.transforms import (
    EncryptIdentifier,
    Keep,
    MaskForm,
    RedactText,
    Replace,
    Token,
)
from gateway.release.texts import TextProtection, TextStream
from gateway.transform import redaction, text_parts
from gateway.transform.found import canonical_form
from gateway.transform.redaction import RedactTextColumn
from gateway.transform.registry import build, build_redaction, output_type

KEY = bytes(range(32))
MARKS = {"CN_MOBILE": r"[0-9][0-9 -]*[0-9]", "PERSON": "[张王]+", "URL": "[😀é]+"}


class Patterns:
    """Implements ports.TextFinder with three patterns of its own; nothing in them overlaps."""

    rules = "three patterns"
    entities = tuple(MARKS)

    def __init__(self, percent: int = 80) -> None:
        self.percent = percent

    def spans(self, text: str) -> list[dict[str, object]]:
        found = [
            {"entity": e, "start": m.start(), "end": m.end(), "percent": self.percent}
            for e, pattern in MARKS.items()
            for m in re.finditer(pattern, text)
        ]
        return sorted(found, key=lambda span: span["start"])

    def find(self, texts: pa.Array, entities: Sequence[str] | None = None) -> pa.Array:
        return pa.array([None if t is None else self.spans(t) for t in texts.to_pylist()], SPANS)

    write = staticmethod(write)

    def settled(self, entities: pa.Array) -> None:
        pass


def column(spec: RedactText, finder: object = None) -> RedactTextColumn:
    keys = {e: (f"domain of {e}", KEY) for e, inner in spec.transforms.items() if inner.keyed}
    return build_redaction(spec, finder or Patterns(), keys)


def redacted(spec: RedactText, *texts: str | None, finder: object = None) -> list[str | None]:
    return column(spec, finder).apply(pa.array(texts, pa.string())).column.to_pylist()


def token(value: str) -> str:
    made = build(Token(), source_type=pa.string(), key=KEY, domain="d")
    return made.apply(pa.array([value])).column[0].as_py()


SPEC = RedactText(
    entities={"CN_MOBILE": Token(), "PERSON": MaskForm(form="chinese_name"), "URL": "mask"}
)

texts = st.lists(st.none() | st.text("张王a 1-é😀\n中", max_size=20), max_size=8)


@given(texts, st.integers(1, 40))
def test_only_the_finds_change_wherever_they_stand(values: list[str | None], piece: int) -> None:
    """Against a slow rewriting with the same operators, one find at a time, in small pieces."""

    def slow(text: str) -> str:
        done, at = [], 0
        for span in Patterns().spans(text):
            start, end, entity = span["start"], span["end"], span["entity"]
            found = text[start:end]
            done.append(text[at:start])
            if entity == "PERSON":
                shown = build(SPEC.entities["PERSON"], source_type=pa.string())
                done.append(shown.apply(pa.array([found])).column[0].as_py())
            elif entity == "URL":
                done.append("*" * len(found))
            else:
                done.append(token(canonical_form(entity, pa.array([found]))[0].as_py()))
            at = end
        return "".join([*done, text[at:]])

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(redaction, "_PIECE", piece)
        array = pa.array(["before", *values, "after"], pa.string())[1:-1]  # an offset of its own
        done = column(SPEC).apply(array).column
    assert done.to_pylist() == [None if v is None else slow(v) for v in values]
    done.validate(full=True)


@given(texts)
def test_what_was_found_is_told_for_each_text_and_no_value_is(values: list[str | None]) -> None:
    done = column(SPEC).redact(pa.array(values, pa.string()))
    expected = [None if v is None else [s["entity"] for s in Patterns().spans(v)] for v in values]
    assert done.found.to_pylist() == expected
    assert "张" not in repr(done)


def test_a_number_has_the_token_of_its_column_however_it_was_typed() -> None:
    values = ["13812345678", "+86 138-1234-5678", "１３８１２３４５６７８", "138 1234\u200b 5678"]
    forms = canonical_form("CN_MOBILE", pa.array(values))
    assert set(forms.to_pylist()) == {"13812345678"}
    done = redacted(RedactText(entities={"CN_MOBILE": Token()}), "a 138-1234 5678", "13812345678b")
    assert done == [f"a {token('13812345678')}", f"{token('13812345678')}b"]


@pytest.mark.parametrize(
    ("entity", "typed", "form"),
    [
        ("CN_RESIDENT_ID", "１１０１０１ 19900307 123x", "11010119900307123X"),
        ("CN_LICENSE_PLATE", "京A·12345", "京A12345"),
        ("CN_BANK_CARD", "6222-0212 3456", "622202123456"),
        ("PERSON", "张 三", "张三"),
        ("PERSON", "Ann Lee", "Ann Lee"),
        ("EMAIL_ADDRESS", " Alice@Example.com", "alice@example.com"),
        ("IP_ADDRESS", "2001:DB8::1", "2001:db8::1"),
        ("WECHAT_ID", " Zhang123", "Zhang123"),
        ("CN_RESIDENT_ID", "110101/1990.0307·123x", "11010119900307123X"),
        ("CN_RESIDENT_ID", "110101\u00ad19900307\u2066123\ufe0fX", "11010119900307123X"),
    ],
)
def test_the_form_of_a_clean_column(entity: str, typed: str, form: str) -> None:
    assert canonical_form(entity, pa.array([typed])).to_pylist() == [form]


@pytest.mark.parametrize(
    ("entity", "form", "typed"),
    [
        (
            "CN_LANDLINE",
            "010-82345678",
            "010-82345678|(010)82345678|01082345678|+86-10-82345678|0086 10 82345678|010 8234 5678",
        ),
        (
            "CN_LANDLINE",
            "010-82345678",
            "+86(010)8234-5678|（０１０）８２３４ ５６７８|010–8234–5678|86 1082345678|(86-10) 82345678",
        ),
        ("CN_LANDLINE", "0755-26001234", "0755-26001234|+86 755 2600 1234|075526001234"),
        ("CN_LANDLINE", "0316-2345678", "03162345678|+86 316 2345678"),
        ("CN_LANDLINE", "82345678", "8234-5678|82345678|8234 5678"),
        ("CN_LANDLINE", "86234567", "86234567|8623-4567"),
        (
            "CN_LANDLINE",
            "010-82345678-12",
            "010-82345678转12|010-82345678-12|01082345678 ext. 12|(010)82345678（转12）",
        ),
        ("CN_LANDLINE", "010-82345678-12", "+86 10 82345678 x12|010-82345678 分机：12"),
        ("CN_MOBILE", "13800138000", "138.0013.8000|138 001 38000|(+86)13800138000|0086-13800138000"),
        ("QQ_NUMBER", "123456", "123456|QQ123456|qq：123456|１２３４５６"),
        ("CN_POSTAL_CODE", "100080", "１０００８０|100080"),
        ("PHONE_NUMBER", "+442079460958", "+44 20 7946 0958|+44 (0)20 7946 0958|0044-20-79460958"),
        ("PHONE_NUMBER", "2025550143", "(202) 555-0143|202.555.0143"),
        (
            "MAC_ADDRESS",
            "00:1A:2B:3C:4D:5E",
            "00:1A:2B:3C:4D:5E|00-1a-2b-3c-4d-5e|001a.2b3c.4d5e|001A2B3C4D5E",
        ),
        ("US_SSN", "536-22-1234", "536-22-1234|536221234|536 22 1234"),
        ("IBAN_CODE", "GB82WEST12345698765432", "GB82 WEST 1234 5698 7654 32|gb82west12345698765432"),
    ],
)  # fmt: skip
def test_one_number_has_one_form_however_it_was_typed(entity: str, form: str, typed: str) -> None:
    values = typed.split("|")
    assert canonical_form(entity, pa.array(values)).to_pylist() == [form] * len(values)


def test_numbers_that_differ_have_forms_that_differ() -> None:
    different = ["010-82345678", "021-82345678", "82345678", "010-82345678-1", "010-8234567"]
    forms = canonical_form("CN_LANDLINE", pa.array(different)).to_pylist()
    assert forms == different


def test_a_find_that_its_transform_cannot_handle_is_replaced_by_its_entity() -> None:
    spec = RedactText(
        entities={
            "CN_MOBILE": EncryptIdentifier(profile="mobile"),
            "PERSON": MaskForm(form="email"),
        }
    )
    done = redacted(spec, "tel 13812345678, not 12 of 张")
    assert re.fullmatch(r"tel 138[0-9]{8}, not <CN_MOBILE> of <PERSON>", done[0])


def test_operators_and_constants() -> None:
    spec = RedactText(default="mask", entities={"CN_MOBILE": "remove", "PERSON": Replace(text="X")})
    assert redacted(spec, "张王 12 😀é") == ["X  **"]
    assert redacted(RedactText(), "张王 12 é") == ["<PERSON> <CN_MOBILE> <URL>"]


def test_kept_only_where_it_is_written_and_then_as_it_was_typed() -> None:
    assert redacted(RedactText(entities={"CN_MOBILE": Keep()}), "1 2 张") == ["1 2 <PERSON>"]


def test_below_the_threshold_nothing_counts_as_found() -> None:
    spec = RedactText(threshold=81)
    assert redacted(spec, "张 12") == ["张 12"]
    assert redacted(spec, "张 12", finder=Patterns(81)) == ["<PERSON> <CN_MOBILE>"]


class Lying(Patterns):
    """Spans that do not fit the texts."""

    def __init__(self, spans: list[object]) -> None:
        self.given = spans

    def find(self, texts: pa.Array, entities: Sequence[str] | None = None) -> pa.Array:
        return pa.array(self.given, SPANS)


def span(start: int, end: int) -> dict[str, object]:
    return {"entity": "PERSON", "start": start, "end": end, "percent": 90}


@pytest.mark.parametrize(
    "spans",
    [
        pytest.param([[span(0, 3)], []], id="behind the end, though the next text goes on"),
        pytest.param([[span(-1, 1)], []], id="before the beginning"),
        pytest.param([[span(1, 1)], []], id="empty"),
        pytest.param([[span(0, 2), span(1, 2)], []], id="overlapping"),
        pytest.param([[span(1, 2), span(0, 1)], []], id="out of order"),
        pytest.param([[]], id="a text left out"),
        pytest.param([None, []], id="null for a text"),
    ],
)
def test_spans_that_do_not_fit_stop_the_release(spans: list[object]) -> None:
    with pytest.raises(TransformFailed):
        redacted(RedactText(), "张三", "王五", finder=Lying(spans))


def test_a_search_that_fails_stops_the_release_and_skips_nothing() -> None:
    class Late(Patterns):
        def find(self, texts: pa.Array, entities: Sequence[str] | None = None) -> pa.Array:
            raise ReleaseStopped("a pattern took too long", reason="PATTERN_TIMEOUT")

    class Refusing(Patterns):
        def find(self, texts: pa.Array, entities: Sequence[str] | None = None) -> pa.Array:
            raise InvalidRequest.of("texts", "a text is not valid UTF-8")

    with pytest.raises(ReleaseStopped, match="too long"):
        redacted(RedactText(), "a", finder=Late())
    # Not the fault of whoever asked for the release.
    with pytest.raises(TransformFailed, match="UTF-8"):
        redacted(RedactText(), "a", finder=Refusing())


def test_other_rules_than_planned_are_refused() -> None:
    with pytest.raises(InvalidRequest, match="planned"):
        column(RedactText(rules="two patterns"))
    assert redacted(RedactText(rules="three patterns"), "张") == ["<PERSON>"]


def test_without_a_finder_and_of_other_types_nothing_is_built() -> None:
    with pytest.raises(InvalidRequest, match="finder"):
        build(RedactText(), source_type=pa.string())
    with pytest.raises(InvalidRequest, match="takes text"):
        output_type(RedactText(), pa.int64())
    with pytest.raises(InvalidRequest, match="PERSON"):
        build_redaction(RedactText(), Patterns(), {"PERSON": ("d", KEY)})
    with pytest.raises(InvalidRequest, match="needs a key"):
        build_redaction(RedactText(entities={"PERSON": Token()}), Patterns(), {})


class Ranked(Patterns):
    """Finds what stands between the signs of an entity, the surest first, as the real one does:
    with a find that overlaps a surer one nothing is done."""

    rules = "ranked patterns"
    entities = ("PERSON", "IP_ADDRESS", "URL")
    patterns: ClassVar = {"PERSON": "[pq]+", "IP_ADDRESS": "[iqx]+", "URL": "[pix]*[u/][upix/]*"}

    def spans(self, text: str, entities: Sequence[str] = entities) -> list[dict[str, object]]:
        taken, kept = set(), []
        for rank, entity in enumerate(self.patterns):
            if entity not in entities:
                continue
            for found in re.finditer(self.patterns[entity], text):
                places = set(range(*found.span()))
                if not places & taken:
                    taken |= places
                    start, end = found.span()
                    kept.append(
                        {"entity": entity, "start": start, "end": end, "percent": 90 - rank}
                    )
        return sorted(kept, key=lambda span: span["start"])

    def find(self, texts: pa.Array, entities: Sequence[str] | None = None) -> pa.Array:
        wanted = self.entities if entities is None else entities
        found = [None if t is None else self.spans(t, wanted) for t in texts.to_pylist()]
        return pa.array(found, SPANS)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        pytest.param("a pp b ii", "a pp b <IP_ADDRESS>", id="alone"),
        pytest.param("u/pp/u b", "<URL> b", id="inside of one that it would displace"),
        pytest.param("a ppii b", "a pp<IP_ADDRESS> b", id="only beside one"),
        pytest.param("pqx", "<PERSON><IP_ADDRESS>", id="across the beginning of one"),
        pytest.param("iqqp", "<IP_ADDRESS><PERSON>", id="across the end of one"),
        pytest.param("ppqqp", "<PERSON><IP_ADDRESS><PERSON>", id="around one"),
        pytest.param("a p b", "a p b", id="of the same characters it stays the surer"),
        pytest.param("中 pp 张 upu 中", "中 pp 张 <URL> 中", id="each on its own"),
    ],
)
def test_a_find_that_is_kept_uncovers_no_other(text: str, shown: str) -> None:
    spec = RedactText(entities={"PERSON": Keep()})
    assert redacted(spec, None, text, "", finder=Ranked()) == [None, shown, ""]


@given(st.text("piqux/ 中", max_size=12), st.sets(st.sampled_from(Ranked.entities)))
def test_all_that_is_found_without_the_kept_is_hidden_beside_them(
    text: str, kept: set[str]
) -> None:
    finder = Ranked()
    spec = RedactText(default="mask", entities=dict.fromkeys(kept, Keep()))
    surer = [(s["start"], s["end"]) for s in finder.spans(text) if s["entity"] in kept]
    finds = []
    if surer:
        finds = [(s["start"], s["end"]) for s in finder.spans(text, list(kept))]
    others = finder.spans(text, [e for e in finder.entities if e not in kept])
    hidden = set()
    for start, end in ((s["start"], s["end"]) for s in others):
        # What is kept of the very same characters was the surer.
        if not ((start, end) in finds and (start, end) in surer):
            overlapping = [f for f in finds if f[0] < end and start < f[1]]
            for found in ((start, end), *overlapping):
                hidden.update(range(*found))
    shown = redacted(spec, text, finder=finder)[0]
    left = "".join("*" if place in hidden else sign for place, sign in enumerate(text))
    # What is left of a kept find is shown as its entity, all else sign by sign.
    assert re.fullmatch(r"(?:<[A-Z_]+>|[^<>])*", shown)
    assert re.sub(r"[*]+", "*", re.sub("<[A-Z_]+>", "*", shown)) == re.sub(r"[*]+", "*", left)


words = st.lists(
    st.sampled_from(["a1", "1\n", "2b1。", "2", "\n\n", "中文", "12", "é"]), max_size=30
)


@given(words, st.integers(1, 50), st.booleans())
def test_a_long_text_is_protected_as_if_it_were_not_cut(
    made: list[str], size: int, local: bool
) -> None:
    """However the text arrives; and wherever it is cut if what is found depends on the text around
    it alone, which a finder that cuts a text into words does not promise."""
    text = "".join(made)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(text_parts, "LONGEST_PART", 20)
        patch.setattr(text_parts, "AROUND", 8)
        patch.setattr(redaction, "_PIECE", size)
        transform = column(SPEC, Lines("1[^12]{0,5}2" if local else "[12][^。]{0,5}[12]"))
        try:
            done = transform.redact(pa.array([None, text, "x", text]))
        except TransformFailed:
            return
        stream, pieces = TextStream(TextProtection(transform)), []
        for at in range(0, len(text), size):
            pieces += stream.add([(text[at : at + size], True)])
        pieces += stream.add([("", False), ("x", False), (text, False)])
    whole = transform.redact(pa.array([None, text, "x", text]))
    assert "".join(piece.text for piece in pieces) == "".join(done.texts.drop_null().to_pylist())
    assert [e for piece in pieces for e in piece.found] == done.found.flatten().to_pylist()
    if local:
        assert done.texts.to_pylist() == whole.texts.to_pylist()
        assert done.found.to_pylist() == whole.found.to_pylist()


class Lines(Patterns):
    """Finds that go on over the end of a line, up to seven characters."""

    rules = "a pattern over lines"

    def __init__(self, pattern: str) -> None:
        self.pattern = pattern

    def spans(self, text: str) -> list[dict[str, object]]:
        return [
            {"entity": "CN_MOBILE", "start": m.start(), "end": m.end(), "percent": 90}
            for m in re.finditer(self.pattern, text)
        ]


def test_what_makes_a_number_one_may_stand_before_the_cut() -> None:
    class Behind(Patterns):
        def spans(self, text: str) -> list[dict[str, object]]:
            return [
                {"entity": "CN_MOBILE", "start": m.start(1), "end": m.end(1), "percent": 90}
                for m in re.finditer("QQ\n([0-9]+)", text)
            ]

    line = "nothing\n"
    filled = line * (text_parts.LONGEST_PART // len(line) - 1) + "QQ\n"
    text = filled + "123456 " + "x" * 300
    assert len(filled) < text_parts.LONGEST_PART
    assert redacted(RedactText(), text, finder=Behind()) == [filled + "<CN_MOBILE> " + "x" * 300]


def test_parts_do_not_depend_on_how_a_text_arrives(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text_parts, "LONGEST_PART", 30)
    monkeypatch.setattr(text_parts, "AROUND", 5)
    text = "一二三四五六七八九十\n甲乙丙丁。戊己\n\n庚辛壬癸\n" * 9

    def parts(size: int) -> list[text_parts.Part]:
        made, feed = [], text_parts.TextParts()
        for at in range(0, len(text), size):
            made += feed.add(text[at : at + size])
        return [*made, *feed.finish()]

    assert {tuple(parts(size)) for size in (1, 7, 1000)} == {tuple(parts(3))}
    inner = [p.text.encode()[p.before :][: -p.after or None].decode() for p in parts(3)]
    assert "".join(inner) == text
    assert all(len(part) <= 30 for part in inner)
    cut, offsets = text_parts.in_parts(pa.array([None, text, "x"]))
    assert offsets.to_pylist() == [0, 1, 1 + len(inner), 2 + len(inner)]
    assert cut.texts.to_pylist() == [None, *(p.text for p in parts(3)), "x"]


def test_a_text_without_an_end_is_refused_with_what_to_do() -> None:
    with pytest.raises(TransformFailed, match="breaks it into lines"):
        redacted(RedactText(), "a" * (text_parts.LONGEST_PART + 1))
