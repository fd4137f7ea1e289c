"""Names in audit entries: none goes missing without being counted."""

from hypothesis import given
from hypothesis import strategies as st

from gateway.registry.listing import counted, listed

NAMES = st.lists(st.integers(1, 250).map(lambda length: "c" * length), max_size=60)


@given(NAMES)
def test_every_name_is_told_or_counted(names):
    for text, body in ((listed(names),) * 2, (counted(names), counted(names).partition(": ")[2])):
        assert len(text) <= 200
        shown, more, rest = body.partition(",… (")
        told = shown.split(",") if shown else []
        assert len(told) + (int(rest.removesuffix(" more)")) if more else 0) == len(names)
        for name, whole in zip(told, names, strict=False):
            assert name == whole or (name.endswith("…") and whole.startswith(name[:-1]))
    assert counted(names).partition(":")[0] == str(len(names))


def test_what_fits_is_told_whole():
    assert (listed(["a", "b"]), counted(["a", "b"])) == ("a,b", "2: a,b")
    assert (listed([]), counted([])) == ("", "0")
    assert counted(["x" * 150, "y" * 60, "z"]) == "3: " + "x" * 150 + ",… (2 more)"
