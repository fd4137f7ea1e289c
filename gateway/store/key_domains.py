"""Records of key domains; the secrets themselves are rows of ``data_key``, wrapped."""

from sqlalchemy import select

from gateway.errors import AlreadyExists
from gateway.model.key_domains import KeyDomain
from gateway.model.lifecycle import KeyDomainState
from gateway.ports import Page
from gateway.store import tables
from gateway.store.datasets import check_revision
from gateway.store.unit import Unit, read_noun


class KeyDomains(Unit):
    """Rows of ``key_domain``."""

    def put_key_domain(self, domain: KeyDomain, *, expected_revision: int | None) -> None:
        """Insert (expected None; AlreadyExists) or replace that revision (Conflict, NotFound)."""
        table = tables.key_domain
        row = {
            "state": domain.state,
            "revision": domain.revision,
            "body": domain.model_dump_json(),
        }
        stored = self._connection.execute(
            select(table.c.revision).where(table.c.name == domain.name)
        ).scalar_one_or_none()
        if expected_revision is None:
            if stored is not None:
                raise AlreadyExists(f"{domain.name} exists already", resource=domain.name)
            self._insert(table, {"name": domain.name, **row})
            return
        check_revision(domain.name, stored, expected_revision, domain.revision)
        self._writing().execute(table.update().where(table.c.name == domain.name).values(row))

    def key_domain(self, name: str) -> KeyDomain | None:
        table = tables.key_domain
        row = self._row(select(table.c.body).where(table.c.name == name))
        return None if row is None else read_noun(KeyDomain, row["body"])

    def key_domains(self, page: Page, *, state: KeyDomainState | None = None) -> list[KeyDomain]:
        """By name; ``page.after`` is a name."""
        table = tables.key_domain
        statement = select(table.c.body).order_by(table.c.name)
        if page.after is not None:
            statement = statement.where(table.c.name > page.after)
        if state is not None:
            statement = statement.where(table.c.state == state)
        limited = statement.limit(page.size)
        return [read_noun(KeyDomain, body) for body in self._bodies(limited, table.c.body)]
