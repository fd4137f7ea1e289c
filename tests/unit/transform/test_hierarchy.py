"""Hierarchies: what is one, and what a level of it shows."""

import pyarrow as pa
import pytest

from gateway.errors import InvalidRequest
from gateway.model.transforms import GeneralizeHierarchy
from gateway.transform.hierarchy import checked_hierarchy, hierarchy_digest, parse_hierarchy
from gateway.transform.registry import build

REGIONS = parse_hierarchy("海淀区;北京市;*\n西城区;北京市;*\n西湖区;杭州市;*\n".encode())


def test_a_level_shows_the_ancestor_and_unknown_values_are_unhandled() -> None:
    spec = GeneralizeHierarchy(hierarchy="region", level=1)
    transform = build(spec, source_type=pa.string(), hierarchies={"region": REGIONS})
    done = transform.apply(pa.array(["海淀区", "西湖区", "海淀", "", "北京市", None]))
    assert done.column.to_pylist() == ["北京市", "杭州市", None, None, None, None]
    assert done.unhandled is not None
    assert done.unhandled.to_pylist() == [False, False, True, True, True, False]


def test_whole_numbers_are_looked_up_by_their_digits() -> None:
    ages = parse_hierarchy(b"17;minor\n18;adult\n")
    spec = GeneralizeHierarchy(hierarchy="age", level=1)
    transform = build(spec, source_type=pa.int8(), hierarchies={"age": ages})
    assert transform.apply(pa.array([18, 17], pa.int8())).column.to_pylist() == ["adult", "minor"]


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        pytest.param(b"", "first line", id="empty file"),
        pytest.param(b"\na;b", "first line", id="empty first line"),
        pytest.param(b"a", "needs rows", id="leaf alone"),
        pytest.param(b";".join([b"a"] * 60), "first line", id="too many levels"),
        pytest.param(b"a;b\nc", "same number of fields", id="ragged"),
        pytest.param(b"a;b\nc;d;e", "same number of fields", id="ragged the other way"),
        pytest.param(b"a;b\na;c", "stands in two rows", id="leaf twice"),
        pytest.param(b"a;b;c\nd;b;e", "two parents", id="not a tree"),
        pytest.param(b"a;\nb;c", "empty field", id="empty field"),
        pytest.param(b"a;\xff\n", "UTF-8", id="not UTF-8"),
    ],
)
def test_what_is_no_hierarchy_is_refused(data: bytes, fault: str) -> None:
    with pytest.raises(InvalidRequest, match=fault):
        parse_hierarchy(data)


def test_a_mark_of_byte_order_and_windows_line_ends_are_read() -> None:
    table = parse_hierarchy("\ufeffa;b\r\nc;b\r\n".encode())
    assert table.to_pydict() == {"level_0": ["a", "c"], "level_1": ["b", "b"]}


@pytest.mark.parametrize(
    ("table", "fault"),
    [
        pytest.param(pa.table({"a": [1], "b": ["x"]}), "must be text", id="numbers"),
        pytest.param(
            pa.table({"a": ["x"], "b": pa.array([None], pa.string())}), "empty field", id="null"
        ),
        pytest.param(pa.table({"a": pa.array([], pa.string())}), "needs rows", id="no rows"),
    ],
)
def test_tables_are_checked_like_files(table: pa.Table, fault: str) -> None:
    with pytest.raises(InvalidRequest, match=fault):
        checked_hierarchy(table)


@pytest.mark.parametrize(
    ("spec", "fault"),
    [
        pytest.param(GeneralizeHierarchy(hierarchy="regions", level=1), "there is no hierarchy"),
        pytest.param(GeneralizeHierarchy(hierarchy="region", level=3), "levels 1 to 2"),
        pytest.param(
            GeneralizeHierarchy(hierarchy="region", level=1, table_digest="0" * 64),
            "not the one that was planned with",
        ),
    ],
)
def test_a_hierarchy_must_be_there_have_the_level_and_be_the_planned_one(
    spec: GeneralizeHierarchy, fault: str
) -> None:
    with pytest.raises(InvalidRequest, match=fault):
        build(spec, source_type=pa.string(), hierarchies={"region": REGIONS})


def test_the_digest_says_which_table_was_planned_with() -> None:
    spec = GeneralizeHierarchy(hierarchy="region", level=2, table_digest=hierarchy_digest(REGIONS))
    transform = build(spec, source_type=pa.string(), hierarchies={"region": REGIONS})
    assert transform.apply(pa.array(["西城区"])).column.to_pylist() == ["*"]
