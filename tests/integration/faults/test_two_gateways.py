"""Two gateways on one PostgreSQL behave as one: no charge is doubled, the audit chain never forks."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TypeVar
from uuid import uuid4

import pytest

from gateway.api.pb import release_pb2
from gateway.errors import GatewayError, QuotaExhausted

pytestmark = pytest.mark.postgres

T = TypeVar("T")
POLICY = """
format: gateway-policy/1
name: policies/few
purposes: {{public-health-research: Research.}}
rules:
  - name: all-columns
    match: {{grade: {{at_most: important}}}}
    transform: {{kind: suppress}}
    obligations: {{quota: {quota}}}
"""


@pytest.fixture
def pair(postgres_site) -> Iterator[tuple]:
    with postgres_site.running() as first, postgres_site.running() as second:
        yield first, second


def at_once(calls: list[Callable[[], T]]) -> list[T | GatewayError]:
    """What each call returned or raised; they begin at the same moment."""
    start = threading.Barrier(len(calls))

    def run(call: Callable[[], T]) -> T | GatewayError:
        start.wait(10)
        try:
            return call()
        except GatewayError as error:
            return error

    with ThreadPoolExecutor(len(calls)) as threads:
        return list(threads.map(run, calls))


def test_one_request_that_both_get_is_made_and_charged_once(postgres_site, pair) -> None:
    postgres_site.prepare(pair[0])
    rounds = 5
    for _ in range(rounds):
        request_id = uuid4().hex
        found = at_once([partial(g.ask, request_id) for g in pair for _ in range(4)])
        assert len({release.name for release in found}) == 1, found
        for gateway in pair:
            consumer = gateway.client("consumer")
            sealed = consumer.wait(found[0].name)
            assert consumer.read(sealed).num_rows == 4000
    for table in ("charge", "release"):
        assert postgres_site.count(table) == rounds, table
    assert postgres_site.data_keys() == rounds
    runs = "SELECT count(*) FROM audit WHERE body LIKE '%\"release.run\"%'"
    assert postgres_site.select(runs) == [(rounds,)]
    for gateway in pair:
        verified = gateway.client("auditor").verify_audit()
        assert verified.whole, verified.fault


@pytest.mark.parametrize(
    ("quota", "fitting"),
    [
        ("{releases: 3, period_days: 30}", 3),
        ("{rows: 9000, period_days: 30}", 2),
    ],
)
def test_a_quota_holds_though_both_are_asked_at_once(postgres_site, pair, quota, fitting) -> None:
    postgres_site.prepare(pair[0], POLICY.format(quota=quota))
    found = at_once([lambda g=g: g.ask(uuid4().hex) for g in pair for _ in range(5)])
    refused = [answer for answer in found if isinstance(answer, QuotaExhausted)]
    opened = [answer for answer in found if isinstance(answer, release_pb2.Release)]
    assert (len(opened), len(refused)) == (fitting, 10 - fitting), found
    ((charges, rows),) = postgres_site.select("SELECT count(*), sum(rows) FROM charge")
    assert (charges, rows) == (fitting, 4000 * fitting)
    for gateway in pair:
        verified = gateway.client("auditor").verify_audit()
        assert verified.whole, verified.fault


def test_a_grant_that_one_revokes_is_not_read_under_at_the_other(postgres_site, pair) -> None:
    first, second = pair
    postgres_site.prepare(first)
    sealed = first.client("consumer").wait(first.ask())
    assert second.client("consumer").read(sealed).num_rows == 4000
    (granted,) = second.client("holder").grants()
    first.client("holder").revoke(granted, "it was a mistake")
    with pytest.raises(GatewayError) as refused:
        second.client("consumer").read(sealed)
    assert refused.value.reason == "GRANT_REVOKED"
    first.client("holder").recall(sealed, "for good")
    assert not postgres_site.staged()
