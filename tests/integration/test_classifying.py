"""Classification in the background: found in the store, done once, told, tried again, and nothing
is released before it is done."""

import threading
from collections.abc import Iterator, Sequence
from datetime import timedelta

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from gateway.errors import (
    FailedPrecondition,
    SourceUnavailable,
    StoreUnavailable,
)
from gateway.model.catalog import Column, CsvSource, DataSetDraft, ParquetSource, PushedSource
from gateway.model.grades import Grade
from gateway.model.lifecycle import ClassificationState, ReleaseState
from gateway.model.names import ColumnRole
from gateway.registry.classifier import Classifier
from gateway.registry.turns import LEASE, MOST_ATTEMPTS, PROGRESS_EVERY
from gateway.testing import residents

NAME = "datasets/residents"
PENDING, RUNNING = ClassificationState.PENDING, ClassificationState.RUNNING
DONE, FAILED = ClassificationState.DONE, ClassificationState.FAILED


def begin(office, table=None, columns: Sequence[Column] = ()):
    """Registered, and nothing classified yet."""
    pq.write_table(residents(300, 7) if table is None else table, office.data / "r.parquet")
    draft = DataSetDraft(
        name=NAME, title="r", source=ParquetSource(path="r.parquet"), columns=tuple(columns)
    )
    return office.rooms.catalog.register(office.holder, draft, office.key())


def newest(office):
    return office.rooms.catalog.classification(office.holder, NAME)


def another_process(office, owner="other", classify=None, rules=None) -> Classifier:
    own = office.rooms.classifier
    return Classifier(
        owner, office.rooms.store, own._sources, office.clock, classify or own._classify,
        rules or own._rules, own._elements,
    )  # fmt: skip


class Stepwise:
    """Classifies as usual, and calls what a test wants to happen in the middle."""

    def __init__(self, office, then, at: int = 3) -> None:
        self._classify = office.rooms.classifier._classify
        self._then, self._at = then, at

    def __call__(self, samples, columns):
        return self._classify(self._passing(samples), columns)

    def _passing(self, samples) -> Iterator[object]:
        for number, sample in enumerate(samples):
            if number == self._at:
                self._then()
            yield sample


# ---- nothing before it is done ------------------------------------------------------------------


def test_registering_returns_at_once_and_nothing_is_released_until_it_is_classified(office):
    registered = begin(office)
    assert not any(column.has_verdict for column in registered.columns)
    assert newest(office).state is PENDING
    office.activate()
    request = office.request(("district", "sex"))
    seen = []

    def ask() -> None:
        release = office.open(request)
        seen.append(
            (newest(office).state, release.state, {r.code for r in release.decision.reasons})
        )

    ask()
    another_process(office, classify=Stepwise(office, ask)).run(NAME)
    assert [(state, release) for state, release, _ in seen] == [
        (PENDING, ReleaseState.DENIED),
        (RUNNING, ReleaseState.DENIED),
    ]
    assert all("NO_VERDICT" in codes for _, _, codes in seen)
    assert newest(office).state is DONE
    office.grant(request)
    assert office.open(request).state is ReleaseState.OPENED


def test_what_a_holder_says_at_registration_waits_for_what_is_found(office):
    said = [
        Column(name="phone", type="", entity="NONE", grade="general-1", role="other"),
        Column(name="district", type="", grade="general-4", description="where they live"),
    ]
    registered = begin(office, columns=said)
    assert not any(any(column.verdict) for column in registered.columns)
    assert registered.find("district").description == "where they live"
    with pytest.raises(FailedPrecondition, match="not classified yet"):
        office.rooms.catalog.update(
            office.holder, NAME, {"columns": (said[0],)}, registered.revision, office.key()
        )
    found = office.classified()
    assert (found.find("phone").entity, found.find("phone").declared) == ("CN_MOBILE", False)
    assert (found.find("district").grade, found.find("district").declared) == ("general-4", True)
    assert newest(office).declined == ("phone",)


def test_an_element_that_a_column_is_not_is_not_kept(office):
    registered = begin(office, columns=[Column(name="phone", type="", element="education")])
    assert registered.find("phone").element == "education"
    found = office.classified()
    assert found.find("phone").element is None
    assert newest(office).declined == ("phone",)


# ---- once, whatever happens ---------------------------------------------------------------------


def test_two_processes_do_not_classify_one_data_set_at_the_same_time(any_office):
    office = any_office
    begin(office)
    other = another_process(office)
    counted = []

    def meanwhile() -> None:
        assert other.waiting() == []
        other.run(NAME)
        counted.append(newest(office).attempt)

    another_process(office, "first", Stepwise(office, meanwhile)).run(NAME)
    assert counted == [1]
    assert (newest(office).state, newest(office).attempt) == (DONE, 1)
    assert office.actions().count(("dataset.classified", "ok")) == 1


def test_what_a_process_left_behind_is_taken_up_by_another(office):
    begin(office)
    own = another_process(office, "gone")
    assert own._take(NAME) is not None  # and then it was killed
    other = another_process(office)
    assert other.waiting() == []
    office.clock.move(seconds=LEASE.total_seconds() + 1)
    assert other.waiting() == [NAME]
    other.run(NAME)
    assert (newest(office).state, newest(office).attempt) == (DONE, 2)


def test_one_that_was_asleep_while_another_took_over_keeps_nothing(office):
    begin(office)
    other = another_process(office)

    def overtaken() -> None:
        office.clock.move(seconds=LEASE.total_seconds() + 1)
        other.run(NAME)

    lost = another_process(office, "asleep", Stepwise(office, overtaken))
    lost.run(NAME)
    assert (newest(office).state, newest(office).attempt) == (DONE, 2)
    assert office.actions().count(("dataset.classified", "ok")) == 1


def test_one_that_was_asleep_while_another_died_over_it_keeps_nothing(office):
    begin(office)

    def overtaken() -> None:
        office.clock.move(seconds=LEASE.total_seconds() + 1)
        assert another_process(office, "dead")._take(NAME) is not None
        office.clock.move(seconds=LEASE.total_seconds() + 1)  # nobody holds it, and it is not ours

    another_process(office, "asleep", Stepwise(office, overtaken)).run(NAME)
    assert (newest(office).state, newest(office).attempt) == (RUNNING, 2)
    assert not any(c.has_verdict for c in office.rooms.catalog.get(office.holder, NAME).columns)


def test_the_lease_is_held_while_a_source_is_read_before_the_first_column_is_there(office):
    begin(office)
    own = another_process(office, "own")
    running = own._take(NAME)

    class SlowSource:
        def sample(self, columns, progress):
            for _ in range(5):
                office.clock.move(seconds=LEASE.total_seconds() * 0.6)
                progress(1)
            return iter(())

    assert list(own._counted(running, SlowSource())) == []
    assert another_process(office).waiting() == []


def test_it_ends_when_processes_keep_dying_over_it_and_can_be_tried_again(office):
    begin(office)
    for _ in range(MOST_ATTEMPTS):
        assert another_process(office, "mortal")._take(NAME) is not None
        office.clock.move(seconds=LEASE.total_seconds() + 1)
    office.rooms.classifier.run(NAME)
    assert (newest(office).state, newest(office).ending.reason) == (FAILED, "INTERRUPTED")
    assert "gateway dataset classify residents" in newest(office).ending.text
    office.rooms.catalog.classify(office.holder, NAME, office.key())
    assert office.classified().find("phone").entity == "CN_MOBILE"


def test_a_process_that_shuts_down_hands_it_back(office):
    begin(office)
    own = another_process(office, "ending")
    own._classify = Stepwise(office, own.stop)
    own.run(NAME)
    assert (newest(office).state, newest(office).attempt) == (PENDING, 0)
    other = another_process(office)
    assert other.waiting() == [NAME]
    other.run(NAME)
    assert newest(office).state is DONE


def test_newer_records_overtake_a_classification_that_runs(office):
    table = residents(300, 5).select(["phone", "sex"])
    columns = tuple(Column(name=f.name, type=str(f.type)) for f in table.schema)
    draft = DataSetDraft(name=NAME, title="t", source=PushedSource(), columns=columns)
    catalog = office.rooms.catalog
    catalog.register(office.holder, draft, office.key())
    catalog.push(office.holder, NAME, table.to_reader(), office.key())
    swapped = pa.table({"phone": table["sex"], "sex": table["phone"]})

    def push() -> None:
        catalog.push(office.holder, NAME, swapped.to_reader(), office.key())

    own = another_process(office, "own", Stepwise(office, push, at=1))
    own.run(NAME)
    assert newest(office).state is PENDING
    assert not any(c.has_verdict for c in catalog.get(office.holder, NAME).columns)
    assert own.waiting() == [NAME]  # at once, not when a lease has lapsed
    found = office.classified()
    assert found.find("sex").entity == "CN_MOBILE"
    assert found.current


def test_an_officers_verdict_set_meanwhile_is_not_overwritten(office):
    begin(office)

    def override() -> None:
        revision = office.rooms.catalog.get(office.officer, NAME).revision
        office.rooms.catalog.override(
            office.officer, NAME, "phone", "NONE", Grade.GENERAL_1, ColumnRole.OTHER, "made up",
            revision, office.key(),
        )  # fmt: skip

    another_process(office, classify=Stepwise(office, override)).run(NAME)
    phone = office.rooms.catalog.get(office.officer, NAME).find("phone")
    assert (phone.entity, phone.found.entity) == ("NONE", "CN_MOBILE")
    assert phone.declaration.party == office.officer.name


def test_progress_is_told_while_it_runs_and_holds_the_lease(office):
    begin(office)
    seen = []

    def step() -> None:
        office.clock.move(seconds=PROGRESS_EVERY.total_seconds())

    class Watching(Stepwise):
        def _passing(self, samples):
            for sample in samples:
                office.clock.move(seconds=LEASE.total_seconds() / 2)
                yield sample
                seen.append((newest(office).columns_done, another_process(office).waiting()))

    another_process(office, "own", Watching(office, step)).run(NAME)
    done = [count for count, _ in seen]
    assert done == sorted(done)
    assert done[-1] > len(done) / 2
    assert all(waiting == [] for _, waiting in seen)
    total = newest(office).columns_total
    assert (newest(office).columns_done, newest(office).state) == (total, DONE)


# ---- failures -----------------------------------------------------------------------------------


def test_a_failure_is_told_with_its_remedy_and_can_be_tried_again(office):
    begin(office)
    (office.data / "r.parquet").rename(office.data / "away.parquet")
    office.rooms.classifier.run(NAME)
    failed = newest(office)
    assert (failed.state, failed.ending.reason) == (FAILED, "SOURCE_UNAVAILABLE")
    assert "gateway dataset classify residents" in failed.ending.text
    assert ("dataset.classified", "SOURCE_UNAVAILABLE") in office.actions()
    assert office.rooms.classifier.waiting() == []
    (office.data / "away.parquet").rename(office.data / "r.parquet")
    office.rooms.catalog.classify(office.holder, NAME, office.key())
    assert office.classified().find("phone").entity == "CN_MOBILE"


def test_other_columns_than_registered_are_not_classified_as_if_they_were(office):
    begin(office)
    pq.write_table(residents(10, 7).select(["phone"]), office.data / "r.parquet")
    office.rooms.classifier.run(NAME)
    assert newest(office).ending.reason == "SOURCE_CHANGED"
    assert "refresh" in newest(office).ending.text
    office.rooms.catalog.refresh(office.holder, NAME, office.key())
    assert [c.entity for c in office.classified().columns] == ["CN_MOBILE"]


def test_a_fault_that_nobody_foresaw_ends_it_with_an_incident(office):
    begin(office)

    def fault() -> None:
        raise RuntimeError("a value that must not be told")

    own = another_process(office, "own", Stepwise(office, fault))
    with pytest.raises(RuntimeError):
        own.run(NAME)
    own.abandon(NAME, "abc123")
    assert (newest(office).state, newest(office).ending.reason) == (FAILED, "INTERNAL")
    assert "abc123" in newest(office).ending.text
    assert "must not be told" not in newest(office).ending.text


def test_a_wrong_path_is_told_at_once(office):
    draft = DataSetDraft(name=NAME, title="r", source=CsvSource(path="nowhere.csv"))
    with pytest.raises(SourceUnavailable):
        office.rooms.catalog.register(office.holder, draft, office.key())
    assert office.rooms.classifier.waiting() == []


def test_a_withdrawn_data_set_is_not_classified(office):
    begin(office)
    office.rooms.catalog.withdraw(office.holder, NAME, office.key())
    office.rooms.classifier.run(NAME)
    assert newest(office).ending.reason == "DATA_SET_NOT_ACTIVE"
    with pytest.raises(FailedPrecondition, match="withdrawn"):
        office.rooms.catalog.classify(office.holder, NAME, office.key())


def test_the_store_being_away_leaves_it_for_later(office, monkeypatch):
    begin(office)
    own = another_process(office, "own")

    def away(*_):
        raise StoreUnavailable("away")

    monkeypatch.setattr(own, "_keep", away)
    with pytest.raises(StoreUnavailable):
        own.run(NAME)
    assert newest(office).state is RUNNING
    office.clock.move(seconds=LEASE.total_seconds() + 1)
    other = another_process(office)
    assert other.waiting() == [NAME]
    other.run(NAME)
    assert newest(office).state is DONE


# ---- the worker ---------------------------------------------------------------------------------


def test_the_worker_finds_what_waits_and_does_it(office):
    begin(office)
    done = threading.Event()
    keep = office.rooms.classifier._keep

    def kept(*given) -> None:
        keep(*given)
        done.set()

    office.rooms.classifier._keep = kept
    office.rooms.worker.start()
    try:
        assert done.wait(30)
    finally:
        office.rooms.worker.stop()
    assert newest(office).state is DONE


def test_an_overdue_declaration_is_told_apart_from_one_that_holds(office):
    office.register()
    with office.rooms.store.read() as tx:
        assert tx.lapsed(office.clock.now()) == []
    until = office.clock.now() + timedelta(days=2)
    revision = office.rooms.catalog.get(office.officer, NAME).revision
    office.rooms.catalog.override(
        office.officer, NAME, "phone", "NONE", Grade.GENERAL_1, ColumnRole.OTHER, "for now",
        revision, office.key(), until,
    )  # fmt: skip
    with office.rooms.store.read() as tx:
        assert tx.lapsed(until - timedelta(seconds=1)) == []
        assert tx.lapsed(until) == [NAME]
    office.clock.move(days=2)
    assert office.rooms.catalog.get(office.officer, NAME).find("phone").entity == "CN_MOBILE"
