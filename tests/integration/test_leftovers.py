"""What calls leave staged when their process dies is cleared away, and nothing else is."""

import pyarrow as pa
import pytest

from gateway.model.catalog import Column, DataSetDraft, PushedSource
from gateway.testing import residents


@pytest.fixture
def pushed(office):
    """A data set whose records were pushed."""
    table = residents(50, 5).select(["district", "sex"])
    columns = tuple(Column(name=f.name, type=str(f.type)) for f in table.schema)
    draft = DataSetDraft(name="datasets/pushed", title="t", source=PushedSource(), columns=columns)
    office.rooms.catalog.register(office.holder, draft, office.key())
    return office.rooms.catalog.push(
        office.holder, draft.name, table.to_reader(), office.key()
    ).source.stream


@pytest.mark.parametrize("name", ["records/r00", "protected/p-00"])
def test_streams_of_calls_are_swept_once_no_call_can_be_at_work_on_them(office, pushed, name):
    staging, custody = office.rooms.runner._staging, office.rooms.custody
    writer = staging.create(name, b"k" * 32, pa.schema([("a", pa.int64())]))
    longest = office.settings.server.stream_seconds
    assert custody.sweep() == 0
    office.clock.move(seconds=2 * longest)
    assert custody.sweep() == 0
    assert staging.names() == {pushed, name}
    office.clock.move(seconds=1)
    assert custody.sweep() == 1
    assert staging.names() == {pushed}
    with writer:
        pass  # the dead do not tidy up; this one only closes its file


def test_a_stream_that_came_to_be_owned_is_not_swept(office, pushed):
    staging, custody = office.rooms.runner._staging, office.rooms.custody
    with staging.create("records/r00", b"k" * 32, pa.schema([("a", pa.int64())])) as writer:
        assert custody.sweep() == 0
        writer.finish()
    with office.rooms.store.write() as tx:
        tx.put_key("records/r00", b"wrapped")
    office.clock.move(days=30)
    assert custody.sweep() == 0
    office.clock.move(days=30)
    assert custody.sweep() == 0
    assert staging.names() == {pushed, "records/r00"}
