"""One step of a plan at work: read type, unit, transform, published type."""

from collections.abc import Mapping
from fractions import Fraction
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from gateway.errors import CallerError, KeyUnavailable, SourceChanged, TransformFailed
from gateway.execute.scaling import scale
from gateway.execute.translation import translating
from gateway.model.plan import Plan, Sample, Step
from gateway.model.schema import arrow_type, scaled_type
from gateway.model.transforms import RedactText
from gateway.ports import RowRecoding, TextFinder, TokenVault
from gateway.transform.base import Transform
from gateway.transform.keyed_sample import KeyedSample
from gateway.transform.registry import build, build_redaction, output_type

_SEARCHED_ROWS: Final = 2048
"""Rows of a batch with free text: some seconds' work, so that progress shows and a stop is heard."""


class ColumnStep:
    """Applies one step to arrays of its column. Thread-safe; the repr is blind."""

    def __init__(
        self,
        step: Step,
        keys: Mapping[str, bytes],
        hierarchies: Mapping[str, pa.Table],
        finder: TextFinder | None = None,
        vault: TokenVault | None = None,
    ) -> None:
        self._step = step
        self._source_type = arrow_type("string" if step.recoded else step.source_type)
        self._ratio = Fraction(step.scale)
        if not keys.keys() >= {domain for domain, _ in step.needed_keys}:
            raise KeyUnavailable(f"no key was given for column {step.published}")
        try:
            self._transform = _built(
                step, scaled_type(self._source_type, self._ratio), keys, hierarchies, finder, vault
            )
        except CallerError as fault:
            raise self._failed(f"cannot run: {fault.message}") from fault
        if str(self._transform.output_type) != step.output_type:
            raise self._failed("does not give the planned type; ask for the release again")

    @property
    def reads(self) -> tuple[str, ...]:
        """The source columns that ``apply`` takes, in order: its own, and the row's person's."""
        subject = self._step.subject
        return (self._step.column,) if subject is None else (self._step.column, subject)

    @property
    def searches(self) -> bool:
        """Whether it searches free text, which takes a thousand times as long as anything else."""
        return isinstance(self._step.transform, RedactText)

    @property
    def published(self) -> str:
        return self._step.published

    def apply(self, column: pa.Array, subjects: pa.Array | None = None) -> pa.Array:
        """The published column. TransformFailed when a value could not be handled and the policy
        says stop, or when anything unexpected happens."""
        if column.type != self._source_type:
            raise SourceChanged(f"column {self._step.column} is not of the planned type; ask again")
        with translating(lambda: self._failed("failed; nothing was released")):
            scaled = scale(column, self._ratio)
            outcome = self._transform.apply(scaled, subjects)
            unhandled = outcome.unhandled is not None and bool(pc.any(outcome.unhandled).as_py())
            unhandled = unhandled or scaled.null_count != column.null_count
        if unhandled and self._step.on_unhandled == "stop":
            raise self._failed(
                "met a value that it cannot handle, and the policy says stop: the holder corrects "
                "such values, or an officer sets on_unhandled: suppress"
            )
        return outcome.column

    def _failed(self, what: str) -> TransformFailed:
        kind = self._step.transform.kind
        return TransformFailed(
            f"column {self._step.published}: the transform {kind} {what}",
            column=self._step.published,
            transform=kind,
        )

    def __repr__(self) -> str:
        return f"ColumnStep({self._step.column!r} to {self._step.published!r})"


def _built(
    step: Step,
    source_type: pa.DataType,
    keys: Mapping[str, bytes],
    hierarchies: Mapping[str, pa.Table],
    finder: TextFinder | None,
    vault: TokenVault | None,
) -> Transform:
    if isinstance(step.transform, RedactText) and finder is not None:
        output_type(step.transform, source_type)
        found = {find.entity: (find.key_domain, keys[find.key_domain]) for find in step.finds}
        return build_redaction(step.transform, finder, found, hierarchies)
    return build(
        step.transform,
        source_type=source_type,
        key=None if step.key_domain is None else keys[step.key_domain],
        domain=step.key_domain,
        hierarchies=hierarchies,
        vault=None
        if vault is None or step.key_domain is None or step.key_version is None
        else vault.of(step.key_domain, step.key_version),
    )


class PersonSample:
    """Leaves out the rows of persons that are not drawn. Thread-safe; the repr is blind."""

    def __init__(self, sample: Sample, key: bytes) -> None:
        self.subject = sample.subject
        self._drawn = KeyedSample(key, Fraction(sample.percent, 100), cipher=sample.cipher)

    def of(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """The rows of the persons of the sample; a row of nobody is in none."""
        with translating(lambda: TransformFailed("the sample could not be drawn")):
            named = batch.filter(batch.column(self.subject).is_valid())
            return named.filter(self._drawn.drawn(named.column(self.subject).cast(pa.string())))

    def __repr__(self) -> str:
        return f"PersonSample({self._drawn!r})"


class BatchSteps:
    """Several steps of a plan, applied to whole batches."""

    def __init__(
        self,
        steps: list[ColumnStep],
        sample: "PersonSample | None" = None,
        recoding: RowRecoding | None = None,
    ) -> None:
        self._steps = steps
        self._sample = sample
        self._recoding = recoding
        reads = [name for step in steps for name in step.reads]
        if sample is not None:
            reads.append(sample.subject)
        if recoding is not None:
            reads += recoding.columns
        self.columns = list(dict.fromkeys(reads))
        self.batch_rows = _SEARCHED_ROWS if any(step.searches for step in steps) else None

    @classmethod
    def of(
        cls,
        plan: Plan,
        keys: Mapping[str, bytes],
        hierarchies: Mapping[str, pa.Table],
        finder: TextFinder | None = None,
        vault: TokenVault | None = None,
        *,
        recoding: RowRecoding | None = None,
    ) -> "BatchSteps":
        """All steps of the plan; errors before any row is read."""
        if (plan.anonymisation is None) != (recoding is None):
            raise TransformFailed(
                "a plan that anonymises runs with its recoding, no other with one"
            )
        steps = [ColumnStep(step, keys, hierarchies, finder, vault) for step in plan.steps]
        if plan.sample is None:
            return cls(steps, recoding=recoding)
        key = keys.get(plan.sample.key_domain)
        if key is None:
            raise KeyUnavailable("no key was given for the sample of persons")
        return cls(steps, PersonSample(plan.sample, key))

    def only(self, published: tuple[str, ...]) -> "BatchSteps":
        """Those that publish these columns; of none, one that gives every row."""
        wanted = [step for step in self._steps if step.published in published]
        return BatchSteps(wanted or self._steps[:1], self._sample, self._recoding)

    def apply(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """The published batch, in the plan's order of columns, of the rows that are drawn."""
        if self._sample is not None:
            batch = self._sample.of(batch)
        if self._recoding is not None:
            batch = self._recoding.recoded(batch)
        return pa.RecordBatch.from_arrays(
            [step.apply(*(batch.column(name) for name in step.reads)) for step in self._steps],
            names=[step.published for step in self._steps],
        )
