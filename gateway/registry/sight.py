"""Who may see what: something that a caller may not see is the same as what does not exist."""

from gateway.errors import NotFound
from gateway.model.access import Grant
from gateway.model.answers import AnswerRecord
from gateway.model.budgets import Budget
from gateway.model.catalog import DataSet, Party
from gateway.model.lifecycle import DataSetState
from gateway.model.names import Role
from gateway.model.reidentification import Reidentification
from gateway.model.release import Release
from gateway.ports import Transaction

_OVERSEERS = (Role.OFFICER, Role.AUDITOR)


def dataset_for(tx: Transaction, caller: Party, name: str) -> DataSet:
    """The data set, if the caller may see it: holders their own, consumers those in use."""
    found = tx.dataset(name)
    if found is not None and (
        caller.role in _OVERSEERS
        or (caller.role is Role.HOLDER and found.holder == caller.name)
        or (caller.role is Role.CONSUMER and found.state is not DataSetState.WITHDRAWN)
    ):
        return found
    raise NotFound.resource(name)


def grant_for(tx: Transaction, caller: Party, name: str) -> Grant:
    """The grant: a consumer's own, of a holder's own data set, any for officers and auditors."""
    found = tx.grant(name)
    if found is not None and (
        caller.role in _OVERSEERS
        or (caller.role is Role.CONSUMER and found.consumer == caller.name)
        or (caller.role is Role.HOLDER and _holds(tx, caller, found.dataset))
    ):
        return found
    raise NotFound.resource(name)


def release_for(tx: Transaction, caller: Party, name: str, *, lock: bool = False) -> Release:
    """The release's record, by the same rule; whether its data may be read is another matter."""
    found = tx.release(name, lock=lock)
    if found is not None and (
        caller.role in _OVERSEERS
        or (caller.role is Role.CONSUMER and found.consumer == caller.name)
        or (caller.role is Role.HOLDER and _holds(tx, caller, found.request.dataset))
    ):
        return found
    raise NotFound.resource(name)


def reidentification_for(tx: Transaction, caller: Party, name: str) -> Reidentification:
    """The request: a party's own, about a holder's own data set, any for officers and auditors."""
    found = tx.reidentification(name)
    if found is not None and (
        caller.role in _OVERSEERS
        or (caller.role in (Role.CONSUMER, Role.HOLDER) and found.requester == caller.name)
        or (caller.role is Role.HOLDER and _holds(tx, caller, found.dataset))
    ):
        return found
    raise NotFound.resource(name)


def budget_for(tx: Transaction, caller: Party, name: str) -> Budget:
    """The budget: a consumer's own, of a holder's own data set, any for officers and auditors."""
    found = tx.budget(name)
    if found is not None and (
        caller.role in _OVERSEERS
        or (caller.role is Role.CONSUMER and found.scope.recipient == caller.name)
        or (caller.role is Role.HOLDER and _holds(tx, caller, found.scope.dataset or ""))
    ):
        return found
    raise NotFound.resource(name)


def answer_for(tx: Transaction, caller: Party, name: str, *, lock: bool = False) -> AnswerRecord:
    """The answer's record, by the rule of releases; a table is for who asked alone."""
    found = tx.answer(name, lock=lock)
    if found is not None and (
        caller.role in _OVERSEERS
        or (caller.role is Role.CONSUMER and found.consumer == caller.name)
        or (caller.role is Role.HOLDER and _holds(tx, caller, found.request.dataset))
    ):
        return found
    raise NotFound.resource(name)


def _holds(tx: Transaction, caller: Party, dataset: str) -> bool:
    found = tx.dataset(dataset)
    return found is not None and found.holder == caller.name
