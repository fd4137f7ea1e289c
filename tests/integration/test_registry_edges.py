"""Edges of the catalogue and of grants that a holder or consumer could use to get around rules."""

from contextlib import contextmanager

import pytest

from gateway.errors import InvalidRequest, PermissionDenied, StoreUnavailable
from gateway.model.catalog import Column, DataSetDraft, PushedSource
from gateway.model.lifecycle import ReleaseState
from gateway.testing import residents


def test_the_name_under_which_a_callers_own_records_are_keyed_cannot_be_registered(office):
    # Otherwise whoever may protect own records could compute the tokens of that data set.
    with pytest.raises(InvalidRequest, match="reserved"):
        office.register(name="own-records")


def test_a_grant_covers_the_columns_that_were_approved_whatever_they_are_called_later(office):
    table = residents(50, 7)
    dataset = office.register(table.append_column("native_place", table.column("district")))
    office.activate()
    catalog, holder = office.rooms.catalog, office.holder

    def call(column: str, element: str, revision: int):
        change = {"columns": (Column(name=column, type="string", element=element),)}
        return catalog.update(holder, dataset.name, change, revision, office.key())

    named = call("district", "city", dataset.revision)
    wanted = office.request(["city"])
    grant = office.grant(wanted)
    assert grant.columns == ("district",)
    assert office.open(wanted).state is ReleaseState.OPENED
    moved = call("district", "province", named.revision)
    call("native_place", "city", moved.revision)
    denied = office.open(wanted)
    assert denied.state is ReleaseState.DENIED
    assert {reason.code for reason in denied.decision.reasons} == {"GRANT_NARROWER"}
    assert office.open(office.request(["province"])).state is ReleaseState.OPENED


def test_a_grant_that_names_one_column_twice_is_refused(office):
    dataset = office.register()
    office.activate()
    change = {"columns": (Column(name="district", type="string", element="city"),)}
    office.rooms.catalog.update(office.holder, dataset.name, change, dataset.revision, office.key())
    with pytest.raises(InvalidRequest, match="same column"):
        office.grant(office.request(["city", "district"]))


@pytest.mark.parametrize("element", ["city", "household_size"])
def test_a_holder_cannot_publish_a_column_as_an_element_of_another_kind(office, element):
    # A policy's rule for the element would otherwise let the identity number out.
    dataset = office.register()
    change = {"columns": (Column(name="resident_id", type="string", element=element),)}
    with pytest.raises(PermissionDenied, match="resident_id"):
        office.rooms.catalog.update(
            office.holder, dataset.name, change, dataset.revision, office.key()
        )


def test_records_survive_an_answer_that_got_lost_after_the_commit(office, monkeypatch):
    table = residents(50, 5).select(["district", "sex"])
    columns = tuple(Column(name=f.name, type=str(f.type)) for f in table.schema)
    draft = DataSetDraft(name="datasets/pushed", title="", source=PushedSource(), columns=columns)
    catalog, key = office.rooms.catalog, office.key()
    catalog.register(office.holder, draft, office.key())
    write = office.rooms.store.write

    @contextmanager
    def lost():
        with write() as tx:
            yield tx
        raise StoreUnavailable("the connection broke while it committed")

    with monkeypatch.context() as patched:
        patched.setattr(office.rooms.store, "write", lost)
        with pytest.raises(StoreUnavailable):
            catalog.push(office.holder, draft.name, table.to_reader(), key)
    # The same call again is answered with what the first one did, so its records must be there.
    pushed = catalog.push(office.holder, draft.name, table.to_reader(), key)
    assert pushed.source.stream in office.rooms.runner._staging.names()
    assert catalog.classify(office.holder, draft.name, office.key()).version.rows == 50


def test_records_of_a_push_that_met_an_unforeseen_fault_are_not_left(office, monkeypatch):
    table = residents(50, 5).select(["district", "sex"])
    columns = tuple(Column(name=f.name, type=str(f.type)) for f in table.schema)
    draft = DataSetDraft(name="datasets/pushed", title="", source=PushedSource(), columns=columns)
    catalog = office.rooms.catalog
    catalog.register(office.holder, draft, office.key())

    def fault(*_):
        raise RuntimeError("nobody foresaw this")

    monkeypatch.setattr("gateway.registry.changing.ask", fault)
    with pytest.raises(RuntimeError):
        catalog.push(office.holder, draft.name, table.to_reader(), office.key())
    assert office.rooms.runner._staging.names() == frozenset()
