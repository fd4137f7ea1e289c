"""Records of answers; their tables are staged, encrypted, as those of releases are."""

from sqlalchemy import select

from gateway.model.answers import AnswerRecord
from gateway.model.lifecycle import AnswerState
from gateway.ports import Page
from gateway.store import tables
from gateway.store.unit import Unit, microseconds, read_noun


class Answers(Unit):
    """Rows of ``answer``."""

    def put_answer(self, answer: AnswerRecord) -> None:
        """Insert, or replace the record of that name."""
        table = tables.answer
        row = {
            "consumer": answer.consumer,
            "dataset": answer.request.dataset,
            "state": answer.state,
            "same": answer.same,
            "created": microseconds(answer.created),
            "body": answer.model_dump_json(),
        }
        update = table.update().where(table.c.name == answer.name).values(row)
        if not self._writing().execute(update).rowcount:
            self._insert(table, {"name": answer.name, **row})

    def answer(self, name: str, *, lock: bool = False) -> AnswerRecord | None:
        """``lock`` needs a writing transaction: nobody else changes the record before its end."""
        statement = select(tables.answer.c.body).where(tables.answer.c.name == name)
        if lock:
            self._writing()
            statement = statement.with_for_update()
        row = self._row(statement)
        return None if row is None else read_noun(AnswerRecord, row["body"])

    def answers(
        self,
        page: Page,
        *,
        consumer: str | None = None,
        dataset: str | None = None,
        holder: str | None = None,
        state: AnswerState | None = None,
    ) -> list[AnswerRecord]:
        """Newest first; ``holder`` is who holds the data set now; ``page.after`` is a name."""
        table = tables.answer
        statement = select(table.c.body)
        if holder is not None:
            held = select(tables.dataset.c.name).where(tables.dataset.c.holder == holder)
            statement = statement.where(table.c.dataset.in_(held))
        filters = {"consumer": consumer, "dataset": dataset, "state": state}
        found = self._newest(statement, table, filters, page)
        return [read_noun(AnswerRecord, body) for body in found]

    def answered(self, same: str) -> AnswerRecord | None:
        """The newest sealed answer to the same question."""
        table = tables.answer
        statement = (
            select(table.c.body)
            .where(table.c.same == same, table.c.state == AnswerState.SEALED)
            .order_by(table.c.created.desc(), table.c.name.desc())
            .limit(1)
        )
        row = self._row(statement)
        return None if row is None else read_noun(AnswerRecord, row["body"])
