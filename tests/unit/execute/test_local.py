"""The executor: planned output or nothing, order kept, everything stopped and joined."""

import threading
from collections.abc import Callable, Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from gateway.errors import (
    Cancelled,
    CheckFailed,
    GatewayError,
    HolderError,
    InvalidRequest,
    KeyUnavailable,
    SourceChanged,
    StagingUnavailable,
    TransformFailed,
)
from gateway.execute.local import LocalExecutor
from gateway.model.catalog import ParquetSource, SourceVersion
from gateway.model.conditions import Condition, Operator
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
    Suppress,
    Token,
    TransformSpec,
)
from gateway.ports import RunResult
from gateway.transform.registry import output_type

ROWS = 150_000
TABLE = pa.table(
    {
        "id": pa.array([f"{i:018d}" for i in range(ROWS)]),
        "phone": ["13912345678"] * ROWS,
        "born": pa.array([i % 20_000 for i in range(ROWS)], pa.int32()).cast(pa.date32()),
        "fen": pa.array([None if i % 7 == 0 else i for i in range(ROWS)], pa.int64()),
        "district": [("东城", "西城", None)[i % 3] for i in range(ROWS)],
    }
)
RELEASE = "releases/one"


class TableSource:
    """An open source over a table in memory; ``trouble`` is raised after so many batches."""

    def __init__(
        self, table: pa.Table, trouble: BaseException | None = None, after: int = 1
    ) -> None:
        self.table = table
        self.asked: list[list[str]] = []
        self.read = 0
        self.closed = 0
        self._trouble, self._after = trouble, after

    def __enter__(self) -> "TableSource":
        return self

    def __exit__(self, *exc: object) -> None: ...

    def schema(self) -> pa.Schema:
        return self.table.schema

    def version(self) -> SourceVersion:
        return SourceVersion(fingerprint="0" * 64, schema_digest="0" * 64, rows=0)

    def batches(
        self, columns: Sequence[str], filters: Sequence[Condition], limit: int | None
    ) -> Iterator[pa.RecordBatch]:
        self.asked.append(list(columns))
        part = self.table.select(list(columns)).slice(0, limit)
        try:
            for count, batch in enumerate(part.to_batches(max_chunksize=10_000)):
                if self._trouble is not None and count >= self._after:
                    raise self._trouble
                self.read += 1
                yield batch
        finally:
            self.closed += 1


def step(
    column: str,
    transform: TransformSpec,
    published: str | None = None,
    scale: str = "1",
    unhandled: str = "stop",
    schema: pa.Schema = TABLE.schema,
) -> Step:
    from fractions import Fraction

    kind = schema.field(column).type
    return Step(
        column=column,
        published=published or column,
        source_type=str(kind),
        output_type=str(output_type(transform, scaled_type(kind, Fraction(scale)))),
        scale=scale,
        transform=transform,
        key_domain="domain" if transform.keyed else None,
        key_version=1 if transform.keyed else None,
        on_unhandled=unhandled,
    )


def plan(*steps: Step, checks: Sequence[CheckSpec] = (), **other: object) -> Plan:
    return Plan(
        dataset="datasets/a",
        dataset_fingerprint="0" * 64,
        schema_digest="0" * 64,
        recipient="parties/b",
        purpose="p",
        steps=steps,
        checks=(SchemaCheck(), *checks),
        charge=Charge(rows=0),
        expires_after_days=1,
        **other,
    )


Run = Callable[..., RunResult]


@pytest.fixture
def run(staging) -> Run:
    def run(
        planned: Plan,
        source=None,
        progress=lambda _: None,
        workers: int = 2,
        order_key: bytes | None = None,
    ) -> RunResult:
        return LocalExecutor({}, workers).run(
            planned,
            source or TableSource(TABLE),
            {"domain": b"k" * 32},
            lambda schema: staging.create(RELEASE, b"", schema),
            progress,
            order_key,
        )

    return run


@pytest.fixture(autouse=True)
def _no_thread_stays() -> Iterator[None]:
    yield
    assert [t.name for t in threading.enumerate() if t.name.startswith("gateway-")] == []


ALL = plan(
    step("id", Token(), "person"),
    step("phone", MaskForm(form="phone")),
    step("born", GeneralizeDate(to="year")),
    step("fen", BinNumber(width="100"), "income", scale="1/100"),
    step("district", Keep()),
    step("id", Suppress(), "again"),
)


@pytest.mark.parametrize("workers", [1, 2, 4])
def test_the_planned_columns_come_out_in_order(run: Run, staging, workers: int) -> None:
    source = TableSource(TABLE)
    result = run(ALL, source, workers=workers)
    out = staging.table(RELEASE)
    assert source.asked == [["id", "phone", "born", "fen", "district"]]
    assert [(f.name, str(f.type)) for f in out.schema] == [
        (s.published, s.output_type) for s in ALL.steps
    ]
    assert out.num_rows == result.rows == ROWS
    assert out["district"] == TABLE["district"]
    assert out["person"].null_count == 0
    assert len(pc.unique(out["person"])) == ROWS
    assert set(out["phone"].to_pylist()) == {"139******78"}
    assert out["again"].null_count == ROWS
    assert out["born"].to_pylist()[:2] == ["1970", "1970"]
    assert out["income"].null_count == TABLE["fen"].null_count
    assert result.content_digest == content_digest(out.schema, out.to_batches())[0]
    assert result.figures[0].passed
    assert (result.figures[0].check, result.figures[0].value) == ("schema", "6")
    assert source.closed == 1


def test_progress_counts_what_was_published(run: Run) -> None:
    seen: list[int] = []
    run(plan(step("id", Keep())), progress=seen.append)
    assert seen == list(range(10_000, ROWS + 1, 10_000))


def test_nothing_selected_is_an_empty_result(run: Run, staging) -> None:
    result = run(ALL, TableSource(TABLE.slice(0, 0)))
    assert result.rows == 0
    assert staging.table(RELEASE).num_rows == 0


def test_filters_and_limit_reach_the_source(
    run: Run, staging, opened, registered, root: Path
) -> None:
    pq.write_table(TABLE, root / "r.parquet")
    source = ParquetSource(path="r.parquet")
    wanted = Condition(column="born", operator=Operator.LESS, values=("1970-01-03",))
    with opened(source, registered(source)) as found:
        result = run(plan(step("id", Keep()), filters=(wanted,), limit=3), found)
    assert result.rows == 3
    assert [int(text) for text in staging.table(RELEASE)["id"].to_pylist()] == [0, 1, 20_000]


STRANGE = TABLE.slice(0, 30_000).set_column(
    1, "phone", pa.array([None, "no phone 张三", "13912345678"] * 10_000)
)


def test_an_unhandled_value_stops_the_run_and_is_not_told(run: Run, staging) -> None:
    with pytest.raises(TransformFailed) as caught:
        run(plan(step("phone", MaskForm(form="phone"), "mobile")), TableSource(STRANGE))
    assert caught.value.message == (
        "column mobile: the transform mask_form met a value that it cannot handle, "
        "and the policy says stop: the holder corrects such values, or an officer sets "
        "on_unhandled: suppress"
    )
    assert dict(caught.value.metadata) == {"column": "mobile", "transform": "mask_form"}
    assert not staging.names()


def test_an_unhandled_value_is_suppressed_when_the_policy_says_so(run: Run, staging) -> None:
    run(
        plan(step("phone", MaskForm(form="phone"), unhandled="suppress")),
        TableSource(STRANGE),
    )
    assert staging.table(RELEASE)["phone"].to_pylist()[:3] == [None, None, "139******78"]


@pytest.mark.parametrize("unhandled", ["stop", "suppress"])
def test_a_value_that_outgrows_its_unit_is_unhandled(run: Run, staging, unhandled: str) -> None:
    table = pa.table({"n": pa.array([1, None, 2**60], pa.int64())})
    planned = plan(step("n", Keep(), scale="1000", unhandled=unhandled, schema=table.schema))
    if unhandled == "suppress":
        run(planned, TableSource(table))
        assert staging.table(RELEASE)["n"].to_pylist() == [1000, None, None]
    else:
        with pytest.raises(TransformFailed, match="column n"):
            run(planned, TableSource(table))


def test_a_source_of_another_type_is_not_transformed(run: Run, staging) -> None:
    table = TABLE.set_column(0, "id", pa.array(range(ROWS), pa.int64()))
    with pytest.raises(SourceChanged, match="column id is not of the planned type"):
        run(plan(step("id", Keep())), TableSource(table))
    assert not staging.names()


def test_a_plan_that_does_not_fit_the_transforms_fails_before_reading(run: Run) -> None:
    source = TableSource(TABLE)
    wrong = step("id", Keep()).but(output_type="int64")
    with pytest.raises(TransformFailed, match="does not give the planned type"):
        run(plan(wrong), source)
    impossible = step("id", Keep()).but(transform=GeneralizeDate(to="year"))
    with pytest.raises(TransformFailed, match="generalize_date cannot run"):
        run(plan(impossible), source)
    keyless = step("id", Token()).but(key_domain="other", key_version=1)
    with pytest.raises(KeyUnavailable, match="column id"):
        run(plan(keyless), source)
    assert source.asked == []


# ---- checks --------------------------------------------------------------------------------------


def cell(size: int, small: str, *columns: str) -> MinCellCheck:
    return MinCellCheck(size=size, columns=columns, small_cells=small)


UNEVEN = pa.table(
    {"sex": ["f"] * 50_000 + ["m"] * 3 + [None] * 20_000, "n": pa.array(range(70_003), pa.int64())}
)
SEX, N = (
    step("sex", Keep(), schema=UNEVEN.schema),
    step("n", Keep(), "number", schema=UNEVEN.schema),
)


def test_too_many_rows_are_refused_and_nothing_stays(run: Run, staging) -> None:
    source = TableSource(pa.concat_tables([UNEVEN] * 5))  # 40 batches
    with pytest.raises(CheckFailed, match="more rows than the policy permits"):
        run(plan(SEX, checks=[MaxRowsCheck(rows=5_000)]), source)
    assert not staging.names()
    assert source.read < 12
    assert source.closed == 1


def test_small_cells_refuse_the_release(run: Run, staging) -> None:
    with pytest.raises(CheckFailed, match="fewer than 4 records"):
        run(plan(SEX, N, checks=[cell(4, "refuse", "sex")]), TableSource(UNEVEN))
    assert not staging.names()


def test_small_cells_are_dropped_and_the_rest_is_verified(run: Run, staging) -> None:
    source = TableSource(UNEVEN)
    result = run(plan(N, SEX, checks=[cell(4, "drop", "sex")]), source)
    out = staging.table(RELEASE)
    assert out["number"].to_pylist() == [*range(50_000), *range(50_003, 70_003)]
    assert source.asked == [["sex"], ["n", "sex"]]
    assert source.closed == 2
    assert [(f.check, f.value) for f in result.figures] == [("schema", "2"), ("min_cell", "20000")]
    assert result.rows == 70_000


def test_cells_are_those_of_the_published_values(run: Run, staging) -> None:
    table = pa.table({"born": [date(1990, 1, 1), date(1990, 5, 5), date(1991, 1, 1)]})
    by_year = step("born", GeneralizeDate(to="year"), "year", schema=table.schema)
    run(plan(by_year, checks=[cell(2, "drop", "year")]), TableSource(table))
    assert staging.table(RELEASE)["year"].to_pylist() == ["1990", "1990"]


def test_a_dropper_that_fails_is_caught_by_the_check(
    run: Run, staging, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.execute.cells.SmallCells.leave_out", lambda _, batch: batch)
    with pytest.raises(CheckFailed, match="fewer than 4 records"):
        run(plan(SEX, checks=[cell(4, "drop", "sex")]), TableSource(UNEVEN))
    assert not staging.names()


def test_a_source_that_shrinks_between_the_readings_is_caught(run: Run, staging) -> None:
    class Shrinking(TableSource):
        def batches(self, columns, filters, limit):
            if self.asked:
                self.table = self.table.slice(0, 50_004)  # one of the nulls only
            return super().batches(columns, filters, limit)

    with pytest.raises(CheckFailed):
        run(plan(SEX, checks=[cell(4, "drop", "sex")]), Shrinking(UNEVEN))
    assert not staging.names()


def test_a_transform_that_adds_a_column_type_is_caught(
    run: Run, staging, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "gateway.execute.steps.ColumnStep.apply",
        lambda _, column: column.cast(pa.large_string()),
    )
    with pytest.raises(CheckFailed, match="exactly the planned columns"):
        run(plan(SEX), TableSource(UNEVEN))
    assert not staging.names()


# ---- stopping ------------------------------------------------------------------------------------


@pytest.mark.parametrize("small", ["drop", "refuse"])
def test_cancelling_stops_everything(run: Run, staging, small: str) -> None:
    source = TableSource(TABLE)

    def stop(rows: int) -> None:
        raise Cancelled("stop")

    with pytest.raises(Cancelled):
        run(plan(step("district", Keep()), checks=[cell(2, small, "district")]), source, stop)
    assert not staging.names()
    assert source.read < 10
    assert source.closed == 1


def test_a_window_that_nobody_waits_for_is_not_completed(
    run: Run, staging, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A window of rows whose texts are searched takes minutes: a stop is heard before."""
    monkeypatch.setattr("gateway.execute.pipeline._SECONDS", 0.001)
    asked = threading.Event()

    class Slow(TableSource):
        def batches(self, *asked_for: Any) -> Iterator[pa.RecordBatch]:
            for batch in super().batches(*asked_for):
                yield batch
                if self.read > 5:
                    asked.wait(10)

    def stop(rows: int) -> None:
        if not asked.is_set():
            asked.set()
            raise Cancelled("stop")

    source = Slow(pa.table({"n": pa.array(range(800_000), pa.int64())}))
    kept = plan(step("n", Keep(), schema=source.table.schema))
    with pytest.raises(Cancelled):
        run(kept, source, stop, order_key=b"o" * 32)
    assert not staging.names()
    assert source.read < 10  # 14 are a window
    assert source.closed == 1


@pytest.mark.parametrize(
    ("trouble", "seen"),
    [
        (SourceChanged("changed"), SourceChanged),
        (pa.ArrowInvalid("secret 张三"), HolderError),
        (ValueError("secret 张三"), HolderError),
        (MemoryError("secret 张三"), HolderError),
    ],
)
def test_trouble_in_the_source_stops_the_run(run: Run, staging, trouble, seen) -> None:
    source = TableSource(TABLE, trouble, after=5)
    with pytest.raises(seen) as caught:
        run(ALL, source)
    assert "secret" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__ or caught.value is trouble
    assert not staging.names()
    assert source.closed == 1


def test_trouble_in_a_transform_is_told_without_its_text(
    run: Run, staging, monkeypatch: pytest.MonkeyPatch
) -> None:
    def explode(self: object, column: pa.Array) -> None:
        raise pa.ArrowInvalid("cannot parse 张三")

    monkeypatch.setattr("gateway.transform.whole.KeepColumn.run", explode)
    with pytest.raises(TransformFailed) as caught:
        run(plan(step("id", Keep())))
    assert caught.value.message == "column id: the transform keep failed; nothing was released"
    assert caught.value.__suppress_context__
    assert not staging.names()


@pytest.mark.parametrize("where", ["write", "finish"])
def test_trouble_in_staging_is_told_without_its_text(
    run: Run, staging, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    def explode(*args: object) -> None:
        raise OSError(28, "No space left on /secret/path")

    monkeypatch.setattr(f"{type(staging).__module__}.MemoryWriter.{where}", explode, raising=True)
    with pytest.raises(StagingUnavailable) as caught:
        run(ALL)
    assert "secret" not in str(caught.value)
    assert not staging.names()


def test_a_full_disk_leaves_nothing(run: Run, staging) -> None:
    staging.room = 3
    with pytest.raises(StagingUnavailable, match="full"):
        run(ALL)
    assert not staging.names()


def test_a_condition_that_does_not_fit_is_the_callers(run: Run, opened, registered, root) -> None:
    pq.write_table(TABLE, root / "r.parquet")
    source = ParquetSource(path="r.parquet")
    wrong = Condition(column="born", operator=Operator.LESS, values=("soon",))
    with opened(source, registered(source)) as found, pytest.raises(InvalidRequest, match="born"):
        run(plan(step("id", Keep()), filters=(wrong,)), found)


def test_one_worker_at_least() -> None:
    with pytest.raises(ValueError, match="one worker"):
        LocalExecutor({}, 0)


def test_nothing_shows_a_value(run: Run) -> None:
    from gateway.execute.steps import ColumnStep

    shown = repr(ColumnStep(step("id", Token()), {"domain": b"k" * 32}, {}))
    assert shown == "ColumnStep('id' to 'id')"
    assert issubclass(TransformFailed, GatewayError)


def test_a_mask_masks(run: Run, staging) -> None:
    run(plan(step("id", Mask(keep_first=2))))
    assert staging.table(RELEASE)["id"][0].as_py() == "00***"
