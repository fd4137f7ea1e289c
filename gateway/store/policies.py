"""Versions of policies: appended, and never changed but in state and activation."""

from sqlalchemy import ColumnElement, and_, func, or_, select

from gateway.errors import AlreadyExists, Conflict, NotFound
from gateway.model.lifecycle import PolicyState
from gateway.model.policy import StoredPolicy
from gateway.ports import Page
from gateway.store import tables
from gateway.store.unit import Unit, read_noun


class Policies(Unit):
    """Rows of ``policy``."""

    def add_policy(self, policy: StoredPolicy) -> None:
        """Append the next version. AlreadyExists for one that is there, Conflict for a gap."""
        table = tables.policy
        newest = self._connection.execute(
            select(func.coalesce(func.max(table.c.version), 0)).where(table.c.name == policy.name)
        ).scalar_one()
        if policy.version <= newest:
            raise AlreadyExists(
                f"{policy.name} version {policy.version} exists already", resource=policy.name
            )
        if policy.version > newest + 1:
            raise Conflict(f"{policy.name} has no version {newest + 1} yet", resource=policy.name)
        self._insert(
            table,
            {
                "name": policy.name,
                "version": policy.version,
                "state": policy.state,
                "body": policy.model_dump_json(),
            },
        )

    def set_policy_state(self, policy: StoredPolicy) -> None:
        """Write state and activation. Conflict when anything else differs from what is stored."""
        stored = self.policy(policy.name, policy.version)
        if stored is None:
            raise NotFound.resource(policy.name)
        unchanged = policy.but(
            state=stored.state, activated_by=stored.activated_by, activated=stored.activated
        )
        if unchanged != stored:
            raise Conflict(
                f"{policy.name} version {policy.version} cannot be changed: add a version",
                resource=policy.name,
            )
        table = tables.policy
        self._writing().execute(
            table.update()
            .where(table.c.name == policy.name, table.c.version == policy.version)
            .values(state=policy.state, body=policy.model_dump_json())
        )

    def policy(self, name: str, version: int | None = None) -> StoredPolicy | None:
        """That version, or the newest of any state."""
        table = tables.policy
        statement = select(table.c.body).where(table.c.name == name)
        if version is not None:
            statement = statement.where(table.c.version == version)
        row = self._row(statement.order_by(table.c.version.desc()).limit(1))
        return None if row is None else read_noun(StoredPolicy, row["body"])

    def policies(self, page: Page, *, state: PolicyState | None = None) -> list[StoredPolicy]:
        """All versions by name, newest version first.

        ``page.after`` is ``policies/name/version``; without a version all of them were seen.
        """
        table = tables.policy
        statement = select(table.c.body).order_by(table.c.name, table.c.version.desc())
        if page.after is not None:
            statement = statement.where(_after(page.after))
        if state is not None:
            statement = statement.where(table.c.state == state)
        limited = statement.limit(page.size)
        return [read_noun(StoredPolicy, body) for body in self._bodies(limited, table.c.body)]


def _after(position: str) -> ColumnElement[bool]:
    table = tables.policy
    name, _, version = position.rpartition("/")
    if not version.isdecimal():
        return table.c.name > position
    older = and_(table.c.name == name, table.c.version < int(version))
    return or_(table.c.name > name, older)
