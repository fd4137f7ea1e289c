"""Runs a plan that anonymises: recoding, earlier extracts, staging, verifier, attacks."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import pyarrow as pa

from gateway.errors import CheckFailed, GatewayFault, InvalidRequest
from gateway.model.anonymity import COMPARING, KAnonymity, PrivacyModel
from gateway.model.attacks import AttackKind, AttackLimits, AttackResult
from gateway.model.catalog import DataSet
from gateway.model.names import ColumnRole
from gateway.model.plan import Anonymisation, AttacksCheck, ModelsCheck, Plan, Step
from gateway.model.release import Figure, Release, Stage
from gateway.model.terms import strictest_models
from gateway.model.transforms import Keep
from gateway.ports import (
    Clock,
    Entropy,
    RowRecoding,
    RunResult,
    Source,
    Staging,
    Store,
    Transaction,
)
from gateway.registry.turns import HOLD_EVERY, LEASE
from gateway.release.extracts import Extract, Extracts, Roster, counted_with
from gateway.release.recodings import Kept, Recodings
from gateway.release.sealed_columns import JoinedChunks
from gateway.risk.attacks.setting import AttackSpec
from gateway.risk.attacks.suite import run_attacks
from gateway.risk.privacy.verify import verify
from gateway.transform.anonymize.recoding import SUPPRESSED

ROUNDS: Final = 4
"""So often a release is generalised further, each time to classes twice as large, before it is
refused after all."""

_WHOLE: Final = "\0whole"
"""A column that no data set has."""

_COUNTED: Final[frozenset[AttackKind]] = frozenset({"differencing"})
"""What no release can succeed at, whatever the limit: extracts that bare somebody side by side are
refused before anything is staged."""

Note = Callable[[Stage, int], None]
"""Told stage and percent. Raises Cancelled to stop; prolongs the lease."""


class Outrun(GatewayFault):
    """Another extract was sealed, or began, that this one was not counted with: run it again."""

    code = "UNAVAILABLE"
    reason = "OUTRUN"


@dataclass(frozen=True, slots=True)
class Anonymised:
    """What was staged, under which generation of the version's recoding, the roster that is kept
    with it, and the names of the extracts that it was counted with."""

    result: RunResult
    generation: int
    roster: Roster | None
    counted: frozenset[str]


@dataclass(frozen=True, slots=True, repr=False)
class Run:
    """One release in this process, as the anonymisation sees it.

    ``execute`` reads, recodes, transforms and stages under ``key``, and calls what it is given at
    each batch; ``pause`` waits a moment for somebody else's work.
    """

    release: Release
    plan: Plan
    dataset: DataSet
    fingerprint: str
    source: Source
    key: bytes
    owner: str
    execute: Callable[[RowRecoding, Callable[[], None]], RunResult]
    note: Note
    pause: Callable[[], None]


class Anonymising:
    """From an opened source to a staged result that was verified and attacked."""

    def __init__(
        self,
        store: Store,
        staging: Staging,
        clock: Clock,
        entropy: Entropy,
        recodings: Recodings,
        extracts: Extracts,
        hierarchies: Mapping[str, pa.Table],
    ) -> None:
        self._store = store
        self._staging = staging
        self._clock = clock
        self._entropy = entropy
        self._recodings = recodings
        self._extracts = extracts
        self._hierarchies = hierarchies

    def run(self, run: Run) -> Anonymised:
        """CheckFailed where what the policies demand cannot be reached; Outrun when somebody else
        took the turn."""
        wanted = run.plan.anonymisation
        if wanted is None:
            raise GatewayFault("a plan was anonymised that does not ask for it")
        earlier = self._in_turn(run)
        hold = self._holding(run)

        def note(stage: Stage, percent: int) -> None:
            told(stage, percent)
            hold()

        told, run = run.note, replace(run, note=note)
        done, exceeded = self._once(run, wanted, earlier)
        for _ in range(ROUNDS if wanted.on_attack == "generalise" else 0):
            if not exceeded:
                break
            wanted = further(wanted)
            done, exceeded = self._once(run, wanted, earlier)
        if not exceeded:
            return done
        names = ", ".join(sorted({result.kind.replace("_", " ") for result in exceeded}))
        raise CheckFailed(
            f"attacks on the result succeed more often than the policies bear ({names}): ask for "
            "fewer columns"
        )

    @staticmethod
    def refuse_if_outrun(
        tx: Transaction, release: Release, plan: Plan, fingerprint: str, counted: frozenset[str]
    ) -> None:
        """In the transaction that seals: Outrun when there is an extract by now that this one was
        not counted with. That, and not the turn, which lapses with time, is what guarantees that
        any two are."""
        now = counted_with(tx, release.decision, plan, fingerprint)
        if not {extract.release for extract in now} <= counted:
            raise Outrun("another extract of the data set was sealed meanwhile")

    def release_turns(self, run_owner: str, release: Release) -> None:
        """Let others ask for this data set again."""
        now = self._clock.now()
        with self._store.write() as tx:
            tx.lease(_turn(release), run_owner, now, now)

    def _once(
        self, run: Run, wanted: Anonymisation, earlier: Sequence[Extract]
    ) -> tuple[Anonymised, tuple[AttackResult, ...]]:
        def tell(percent: int) -> None:
            run.note(Stage.ANONYMISING, percent)

        kept = self._recodings.found(
            run.dataset.name, run.fingerprint, wanted, run.source, run.owner, tell, run.pause
        )
        apart = self._extracts.check(run.plan, wanted, kept, earlier, run.source, tell)
        self._staging.destroy(run.release.stream)
        result = run.execute(kept, self._holding(run))
        run.note(Stage.CHECKING, 0)
        verified = self._verified(run, wanted, kept)
        attacked = self._attacked(run, kept)
        limits = _limits(run.plan)
        exceeded = limits.exceeded(attacked)
        roster = None
        if not exceeded:
            roster = self._extracts.keep_roster(run.plan, wanted, kept, run.source, tell)
        figures = (
            *result.figures,
            *kept.stored.figures,
            *verified,
            apart,
            *_told(attacked, limits),
            *_untried(run.plan, limits),
        )
        done = Anonymised(
            replace(result, figures=figures),
            kept.stored.generation,
            roster,
            frozenset(extract.release for extract in earlier),
        )
        return done, exceeded

    # ---- one extract of a data set at a time ------------------------------------------------------

    def _in_turn(self, run: Run) -> list[Extract]:
        """The extracts to count with. Of two made at once, the one that is sealed later would be
        run again; the turn spares that."""
        while not self._hold(run):
            run.note(Stage.ANONYMISING, 0)
            run.pause()
        with self._store.read() as tx:
            return counted_with(tx, run.release.decision, run.plan, run.fingerprint)

    def _hold(self, run: Run) -> bool:
        now = self._clock.now()
        with self._store.write() as tx:
            return tx.lease(_turn(run.release), run.owner, now, now + LEASE)

    def _holding(self, run: Run) -> Callable[[], None]:
        """Prolongs the turn, now and then; Outrun when somebody else has it."""
        held = self._clock.now()

        def hold() -> None:
            nonlocal held
            if (now := self._clock.now()) - held > HOLD_EVERY:
                if not self._hold(run):
                    raise Outrun("the turn lapsed, and another extract of the data set began")
                held = now

        return hold

    # ---- the staged result ------------------------------------------------------------------------

    def _staged(self, run: Run) -> pa.RecordBatchReader:
        chunks = self._staging.chunks(run.release.stream, run.key, 0)
        return pa.ipc.open_stream(pa.PythonFile(JoinedChunks(chunks), mode="r"))

    def _reference(
        self, run: Run, kept: Kept, models: Sequence[PrivacyModel]
    ) -> Iterator[pa.RecordBatch] | None:
        """The sensitive columns of the version as it is recoded, under their published names: what
        distributions are compared with where filters chose a part of it."""
        if not run.plan.filters or not any(isinstance(model, COMPARING) for model in models):
            return None
        named = {getattr(model, "column", None) for model in models}
        return _whole_version(run, kept, [s for s in run.plan.steps if s.published in named])

    def _verified(self, run: Run, wanted: Anonymisation, kept: Kept) -> tuple[Figure, ...]:
        [check] = [check for check in run.plan.checks if isinstance(check, ModelsCheck)]
        models = strictest_models((*check.models, *_sizes(wanted)))
        with self._staged(run) as rows:
            # Without quasi-identifiers all that leaves is one class.
            whole = pa.RecordBatchReader.from_batches(
                rows.schema.append(pa.field(_WHOLE, pa.int64())),
                (_with_one_class(batch) for batch in rows),
            )
            try:
                verdicts = verify(
                    whole,
                    check.columns or (_WHOLE,),
                    models,
                    hierarchies=self._recodings.tables(wanted),
                    reference=self._reference(run, kept, models),
                )
            except InvalidRequest as unfit:
                raise CheckFailed(
                    "the staged result could not be compared with the whole version: ask without "
                    "filters"
                ) from unfit
        if not all(verdict.holds for verdict in verdicts):
            kinds = ", ".join(sorted({v.model.kind for v in verdicts if not v.holds}))
            raise CheckFailed(
                f"the staged result does not hold {kinds} by the verifier's count: ask without "
                "filters, or for other columns"
            )
        return tuple(
            Figure(check="privacy_models", name=v.name, value=v.figure, passed=True)
            for v in verdicts
        )

    def _attacked(self, run: Run, kept: Kept) -> tuple[AttackResult, ...]:
        steps = [step for step in run.plan.steps if step.recoded]
        limits = _limits(run.plan)
        if not steps:
            # Nothing leaves that attackers are taken to know of a person, so the inference that is
            # left is the guess that everybody makes: in a part it may be better than in the whole.
            if limits.inference is not None and run.plan.filters:
                raise CheckFailed(
                    "the policies limit inference, which cannot be tried on a part of a version "
                    "without quasi-identifiers: ask for quasi-identifiers too, or an officer drops "
                    "the limit or the row filters"
                )
            return ()
        sensitive = [
            step
            for step in run.plan.steps
            if isinstance(step.transform, Keep)
            and step.scale == "1"
            and _role(run.dataset, step) is ColumnRole.SENSITIVE
        ]
        original = _original(run, [*steps, *sensitive])
        with self._staged(run) as rows:
            names = [step.published for step in (*steps, *sensitive)]
            released = pa.Table.from_batches(
                [batch.select(names) for batch in rows],
                pa.schema([rows.schema.field(name) for name in names]),
            )
        spec = AttackSpec(
            quasi_identifiers=tuple(step.published for step in steps),
            sensitive=tuple(step.published for step in sensitive),
            hierarchies=self._of_columns(run, steps),
            k=run.plan.anonymisation.least if run.plan.anonymisation else 2,
            reference=pa.Table.from_batches(list(_whole_version(run, kept, sensitive)))
            if run.plan.filters and sensitive
            else None,
        )
        draw = np.random.default_rng(int.from_bytes(self._entropy.bytes(16)))
        try:
            results = run_attacks(original, released, spec, draw)
        except InvalidRequest as unfit:
            raise CheckFailed(
                "the result could not be attacked, so nobody knows how it would stand: tell the "
                "gateway's administrator"
            ) from unfit
        if lacking := sorted(limits.missing(results) - _COUNTED):
            raise CheckFailed(
                f"the policies limit attacks that cannot be run on this result ({', '.join(lacking)})"
                ": ask for other columns, or an officer drops the limit"
            )
        return results

    def _of_columns(self, run: Run, steps: Sequence[Step]) -> dict[str, pa.Table]:
        named = {} if run.plan.anonymisation is None else run.plan.anonymisation.hierarchies
        return {
            step.published: self._hierarchies[named[step.column].name]
            for step in steps
            if step.column in named
        }


def _with_one_class(batch: pa.RecordBatch) -> pa.RecordBatch:
    return batch.append_column(_WHOLE, pa.repeat(pa.scalar(0, pa.int64()), batch.num_rows))


def further(wanted: Anonymisation) -> Anonymisation:
    """The same to classes twice as large."""
    models = strictest_models((*wanted.goal.models, KAnonymity(k=2 * wanted.least)))
    return wanted.but(goal=wanted.goal.but(models=models), least=2 * wanted.least)


def _sizes(wanted: Anonymisation) -> Iterator[KAnonymity]:
    yield from (model for model in wanted.goal.models if isinstance(model, KAnonymity))


def _turn(release: Release) -> str:
    return f"turns/{release.request.dataset}"


def _limits(plan: Plan) -> AttackLimits:
    [check] = [check for check in plan.checks if isinstance(check, AttacksCheck)]
    return check.limits


def _told(results: Sequence[AttackResult], limits: AttackLimits) -> list[Figure]:
    bounds = limits.by_kind()
    told = []
    for result in results:
        name = result.name.replace("_", " ")
        of = "" if result.column is None else f" of {result.column}"
        bound = bounds.get(result.kind)
        limit = "no limit" if bound is None else f"limit {bound}"
        told.append(
            Figure(
                check="attacks",
                name=f"{name}{of}: success (95 % interval; baseline; attempts; limit)",
                value=f"{result.success} ({result.low} to {result.high}; {result.baseline}; "
                f"{result.attempts}; {limit})",
                passed=True,
            )
        )
    return told


def _untried(plan: Plan, limits: AttackLimits) -> list[Figure]:
    if any(step.recoded for step in plan.steps) or limits.by_kind().keys() <= _COUNTED:
        return []
    return [
        Figure(
            check="attacks",
            name="attacks on persons whose quasi-identifiers are known",
            value="not run: no quasi-identifier leaves",
            passed=True,
        )
    ]


def _original(run: Run, steps: Sequence[Step]) -> pa.Table:
    columns = [step.column for step in steps]
    batches = []
    for batch in run.source.batches(columns, run.plan.filters, None):
        batches.append(batch.rename_columns([step.published for step in steps]))
        run.note(Stage.CHECKING, 0)
    if not batches:
        raise CheckFailed("the source gave no records: ask again")
    return pa.Table.from_batches(batches)


def _whole_version(run: Run, kept: Kept, steps: Sequence[Step]) -> Iterator[pa.RecordBatch]:
    """Some columns of the version as it is recoded, without filters, under their published names."""
    columns = [step.column for step in steps]
    for batch in run.source.batches(list(dict.fromkeys([*kept.columns, *columns])), (), None):
        there = kept.classes_of(batch.select(list(kept.columns))) != SUPPRESSED
        rows = batch.select(columns).rename_columns([step.published for step in steps])
        yield rows.filter(pa.array(there))
        run.note(Stage.CHECKING, 0)


def _role(dataset: DataSet, step: Step) -> ColumnRole | None:
    column = dataset.find(step.column)
    return None if column is None else column.role
