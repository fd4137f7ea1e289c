"""Grants: optimistic replacement by revision, newest first in lists."""

from sqlalchemy import select

from gateway.errors import AlreadyExists
from gateway.model.access import Grant
from gateway.model.lifecycle import GrantState
from gateway.ports import Page
from gateway.store import tables
from gateway.store.datasets import check_revision
from gateway.store.unit import Unit, microseconds, read_noun


class Grants(Unit):
    """Rows of ``access_grant``."""

    def put_grant(self, grant: Grant, *, expected_revision: int | None) -> None:
        """Insert (expected None; AlreadyExists) or replace that revision (Conflict, NotFound).

        A replacement bears the next revision.
        """
        table = tables.grant
        row = {
            "consumer": grant.consumer,
            "dataset": grant.dataset,
            "state": grant.state,
            "revision": grant.revision,
            "created": microseconds(grant.created),
            "affected": int(bool(grant.affected)),
            "body": grant.model_dump_json(),
        }
        stored = self._connection.execute(
            select(table.c.revision).where(table.c.name == grant.name)
        ).scalar_one_or_none()
        if expected_revision is None:
            if stored is not None:
                raise AlreadyExists(f"{grant.name} exists already", resource=grant.name)
            self._insert(table, {"name": grant.name, **row})
            return
        check_revision(grant.name, stored, expected_revision, grant.revision)
        self._writing().execute(table.update().where(table.c.name == grant.name).values(row))

    def grant(self, name: str) -> Grant | None:
        row = self._row(select(tables.grant.c.body).where(tables.grant.c.name == name))
        return None if row is None else read_noun(Grant, row["body"])

    def grants(
        self,
        page: Page,
        *,
        consumer: str | None = None,
        dataset: str | None = None,
        holder: str | None = None,
        state: GrantState | None = None,
        affected: bool = False,
    ) -> list[Grant]:
        """Newest first; ``holder`` is who holds the data set now; ``affected``: only those that a
        change of verdicts affects; ``page.after`` is a name."""
        table = tables.grant
        statement = select(table.c.body)
        if affected:
            statement = statement.where(table.c.affected == 1)
        if holder is not None:
            held = select(tables.dataset.c.name).where(tables.dataset.c.holder == holder)
            statement = statement.where(table.c.dataset.in_(held))
        filters = {"consumer": consumer, "dataset": dataset, "state": state}
        return [read_noun(Grant, body) for body in self._newest(statement, table, filters, page)]
