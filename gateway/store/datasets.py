"""Data sets: optimistic replacement by revision, and search."""

import unicodedata
from datetime import datetime

from sqlalchemy import select

from gateway.errors import AlreadyExists, Conflict, NotFound
from gateway.model.catalog import DataSet
from gateway.model.lifecycle import DataSetState
from gateway.ports import Page
from gateway.store import tables
from gateway.store.unit import Unit, microseconds, read_noun


class DataSets(Unit):
    """Rows of ``dataset``."""

    def put_dataset(self, dataset: DataSet, *, expected_revision: int | None) -> None:
        """Insert (expected None; AlreadyExists) or replace that revision (Conflict, NotFound).

        A replacement bears the next revision, otherwise two writers would not notice each other.
        """
        table = tables.dataset
        row = {
            "holder": dataset.holder,
            "state": dataset.state,
            "revision": dataset.revision,
            "rules": dataset.judged.rules if dataset.judged is not None else "",
            "lapses": None if dataset.lapses is None else microseconds(dataset.lapses),
            "search": _searched(dataset),
            "body": dataset.model_dump_json(),
        }
        stored = self._connection.execute(
            select(table.c.revision).where(table.c.name == dataset.name)
        ).scalar_one_or_none()
        if expected_revision is None:
            if stored is not None:
                raise AlreadyExists(f"{dataset.name} exists already", resource=dataset.name)
            self._insert(table, {"name": dataset.name, **row})
            return
        check_revision(dataset.name, stored, expected_revision, dataset.revision)
        self._writing().execute(table.update().where(table.c.name == dataset.name).values(row))

    def dataset(self, name: str) -> DataSet | None:
        row = self._row(select(tables.dataset.c.body).where(tables.dataset.c.name == name))
        return None if row is None else read_noun(DataSet, row["body"])

    def datasets(
        self,
        page: Page,
        *,
        text: str = "",
        holder: str | None = None,
        state: DataSetState | None = None,
    ) -> list[DataSet]:
        """By name, those that contain every word of ``text``; ``page.after`` is a name.

        Words are compared without regard to case and to full or half width.
        """
        table = tables.dataset
        statement = select(table.c.body).order_by(table.c.name).limit(page.size)
        if page.after is not None:
            statement = statement.where(table.c.name > page.after)
        if holder is not None:
            statement = statement.where(table.c.holder == holder)
        if state is not None:
            statement = statement.where(table.c.state == state)
        for word in _folded(text).split():
            statement = statement.where(table.c.search.contains(word, autoescape=True))
        return [read_noun(DataSet, body) for body in self._bodies(statement, table.c.body)]

    def judged_otherwise(self, rules: str) -> list[str]:
        """Names of data sets in use whose verdicts were made under other rules."""
        table = tables.dataset
        statement = (
            select(table.c.name)
            .where(table.c.rules.not_in(["", rules]))
            .where(table.c.state != DataSetState.WITHDRAWN)
            .order_by(table.c.name)
        )
        return list(self._connection.execute(statement).scalars())

    def lapsed(self, now: datetime) -> list[str]:
        """Names of data sets with a declaration that no longer holds."""
        table = tables.dataset
        statement = select(table.c.name).where(table.c.lapses <= microseconds(now))
        return list(self._connection.execute(statement.order_by(table.c.name)).scalars())


def check_revision(name: str, stored: int | None, expected: int, written: int) -> None:
    """Whether a record at revision ``stored`` may be replaced by one at ``written``."""
    if stored is None:
        raise NotFound.resource(name)
    if stored != expected:
        raise Conflict(f"{name} was changed since it was read: read it again", resource=name)
    if written != expected + 1:
        raise ValueError(
            f"{name}: a replacement of revision {expected} has revision {expected + 1}"
        )


def _searched(dataset: DataSet) -> str:
    columns = (
        part
        for column in dataset.columns
        for part in (column.name, column.published_name, column.description)
    )
    parts = (dataset.name, dataset.title, dataset.description, *dataset.keywords, *columns)
    return _folded("\n".join(parts))


def _folded(text: str) -> str:
    # PostgreSQL's text cannot hold U+0000.
    return unicodedata.normalize("NFKC", text).casefold().replace("\0", "")
