"""Parties: adding them, shutting them out, recognising them."""

from gateway.errors import AlreadyExists, NotFound, PermissionDenied
from gateway.model.audit import AuditEvent
from gateway.model.catalog import Party
from gateway.model.requests import RequestKey
from gateway.ports import Clock, Page, Store
from gateway.registry.once import made_before, remember


class Parties:
    """Use cases over parties; only an administrator reaches the changing ones."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def create(self, caller: Party, party: Party, key: RequestKey) -> Party:
        """Add a party. AlreadyExists when the name or one of its subjects is taken."""
        with self._store.write() as tx:
            if (earlier := made_before(tx, caller, key)) is not None:
                return _present(tx.party(earlier), earlier)
            if tx.party(party.name) is not None:
                raise AlreadyExists(f"{party.name} exists already", resource=party.name)
            for subject in party.subjects:
                if tx.party_by_subject(subject) is not None:
                    raise AlreadyExists("a token subject already names another party")
            tx.put_party(party)
            remember(tx, caller, key, party.name)
            tx.audit(
                AuditEvent(
                    actor=caller.name,
                    action="party.create",
                    resource=party.name,
                    outcome="ok",
                    details={"role": party.role, "kind": party.kind},
                ),
                self._clock.now(),
            )
        return party

    def set_disabled(self, caller: Party, name: str, disabled: bool, key: RequestKey) -> Party:
        """Shut a party out or let it in again; nobody does this to themselves."""
        if caller.name == name:
            raise PermissionDenied("a party cannot shut itself out", reason="OWN_RESOURCE")
        with self._store.write() as tx:
            if (earlier := made_before(tx, caller, key)) is not None:
                return _present(tx.party(earlier), earlier)
            party = _present(tx.party(name), name).but(disabled=disabled)
            tx.put_party(party)
            remember(tx, caller, key, name)
            tx.audit(
                AuditEvent(
                    actor=caller.name,
                    action="party.disable" if disabled else "party.enable",
                    resource=name,
                    outcome="ok",
                ),
                self._clock.now(),
            )
        return party

    def all(self, page: Page) -> list[Party]:
        """Parties by name."""
        with self._store.read() as tx:
            return tx.parties(page)


def _present(party: Party | None, name: str) -> Party:
    if party is None:
        raise NotFound.resource(name)
    return party
