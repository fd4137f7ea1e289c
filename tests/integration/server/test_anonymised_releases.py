"""Anonymised releases over the wire: a search that is cancelled, versions, and what is shown."""

import threading
from typing import Any

import pyarrow as pa
import pytest

from gateway.api.pb import release_pb2, types_pb2
from gateway.cli.output import OUT
from gateway.cli.release_views import show_plan
from gateway.client import plain
from tests.integration.conftest import PURPOSE
from tests.integration.server.test_attacked_releases import KNOWN, Attacked, attacked
from tests.integration.test_anonymising import people

__all__ = ["attacked"]


def opened(served: Any, *columns: str) -> Any:
    """A release that waits for its run, by a grant that is there already."""
    wanted = types_pb2.ExtractRequest(
        dataset="datasets/residents", columns=columns, purpose=PURPOSE
    )
    return served.stub("releases", "consumer").CreateRelease(
        release_pb2.CreateReleaseRequest(request_id=served.new_id(), request=wanted)
    )


def test_a_long_search_shows_how_far_it_is_and_is_cancelled(attacked: Attacked) -> None:
    served = attacked.served
    attacked.hold(people(), {"k": 5})
    assert attacked.asked(*KNOWN).state == release_pb2.RELEASE_STATE_SEALED
    attacked.hold_again(people(9))  # too few for the levels of the version before
    searching, stopped = threading.Event(), threading.Event()

    def endless(_problem: Any, watch: Any) -> None:
        try:
            while True:
                served.office.clock.move(seconds=1)
                watch.tell("search", 42, 100)
                searching.set()
        finally:
            stopped.set()

    served.office.rooms.recodings._search["full_domain"] = endless
    release = opened(served, *KNOWN)
    run = threading.Thread(target=served.office.rooms.runner.run, args=(release.name,))
    run.start()
    assert searching.wait(30)
    stub = served.stub("releases", "consumer")
    seen = stub.GetRelease(release_pb2.GetReleaseRequest(name=release.name))
    assert (seen.stage, seen.percent) == (release_pb2.STAGE_ANONYMISING, 42)
    stub.CancelRelease(
        release_pb2.CancelReleaseRequest(request_id=served.new_id(), name=release.name)
    )
    run.join(30)
    assert stopped.is_set()
    ended = stub.GetRelease(release_pb2.GetReleaseRequest(name=release.name))
    assert ended.state == release_pb2.RELEASE_STATE_CANCELLED
    assert ended.percent == 0
    assert not attacked.staged(release)


@pytest.mark.parametrize(
    ("newer", "state"),
    [
        (pa.concat_tables([people(), people(1, first=900)]), release_pb2.RELEASE_STATE_REFUSED),
        (pa.concat_tables([people(), people(120, first=120)]), release_pb2.RELEASE_STATE_SEALED),
    ],
    ids=["one-more-person", "as-many-again"],
)
def test_a_new_version_leaves_when_nobody_stands_out(
    attacked: Attacked, newer: pa.Table, state: int
) -> None:
    attacked.hold(people(), {"k": 5}, unit="person")
    assert attacked.asked(*KNOWN).state == release_pb2.RELEASE_STATE_SEALED
    attacked.hold_again(newer)
    assert attacked.asked(*KNOWN).state == state


def test_the_checks_and_the_figures_are_shown(attacked: Attacked) -> None:
    attacked.hold(people(), {"k": 5, "l": {"illness": 2}})
    release = attacked.asked(*KNOWN, "illness")
    assert release.state == release_pb2.RELEASE_STATE_SEALED
    assert {s.published: s.recoded for s in release.plan.steps} == {
        **dict.fromkeys(KNOWN, True),
        "illness": False,
    }
    with OUT.capture() as shown:
        show_plan(plain(release.plan))
    assert shown.get().count("recoded with the data set") == len(KNOWN)
    checks = " ".join(release.plan.checks)
    for told in ("k_anonymity", "l_diversity", "earlier extracts", "attacks are run"):
        assert told in checks
