"""Two processes, or an attempt that was overtaken: leases lapse, and what was counted still holds."""

from collections import Counter

import pytest

from gateway.model.lifecycle import ReleaseState
from gateway.release import recodings
from gateway.release.extracts import Extracts
from tests.integration.test_anonymising import QI, ROLES, Bureau, another, people, refused, smallest

FEW = {"column": "visits", "operator": "!=", "values": ["8"]}


def opened(bureau, who, columns, **fields):
    """A release that nobody runs yet."""
    office = bureau.office
    request = office.request(columns, **fields)
    office.grant(office.request(tuple(ROLES)[1:]), who=who)
    return office.rooms.opening.open(who, request, office.key())


def test_an_extract_that_was_sealed_meanwhile_is_counted_before_another_is(office):
    """The turn lapses while one works; who was not counted with the other does not leave."""
    bureau = Bureau(office, {"k": 5})
    bureau.hold(people(400))
    who = another(office, "two-at-once")
    bureau.fence(FEW, column=["illness"])
    slow = opened(bureau, who, [*QI, "visits"])
    fenced = office.request([*QI, "visits", "illness"])
    quick = office.rooms.opening.open(who, fenced, office.key())
    runner = office.rooms.runner
    real = runner._executor.run
    overtaken = []

    class Overtaken:
        def run(self, *given):
            result = real(*given)
            if not overtaken:
                overtaken.append(True)
                office.clock.move(seconds=61)
                runner.run(quick.name)
            return result

    runner._executor = Overtaken()
    runner.run(slow.name)
    sealed = office.rooms.custody.get(who, quick.name)
    assert sealed.state is ReleaseState.SEALED
    assert office.rooms.custody.get(who, slow.name).state is ReleaseState.OPENED
    runner.run(slow.name)
    refused(office.rooms.custody.get(who, slow.name))


STRICTER = """
  - name: stricter
    match: {recipient: [parties/strict-lab]}
    transform: {kind: keep}
    obligations: {k: 30}
"""


def test_a_recoding_that_was_made_meanwhile_is_never_overwritten(office, monkeypatch):
    strict = another(office, "strict-lab")
    bureau = Bureau(office, {"k": 3}, rules=STRICTER)
    bureau.hold(people(397))
    who = another(office, "fine-lab")
    fine, coarse = opened(bureau, who, QI), opened(bureau, strict, QI)
    real = recodings.usefulness
    measured = []

    def slow(*given):
        measured.append(1)
        if len(measured) == 1:  # the leases lapse, and another process makes a recoding
            office.clock.move(seconds=61)
            office.rooms.runner.run(coarse.name)
        return real(*given)

    monkeypatch.setattr(recodings, "usefulness", slow)
    office.rooms.runner.run(fine.name)
    before = office.rooms.custody.get(strict, coarse.name)
    with office.rooms.store.read() as tx:
        [first, *_] = tx.recodings("datasets/residents", before.sealed.source_fingerprint)
    # The classes that were published are the classes that are counted again later.
    classes = office.rooms.recodings.opened(first).classes_of(people(397))
    shown = bureau.table(before, strict)
    assert sorted(Counter(classes[classes >= 0].tolist()).values()) == sorted(
        Counter(zip(*shown.to_pydict().values(), strict=True)).values()
    )
    after = office.rooms.custody.get(who, fine.name)
    while after.state is ReleaseState.OPENED:
        office.rooms.runner.run(fine.name)
        after = office.rooms.custody.get(who, fine.name)
    assert smallest(bureau.table(after, who), QI) >= 30  # never finer than what is there


def test_who_lost_the_turn_while_it_worked_stops(office):
    bureau = Bureau(office, {"k": 5})
    bureau.hold(people(400))
    who = another(office, "two-at-once")
    release = opened(bureau, who, QI)
    real = Extracts.check
    turn = "turns/datasets/residents"

    def check(self, plan, wanted, kept, earlier, source, tell):
        now = office.clock.move(seconds=61) or office.clock.now()
        with office.rooms.store.write() as tx:
            assert tx.lease(turn, "another process", now, now.replace(year=now.year + 1))
        tell(0)
        pytest.fail("it went on out of its turn")

    Extracts.check = check
    try:
        office.rooms.runner.run(release.name)
    finally:
        Extracts.check = real
    assert office.rooms.custody.get(who, release.name).state is ReleaseState.OPENED


def test_an_attempt_that_was_overtaken_leaves_the_sealed_roster_alone(office):
    bureau = Bureau(office, {"k": 5}, unit="person")
    bureau.hold(people(400))
    who = another(office, "overtaken")
    release = opened(bureau, who, QI)
    real = Extracts.keep_roster
    runs = []

    def keep_roster(self, *given):
        runs.append(1)
        if len(runs) == 1:
            office.clock.move(seconds=61)
            office.rooms.runner.run(release.name)
        return real(self, *given)

    Extracts.keep_roster = keep_roster
    try:
        office.rooms.runner.run(release.name)
    finally:
        Extracts.keep_roster = real
    sealed = office.rooms.custody.get(who, release.name)
    assert len(runs) == 2
    assert sealed.state is ReleaseState.SEALED
    assert bureau.table(sealed, who).num_rows == 400
    bureau.hold(people(800))  # every class grew: comparable, and large enough
    later = bureau.asked(*QI, who=who)
    assert later.state is ReleaseState.SEALED, later.ending


def test_two_recipients_under_different_filters_of_a_version_are_counted_together(office):
    bureau = Bureau(office, {"k": 5})
    bureau.hold(people(400))
    one, two = another(office, "whole-lab"), another(office, "part-lab")
    assert bureau.asked(*QI, "visits", who=one).state is ReleaseState.SEALED
    bureau.fence(FEW, column=["illness"])
    refused(bureau.asked(*QI, "visits", "illness", who=two))
    assert bureau.asked(*QI, "visits", who=two).state is ReleaseState.SEALED


def test_a_whole_version_is_counted_with_the_filtered_extract_of_a_stranger(office):
    bureau = Bureau(office, {"k": 5})
    bureau.hold(people(400))
    one, two = another(office, "part-lab"), another(office, "whole-lab")
    bureau.fence(FEW, column=["illness"])
    filtered = bureau.asked(*QI, "visits", "illness", who=one)
    assert filtered.state is ReleaseState.SEALED, filtered.ending
    refused(bureau.asked(*QI, "visits", who=two))
