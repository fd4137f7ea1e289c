"""A training that a library never comes back from keeps nothing of the gateway."""

import threading

import pyarrow as pa
import pytest

from gateway.errors import CheckFailed
from gateway.execute.statistics import training
from gateway.model.fitting import Feature, ModelSpec

SPEC = ModelSpec(
    kind="standard_scaler",
    features=(Feature(column="income", lower="0", upper="1"),),
    rows=10,
    epsilon="1",
)
ROWS = pa.table({"x0": [0.5]})


def test_a_training_that_does_not_end_is_ended(monkeypatch) -> None:
    def never(*_: object) -> None:
        while True:
            try:
                sum(range(1000))
            except Exception:  # noqa: S112, BLE001 - as a library may
                continue

    monkeypatch.setattr(training, "fit", never)
    monkeypatch.setattr(training, "LONGEST_SECONDS", 0.1)
    with pytest.raises(CheckFailed, match="too long"):
        training.trained(SPEC, ROWS, None)
    assert not [t for t in threading.enumerate() if t.name == "gateway-training"]


def test_a_training_does_not_keep_the_process_and_its_fault_is_told(monkeypatch) -> None:
    daemons = []

    def fails(*_: object) -> None:
        daemons.append(threading.current_thread().daemon)
        raise ValueError("what a cell was")

    monkeypatch.setattr(training, "fit", fails)
    with pytest.raises(CheckFailed, match="could not be trained"):
        training.trained(SPEC, ROWS, None)
    assert daemons == [True]
