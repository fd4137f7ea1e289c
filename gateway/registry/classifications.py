"""Asking for a classification: a row in the store, which some process's worker finds."""

from collections.abc import Sequence
from datetime import datetime

from gateway.errors import FailedPrecondition
from gateway.model.catalog import Column, DataSet, Party
from gateway.model.classification import GATEWAY, Cause, Classification
from gateway.model.lifecycle import CLASSIFICATION, ClassificationState, advance
from gateway.ports import Transaction


def ask(
    tx: Transaction,
    dataset: DataSet,
    cause: Cause,
    now: datetime,
    caller: Party | None = None,
    declared: Sequence[Column] = (),
) -> Classification:
    """Have a data set classified. One that waits or runs is overtaken: what it finds is dropped.

    ``declared``: what the holder says of columns, for a first classification; it is passed on until
    one is done.
    """
    before = tx.classification(dataset.name)
    if before is not None:
        if before.state is not ClassificationState.PENDING:
            advance(CLASSIFICATION, dataset.name, before.state, ClassificationState.PENDING)
        if before.state is not ClassificationState.DONE:
            declared = declared or before.declared
    asked = Classification(
        dataset=dataset.name,
        number=1 if before is None else before.number + 1,
        cause=cause,
        asked_by=GATEWAY if caller is None else caller.name,
        role=None if caller is None else caller.role,
        declared=tuple(declared),
        columns_total=len(dataset.columns),
        created=now,
        updated=now,
    )
    tx.put_classification(asked)
    return asked


def refuse_while_under_way(tx: Transaction, name: str) -> None:
    """FailedPrecondition while a data set is being classified: what is said of its columns now
    would be laid over what nobody knows yet."""
    found = tx.classification(name)
    if found is not None and found.under_way:
        raise FailedPrecondition(
            f"{name} is being classified: try again when that is done (gateway dataset show)",
            reason="CLASSIFICATION_UNDER_WAY",
            resource=name,
        )
