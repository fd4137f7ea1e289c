"""Keeps the recodings of data set versions: each computed once, stored encrypted, only coarsened.

Claim: every extract of a version is published under one of a chain of recodings, each of which
merges whole classes of the one before and leaves out all that it left out. So two extracts of a
version without row filters, laid side by side, tell no more apart than the finer of the two does
alone. It rests on none of the chain ever being replaced, and on each being made from the last one
that there is when it is kept, which the transaction that keeps it compares.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gateway.errors import (
    CheckFailed,
    FailedPrecondition,
    GatewayError,
    InvalidRequest,
    KeyUnavailable,
    SourceChanged,
)
from gateway.model.anonymity import AnonymityGoal
from gateway.model.exact import DECIMALS, from_millionths, millionths
from gateway.model.noun import Noun
from gateway.model.plan import Anonymisation, HierarchyRef
from gateway.model.recoding import StoredRecoding
from gateway.model.release import Figure
from gateway.ports import Clock, Entropy, KeyRing, Source, Staging, Store
from gateway.registry.domain_keys import RootKeyRetired, keep_key
from gateway.registry.turns import HOLD_EVERY, LEASE
from gateway.release.recoding_figures import costs, reached, risks, usefulness
from gateway.transform.anonymize.full_domain import at_levels
from gateway.transform.anonymize.ladder import Ladder
from gateway.transform.anonymize.problem import Problem, Watch, sensitive_columns
from gateway.transform.anonymize.recoding import SUPPRESSED, Lookup, Recoding

Tell = Callable[[int], None]
"""Told a share of the work in percent. Raises Cancelled to stop it; keeps what is leased."""

Search = Callable[[Problem, Watch], Recoding]
Propose = Callable[[pa.Array], Ladder]

_PIECE: Final = 1 << 20
_ONE: Final = 10**DECIMALS
_STREAM: Final = pa.schema([("piece", pa.binary())])


class _LookAgain(Exception):
    """Somebody else has the lease by now, or made a recoding meanwhile."""


class Goal(Noun):
    """What a recoding is searched for: its digest names it in the store."""

    goal: AnonymityGoal
    hierarchies: dict[str, HierarchyRef]


@dataclass(frozen=True, slots=True, repr=False)
class Kept:
    """A stored recoding, opened. Implements ports.RowRecoding; the repr is blind."""

    stored: StoredRecoding
    recoding: Recoding
    _lookup: Lookup = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_lookup", Lookup(self.recoding))

    @property
    def columns(self) -> tuple[str, ...]:
        """See ports.RowRecoding."""
        return self.recoding.names

    def classes_of(self, batch: pa.RecordBatch | pa.Table) -> np.ndarray:
        """The class of each row; SUPPRESSED where it is left out."""
        try:
            return self._lookup.classes_of(batch)
        except InvalidRequest:
            raise SourceChanged(
                f"{self.stored.dataset} changed while it was read: ask again",
                dataset=self.stored.dataset,
            ) from None

    def recoded(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """See ports.RowRecoding."""
        classes = self.classes_of(batch)
        kept = np.flatnonzero(classes != SUPPRESSED)
        rows = pa.Table.from_batches([batch.take(pa.array(kept))])
        made = self.recoding.publish(rows, classes[kept]).combine_chunks().to_batches()
        return made[0] if made else rows_of_none(batch, self.recoding.names)

    def __repr__(self) -> str:
        return f"Kept({self.stored.dataset}, generation {self.stored.generation})"


def rows_of_none(batch: pa.RecordBatch, recoded: tuple[str, ...]) -> pa.RecordBatch:
    """No row, of the columns that a recoded batch has."""
    fields = [
        pa.field(field.name, pa.string()) if field.name in recoded else field
        for field in batch.schema
    ]
    return pa.RecordBatch.from_pylist([], schema=pa.schema(fields))


class Recodings:
    """Finds, or makes, the recoding that a plan's anonymisation asks for.

    ``hierarchies``: tables by name. ``search``: by method. ``propose``: a ladder of a column's
    values where nobody gave a hierarchy.
    """

    def __init__(
        self,
        store: Store,
        staging: Staging,
        keyring: KeyRing,
        clock: Clock,
        entropy: Entropy,
        hierarchies: Mapping[str, pa.Table],
        search: Mapping[str, Search],
        propose: Propose,
    ) -> None:
        self._store = store
        self._staging = staging
        self._keyring = keyring
        self._clock = clock
        self._entropy = entropy
        self._hierarchies = hierarchies
        self._search = search
        self._propose = propose

    def found(
        self,
        dataset: str,
        fingerprint: str,
        wanted: Anonymisation,
        source: Source,
        owner: str,
        tell: Tell,
        pause: Callable[[], None],
    ) -> Kept:
        """The finest recoding of the version that reaches the goal; made when there is none.

        ``owner`` names who works: of several that want one at a time, one makes it and the others
        ``pause`` until it is there. Raises CheckFailed where it cannot be reached, or where other
        columns are quasi-identifiers by now than when extracts of this version were made.
        """
        goal = _digest(wanted)
        turn = _turn(dataset, fingerprint)
        while True:
            known = self._known(dataset, fingerprint, wanted)
            for stored in known:
                if goal in stored.goals:
                    return self.opened(stored)
            if self._lease(turn, owner):
                with suppress(_LookAgain):
                    return self._in_turn(dataset, fingerprint, wanted, source, owner, tell)
            tell(0)
            pause()

    def _in_turn(
        self,
        dataset: str,
        fingerprint: str,
        wanted: Anonymisation,
        source: Source,
        owner: str,
        tell: Tell,
    ) -> Kept:
        """Make one under the lease. _LookAgain when somebody else did meanwhile."""
        turn = _turn(dataset, fingerprint)
        try:
            held = self._clock.now()

            def told(percent: int) -> None:
                nonlocal held
                tell(percent)
                if (now := self._clock.now()) - held > HOLD_EVERY:
                    if not self._lease(turn, owner):
                        raise _LookAgain
                    held = now

            known = self._known(dataset, fingerprint, wanted)
            table = self.read(source, wanted, told)
            _one_record_a_person(table, wanted)
            return self._made(dataset, fingerprint, wanted, owner, known, table, told)
        finally:
            self._let_go(turn, owner)

    def at(self, dataset: str, fingerprint: str, generation: int) -> Kept:
        """The recoding that an earlier extract was published under."""
        with self._store.read() as tx:
            stored = tx.recodings(dataset, fingerprint)[generation - 1]
        return self.opened(stored)

    def reaches(self, dataset: str, fingerprint: str, wanted: Anonymisation) -> bool:
        """Whether there is a recoding that is known to reach the goal."""
        return any(_digest(wanted) in r.goals for r in self._known(dataset, fingerprint, wanted))

    @staticmethod
    def read(source: Source, wanted: Anonymisation, tell: Tell) -> pa.Table:
        """The columns of a whole version that its recoding is searched by."""
        goal = wanted.goal
        names = [*goal.quasi_identifiers, *sensitive_columns(goal)]
        if wanted.person is not None and wanted.person not in names:
            names.append(wanted.person)
        batches = []
        for batch in source.batches(names, (), None):
            batches.append(batch)
            tell(0)
        if not batches:
            raise CheckFailed("the data set has no records: there is nothing to anonymise")
        return pa.Table.from_batches(batches)

    def tables(self, wanted: Anonymisation) -> dict[str, pa.Table]:
        """The hierarchies of a goal, by the names that models give them."""
        return {
            ref.name: self._hierarchies[ref.name]
            for ref in wanted.hierarchies.values()
            if ref.name in self._hierarchies
        }

    def opened(self, stored: StoredRecoding) -> Kept:
        """The recoding itself. KeyUnavailable when its key is gone."""
        made = b"".join(self._pieces(stored.stream))
        # Every recoded column is published as text, so that plans know its type beforehand.
        return Kept(stored, replace(Recoding.from_bytes(made), untouched=frozenset()))

    # ---- the store --------------------------------------------------------------------------------

    def _known(self, dataset: str, fingerprint: str, wanted: Anonymisation) -> list[StoredRecoding]:
        with self._store.read() as tx:
            known = tx.recodings(dataset, fingerprint)
        if any(set(r.quasi_identifiers) != set(wanted.goal.quasi_identifiers) for r in known):
            # Under another set of columns classes would cut across those that were published.
            raise CheckFailed(
                f"other columns of {dataset} are quasi-identifiers by now than when this version "
                "of it was first recoded: its holder publishes a new version, or an officer "
                "restores the verdicts"
            )
        return known

    def _lease(self, turn: str, owner: str) -> bool:
        now = self._clock.now()
        with self._store.write() as tx:
            return tx.lease(turn, owner, now, now + LEASE)

    def _let_go(self, turn: str, owner: str) -> None:
        now = self._clock.now()
        with self._store.write() as tx:
            tx.lease(turn, owner, now, now)

    def _kept(self, stored: StoredRecoding, recoding: Recoding, owner: str) -> Kept:
        turn = _turn(stored.dataset, stored.fingerprint)
        key = self._entropy.bytes(32)
        with self._staging.create(stored.stream, key, _STREAM) as writer:
            made = recoding.to_bytes()
            for start in range(0, len(made), _PIECE):
                piece = pa.array([made[start : start + _PIECE]], pa.binary())
                writer.write(pa.record_batch([piece], schema=_STREAM))
            writer.finish()
        for last in (False, True):
            wrapped = self._keyring.wrap(key, stored.stream)
            try:
                with self._store.write() as tx:
                    now = self._clock.now()
                    if not tx.lease(turn, owner, now, now + LEASE) or not tx.add_recoding(stored):
                        raise _LookAgain  # what was staged has no key, and is swept
                    keep_key(tx, self._keyring, stored.stream, wrapped)
                break
            except RootKeyRetired:
                if last:
                    raise
        return Kept(stored, replace(recoding, untouched=frozenset()))

    def _pieces(self, stream: str) -> Iterator[bytes]:
        with self._store.read() as tx:
            wrapped = tx.key(stream)
        if wrapped is None:
            raise KeyUnavailable("the key of a recoding was destroyed", resource=stream)
        key = self._keyring.unwrap(wrapped, stream)
        chunks = (chunk.payload for chunk in self._staging.chunks(stream, key, 0))
        with pa.ipc.open_stream(pa.BufferReader(b"".join(chunks))) as reader:
            for batch in reader:
                yield from batch.column(0).to_pylist()

    # ---- making one -------------------------------------------------------------------------------

    def _made(
        self,
        dataset: str,
        fingerprint: str,
        wanted: Anonymisation,
        owner: str,
        known: list[StoredRecoding],
        table: pa.Table,
        tell: Tell,
    ) -> Kept:
        goal = _digest(wanted)
        last: Kept | None = None
        for stored in known:
            last = self.opened(stored)
            if self._figures(dataset, table, last.recoding, wanted) is not None:
                with self._store.write() as tx:
                    reaches = tx.add_recoding_goal(dataset, fingerprint, stored.generation, goal)
                return replace(last, stored=reaches)
        recoding = self._searched(dataset, wanted, last, table, tell)
        figures = self._figures(dataset, table, recoding, wanted)
        if figures is None:
            raise CheckFailed(
                f"what was found for {dataset} does not hold what the policies demand by the "
                "verifier's count: tell the gateway's administrator"
            )
        names = wanted.goal.quasi_identifiers
        tell(99)
        stored = StoredRecoding(
            dataset=dataset,
            fingerprint=fingerprint,
            generation=len(known) + 1,
            stream=f"recodings/{self._entropy.bytes(10).hex()}",
            quasi_identifiers=wanted.goal.quasi_identifiers,
            method=recoding.method,
            metric=recoding.metric,
            levels=None if recoding.levels is None else dict(recoding.levels),
            goals=(goal,),
            figures=(
                *costs(recoding),
                *figures,
                *risks(table, recoding, names),
                *usefulness(table, recoding, names),
            ),
            created=self._clock.now(),
        )
        return self._kept(stored, recoding, owner)

    def _figures(
        self, dataset: str, table: pa.Table, recoding: Recoding, wanted: Anonymisation
    ) -> tuple[Figure, ...] | None:
        try:
            return reached(table, recoding, wanted.goal, self.tables(wanted))
        except InvalidRequest as unfit:
            raise _cannot(dataset, unfit) from unfit

    def _searched(
        self,
        dataset: str,
        wanted: Anonymisation,
        last: Kept | None,
        table: pa.Table,
        tell: Tell,
    ) -> Recoding:
        """A recoding of the version; where there is one already, one that coarsens it."""
        goal, rows = wanted.goal, table.num_rows
        began = self._clock.now()

        def elapsed() -> float:
            return (self._clock.now() - began).total_seconds()

        watch = Watch(
            elapsed=elapsed,
            tell=lambda _stage, done, expected: tell(
                min(99, 100 * done // expected) if expected else 0
            ),
        )
        try:
            ladders = self.ladders(table, wanted)
            if last is not None:
                table = last.recoding.apply(table)
                ladders |= _above(last.recoding, ladders, goal.quasi_identifiers)
                goal = _for_the_rest(goal, rows, table.num_rows)
            problem = Problem.of(table, goal, ladders, {})
            found = self._as_before(dataset, problem) if last is None else None
            if found is None:
                found = self._search[goal.method](problem, watch)
        except (InvalidRequest, FailedPrecondition) as unfit:
            raise _cannot(dataset, unfit) from unfit
        return found if last is None else _composed(last.recoding, found)

    def _as_before(self, dataset: str, problem: Problem) -> Recoding | None:
        """The levels of the version before, where they still reach the goal: who is in both
        versions then stays in the same class, and recipients of the one can have the other."""
        with self._store.read() as tx:
            before = tx.newest_recoding(dataset)
        goal = problem.goal
        if (
            before is None
            or before.levels is None
            or goal.method != "full_domain"
            or set(before.levels) != set(goal.quasi_identifiers)
        ):
            return None
        return at_levels(problem, before.levels)

    def ladders(self, table: pa.Table, wanted: Anonymisation) -> dict[str, Ladder]:
        """Of every quasi-identifier, and of every hierarchy that a model goes by."""
        found = {}
        for name, ref in wanted.hierarchies.items():
            if ref.name not in self._hierarchies:
                raise CheckFailed(f"the hierarchy {ref.name} is no longer there: ask again")
            found[name] = Ladder.of_table(self._hierarchies[ref.name])
        for name in wanted.goal.quasi_identifiers:
            if name not in found:
                found[name] = self._propose(table.column(name).combine_chunks())
        return found


def _turn(dataset: str, fingerprint: str) -> str:
    return f"recodings/{dataset}/{fingerprint}"


def _digest(wanted: Anonymisation) -> str:
    return Goal(goal=wanted.goal, hierarchies=wanted.hierarchies).digest()


def _fields(unfit: GatewayError) -> set[str]:
    return {v.field for v in unfit.violations} if isinstance(unfit, InvalidRequest) else set()


def _one_record_a_person(table: pa.Table, wanted: Anonymisation) -> None:
    if wanted.person is None:
        return
    persons = table.column(wanted.person)
    if persons.null_count or pc.count_distinct(persons).as_py() != table.num_rows:
        raise CheckFailed(
            "the models count records, and in this data set a person has several, or a record "
            "none: its holder offers one with one record a person"
        )


def _cannot(dataset: str, unfit: GatewayError) -> CheckFailed:
    names = ", ".join(sorted(_fields(unfit))) or "together"
    return CheckFailed(
        f"{dataset} cannot be anonymised as the policies demand ({names}): its holder, or an "
        "officer, looks at the hierarchies and the demands with gateway anonymize; a dry run, which "
        "is free, tells what each demand could be at most where that is known",
        reason="ANONYMITY_INFEASIBLE",
    )


def _for_the_rest(goal: AnonymityGoal, rows: int, left: int) -> AnonymityGoal:
    """The goal over the records that an earlier recoding left, of what may still be left out."""
    most = millionths(goal.max_suppression) * rows // _ONE - (rows - left)
    if most < 0 or not left:
        raise CheckFailed(
            "an earlier recoding of this version leaves out more records than the policies permit "
            "here, and what it left out stays so for everybody: the holder publishes a new version"
        )
    share = most * _ONE // left
    return goal.but(max_suppression=from_millionths(min(share, _ONE)) or "0")


def _above(
    last: Recoding, ladders: Mapping[str, Ladder], names: tuple[str, ...]
) -> dict[str, Ladder]:
    """Ladders that begin where a recoding ended: of its level on, or of each text and the root."""
    found = {}
    for name in names:
        texts = last.published.column(name).combine_chunks().unique()
        level = None if last.levels is None else last.levels[name]
        ladder = ladders[name] if level is None else _from_level(ladders[name], level)
        if level is None or pc.any(ladder.find(texts).is_null()).as_py():
            root = pa.repeat(pa.scalar("*"), len(texts))
            ladder = Ladder.of_levels([texts, root], "recoded")
        found[name] = ladder
    return found


def _from_level(ladder: Ladder, level: int) -> Ladder:
    _, first = np.unique(ladder.codes[level], return_index=True)
    codes = tuple(each[first] for each in ladder.codes[level:])
    return Ladder(ladder.labels[level], codes, ladder.labels[level:], ladder.origin)


def _composed(first: Recoding, then: Recoding) -> Recoding:
    """What both do one after the other, as one recoding of the source's values."""
    merged = np.append(then.classes_of(first.published), SUPPRESSED)
    levels = then.levels
    if first.levels is not None and then.levels is not None:
        levels = {name: first.levels[name] + then.levels[name] for name in then.levels}
    return replace(
        then,
        levels=levels,
        leaves=first.leaves,
        tuples=first.tuples,
        classes=merged[first.classes],
        untouched=frozenset(),
        row_tuple=None,
    )
