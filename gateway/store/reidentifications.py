"""Requests for re-identification, and the keyed digests of tokens and persons they were about."""

from collections.abc import Collection
from datetime import datetime
from typing import Literal

from sqlalchemy import func, or_, select

from gateway.errors import AlreadyExists
from gateway.model.lifecycle import ReidentificationState
from gateway.model.reidentification import Reidentification
from gateway.ports import Page, ReversalUsage
from gateway.store import tables
from gateway.store.datasets import check_revision
from gateway.store.unit import Unit, microseconds, read_noun

_FREED = (ReidentificationState.REFUSED, ReidentificationState.EXPIRED)
"""States in which nothing was taken back, nor can be."""


class Reidentifications(Unit):
    """Rows of ``reidentification``, ``reversal_digest`` and ``reversal_search``."""

    def put_reidentification(
        self, reidentification: Reidentification, *, expected_revision: int | None
    ) -> None:
        """Insert (expected None; AlreadyExists) or replace that revision (Conflict, NotFound)."""
        table = tables.reidentification
        name = reidentification.name
        row = {
            "requester": reidentification.requester,
            "dataset": reidentification.dataset,
            "state": reidentification.state,
            "tokens": reidentification.tokens,
            "revision": reidentification.revision,
            "created": microseconds(reidentification.created),
            "body": reidentification.model_dump_json(),
        }
        stored = self._connection.execute(
            select(table.c.revision).where(table.c.name == name)
        ).scalar_one_or_none()
        if expected_revision is None:
            if stored is not None:
                raise AlreadyExists(f"{name} exists already", resource=name)
            self._insert(table, {"name": name, **row})
            return
        check_revision(name, stored, expected_revision, reidentification.revision)
        self._writing().execute(table.update().where(table.c.name == name).values(row))

    def reidentification(self, name: str) -> Reidentification | None:
        table = tables.reidentification
        row = self._row(select(table.c.body).where(table.c.name == name))
        return None if row is None else read_noun(Reidentification, row["body"])

    def reidentifications(
        self,
        page: Page,
        *,
        involved: str | None = None,
        state: ReidentificationState | None = None,
        digest: str | None = None,
    ) -> list[Reidentification]:
        """Newest first; ``involved`` is who asked, or who holds the data set now; ``digest``: of
        a token or a person; ``page.after`` is a name."""
        table = tables.reidentification
        statement = select(table.c.body)
        if involved is not None:
            held = select(tables.dataset.c.name).where(tables.dataset.c.holder == involved)
            statement = statement.where(
                or_(table.c.requester == involved, table.c.dataset.in_(held))
            )
        if digest is not None:
            kept = tables.reversal_digest
            about = select(kept.c.reidentification).where(kept.c.digest == digest)
            statement = statement.where(table.c.name.in_(about))
        found = self._newest(statement, table, {"state": state}, page)
        return [read_noun(Reidentification, body) for body in found]

    def reversal_usage(self, requester: str, since: datetime) -> ReversalUsage:
        """Requests at or after ``since``, and the tokens of those that were not refused."""
        table = tables.reidentification
        counted = func.coalesce(func.sum(table.c.tokens).filter(table.c.state.not_in(_FREED)), 0)
        row = self._connection.execute(
            select(func.count(), counted).where(
                table.c.requester == requester, table.c.created >= microseconds(since)
            )
        ).one()
        return ReversalUsage(requests=int(row[0]), tokens=int(row[1]))

    def reversal_searches(self, party: str, since: datetime) -> int:
        """How many searches of that party are kept at or after ``since``."""
        table = tables.reversal_search
        counted = select(func.count()).where(
            table.c.party == party, table.c.at >= microseconds(since)
        )
        return int(self._connection.execute(counted).scalar_one())

    def add_reversal_search(self, party: str, at: datetime) -> None:
        """Keep that the party searched."""
        self._insert(tables.reversal_search, {"party": party, "at": microseconds(at)})

    def add_reversal_digests(
        self, reidentification: str, subject: Literal["token", "person"], digests: Collection[str]
    ) -> None:
        """Keep keyed digests by which the request is found again."""
        for digest in sorted(digests):
            self._insert(
                tables.reversal_digest,
                {"reidentification": reidentification, "digest": digest, "subject": subject},
            )

    def is_about(self, reidentification: str, digests: Collection[str]) -> bool:
        """Whether one of the digests is kept for that request."""
        kept = tables.reversal_digest
        found = select(kept.c.digest).where(
            kept.c.reidentification == reidentification, kept.c.digest.in_(sorted(digests))
        )
        return self._connection.execute(found.limit(1)).first() is not None
