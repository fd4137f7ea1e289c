"""Two processes, late approvals and changed minds: what happens between opening and sealing."""

import hashlib
from collections.abc import Callable

import pytest

from gateway.errors import SourceUnavailable
from gateway.model.grades import Grade
from gateway.model.lifecycle import ReleaseState
from gateway.model.names import ColumnRole
from gateway.ports import Page
from gateway.release.running import LEASE, Runner
from gateway.verify import verify_certificate
from tests.integration.conftest import STUDY


class Interrupted:
    """An executor that lets something happen before it runs, and something else after."""

    def __init__(self, executor, before: Callable[[], None], after: Callable[[], None]) -> None:
        self._executor = executor
        self._before = before
        self._after = after

    def run(self, *arguments):
        self._before()
        result = self._executor.run(*arguments)
        self._after()
        return result


def runner(office, owner: str, executor=None) -> Runner:
    """A runner as another process would have it."""
    ours = office.rooms.runner
    return Runner(
        owner,
        ours._store,
        ours._sources,
        executor or ours._executor,
        ours._staging,
        ours._keyring,
        ours._domain_keys,
        ours._signer,
        ours._clock,
        ours._classify,
        ours._anonymising,
    )


def opened(office):
    office.register()
    office.activate()
    office.grant(office.request())
    return office.open()


def nothing() -> None:
    pass


def fault() -> None:
    raise SourceUnavailable("the source went away")


def crash() -> None:
    raise RuntimeError("nobody foresaw this")


def die() -> None:
    raise KeyboardInterrupt


def certified(office, release) -> str:
    """The hash of the stream that the certificate speaks of."""
    verified = verify_certificate(release.certificate, office.rooms.signer.public_pem())
    return verified.statement.subject[0].digests["sha256"]


@pytest.mark.parametrize("then", [nothing, fault, crash])
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_process_that_lost_its_lease_harms_nothing_that_another_sealed(office, then, when):
    release = opened(office)

    def overtaken() -> None:
        office.clock.move(seconds=LEASE.total_seconds() + 1)
        runner(office, "quick").run(release.name)

    def overtaken_then() -> None:
        overtaken()
        then()

    executor = office.rooms.runner._executor
    hooks = (overtaken, then) if when == "before" else (nothing, overtaken_then)
    slow = runner(office, "slow", Interrupted(executor, *hooks))
    try:
        slow.run(release.name)
    except RuntimeError:
        slow.abandon(release.name, "incident")
    sealed = office.look(release)
    assert sealed.state is ReleaseState.SEALED, sealed.ending
    assert hashlib.sha256(office.stream(release)).hexdigest() == certified(office, sealed)
    office.rooms.custody.sweep()
    assert office.rooms.runner._staging.names() == {sealed.stream}


def test_an_attempt_that_was_overtaken_is_not_sealed_when_its_successor_dies(office):
    release = opened(office)

    def overtaken_by_one_that_dies() -> None:
        office.clock.move(seconds=LEASE.total_seconds() + 1)
        dying = runner(office, "dying", Interrupted(office.rooms.runner._executor, die, nothing))
        with pytest.raises(KeyboardInterrupt):
            dying.run(release.name)
        office.clock.move(seconds=LEASE.total_seconds() + 1)

    executor = office.rooms.runner._executor
    slow = runner(office, "slow", Interrupted(executor, overtaken_by_one_that_dies, nothing))
    slow.run(release.name)
    assert office.look(release).state is ReleaseState.RUNNING
    office.clock.move(seconds=LEASE.total_seconds() + 1)
    runner(office, "last").run(release.name)
    sealed = office.look(release)
    assert sealed.attempt == 3
    assert hashlib.sha256(office.stream(release)).hexdigest() == certified(office, sealed)


def withdrawn(office) -> None:
    office.rooms.catalog.withdraw(office.holder, "datasets/residents", office.key())


def retired(office) -> None:
    office.rooms.policies.retire(office.second_officer, "policies/study", 1, office.key())


def graded_higher(office) -> None:
    dataset = office.rooms.catalog.get(office.holder, "datasets/residents")
    office.rooms.catalog.override(
        office.officer,
        dataset.name,
        "district",
        "REGION",
        Grade.CORE,
        ColumnRole.SENSITIVE,
        "small districts",
        dataset.revision,
        office.key(),
    )


def denied_by_another_policy(office) -> None:
    office.activate(
        """
        format: gateway-policy/1
        name: policies/no-names
        purposes: {nothing: Stands here because a file needs one.}
        rules: [{name: names, match: {entity: [PERSON]}, effect: deny}]
        """
    )


def shut_out(office) -> None:
    with office.rooms.store.write() as tx:
        tx.put_party(office.consumer.but(disabled=True))


def revoked(office) -> None:
    (grant,) = office.rooms.grants.all(office.holder, Page(size=10), None, None)
    office.rooms.grants.revoke(office.holder, grant.name, "no longer needed", office.key())


CHANGES = [withdrawn, retired, graded_higher, denied_by_another_policy, shut_out, revoked]


@pytest.mark.parametrize("change", CHANGES)
def test_nothing_is_read_under_rules_that_no_longer_hold(office, change):
    release = opened(office)
    change(office)
    reads = []
    watched = Interrupted(office.rooms.runner._executor, lambda: reads.append(1), nothing)
    runner(office, "late", watched).run(release.name)
    ended = office.look(release)
    assert ended.state is ReleaseState.FAILED
    assert ended.ending.reason == "DECISION_CHANGED"
    assert not reads
    with office.rooms.store.read() as tx:
        assert tx.key(release.name) is None


@pytest.mark.parametrize("change", CHANGES)
def test_nothing_is_sealed_under_rules_that_no_longer_hold(office, change):
    release = opened(office)
    executor = office.rooms.runner._executor
    runner(office, "slow", Interrupted(executor, nothing, lambda: change(office))).run(release.name)
    ended = office.look(release)
    assert ended.state is ReleaseState.FAILED
    assert ended.ending.reason in ("DECISION_CHANGED", "GRANT_REVOKED")
    assert office.rooms.runner._staging.names() == frozenset()


def test_other_rules_that_come_to_the_same_disturb_no_release(office):
    release = opened(office)
    renamed = STUDY.replace("direct identifiers masked", "names masked")
    assert renamed != STUDY
    office.activate(renamed)
    office.rooms.runner.run(release.name)
    assert office.look(release).state is ReleaseState.SEALED


def test_a_party_that_is_shut_out_while_it_asks_gets_nothing(office):
    office.register()
    office.activate()
    office.grant(office.request())
    shut_out(office)
    denied = office.open()
    assert denied.state is ReleaseState.DENIED
    assert {reason.code for reason in denied.decision.reasons} == {"RECIPIENT_DISABLED"}
