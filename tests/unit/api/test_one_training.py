"""One model is trained at a time: the others are refused before anything is charged."""

import uuid
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from types import SimpleNamespace

import pytest

from gateway.api.pb import statistics_pb2
from gateway.api.services.statistics import Busy, StatisticsRpcs


class Asked(Exception):
    """The question came to where it would be charged."""


def wish() -> statistics_pb2.FitModelRequest:
    return statistics_pb2.FitModelRequest(
        request_id=str(uuid.uuid4()),
        dataset="datasets/residents",
        purpose="research",
        epsilon="1",
        kind=statistics_pb2.MODEL_KIND_STANDARD_SCALER,
        features=[statistics_pb2.ModelFeature(column="income", lower="0", upper="1")],
        rows=100,
    )


def test_one_model_is_trained_at_a_time() -> None:
    asked, go_on = Event(), Event()

    def ask(*_: object) -> None:
        asked.set()
        assert go_on.wait(20)
        raise Asked

    cases = SimpleNamespace(
        asking=SimpleNamespace(ask=ask), answering=None, answers=None, budgets=None
    )
    rpcs = StatisticsRpcs(cases, None)
    call = SimpleNamespace(party=None, key=lambda _: None)
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(rpcs.fit_model, call, wish())
        try:
            assert asked.wait(20)
            with pytest.raises(Busy, match="nothing was charged"):
                rpcs.fit_model(call, wish())
        finally:
            go_on.set()
        with pytest.raises(Asked):
            first.result()
    with pytest.raises(Asked):  # its turn is given back
        rpcs.fit_model(call, wish())
