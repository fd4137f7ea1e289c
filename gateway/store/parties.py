"""Parties and the subjects of bearer tokens that name them."""

from sqlalchemy import select

from gateway.errors import AlreadyExists
from gateway.model.catalog import Party
from gateway.ports import Page
from gateway.store import tables
from gateway.store.unit import Unit, read_noun


class Parties(Unit):
    """Rows of ``party`` and ``party_subject``."""

    def put_party(self, party: Party) -> None:
        """Insert or replace. AlreadyExists when a subject names another party already."""
        table, subjects = tables.party, tables.party_subject
        connection = self._writing()
        body = party.model_dump_json()
        known = connection.execute(
            table.update().where(table.c.name == party.name).values(body=body)
        ).rowcount
        if not known:
            self._insert(table, {"name": party.name, "body": body})
        connection.execute(subjects.delete().where(subjects.c.party == party.name))
        wanted = sorted(set(party.subjects))
        taken = select(subjects.c.subject).where(subjects.c.subject.in_(wanted))
        if connection.execute(taken).first() is not None:
            raise AlreadyExists(f"a subject of {party.name} already names another party")
        for subject in wanted:
            self._insert(subjects, {"subject": subject, "party": party.name})

    def party(self, name: str) -> Party | None:
        row = self._row(select(tables.party.c.body).where(tables.party.c.name == name))
        return None if row is None else read_noun(Party, row["body"])

    def party_by_subject(self, subject: str) -> Party | None:
        table, subjects = tables.party, tables.party_subject
        joined = select(table.c.body).join(subjects, subjects.c.party == table.c.name)
        row = self._row(joined.where(subjects.c.subject == subject))
        return None if row is None else read_noun(Party, row["body"])

    def parties(self, page: Page) -> list[Party]:
        """By name; ``page.after`` is the last name seen."""
        table = tables.party
        statement = select(table.c.body).order_by(table.c.name).limit(page.size)
        if page.after is not None:
            statement = statement.where(table.c.name > page.after)
        return [read_noun(Party, body) for body in self._bodies(statement, table.c.body)]
