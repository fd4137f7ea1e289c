"""Algebra of a run: batching, threads and sources change nothing; small cells never get out."""

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from fractions import Fraction

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import CheckFailed, TransformFailed
from gateway.execute.local import LocalExecutor
from gateway.model.catalog import SourceVersion
from gateway.model.conditions import Condition
from gateway.model.content import content_digest
from gateway.model.plan import (
    Charge,
    CheckSpec,
    MaxRowsCheck,
    MinCellCheck,
    Plan,
    SchemaCheck,
    Step,
)
from gateway.model.schema import scaled_type
from gateway.model.transforms import (
    BinNumber,
    GeneralizeDate,
    Keep,
    Mask,
    MaskForm,
    Replace,
    Suppress,
    Token,
    TransformSpec,
    Truncate,
)
from gateway.ports import RunResult, StagedStream
from gateway.transform.registry import output_type

SPECS: dict[str, tuple[pa.DataType, st.SearchStrategy[object], list[TransformSpec]]] = {
    "name": (
        pa.string(),
        st.sampled_from(["张三", "欧阳娜娜", "", "x", "😀😀"]),
        [Keep(), Mask(keep_first=1), Truncate(length=1), Token(), Replace(text="-"), Suppress()],
    ),
    "phone": (
        pa.string(),
        st.sampled_from(["13912345678", "１３９１２３４５６７８", "no phone", ""]),
        [MaskForm(form="phone"), Keep(), Token(alphabet="hex")],
    ),
    "born": (pa.date32(), st.dates(), [GeneralizeDate(to="five_years"), Keep(), Suppress()]),
    "fen": (pa.int64(), st.integers(-(2**62), 2**62), [Keep(), BinNumber(width="10")]),
    "sex": (pa.string(), st.sampled_from(["f", "m"]), [Keep()]),
}
SCALES = {"fen": ["1", "3", "1/100"]}


class Batched:
    """An open source over a table, in batches of ``size`` rows."""

    def __init__(self, table: pa.Table, size: int) -> None:
        self._table, self._size = table, size

    def __enter__(self) -> "Batched":
        return self

    def __exit__(self, *exc: object) -> None: ...

    def schema(self) -> pa.Schema:
        return self._table.schema

    def version(self) -> SourceVersion:
        raise AssertionError("a run reads no version: whoever opened the source did")

    def batches(
        self, columns: Sequence[str], filters: Sequence[Condition], limit: int | None
    ) -> Iterator[pa.RecordBatch]:
        part = self._table.select(list(columns)).slice(0, limit)
        yield from part.to_batches(max_chunksize=self._size)


class Kept:
    """A staging writer that keeps what was finished."""

    def __init__(self, schema: pa.Schema) -> None:
        self.schema, self._batches, self.table = schema, [], None

    def __enter__(self) -> "Kept":
        return self

    def __exit__(self, *exc: object) -> None: ...

    def write(self, batch: pa.RecordBatch) -> None:
        assert batch.schema.equals(self.schema)
        self._batches.append(batch)

    def finish(self) -> StagedStream:
        self.table = pa.Table.from_batches(self._batches, self.schema)
        return StagedStream(hashlib.sha256(b"").hexdigest(), 0, 1)


@st.composite
def plans(draw: st.DrawFn, checks: Sequence[CheckSpec] = ()) -> tuple[Plan, pa.Table]:
    names = draw(st.lists(st.sampled_from(list(SPECS)), min_size=1, max_size=5, unique=True))
    rows = draw(st.integers(0, 25))
    arrays, steps = [], []
    for name in names:
        kind, values, specs = SPECS[name]
        cells = st.lists(st.none() | values, min_size=rows, max_size=rows)
        arrays.append(pa.array(draw(cells), kind))
        spec = draw(st.sampled_from(specs))
        scale = draw(st.sampled_from(SCALES.get(name, ["1"])))
        steps.append(
            Step(
                column=name,
                published=f"out_{name}",
                source_type=str(kind),
                output_type=str(output_type(spec, scaled_type(kind, Fraction(scale)))),
                scale=scale,
                transform=spec,
                key_domain="domain" if spec.keyed else None,
                key_version=1 if spec.keyed else None,
                on_unhandled=draw(st.sampled_from(["stop", "suppress"])),
            )
        )
    plan = Plan(
        dataset="datasets/a",
        dataset_fingerprint="0" * 64,
        schema_digest="0" * 64,
        recipient="parties/b",
        purpose="p",
        steps=tuple(steps),
        checks=(SchemaCheck(), *checks),
        charge=Charge(rows=0),
        expires_after_days=1,
        limit=draw(st.none() | st.integers(1, 30)),
    )
    return plan, pa.table(arrays, names)


def run(plan: Plan, table: pa.Table, size: int, workers: int) -> tuple[RunResult, pa.Table] | str:
    writers: list[Kept] = []

    def open_writer(schema: pa.Schema) -> Kept:
        writers.append(Kept(schema))
        return writers[-1]

    executor = LocalExecutor({}, workers)
    try:
        result = executor.run(
            plan, Batched(table, size), {"domain": b"k" * 32}, open_writer, lambda _: None
        )
    except (TransformFailed, CheckFailed) as fault:
        assert all(writer.table is None for writer in writers)
        return type(fault).__name__
    [writer] = writers
    assert writer.table is not None
    return result, writer.table


@given(plans(), st.integers(1, 25), st.integers(1, 3))
def test_batches_and_threads_do_not_change_the_result(
    planned: tuple[Plan, pa.Table], size: int, workers: int
) -> None:
    plan, table = planned
    whole, cut = run(plan, table, 1000, 1), run(plan, table, size, workers)
    if isinstance(whole, str) or isinstance(cut, str):
        assert whole == cut
        return
    assert whole[1].equals(cut[1])
    assert whole[0].content_digest == cut[0].content_digest
    out = cut[1]
    assert content_digest(out.schema, out.to_batches()) == (cut[0].content_digest, cut[0].rows)
    assert [(f.name, str(f.type)) for f in out.schema] == [
        (s.published, s.output_type) for s in plan.steps
    ]
    assert out.num_rows == min(table.num_rows, plan.limit or table.num_rows)


@given(plans(), st.integers(1, 25))
def test_a_kept_column_is_the_source_and_a_suppressed_one_nothing(
    planned: tuple[Plan, pa.Table], size: int
) -> None:
    plan, table = planned
    done = run(plan, table, size, 2)
    if isinstance(done, str):
        return
    for step in plan.steps:
        source = table[step.column].slice(0, plan.limit).to_pylist()
        if isinstance(step.transform, Keep) and step.scale == "1":
            assert done[1][step.published].to_pylist() == source
        if isinstance(step.transform, Suppress):
            assert done[1][step.published].null_count == len(source)


@given(st.data(), plans(), st.integers(1, 25), st.integers(2, 4), st.booleans())
def test_no_small_cell_gets_out(
    data: st.DataObject, planned: tuple[Plan, pa.Table], size: int, least: int, drop: bool
) -> None:
    plan, table = planned
    published = [step.published for step in plan.steps]
    columns = tuple(data.draw(st.lists(st.sampled_from(published), unique=True)))
    check = MinCellCheck(size=least, columns=columns, small_cells="drop" if drop else "refuse")
    free = run(plan, table, size, 2)
    done = run(plan.but(checks=(SchemaCheck(), check)), table, size, 2)
    if isinstance(free, str):
        assert done == free
        return
    rows = free[1].to_pylist()
    cells = [tuple(row[name] for name in columns) for row in rows]
    sizes = Counter(cells)
    kept = [row for row, cell in zip(rows, cells, strict=True) if sizes[cell] >= least]
    if drop or len(kept) == len(rows):
        assert not isinstance(done, str)
        assert done[1].to_pylist() == kept
        smallest = min((n for n in sizes.values() if n >= least), default="no records")
        assert done[0].figures[-1].value == str(smallest)
    else:
        assert done == "CheckFailed"


@given(plans(), st.integers(1, 25), st.integers(1, 30))
def test_never_more_rows_than_permitted(
    planned: tuple[Plan, pa.Table], size: int, most: int
) -> None:
    plan, table = planned
    free = run(plan, table, size, 2)
    done = run(plan.but(checks=(SchemaCheck(), MaxRowsCheck(rows=most))), table, size, 2)
    if isinstance(free, str):
        assert isinstance(done, str)
    elif free[0].rows > most:
        assert done == "CheckFailed"
    else:
        assert done[1].equals(free[1])  # type: ignore[index]
