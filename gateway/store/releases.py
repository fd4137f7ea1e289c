"""Releases, and the requests that made resources."""

from datetime import datetime

from sqlalchemy import or_, select

from gateway.errors import AlreadyExists
from gateway.model.lifecycle import ReleaseState
from gateway.model.release import Release
from gateway.ports import Page
from gateway.store import tables
from gateway.store.unit import Unit, microseconds, read_noun


class Releases(Unit):
    """Rows of ``release`` and ``remembered``."""

    def put_release(self, release: Release) -> None:
        """Insert, or replace the record of that name."""
        table = tables.release
        row = {
            "consumer": release.consumer,
            "dataset": release.request.dataset,
            "state": release.state,
            "created": microseconds(release.created),
            "body": release.model_dump_json(),
        }
        update = table.update().where(table.c.name == release.name).values(row)
        if not self._writing().execute(update).rowcount:
            self._insert(table, {"name": release.name, **row})

    def release(self, name: str, *, lock: bool = False) -> Release | None:
        """``lock`` needs a writing transaction: nobody else changes the record before its end."""
        statement = select(tables.release.c.body).where(tables.release.c.name == name)
        if lock:
            self._writing()
            statement = statement.with_for_update()
        row = self._row(statement)
        return None if row is None else read_noun(Release, row["body"])

    def releases(
        self,
        page: Page,
        *,
        consumer: str | None = None,
        dataset: str | None = None,
        holder: str | None = None,
        state: ReleaseState | None = None,
    ) -> list[Release]:
        """Newest first; ``holder`` is who holds the data set now; ``page.after`` is a name."""
        table = tables.release
        statement = select(table.c.body)
        if holder is not None:
            held = select(tables.dataset.c.name).where(tables.dataset.c.holder == holder)
            statement = statement.where(table.c.dataset.in_(held))
        filters = {"consumer": consumer, "dataset": dataset, "state": state}
        return [read_noun(Release, body) for body in self._newest(statement, table, filters, page)]

    def unfinished(self, now: datetime) -> list[str]:
        """Names of OPENED or RUNNING releases without a lease that still holds, oldest first."""
        table, lease = tables.release, tables.lease
        statement = (
            select(table.c.name)
            .join(lease, lease.c.resource == table.c.name, isouter=True)
            .where(table.c.state.in_([ReleaseState.OPENED, ReleaseState.RUNNING]))
            .where(or_(lease.c.until.is_(None), lease.c.until <= microseconds(now)))
            .order_by(table.c.created, table.c.name)
        )
        return list(self._connection.execute(statement).scalars())

    def remember(
        self, party: str, method: str, request_id: str, digest: str, resource: str
    ) -> None:
        """Keep which resource a request made. AlreadyExists when that request is known."""
        if self.remembered(party, method, request_id) is not None:
            raise AlreadyExists("this request_id was used before")
        self._insert(
            tables.remembered,
            {
                "party": party,
                "method": method,
                "request_id": request_id,
                "digest": digest,
                "resource": resource,
            },
        )

    def remembered(self, party: str, method: str, request_id: str) -> tuple[str, str] | None:
        """(digest of the request, resource it made), None when new."""
        table = tables.remembered
        row = self._row(
            select(table.c.digest, table.c.resource).where(
                table.c.party == party,
                table.c.method == method,
                table.c.request_id == request_id,
            )
        )
        return None if row is None else (row["digest"], row["resource"])
