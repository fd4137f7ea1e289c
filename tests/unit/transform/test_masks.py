"""Masks by position and pattern, truncation, replacement, constants."""

import pyarrow as pa
import pytest

from gateway.model.transforms import (
    Keep,
    Mask,
    MaskPattern,
    Replace,
    ReplacePattern,
    Suppress,
    TransformSpec,
    Truncate,
)
from gateway.transform.registry import build


def applied(spec: TransformSpec, values: list[str | None]) -> list[str | None]:
    done = build(spec, source_type=pa.string()).apply(pa.array(values, pa.string()))
    flags = done.unhandled.to_pylist() if done.unhandled is not None else [False] * len(values)
    return [
        "UNHANDLED" if bad else value
        for value, bad in zip(done.column.to_pylist(), flags, strict=True)
    ]


@pytest.mark.parametrize(
    ("spec", "value", "shown"),
    [
        pytest.param(Mask(), "张三丰", "***", id="nothing kept, no length"),
        pytest.param(Mask(), "", "***", id="empty is hidden too where no length is shown"),
        pytest.param(Mask(keep_length=True), "张三丰", "***", id="length kept"),
        pytest.param(Mask(keep_length=True), "", "", id="empty with length"),
        pytest.param(Mask(keep_first=1), "张三", "张***", id="first kept"),
        pytest.param(Mask(keep_first=1), "张", "***", id="too short to keep anything"),
        pytest.param(Mask(keep_first=3, keep_last=4), "13812345678", "138***5678", id="both ends"),
        pytest.param(Mask(keep_first=3, keep_last=4), "1381234", "***", id="ends would meet"),
        pytest.param(
            Mask(keep_first=3, keep_last=4, keep_length=True),
            "13812345678",
            "138****5678",
            id="both ends and length",
        ),
        pytest.param(
            Mask(keep_first=1, keep_last=1, keep_length=True, separators="-"),
            "12-34-56",
            "1*-**-*6",
            id="separators stay and do not count",
        ),
        pytest.param(
            Mask(keep_first=2, keep_length=True, separators="-"), "12---", "**---",
            id="separators do not make a short value long",
        ),
        pytest.param(Mask(keep_first=1, shortest=5), "abcd", "***", id="below shortest"),
        pytest.param(Mask(keep_last=1, character="●"), "a😀", "●●●😀", id="emoji and wide sign"),
        pytest.param(
            Mask(keep_first=1, keep_length=True, character="●"), "𠮷野家", "𠮷●●", id="four bytes"
        ),
    ],
)  # fmt: skip
def test_masks_by_position(spec: Mask, value: str, shown: str) -> None:
    assert applied(spec, [value, None]) == [shown, None]


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({"keep_first": 2, "shortest": 2}, id="shortest would pass through"),
        pytest.param({"shortest": 3}, id="shortest without anything kept"),
        pytest.param({"keep_length": True, "separators": "a"}, id="letter as separator"),
        pytest.param({"keep_length": True, "separators": "５"}, id="full-width digit as separator"),
        pytest.param({"keep_length": True, "separators": "*"}, id="the sign as separator"),
        pytest.param({"keep_length": True, "separators": "--"}, id="separator twice"),
        pytest.param({"separators": "-"}, id="separators without length"),
        pytest.param({"character": "0"}, id="digit as sign"),
        pytest.param({"keep_first": -1}, id="negative"),
    ],
)
def test_masks_that_would_not_hide_are_refused(fields: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="Mask"):
        Mask.model_validate(fields)


def test_a_pattern_hides_every_match_and_not_its_length() -> None:
    spec = MaskPattern(pattern="[0-9]+")
    assert applied(spec, ["a1b22222", "none", "", None]) == [
        "a***b***", "UNHANDLED", "UNHANDLED", None,
    ]  # fmt: skip


def test_values_without_a_match_stay_only_where_the_policy_says_so() -> None:
    spec = MaskPattern(pattern="[0-9]+", unmatched="keep")
    assert applied(spec, ["none", "", None]) == ["none", "", None]


def test_replacement_by_pattern_uses_groups() -> None:
    spec = ReplacePattern(pattern=r"^(\d{3})\d+$", replacement=r"\1…")
    assert applied(spec, ["100080", "x", None]) == ["100…", "UNHANDLED", None]


@pytest.mark.parametrize(
    ("pattern", "fault"),
    [
        pytest.param("(", "RE2", id="unbalanced"),
        pytest.param("(?=a)", "RE2", id="look-ahead"),
        pytest.param(r"(a)\1", "RE2", id="backreference"),
        pytest.param("((a{500}){500}){9}", "RE2", id="too large"),
        pytest.param("a*", "empty string", id="star"),
        pytest.param(r"\b", "empty string", id="zero-width"),
        pytest.param("^", "empty string", id="anchor alone"),
        pytest.param("a" * 501, "500", id="too long"),
        pytest.param("", "1 character", id="nothing"),
    ],
)
def test_bad_patterns_are_refused_when_the_policy_is_read(pattern: str, fault: str) -> None:
    with pytest.raises(ValueError, match=fault):
        MaskPattern(pattern=pattern)
    with pytest.raises(ValueError, match=fault):
        ReplacePattern(pattern=pattern, replacement="")


def test_a_replacement_cannot_name_a_group_that_is_not_there() -> None:
    with pytest.raises(ValueError, match="group"):
        ReplacePattern(pattern="a", replacement=r"\1")


def test_truncation_counts_characters() -> None:
    assert applied(Truncate(length=2), ["𠮷野家", "1", "", None]) == ["𠮷野", "1", "", None]


def test_constants_do_not_show_which_values_are_missing() -> None:
    assert applied(Replace(text="X"), ["a", "", None]) == ["X", "X", "X"]
    assert applied(Suppress(), ["a", "", None]) == [None, None, None]


def test_keep_keeps() -> None:
    assert applied(Keep(), ["a", "", None]) == ["a", "", None]
