"""Identifiers in free text: found values go through the transforms of columns and back in place."""

import re
from collections.abc import Sequence

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
from gateway.transform import redaction, text_parts
from gateway.transform.found import canonical_form
from gateway.transform.redaction import RedactTextColumn
from gateway.transform.registry import build, build_redaction, output_type

KEY = bytes(range(32))
MARKS = {"CN_MOBILE": r"[0-9][0-9 -]*[0-9]", "PERSON": "[张王]+", "URL": "[😀é]+"}


class Patterns:
    """Implements ports.TextFinder with three patterns of its own; nothing in them overlaps."""

    rules = "three patterns"

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
        ("EMAIL_ADDRESS", " Alice@Example.com", "Alice@Example.com"),
        ("CN_LANDLINE", "010-62345678", "010-62345678"),
    ],
)
def test_the_form_of_a_clean_column(entity: str, typed: str, form: str) -> None:
    assert canonical_form(entity, pa.array([typed])).to_pylist() == [form]


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


@given(st.lists(st.sampled_from(["张三。", "12", "字\n", "\n\n", "中文"]), max_size=30))
def test_long_texts_are_cut_where_nothing_is_lost(words: list[str]) -> None:
    text = "".join(words)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(text_parts, "LONGEST_PART", 20)
        try:
            cut, offsets = text_parts.in_parts(pa.array([None, text, "x", text]))
        except TransformFailed:
            return
        if offsets is not None:
            assert text_parts.joined(cut, offsets).to_pylist() == [None, text, "x", text]
            assert all(len(part) <= 20 for part in cut.drop_null().to_pylist())
        done = column(RedactText()).redact(pa.array([None, text, "x", text]))
    whole = column(RedactText()).redact(pa.array([None, text, "x", text]))
    assert done.texts.equals(whole.texts)
    assert done.found.equals(whole.found)


def test_parts_do_not_depend_on_how_a_text_arrives(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text_parts, "LONGEST_PART", 30)
    text = "一二三四五六七八九十\n甲乙丙丁。戊己\n\n庚辛壬癸\n" * 9

    def parts(size: int) -> list[str]:
        made, feed = [], text_parts.TextParts()
        for at in range(0, len(text), size):
            made += feed.add(text[at : at + size])
        return [*made, feed.finish()]

    assert {tuple(parts(size)) for size in (1, 7, 1000)} == {tuple(parts(3))}
    assert "".join(parts(3)) == text


def test_a_text_without_an_end_is_refused_with_what_to_do() -> None:
    with pytest.raises(TransformFailed, match="breaks it into lines"):
        redacted(RedactText(), "a" * (text_parts.LONGEST_PART + 1))
