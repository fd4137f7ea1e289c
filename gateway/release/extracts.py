"""What a recipient already has of a data set, and whether one more extract bares somebody.

Claim: over all anonymised extracts of one recipient, or of a declared coalition, of every version of
a data set and under whatever row filters of policies, and over those of all recipients of one
version where any of them is filtered, persons that can be told apart are never fewer than the policies
permitted with the mildest extract that shows them (risk.extracts). An extract that would break this
is refused, and the refusal tells no number.

It rests on every extract having been counted with all that were sealed before it, which the sealing
transaction compares (anonymising). Models of sensitive columns are counted over who is in the version
that is asked for; where policies demand any, a version that persons of an earlier extract have left
is refused. Between versions it rests on the privacy unit naming a person the same in each: a changed
type, or a version that shares nobody, is refused; names written another way within a type are not
noticed where some are the same. Of other versions, extracts of strangers are not counted.

Within a version the classes of earlier extracts are computed again from its stored recodings and
from their row filters. Between versions persons are compared by keyed digests: a roster of whom an
extract shows in which class is kept with it, encrypted under a data key of its own.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from gateway.errors import CheckFailed, InvalidRequest
from gateway.model.anonymity import PrivacyModel
from gateway.model.conditions import Condition
from gateway.model.decision import Decision
from gateway.model.key_domains import written
from gateway.model.plan import Anonymisation, Plan
from gateway.model.release import Figure, Release
from gateway.ports import Entropy, KeyRing, Marker, Source, Staging, Store, Transaction
from gateway.registry.domain_keys import keep_key, kept_key
from gateway.registry.facts import everything
from gateway.release.recodings import Kept, Recodings, Tell
from gateway.risk.extracts import NOT_SHOWN, Cells
from gateway.risk.privacy.verify import verify
from gateway.transform.anonymize.problem import sensitive_columns
from gateway.transform.anonymize.recoding import SUPPRESSED
from gateway.transform.derivation import derive
from gateway.transform.keyed_numbers import KeyedNumbers

_DIGESTS: Final = "rosters/persons"
"""The data key that persons' digests are keyed by; it never changes, or nobody would be found."""

_ROSTER: Final = pa.schema([("person", pa.uint64()), ("class", pa.int32())])
_ROWS: Final = 1 << 16
_CELL: Final = "cell"

_REFUSED: Final = (
    "together with other extracts of this data set, or by the policies' row filters, this extract "
    "would let groups of too few persons be told apart: ask for a version in which more has changed, "
    "or an officer changes the policies' row filters"
)

_NOBODY_SHARED: Final = (
    "nobody of an earlier extract of this data set is in this version by the column that names the "
    "person, or that column has another type by now, so nobody can tell who is in both: its holder "
    "names persons as before, or registers another data set"
)
_SOMEBODY_LEFT: Final = (
    "the policies protect sensitive columns, and of persons who left since an earlier extract of this "
    "data set nothing is kept that they could be checked by: ask for a version that still has them"
)


@dataclass(frozen=True, slots=True)
class Extract:
    """One anonymised extract: of which version, under which recoding and filters."""

    release: str
    fingerprint: str
    generation: int
    filters: tuple[Condition, ...]
    least: int
    roster: str | None = None

    @property
    def shows(self) -> tuple[str, int, tuple[Condition, ...]]:
        """What decides whom it shows, in which class: others may show the same."""
        return self.fingerprint, self.generation, self.filters


@dataclass(frozen=True, slots=True, repr=False)
class Roster:
    """Where it is staged of whom an extract shows in which class, and its wrapped key."""

    stream: str
    key: bytes


def counted_with(
    tx: Transaction, decision: Decision, plan: Plan, fingerprint: str
) -> list[Extract]:
    """The anonymised extracts of the data set that one of this version is counted with.

    Every one that the recipient's coalition ever could read. Where any of this version is under row
    filters, also those of everybody else of this version: two recipients under different filters
    have a difference that neither recoding merged.
    """
    terms = decision.anonymity
    coalition = () if terms is None else terms.coalition
    own, others = [], []
    for release in everything(
        lambda page: tx.releases(page, dataset=plan.dataset), lambda r: r.name
    ):
        if (extract := _extract(release)) is None:
            continue
        if release.consumer in coalition:
            own.append(extract)
        elif extract.fingerprint == fingerprint:
            others.append(extract)
    here = [extract for extract in own if extract.fingerprint == fingerprint]
    if plan.filters or any(extract.filters for extract in (*here, *others)):
        return [*own, *others]
    return own


def _extract(release: Release) -> Extract | None:
    plan, sealed = release.plan, release.sealed
    if plan is None or sealed is None or plan.anonymisation is None or sealed.recoding is None:
        return None
    return Extract(
        release=release.name,
        fingerprint=sealed.source_fingerprint,
        generation=sealed.recoding,
        filters=plan.filters,
        least=plan.anonymisation.least,
        roster=sealed.roster,
    )


class Extracts:
    """Counts what extracts let be told apart together."""

    def __init__(
        self,
        store: Store,
        staging: Staging,
        keyring: KeyRing,
        entropy: Entropy,
        recodings: Recodings,
        marker: Marker,
    ) -> None:
        self._store = store
        self._staging = staging
        self._keyring = keyring
        self._entropy = entropy
        self._recodings = recodings
        self._marker = marker

    def check(
        self, plan: Plan, wanted: Anonymisation, kept: Kept, earlier: Sequence[Extract],
        source: Source, tell: Tell,
    ) -> Figure:  # fmt: skip
        """That laying this extract beside earlier ones bares nobody. CheckFailed when it would: when
        groups of too few could be told apart.

        The figure is the same whoever has what: how many extracts there are, and of how many
        persons, would tell a recipient what others have.
        """
        fingerprint = kept.stored.fingerprint
        new = Extract("", fingerprint, kept.stored.generation, plan.filters, wanted.least)
        distinct: dict[object, Extract] = {}
        for extract in (*earlier, new):
            known = distinct.get(extract.shows)
            if known is None or known.least > extract.least:
                distinct[extract.shows] = extract
        here = [e for e in distinct.values() if e.fingerprint == fingerprint]
        others = [e for e in distinct.values() if e.fingerprint != fingerprint]
        if others and wanted.person is None:
            raise CheckFailed(
                f"the recipient has an extract of an earlier version of {plan.dataset}, and without "
                "a privacy unit nobody can tell who is in both: its holder names the column that "
                "names the person"
            )
        if others or any(extract.filters for extract in here):
            self._count(plan.dataset, wanted, here, others, source, tell)
        # Else all are of this version and without filters: they merge each other's classes, and
        # part none.
        return Figure(
            check="extracts",
            name="persons whom this extract, beside all that are counted with it, shows among fewer "
            "than the policies permit",
            value="none: refused otherwise",
            passed=True,
        )

    def keep_roster(
        self, plan: Plan, wanted: Anonymisation, kept: Kept, source: Source, tell: Tell
    ) -> Roster | None:
        """Stage whom the extract shows in which class, for the transaction that seals. None
        without a privacy unit.

        The stream has a name of its own each time: an attempt that lost its lease and goes on must
        not touch what a later one sealed. What is never sealed has no key, and is swept.
        """
        if wanted.person is None:
            return None
        stream, key = f"rosters/{self._entropy.bytes(16).hex()}", self._entropy.bytes(32)
        secret = self._secret()
        with self._staging.create(stream, key, _ROSTER) as writer:
            for batch, marks in self._marker.marked(
                source, [*kept.columns, wanted.person], [plan.filters]
            ):
                shown = _shown(kept, batch, marks[0])
                there = np.flatnonzero(shown != NOT_SHOWN)
                persons = _digests(secret, plan.dataset, batch.column(wanted.person))[there]
                columns = [pa.array(persons), pa.array(shown[there])]
                writer.write(pa.record_batch(columns, schema=_ROSTER))
                tell(0)
            writer.finish()
        return Roster(stream, self._keyring.wrap(key, stream))

    def _count(
        self,
        dataset: str,
        wanted: Anonymisation,
        here: Sequence[Extract],
        others: Sequence[Extract],
        source: Source,
        tell: Tell,
    ) -> None:
        """CheckFailed when somebody is bared."""
        marked = self._marked(dataset, wanted, here, source, tell)
        rosters = [self._roster(extract) for extract in others]
        if not all(roster.shares(marked.persons) for roster in rosters):
            raise CheckFailed(_NOBODY_SHARED)
        gone = _absent([roster.persons for roster in rosters], marked.persons)
        cells = Cells(len(marked.rows) + len(gone))
        for extract, shown in zip(here, marked.shown, strict=True):
            if not (shown != NOT_SHOWN).any():
                raise CheckFailed(_REFUSED)  # that nobody is there tells of a few people, too
            cells.add(np.append(shown, np.full(len(gone), NOT_SHOWN, np.int32)), extract.least)
        everyone = np.append(marked.persons, gone)
        for extract, roster in zip(others, rosters, strict=True):
            cells.add(roster.classes_of(everyone), extract.least)
            tell(0)
        if not cells.large_enough:
            raise CheckFailed(_REFUSED)
        if len(gone) and _of_columns(wanted):
            raise CheckFailed(_SOMEBODY_LEFT)
        self._models_hold(wanted, cells, marked)

    def _models_hold(self, wanted: Anonymisation, cells: Cells, marked: "_Marked") -> None:
        """The other models, in every cell of those who are here now; where they compare
        distributions, with the whole version and not with what filters leave of it."""
        rows = len(marked.rows)
        seen = cells.visible[:rows]
        if not seen.any():
            raise CheckFailed(_REFUSED)
        table = marked.rows.append_column(_CELL, pa.array(cells.code[:rows])).filter(pa.array(seen))
        models = _of_columns(wanted)
        if not models:
            return
        try:
            verdicts = verify(
                table.to_batches(),
                [_CELL],
                models,
                hierarchies=self._recodings.tables(wanted),
                reference=marked.rows.filter(pa.array(marked.recoded)).to_batches(),
            )
        except InvalidRequest as unfit:
            raise CheckFailed(_REFUSED) from unfit
        if not all(verdict.holds for verdict in verdicts):
            raise CheckFailed(_REFUSED)

    def _marked(
        self,
        dataset: str,
        wanted: Anonymisation,
        here: Sequence[Extract],
        source: Source,
        tell: Tell,
    ) -> "_Marked":
        kept = [self._recodings.at(dataset, e.fingerprint, e.generation) for e in here]
        sensitive = list(sensitive_columns(wanted.goal))
        columns = list(dict.fromkeys([*kept[0].columns, *sensitive, *_named(wanted.person)]))
        secret = self._secret()
        shown: list[list[NDArray[np.int32]]] = [[] for _ in here]
        persons, rows, recoded = [np.zeros(0, np.uint64)], [], [np.zeros(0, np.bool_)]
        for batch, marks in self._marker.marked(source, columns, [e.filters for e in here]):
            for place, (recoding, mark) in enumerate(zip(kept, marks, strict=True)):
                shown[place].append(_shown(recoding, batch, mark))
            recoded.append(_recoded(kept, batch))
            if wanted.person is not None:
                persons.append(_digests(secret, dataset, batch.column(wanted.person)))
            rows.append(batch.select(sensitive))
            tell(0)
        table = pa.table({"row": pa.array(np.arange(sum(b.num_rows for b in rows)))})
        for name in sensitive:
            table = table.append_column(name, pa.chunked_array([b.column(name) for b in rows]))
        there = np.concatenate(persons) if wanted.person is not None else np.zeros(0, np.uint64)
        return _Marked(
            table, tuple(np.concatenate(each) for each in shown), np.concatenate(recoded), there
        )

    def _roster(self, extract: Extract) -> "_Shown":
        stream, wrapped = extract.roster, None
        if stream is not None:
            with self._store.read() as tx:
                wrapped = tx.key(stream)
        if stream is None or wrapped is None:
            raise CheckFailed(
                "nobody kept who was in an earlier extract of this data set, so this one cannot be "
                "compared with it: ask for another data set, or its holder registers it anew"
            )
        key = self._keyring.unwrap(wrapped, stream)
        chunks = (chunk.payload for chunk in self._staging.chunks(stream, key, 0))
        with pa.ipc.open_stream(pa.BufferReader(b"".join(chunks))) as reader:
            table = reader.read_all()
        persons = table.column("person").to_numpy()
        order = np.argsort(persons)
        return _Shown(persons[order], table.column("class").to_numpy()[order])

    def _secret(self) -> bytes:
        return kept_key(self._store, self._keyring, self._entropy, _DIGESTS)


@dataclass(frozen=True, slots=True, repr=False)
class _Marked:
    """The rows of a version: their sensitive values, the class in which each extract shows them,
    whether one would without its filters, and digests of their persons, where there is a privacy
    unit."""

    rows: pa.Table
    shown: tuple[NDArray[np.int32], ...]
    recoded: NDArray[np.bool_]
    persons: NDArray[np.uint64]


@dataclass(frozen=True, slots=True, repr=False)
class _Shown:
    """Whom an extract shows in which class; persons ascending."""

    persons: NDArray[np.uint64]
    classes: NDArray[np.int32]

    def shares(self, persons: NDArray[np.uint64]) -> bool:
        """Whether anybody is in both; so too of an extract that shows nobody."""
        return not len(self.persons) or bool(np.isin(self.persons, persons).any())

    def classes_of(self, persons: NDArray[np.uint64]) -> NDArray[np.int32]:
        if not len(self.persons):
            return np.full(len(persons), NOT_SHOWN, np.int32)
        at = np.minimum(np.searchsorted(self.persons, persons), len(self.persons) - 1)
        return np.where(self.persons[at] == persons, self.classes[at], NOT_SHOWN)


def keep_roster_key(tx: Transaction, keyring: KeyRing, roster: Roster | None) -> None:
    """In the transaction that seals the release: from then on its roster counts."""
    if roster is not None:
        keep_key(tx, keyring, roster.stream, roster.key)


def _shown(kept: Kept, batch: pa.RecordBatch, mark: pa.Array) -> NDArray[np.int32]:
    classes = kept.classes_of(batch.select(list(kept.columns)))
    shown = mark.to_numpy(zero_copy_only=False) & (classes != SUPPRESSED)
    return np.where(shown, classes, NOT_SHOWN).astype(np.int32)


def _recoded(kept: Sequence[Kept], batch: pa.RecordBatch) -> NDArray[np.bool_]:
    """Whom any of the recodings does not leave out."""
    there = np.zeros(batch.num_rows, np.bool_)
    for recoding in kept:
        there |= recoding.classes_of(batch.select(list(recoding.columns))) != SUPPRESSED
    return there


def _digests(secret: bytes, dataset: str, persons: pa.Array) -> NDArray[np.uint64]:
    """Under a key of the unit's type: 007 becomes 7 as a number, and who is written otherwise would
    be taken for somebody else. So persons of one type are nobody of another, which is refused."""
    key = derive(secret, "rosters", written([("dataset", dataset), ("type", _kind(persons.type))]))
    return KeyedNumbers(key, b"persons of rosters").of(pc.cast(persons, pa.string()))


def _kind(unit: pa.DataType) -> str:
    """Types of one kind write the same persons the same way."""
    if pa.types.is_dictionary(unit):
        return _kind(unit.value_type)
    if pa.types.is_floating(unit):
        raise CheckFailed(
            "the column that names the person is of floating point, which writes one number in "
            "several ways: its holder offers it as text or as an integer"
        )
    if pa.types.is_integer(unit):
        return "integer"
    if pa.types.is_string(unit) or pa.types.is_large_string(unit) or pa.types.is_string_view(unit):
        return "text"
    return str(unit)


def _of_columns(wanted: Anonymisation) -> list[PrivacyModel]:
    """The models of sensitive columns."""
    return [model for model in wanted.goal.models if hasattr(model, "column")]


def _absent(rosters: Sequence[NDArray[np.uint64]], here: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Persons of earlier extracts who are not in this version."""
    if not rosters:
        return np.zeros(0, np.uint64)
    return np.setdiff1d(np.concatenate(rosters), here)


def _named(person: str | None) -> list[str]:
    return [] if person is None else [person]
