"""What callers cannot make the gateway do, and what it says when it must stop."""

import json
import threading
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest
import structlog
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from gateway.api.interceptor import OPEN
from gateway.api.limits import Limits
from gateway.api.metrics import Metrics, MetricsPort
from gateway.api.pb import (
    catalog_pb2,
    catalog_pb2_grpc,
    party_pb2,
    policy_pb2,
    release_pb2,
    types_pb2,
)
from gateway.errors import StoreUnavailable
from gateway.model.names import RecipientKind, Role
from gateway.ports import Page

SELF = party_pb2.GetSelfRequest()
CANARY = "canary-7f3a9e1b"


def actions(served):
    entries = served.office.rooms.trail.entries(0, 1000)
    return [(e.event.actor, e.event.action, e.event.outcome) for e in entries]


class Blocked:
    """A use case that waits until it is let go, and tells that it was reached."""

    def __init__(self, inner):
        self._inner = inner
        self.reached = threading.Event()
        self.released = threading.Event()
        self.calls = 0

    def __getattr__(self, name):
        def call(*arguments, **named):
            self.calls += 1
            self.reached.set()
            assert self.released.wait(30)
            return getattr(self._inner, name)(*arguments, **named)

        return call


class Broken:
    """A use case that fails with something that nobody foresaw."""

    def __getattr__(self, name):
        def call(*arguments, **named):
            try:
                {}[f"value {CANARY}"]
            except KeyError as error:
                raise RuntimeError(f"resident {CANARY} not found") from error

        return call


# ---- shape --------------------------------------------------------------------------------------


def test_a_request_with_many_faults_gets_all_of_them_at_once(served):
    column = catalog_pb2.Column(name="", type="varchar", grade="secret", entity=CANARY, role=9)
    request = catalog_pb2.RegisterDataSetRequest(
        request_id="short",
        dataset_id="Not An Id",
        dataset=catalog_pb2.DataSet(
            retention_days=5,
            source=catalog_pb2.Source(csv=catalog_pb2.CsvSource(delimiter=CANARY)),
            columns=[column],
            steward="s" * 300,
        ),
    )
    found = served.refused(lambda: served.stub("catalog", "holder").RegisterDataSet(request))
    assert (found.code, found.reason) == ("INVALID_ARGUMENT", "INVALID_REQUEST")
    assert set(found.fields) == {
        "request_id",
        "dataset_id",
        "dataset.title",
        "dataset.steward",
        "dataset.source.csv.path",
        "dataset.source.csv.delimiter",
        "dataset.columns[0].name",
        "dataset.columns[0].type",
        "dataset.columns[0].grade",
        "dataset.columns[0].entity",
        "dataset.columns[0].role",
    }
    assert CANARY not in found.message + str(found.details)
    assert served.office.rooms.catalog.search(served.office.holder, Page(size=10), "") == []


def test_more_faults_than_fit_into_an_answer_are_counted(served):
    columns = [catalog_pb2.Column(name="列" * 300, type="") for _ in range(900)]
    request = catalog_pb2.RegisterDataSetRequest(
        request_id=served.new_id(),
        dataset_id="residents",
        dataset=catalog_pb2.DataSet(
            title="t",
            source=catalog_pb2.Source(pushed=catalog_pb2.PushedSource()),
            columns=columns,
        ),
    )
    found = served.refused(lambda: served.stub("catalog", "holder").RegisterDataSet(request))
    assert found.code == "INVALID_ARGUMENT"
    last = found.details[1].field_violations[-1].description
    assert last.startswith("and ")
    assert last.endswith(" more")


def test_filter_values_are_not_repeated(served):
    condition = types_pb2.Condition(column="phone", operator="like", values=[CANARY])
    wish = types_pb2.ExtractRequest(
        dataset="datasets/residents", columns=["a", "a"], purpose="p", filters=[condition]
    )
    request = release_pb2.CreateReleaseRequest(request_id=served.new_id(), request=wish)
    found = served.refused(lambda: served.stub("releases", "consumer").CreateRelease(request))
    assert found.fields == ["request.filters[0].operator"]
    assert CANARY not in found.message + str(found.details)


def test_zero_is_no_bound(served):
    wish = types_pb2.ExtractRequest(
        dataset="datasets/residents", columns=["a"], purpose="p", limit=0
    )
    request = release_pb2.CreateReleaseRequest(request_id=served.new_id(), request=wish)
    found = served.refused(lambda: served.stub("releases", "consumer").CreateRelease(request))
    assert found.fields == ["request.limit"]


# ---- pages --------------------------------------------------------------------------------------


@pytest.fixture
def listed(served):
    return served.stub("parties", "officer")


def test_page_tokens_that_were_tampered_with(served, listed):
    token = listed.ListParties(party_pb2.ListPartiesRequest(page_size=2)).next_page_token
    flipped = ("A" if token[-8] != "A" else "B").join((token[:-8], token[-7:]))
    for bad in (flipped, token[:-1], token + "AAAA", "AAAA", "%%", "é", "x" * 10_000):
        request = party_pb2.ListPartiesRequest(page_size=2, page_token=bad)
        found = served.refused(lambda request=request: listed.ListParties(request))
        assert (found.code, found.fields) == ("INVALID_ARGUMENT", ["page_token"]), bad


def test_page_tokens_are_good_for_their_caller_list_and_filter_only(served, listed):
    token = listed.ListParties(party_pb2.ListPartiesRequest(page_size=2)).next_page_token
    request = party_pb2.ListPartiesRequest(page_size=2, page_token=token)
    assert listed.ListParties(request).parties
    found = served.refused(lambda: served.stub("parties", "auditor").ListParties(request))
    assert found.fields == ["page_token"]
    other = catalog_pb2.ListDataSetsRequest(page_token=token)
    found = served.refused(lambda: served.stub("catalog", "officer").ListDataSets(other))
    assert found.fields == ["page_token"]


@pytest.mark.parametrize("size", [-1, 501, 2**31 - 1])
def test_page_sizes_out_of_bounds(served, listed, size):
    request = party_pb2.ListPartiesRequest(page_size=size)
    assert served.refused(lambda: listed.ListParties(request)).fields == ["page_size"]


# ---- sizes, rates, time -------------------------------------------------------------------------


def test_an_oversize_message_is_refused_unread(served):
    text = "#" * (5 << 20)
    request = policy_pb2.LintPolicyRequest(text=text)
    with pytest.raises(grpc.RpcError) as caught:
        served.stub("policies", "officer").LintPolicy(request)
    assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED


def test_who_calls_too_often_is_slowed_down_and_the_log_is_not_flooded(serve):
    with serve(limits=Limits(calls_per_second=10, threads=4)) as served:
        stub = served.stub("parties", "holder")
        before = len(actions(served))
        answers = []
        for _ in range(60):
            try:
                answers.append(stub.GetSelf(SELF))
            except grpc.RpcError as error:
                last = error
        assert len(answers) == 20  # a burst of two seconds' worth; the clock stands still
        found = served.refused(lambda: stub.GetSelf(SELF))
        assert (found.code, found.reason) == ("RESOURCE_EXHAUSTED", "RATE_LIMITED")
        assert last.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert len(actions(served)) - before == 20 + 10
        assert served.stub("parties", "consumer").GetSelf(SELF)  # others are not affected
        served.office.clock.move(seconds=10)
        assert stub.GetSelf(SELF)
        for _ in range(40):
            try:
                stub.GetSelf(SELF)
            except grpc.RpcError:
                continue
        noted = [e.event.details.get("unlogged_before") for e in entries(served)]
        assert "31" in noted


def entries(served):
    return served.office.rooms.trail.entries(0, 1000)


def test_one_party_cannot_take_all_places(serve, office):
    blocked = Blocked(office.rooms.catalog)
    limits = Limits(concurrent_calls_of_party=2, threads=6)
    with serve(cases=serve.cases(catalog=blocked), limits=limits) as served:
        stub = served.stub("catalog", "consumer")
        request = catalog_pb2.GetDataSetRequest(name="datasets/residents")
        with ThreadPoolExecutor(2) as callers:
            futures = [callers.submit(served.refused, lambda: stub.GetDataSet(request))]
            assert blocked.reached.wait(10)
            blocked.reached.clear()
            futures.append(callers.submit(served.refused, lambda: stub.GetDataSet(request)))
            assert blocked.reached.wait(10)
            found = served.refused(lambda: served.stub("parties", "consumer").GetSelf(SELF))
            assert (found.code, found.reason) == ("RESOURCE_EXHAUSTED", "TOO_MANY_CALLS")
            assert served.stub("parties", "holder").GetSelf(SELF)
            blocked.released.set()
            assert {future.result(10).reason for future in futures} == {"NOT_FOUND"}
        assert served.stub("parties", "consumer").GetSelf(SELF)


def test_calls_beyond_the_places_of_the_server_are_refused_at_once(serve, office):
    blocked = Blocked(office.rooms.catalog)
    cases = serve.cases(catalog=blocked)
    with serve(cases=cases, limits=Limits(concurrent_calls=1)) as served:
        stub = served.stub("catalog", "consumer")
        request = catalog_pb2.GetDataSetRequest(name="datasets/residents")
        with ThreadPoolExecutor(1) as caller:
            running = caller.submit(served.refused, lambda: stub.GetDataSet(request))
            assert blocked.reached.wait(10)
            with pytest.raises(grpc.RpcError, match="RESOURCE_EXHAUSTED"):
                served.stub("parties", "holder").GetSelf(SELF)
            blocked.released.set()
            assert running.result(10).reason == "NOT_FOUND"


@pytest.mark.parametrize("path", ["/gateway.v1.PartyService/GetSelf", OPEN])
def test_calls_whose_request_never_comes_hold_no_places(serve, path):
    """Nobody has to be known for beginning a call, so that the request is not waited for first."""
    with serve(limits=Limits(threads=4, intakes=2, concurrent_calls=20)) as served:
        ended = threading.Event()

        def never():
            ended.wait(30)
            yield from ()

        begun = served.channel(None).stream_unary(path)
        calls = [begun.future(never(), timeout=30) for _ in range(40)]
        try:
            refused = [call for call in calls if call.exception(timeout=10) is not None]
            assert len(refused) == 40
            assert served.stub("parties", "holder").GetSelf(SELF, timeout=5).name
        finally:
            ended.set()


def test_an_own_call_whose_request_never_comes_ends(serve):
    limits = Limits(threads=4, intakes=2, idle_seconds=0.2)
    with serve(limits=limits) as served:
        ended = threading.Event()

        def never():
            ended.wait(30)
            yield from ()

        begun = served.channel("holder").stream_unary("/gateway.v1.PartyService/GetSelf")
        try:
            assert served.refused(lambda: begun(never(), timeout=10)).reason == "STREAM_IDLE"
        finally:
            ended.set()


def test_a_call_without_a_request_is_told_so(served):
    begun = served.channel("holder").stream_unary("/gateway.v1.PartyService/GetSelf")
    assert served.refused(lambda: begun(iter(()), timeout=10)).reason == "MESSAGE_UNREADABLE"
    check = served.channel(None).stream_unary(OPEN)
    with pytest.raises(grpc.RpcError) as caught:
        check(iter(()), timeout=10)
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT


def test_refusals_of_strangers_do_not_flood_the_log(served):
    stub = served.stub("parties", None)
    before = len(actions(served))
    for _ in range(40):
        served.refused(lambda: stub.GetSelf(SELF))
    new = actions(served)[before:]
    assert 0 < len(new) <= 10
    assert set(new) == {("anonymous", "rpc.party.get_self", "IDENTITY_MISSING")}


def test_a_deadline_is_kept_and_no_work_is_done_for_calls_that_are_over(serve, office):
    blocked = Blocked(office.rooms.catalog)
    cases = serve.cases(catalog=blocked)
    with serve(cases=cases, limits=Limits(call_seconds=0.3, threads=1)) as served:
        stub = served.stub("catalog", "holder")
        request = catalog_pb2.GetDataSetRequest(name="datasets/residents")
        found = served.refused(lambda: stub.GetDataSet(request))
        assert (found.code, found.reason) == ("DEADLINE_EXCEEDED", "DEADLINE_EXCEEDED")
        assert blocked.calls == 1
        with ThreadPoolExecutor(3) as callers:
            futures = [callers.submit(stub.GetDataSet, request, timeout=0.2) for _ in range(3)]
            for future in futures:
                assert future.exception(30).code() is grpc.StatusCode.DEADLINE_EXCEEDED
        blocked.released.set()
        served.stub("parties", "holder").GetSelf(SELF)  # the one thread is free again
        assert blocked.calls == 1
    outcomes = [o for _, action, o in actions(served) if action == "rpc.catalog.get_data_set"]
    assert outcomes.count("DEADLINE_EXCEEDED") + outcomes.count("CANCELLED") == 4
    assert "ok" not in outcomes


# ---- faults -------------------------------------------------------------------------------------


def test_the_text_of_an_unknown_exception_goes_nowhere(serve, office):
    cases = serve.cases(catalog=Broken())
    with structlog.testing.capture_logs() as logs, serve(cases=cases) as served:
        request = catalog_pb2.GetDataSetRequest(name="datasets/residents")
        found = served.refused(lambda: served.stub("catalog", "holder").GetDataSet(request))
    assert (found.code, found.reason) == ("INTERNAL", "INTERNAL")
    incident = found.info.metadata["incident"]
    assert incident in found.message
    assert CANARY not in found.message + str(found.details)
    (logged,) = [line for line in logs if line["event"] == "incident"]
    assert logged["incident"] == incident
    assert logged["exceptions"] == ["builtins.RuntimeError", "builtins.KeyError"]
    assert any("test_server_limits" in place for place in logged["places"])
    assert CANARY not in json.dumps(logs)
    assert ("parties/holder", "rpc.catalog.get_data_set", "INTERNAL") in actions(served)
    assert CANARY not in str(entries(served))


def test_a_read_that_cannot_be_logged_is_not_answered(serve, office):
    def unwritable(event):
        raise StoreUnavailable("the store does not answer: retry later")

    trail = type("Trail", (), {"record": staticmethod(unwritable)})()
    cases = serve.cases(trail=trail)
    office.register()
    with serve(cases=cases) as served:
        request = catalog_pb2.GetDataSetRequest(name="datasets/residents")
        found = served.refused(lambda: served.stub("catalog", "holder").GetDataSet(request))
        assert (found.code, found.reason) == ("UNAVAILABLE", "STORE_UNAVAILABLE")


def test_what_may_not_be_seen_is_the_same_as_what_does_not_exist(served):
    served.office.register()
    answers = set()
    served.office.another("stranger", Role.HOLDER, RecipientKind.GOVERNMENT)
    issued = served.authority.issue_party("stranger", served.office.clock.now())
    stranger = catalog_pb2_grpc.CatalogServiceStub(
        served.channel_with(issued.private_key, issued.certificate)
    )
    for name in ("datasets/residents", "datasets/nothing"):
        request = catalog_pb2.GetDataSetRequest(name=name)
        found = served.refused(lambda request=request: stranger.GetDataSet(request))
        answers.add((found.code, found.reason, found.message.replace(name, "it")))
    assert len(answers) == 1


# ---- health, reflection, metrics, drain ---------------------------------------------------------


def health(served, party="holder"):
    return health_pb2_grpc.HealthStub(served.channel(party))


def test_health_is_told_to_everybody_and_nothing_else_is(served):
    stub = health(served, None)
    for service in ("", "gateway.v1.CatalogService", "gateway.v1.ReleaseService"):
        answer = stub.Check(health_pb2.HealthCheckRequest(service=service))
        assert answer.status == health_pb2.HealthCheckResponse.SERVING, service
    found = served.refused(lambda: stub.Watch(health_pb2.HealthCheckRequest()))
    assert (found.code, found.reason) == ("UNAUTHENTICATED", "IDENTITY_MISSING")


def test_health_follows_the_store(serve, office, monkeypatch):
    with serve(limits=Limits(health_seconds=0.05)) as served:
        watch = health(served).Watch(health_pb2.HealthCheckRequest(), timeout=20)
        status = health_pb2.HealthCheckResponse
        assert next(watch).status == status.SERVING
        away = StoreUnavailable("the store does not answer: retry later")

        def read():
            raise away

        monkeypatch.setattr(office.rooms.store, "read", read, raising=False)
        assert next(watch).status == status.NOT_SERVING
        monkeypatch.undo()
        assert next(watch).status == status.SERVING
        watch.cancel()


def test_reflection_describes_the_services_to_parties_only(served):
    request = reflection_pb2.ServerReflectionRequest(list_services="")

    def ask(party):
        stub = reflection_pb2_grpc.ServerReflectionStub(served.channel(party))
        return list(stub.ServerReflectionInfo(iter([request]), timeout=10))

    (answer,) = ask("consumer")
    names = {service.name for service in answer.list_services_response.service}
    assert {"gateway.v1.ReleaseService", "grpc.health.v1.Health"} <= names
    assert served.refused(lambda: ask(None)).reason == "IDENTITY_MISSING"


def test_a_method_that_does_not_exist(served):
    multi = served.channel("holder").unary_unary("/gateway.v1.CatalogService/DropEverything")
    with pytest.raises(grpc.RpcError) as caught:
        multi(b"")
    assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED


def test_metrics_have_bounded_labels_and_no_names(serve):
    metrics = Metrics()
    port = MetricsPort(metrics, "127.0.0.1:0")
    try:
        with serve(metrics=metrics) as served:
            served.stub("parties", "holder").GetSelf(SELF)
            request = catalog_pb2.GetDataSetRequest(name=f"datasets/{CANARY}")
            served.refused(lambda: served.stub("catalog", "holder").GetDataSet(request))
        with urllib.request.urlopen(f"http://127.0.0.1:{port.port}/metrics", timeout=5) as answer:
            text = answer.read().decode()
    finally:
        port.close()
    assert 'gateway_calls_total{code="OK",method="rpc.party.get_self"} 1.0' in text
    assert 'gateway_calls_total{code="NOT_FOUND",method="rpc.catalog.get_data_set"} 1.0' in text
    assert "gateway_call_seconds_bucket" in text
    assert CANARY not in text
    assert "parties/" not in text


def calls_until_refused(stub):
    ends = time.monotonic() + 10
    while time.monotonic() < ends:  # the listener closes a moment after draining began
        stub.GetSelf(SELF, timeout=5)


def test_draining_lets_a_call_finish_and_takes_no_new_ones(serve, office):
    office.register()
    blocked = Blocked(office.rooms.catalog)
    cases = serve.cases(catalog=blocked)
    with serve(cases=cases) as served, ThreadPoolExecutor(2) as background:
        stub = served.stub("catalog", "holder")
        request = catalog_pb2.GetDataSetRequest(name="datasets/residents")
        running = background.submit(stub.GetDataSet, request)
        assert blocked.reached.wait(10)
        stopping = background.submit(served.stop, 10)
        late = served.stub("parties", "consumer")
        with pytest.raises(grpc.RpcError, match="UNAVAILABLE"):
            calls_until_refused(late)
        blocked.released.set()
        assert running.result(10).name == "datasets/residents"
        stopping.result(20)
