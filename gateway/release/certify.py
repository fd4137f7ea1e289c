"""Writes the certificate of a sealed release: an in-toto statement in a DSSE envelope."""

from datetime import datetime

import gateway
from gateway.errors import ReleaseStopped
from gateway.model.catalog import DataSet, SourceVersion
from gateway.model.certificate import (
    PAYLOAD_TYPE,
    CertifiedColumn,
    CertifiedDataSet,
    CertifiedFind,
    ReleasePredicate,
    Statement,
    Subject,
)
from gateway.model.plan import Step
from gateway.model.release import Release, Sealed
from gateway.model.transforms import RedactText
from gateway.ports import Signer
from gateway.risk.grades import grade_left, step_grade
from gateway.transform.registry import construction


def certify(
    release: Release,
    dataset: DataSet,
    version: SourceVersion,
    sealed: Sealed,
    now: datetime,
    expires: datetime,
    signer: Signer,
) -> str:
    """The signed envelope as JSON text.

    Raises ReleaseStopped when the release has no plan, no grant, or a check that failed: such
    a release must not be certified, whatever the caller believes.
    """
    plan, grant, audit = release.plan, release.decision.grant, release.opened_at
    if plan is None or grant is None or audit is None or not all(f.passed for f in sealed.figures):
        raise ReleaseStopped(f"{release.name} is not fit to be certified")
    statement = Statement(
        subject=(Subject(name=release.name, digests={"sha256": sealed.stream_sha256}),),
        predicate=ReleasePredicate(
            release=release.name,
            reissue_of=None if release.reissue is None else release.reissue.original,
            dataset=CertifiedDataSet(
                name=dataset.name,
                holder=dataset.holder,
                fingerprint=version.fingerprint,
                schema_digest=version.schema_digest,
            ),
            recipient=release.consumer,
            purpose=release.request.purpose,
            project=release.request.project,
            grant=grant,
            policies=release.decision.policies,
            reasons=release.decision.reasons,
            plan_digest=plan.digest(),
            columns=tuple(
                CertifiedColumn(
                    name=step.published,
                    type=step.output_type,
                    source_column=step.column,
                    transform=step.transform,
                    recoded=step.recoded,
                    construction=construction(step.transform),
                    key_domain=step.key_domain,
                    key_version=step.key_version,
                    finds=_finds(step),
                    grade=step_grade(step),
                )
                for step in plan.steps
            ),
            anonymisation=plan.anonymisation,
            sample=plan.sample,
            checks=plan.checks,
            figures=sealed.figures,
            grade=grade_left(plan.steps, sealed.rows),
            rows=sealed.rows,
            stream_bytes=sealed.stream_bytes,
            content_digest=sealed.content_digest,
            opened=release.created,
            sealed=now,
            expires=expires,
            audit=audit,
            gateway_version=gateway.__version__,
        ),
    )
    return signer.sign(statement.payload(), PAYLOAD_TYPE)


def _finds(step: Step) -> tuple[CertifiedFind, ...]:
    inner = step.transform.transforms if isinstance(step.transform, RedactText) else {}
    return tuple(
        CertifiedFind(
            entity=find.entity,
            construction=construction(inner[find.entity]) or "",
            key_domain=find.key_domain,
            key_version=find.key_version,
        )
        for find in step.finds
    )
