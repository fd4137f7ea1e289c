"""Trains the model of a plan on its rows; the table of the answer holds parameters and card."""

import ctypes
import json
import threading
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from gateway.errors import CheckFailed
from gateway.execute.translation import translating
from gateway.model.fitting import ModelSpec
from gateway.model.statistics import AnswerColumn
from gateway.ports import Entropy
from gateway.transform.noise.models import Fitted, fit

COLUMNS: Final[tuple[AnswerColumn, ...]] = (
    AnswerColumn(name="parameters", role="value"),
    AnswerColumn(name="card", role="value"),
)
"""Both are JSON texts, in the one row that the table has."""


LONGEST_SECONDS: Final = 120.0
_ENDING_SECONDS: Final = 5.0


class _TooLong(BaseException):
    """Raised in a training by who waited for it; no ``except Exception`` of a library keeps it."""


def trained(model: ModelSpec, rows: pa.Table, entropy: Entropy) -> pa.Table:
    """The answer to a request for a model. ``rows``: a column for each of the model's, one row of
    each person. CheckFailed, without a reason that tells of the data, where it cannot be trained,
    or not within ``LONGEST_SECONDS``."""
    made: list[pa.Table] = []
    faults: list[BaseException] = []

    def train() -> None:
        try:
            made.append(_trained(model, rows, entropy))
        except BaseException as fault:  # noqa: BLE001 - raised again where it is waited for
            faults.append(fault)

    # A daemon: a library that never comes back keeps neither a call's thread nor the process.
    training = threading.Thread(target=train, name="gateway-training", daemon=True)
    training.start()
    training.join(LONGEST_SECONDS)
    if training.is_alive() and training.ident is not None:
        ident = ctypes.c_ulong(training.ident)
        ctypes.pythonapi.PyThreadState_SetAsyncExc(ident, ctypes.py_object(_TooLong))
        training.join(_ENDING_SECONDS)
    if made:
        return made[0]
    if faults and not isinstance(faults[0], _TooLong):
        raise faults[0]
    raise CheckFailed("the model took too long to train; what it cost stays")


def _trained(model: ModelSpec, rows: pa.Table, entropy: Entropy) -> pa.Table:
    with translating(lambda: CheckFailed("the model could not be trained; what it cost stays")):
        fitted = _fitted(model, rows, entropy)
        parameters = json.dumps(fitted.parameters, allow_nan=False)
        card = fitted.card.canonical().decode()
        return pa.table({"parameters": [parameters], "card": [card]})


def _fitted(model: ModelSpec, rows: pa.Table, entropy: Entropy) -> Fitted:
    width = len(model.features)
    columns = [_numbers(rows.column(place)) for place in range(width)]
    features = np.column_stack(columns) if rows.num_rows else np.empty((0, width))
    predicted = None
    if model.target is not None:
        predicted = _numbers(rows.column(width))
    elif model.label is not None:
        known = pc.index_in(rows.column(width), value_set=pa.array(model.classes))
        predicted = known.fill_null(-1).to_numpy().astype(np.int64)
    return fit(model, features, predicted, entropy)


def _numbers(column: pa.ChunkedArray) -> NDArray[np.float64]:
    found: NDArray[np.float64] = column.to_numpy().astype(np.float64)
    return found
