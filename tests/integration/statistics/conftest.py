"""An office that answers questions: a data set with persons, a grant, and budgets."""

from datetime import timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from gateway.model.budgets import BudgetScope, Limits
from gateway.model.catalog import DataSetDraft, ParquetSource, Party
from gateway.model.statistics import StatisticsRequest
from gateway.testing import residents

COUNTING = (Path(__file__).parents[1] / "statistics.yaml").read_text("utf-8")
PURPOSE = "public-health-research"
SQL = "SELECT COUNT(*) AS n FROM residents"


class Bureau:
    """What questions need of an office, and questions."""

    def __init__(self, office) -> None:
        self.office = office
        self.rooms = office.rooms
        self.statistics = office.rooms.statistics

    columns = ("resident_id", "district", "sex", "income")

    def permitted(self, rows=500, project=None, **draft) -> None:
        """Registered, permitted and granted: nothing lacks but budgets."""
        self.register(rows, **draft)
        self.office.activate(COUNTING)
        self.office.grant(self.office.request(self.columns, project=project))

    def prepare(self, epsilon="10", delta="1e-6", all_epsilon="50", **fields) -> None:
        """With both budgets."""
        self.permitted(**fields)
        mine = BudgetScope.of_recipient("datasets/residents", self.office.consumer.name)
        self.budget(mine, epsilon, delta)
        self.budget(BudgetScope.of_dataset("datasets/residents"), all_epsilon, delta)

    def write(self, table: pa.Table) -> None:
        pq.write_table(table, self.office.data / "residents.parquet")

    def staged(self) -> set[str]:
        return {file.name for file in (self.office.folder / "state" / "staging").iterdir()}

    @staticmethod
    def days(count: int) -> timedelta:
        return timedelta(days=count)

    def register(self, rows=500, **fields) -> None:
        self.write(residents(rows, 7))
        draft = DataSetDraft(
            name="datasets/residents",
            title="residents",
            source=ParquetSource(path="residents.parquet"),
            privacy_unit="resident_id",
            **fields,
        )
        self.rooms.catalog.register(self.office.holder, draft, self.office.key())
        self.office.classified(draft.name)

    def budget(self, scope: BudgetScope, epsilon="10", delta="1e-6") -> None:
        limits = Limits(epsilon=epsilon, delta=delta)
        key = self.office.key
        view = self.statistics.budgets.propose(self.office.officer, scope, limits, "a study", key())
        self.statistics.budgets.approve(
            self.office.second_officer, view.budget.name, view.budget.revision, key()
        )

    def request(self, sql=SQL, epsilon="0.5", **fields) -> StatisticsRequest:
        return StatisticsRequest(
            dataset="datasets/residents", sql=sql, purpose=PURPOSE, epsilon=epsilon, **fields
        )

    def ask(self, sql=SQL, epsilon="0.5", key=None, who: Party | None = None, **fields):
        who = who or self.office.consumer
        settled = self.statistics.asking.ask(
            who, self.request(sql, epsilon, **fields), key or self.office.key()
        )
        return self.statistics.answering.answer(settled.record, settled.owner)

    def table(self, record, who: Party | None = None) -> pa.Table:
        chunks = self.statistics.answers.read(who or self.office.consumer, record.name)
        return pa.ipc.open_stream(b"".join(chunk.payload for chunk in chunks)).read_all()


@pytest.fixture
def bureau(office) -> Bureau:
    return Bureau(office)
