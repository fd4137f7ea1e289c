"""Whatever recipients ask for, in whatever order: nobody can be told apart from fewer than k - 1.

The adversary here is stronger than one outside: a serial number of each person leaves with every
extract, so that extracts are joined row by row without doubt.
"""

from collections import Counter, defaultdict

import pyarrow as pa
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from gateway.model.lifecycle import ReleaseState
from gateway.model.names import RecipientKind
from tests.integration.test_anonymising import Bureau, another

QI = ("age", "sex", "zip")
SLOW = settings(
    max_examples=20,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@st.composite
def tables(draw):
    """Few distinct values, so that there are classes, and nulls among them."""
    count = draw(st.integers(12, 40))

    def column(values):
        return draw(st.lists(st.sampled_from(values), min_size=count, max_size=count))

    return pa.table(
        {
            "person": [f"p{n}" for n in range(count)],
            "age": pa.array(column([20, 30, 40, None]), pa.int64()),
            "sex": pa.array(column(["f", "m"]), pa.string()),
            "zip": pa.array(column(["10", "11", None]), pa.string()),
            "illness": pa.array(column(["a", "b", "c", None]), pa.string()),
            "visits": pa.array(range(count), pa.int64()),
        }
    )


# Who is of another kind is under a stricter demand, and another method.
KINDS = (RecipientKind.RESEARCH, RecipientKind.GOVERNMENT, RecipientKind.COMMERCIAL)
STRICTER = """
  - name: stricter
    match: {recipient_kind: [government]}
    transform: {kind: keep}
    obligations: {k: 6, max_suppression: 0.4}
  - name: otherwise
    match: {recipient_kind: [commercial]}
    transform: {kind: keep}
    obligations: {k: 4, l: {illness: 2}, max_suppression: 0.4, method: local}
"""
columns = st.lists(st.sampled_from(QI), min_size=1, unique=True)


@SLOW
@given(data=st.data())
def test_two_extracts_joined_on_anything_keep_every_class(office, data):
    bureau = memo(office, {"k": 3, "max_suppression": "0.4"}, rules=STRICTER)
    one, other = (fresh(office, data.draw(st.sampled_from(KINDS))) for _ in range(2))
    bureau.hold(data.draw(tables()))
    shown = defaultdict(dict)
    for who in (one, other):
        asked = data.draw(columns)
        release = bureau.asked(*asked, "visits", who=who)
        assert release.state in (ReleaseState.SEALED, ReleaseState.REFUSED)
        event(f"{who.kind} {release.state}")
        if release.state is ReleaseState.SEALED:
            for row in bureau.table(release, who).to_pylist():
                shown[row.pop("visits")].update(row)
    sizes = Counter(tuple(sorted(row.items())) for row in shown.values())
    assert all(size >= 3 for size in sizes.values())


@SLOW
@given(data=st.data())
def test_no_sequence_of_versions_and_filters_tells_fewer_apart(office, data):
    bureau = memo(office, {"k": 3, "max_suppression": "0.4"}, unit="person")
    who = fresh(office)
    table = data.draw(tables())
    held = []
    for _ in range(data.draw(st.integers(2, 4))):
        bureau.hold(table)
        bound = data.draw(st.none() | st.integers(-1, 40))
        # An officer's fence, another one each time; an earlier one is lifted.
        bureau.fence({"column": "visits", "operator": ">", "values": [str(bound or -1)]})
        release = bureau.asked(*data.draw(columns), "visits", who=who)
        event(f"{len(held)} before, {(bound or -1) >= 0} filtered: {release.state}")
        if release.state is ReleaseState.SEALED:
            rows = bureau.table(release, who).to_pylist()
            held.append({row.pop("visits"): tuple(sorted(row.items(), key=str)) for row in rows})
        table = changed(table, data)
    everyone = set().union(*held) if held else set()
    cells = Counter(tuple(extract.get(person) for extract in held) for person in everyone)
    assert all(size >= 3 for size in cells.values())


def changed(table: pa.Table, data) -> pa.Table:
    """The same, some left out from the end, or some moved to another place."""
    kind = data.draw(st.sampled_from(["same", "fewer", "moved"]))
    if kind == "fewer":
        return table.slice(0, data.draw(st.integers(6, table.num_rows)))
    if kind == "moved":
        moved = data.draw(st.integers(0, table.num_rows - 1))
        zips = ["10"] * moved + table.column("zip").to_pylist()[moved:]
        return table.set_column(3, "zip", pa.array(zips, pa.string()))
    return table


def memo(office, obligations, unit=None, rules="") -> Bureau:
    """One bureau for all examples: its policy is activated once."""
    if not hasattr(office, "bureau"):
        office.bureau, office.parties = Bureau(office, obligations, unit, rules), 0
    return office.bureau


def fresh(office, kind=RecipientKind.RESEARCH):
    """A recipient without a history."""
    office.parties += 1
    return another(office, f"lab-{office.parties}", kind)
