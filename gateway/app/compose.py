"""Builds a gateway from its settings: every port gets its class here and nowhere else."""

import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Final

import pyarrow as pa
from pyarrow.fs import FileSystem, FileType, SubTreeFileSystem

from gateway.app.system import SystemClock, SystemEntropy
from gateway.app.texts import LazyFinder, entity_columns
from gateway.app.worker import Worker
from gateway.classify.columns import classify
from gateway.classify.pack import standard
from gateway.classify.verdict import rules
from gateway.config import Settings
from gateway.errors import ConfigurationError, InvalidRequest, KeyUnavailable
from gateway.execute.intake import StagedIntake
from gateway.execute.local import LocalExecutor
from gateway.execute.marks import LocalMarker
from gateway.execute.sources import Connection, LocalSources
from gateway.execute.statistics.run import StatisticsExecutor
from gateway.execute.statistics.statistician import LocalStatistician
from gateway.model.catalog import Column
from gateway.model.names import resource
from gateway.model.reidentification import ReidentificationLimits
from gateway.norms.elements import elements
from gateway.ports import Clock, ColumnSample, Entropy, RootKeys
from gateway.registry.budgets import Budgets
from gateway.registry.catalog import Catalog
from gateway.registry.classifier import Classifier
from gateway.registry.domain_keys import StoredDomainKeys, kept_key
from gateway.registry.grants import Grants
from gateway.registry.key_domains import KeyDomains
from gateway.registry.lapsing import lapse
from gateway.registry.parties import Parties
from gateway.registry.policies import Policies
from gateway.registry.privacy_accounts import PrivacyAccounts
from gateway.registry.reidentifications import Reidentifications
from gateway.registry.reversal_digests import PersonDigests
from gateway.registry.token_vault import StoredTokenVault
from gateway.registry.trail import Trail
from gateway.release.anonymising import Anonymising
from gateway.release.answer_custody import AnswerCustody
from gateway.release.answering import Answering
from gateway.release.asking import Asking
from gateway.release.custody import Custody
from gateway.release.extracts import Extracts
from gateway.release.opening import Opening
from gateway.release.protecting import Protecting, ProtectionUnderPolicy
from gateway.release.recodings import Recodings
from gateway.release.reidentifying import Reidentifying
from gateway.release.running import Runner
from gateway.release.statistics import Statistics
from gateway.release.texts import ProtectingTexts, TextsUnderPolicy
from gateway.store.keyring import FileKeyRing
from gateway.store.places import ArrowPlace, LocalPlace
from gateway.store.signer import FileSigner
from gateway.store.sql import SqlStore
from gateway.store.staging import EncryptedStaging
from gateway.store.vault import VaultAddress, VaultKeyRing
from gateway.store.verify_audit import CheckpointFile, checkpoints, entries_of, verify
from gateway.transform.anonymize.full_domain import full_domain
from gateway.transform.anonymize.local_recoding import local_recoding
from gateway.transform.anonymize.proposals import proposed
from gateway.transform.hierarchy import hierarchy_digest, parse_hierarchy

PAGE_KEY: Final = "gateway/pages"
"""The key that makes the tokens of pages opaque; the same in all processes of one gateway."""


@dataclass(frozen=True, slots=True)
class Rooms:
    """The use cases, wired; what the api and the command line speak to."""

    parties: Parties
    catalog: Catalog
    policies: Policies
    grants: Grants
    key_domains: KeyDomains
    opening: Opening
    recodings: Recodings
    runner: Runner
    classifier: Classifier
    custody: Custody
    protection: ProtectionUnderPolicy
    reidentifications: Reidentifications
    reidentifying: Reidentifying
    texts: TextsUnderPolicy
    statistics: Statistics
    trail: Trail
    worker: Worker
    signer: FileSigner
    keyring: RootKeys
    domain_keys: StoredDomainKeys
    page_key: bytes = field(repr=False)
    store: SqlStore
    close: Callable[[], None]


@dataclass(frozen=True, slots=True)
class Hierarchies:
    """Generalisation hierarchies by name, and their digests for plans."""

    tables: Mapping[str, pa.Table]
    digests: Mapping[str, str]


def compose(settings: Settings, clock: Clock | None = None) -> Rooms:
    """All rooms of one gateway process. ConfigurationError or KeyUnavailable when it must not
    start; StoreUnavailable when its store does not answer. ``clock``: the system's unless told.
    """
    clock, entropy = clock or SystemClock(), SystemEntropy()
    store = SqlStore(settings.store.read())
    keyring = open_ring(settings, entropy)
    signer = FileSigner(settings.keys.signing)
    staging = open_staging(settings, entropy)
    domain_keys = StoredDomainKeys(store, keyring, entropy, clock, settings.crypto.profile)
    hierarchies = load_hierarchies(settings.hierarchies)

    def data_key(stream: str) -> bytes:
        with store.read() as tx:
            wrapped = tx.key(stream)
        if wrapped is None:
            raise KeyUnavailable("the key of these records was destroyed")
        return keyring.unwrap(wrapped, stream)

    sources = LocalSources(
        roots={
            resource("parties", holder): root for holder, root in settings.sources.roots.items()
        },
        connections={
            name: Connection(
                uri=secret.read(),
                holders=frozenset(
                    resource("parties", holder)
                    for holder in settings.sources.connection_holders.get(name, ())
                ),
            )
            for name, secret in settings.sources.connections.items()
        },
        staging=staging,
        data_key=data_key,
    )
    intake = StagedIntake(staging, keyring, entropy)
    finder = LazyFinder(settings.text)
    vault = StoredTokenVault(store, entropy)
    executor = LocalExecutor(hierarchies.tables, finder=finder, vault=vault)
    process = secrets.token_hex(8)
    recodings = Recodings(
        store,
        staging,
        keyring,
        clock,
        entropy,
        hierarchies.tables,
        {"full_domain": full_domain, "local": local_recoding},
        proposed,
    )
    extracts = Extracts(store, staging, keyring, entropy, recodings, LocalMarker())
    anonymising = Anonymising(
        store, staging, clock, entropy, recodings, extracts, hierarchies.tables
    )
    runner = Runner(
        process,
        store,
        sources,
        executor,
        staging,
        keyring,
        domain_keys,
        signer,
        clock,
        classify_columns,
        anonymising,
    )
    catalog = Catalog(store, sources, intake, clock, elements())
    classifier = Classifier(
        process, store, sources, clock, classify_columns, current_rules(), elements()
    )
    custody = Custody(
        store, staging, keyring, clock, timedelta(seconds=settings.server.stream_seconds)
    )
    grants = Grants(store, clock, entropy)
    persons = PersonDigests(store, keyring, entropy)
    limits = reidentification_limits(settings)
    reidentifications = Reidentifications(store, clock, entropy, persons, domain_keys, limits)
    checkpoint_folder = settings.state / "checkpoints"
    checkpoint_folder.mkdir(mode=0o700, exist_ok=True)
    instance = f"{clock.now():%Y%m%dT%H%M%S}-{secrets.token_hex(4)}"
    checkpoint_file = CheckpointFile(checkpoint_folder / f"{instance}.jsonl", signer)

    def verify_log() -> int:
        anchors = [
            checkpoint
            for file in sorted(checkpoint_folder.glob("*.jsonl"))
            for checkpoint in checkpoints(file, signer.public_pem())
        ]
        return verify(entries_of(store), anchors)

    def advance_checkpoint(*, now: bool = False) -> None:
        with store.read() as tx:
            head = tx.audit_head()
        checkpoint_file.advance(head, now=now)

    def close() -> None:
        advance_checkpoint(now=True)
        store.close()
        keyring.close()

    accounts = PrivacyAccounts()
    scratch = settings.state / "scratch"
    scratch.mkdir(mode=0o700, exist_ok=True)
    statistics = Statistics(
        asking=Asking(store, sources, keyring, accounts, clock, entropy, classify_columns),
        answering=Answering(
            store,
            sources,
            LocalStatistician(StatisticsExecutor(scratch), clock, entropy),
            staging,
            keyring,
            accounts,
            signer,
            clock,
            entropy,
        ),
        answers=AnswerCustody(store, staging, keyring, clock),
        budgets=Budgets(store, clock, accounts),
    )
    worker = Worker(
        # One data set at a time: classification is heavy, and releases go first.
        [(runner, settings.workers), (classifier, 1)],
        {
            "look for outdated verdicts": classifier.look_out,
            "expire releases": custody.expire,
            "expire grants": grants.expire,
            "put away lapsed verdicts": partial(lapse, store, clock),
            "expire re-identifications": reidentifications.expire,
            "expire answers": statistics.answers.expire,
            "sweep leftovers": custody.sweep,
            "advance checkpoint": advance_checkpoint,
        },
    )
    return Rooms(
        parties=Parties(store, clock),
        catalog=catalog,
        policies=Policies(store, clock),
        grants=grants,
        key_domains=KeyDomains(store, domain_keys, clock),
        opening=Opening(
            store,
            sources,
            keyring,
            domain_keys,
            clock,
            entropy,
            classify_columns,
            hierarchies.digests,
            finder.rules,
            recodings,
        ),
        recodings=recodings,
        runner=runner,
        classifier=classifier,
        custody=custody,
        protection=ProtectionUnderPolicy(
            store,
            Protecting(
                intake,
                executor,
                staging,
                domain_keys,
                clock,
                entropy,
                classify_columns,
                hierarchies.digests,
                finder.rules,
            ),
            clock,
        ),
        reidentifications=reidentifications,
        reidentifying=Reidentifying(
            store, staging, keyring, clock, persons, domain_keys, vault, limits
        ),
        texts=TextsUnderPolicy(
            store,
            ProtectingTexts(
                finder,
                domain_keys,
                clock,
                entity_columns(),
                hierarchies.tables,
                hierarchies.digests,
            ),
            clock,
        ),
        statistics=statistics,
        trail=Trail(store, clock, signer, verify_log),
        worker=worker,
        signer=signer,
        keyring=keyring,
        domain_keys=domain_keys,
        page_key=kept_key(store, keyring, entropy, PAGE_KEY),
        store=store,
        close=close,
    )


def classify_columns(
    samples: Iterable[ColumnSample] | None, columns: Sequence[Column]
) -> tuple[Column, ...]:
    """What each column is, by the pack of evidence that ships with the gateway."""
    return classify(samples, columns, pack=standard())


def reidentification_limits(settings: Settings) -> ReidentificationLimits:
    """What the settings allow, with parties by their full names."""
    allowed = settings.reidentification.model_dump()
    allowed["authorised"] = tuple(
        resource("parties", party) for party in settings.reidentification.authorised
    )
    return ReidentificationLimits.model_validate(allowed)


def open_ring(settings: Settings, entropy: Entropy) -> RootKeys:
    """The key ring that the settings name, in a file or in Vault."""
    vault = settings.keys.vault
    if vault is None:
        if settings.keys.ring is None:
            raise ConfigurationError("keys: give ring or vault")
        return FileKeyRing(settings.keys.ring, entropy, settings.crypto.profile)
    return VaultKeyRing(
        VaultAddress(
            url=vault.address,
            key=vault.key,
            token_file=vault.token_file,
            mount=vault.mount,
            namespace=vault.namespace,
            authority=vault.authority,
            seconds=vault.seconds,
        )
    )


def current_rules() -> str:
    """How columns name the pack that ``classify_columns`` goes by."""
    pack = standard()
    return rules(pack.version, pack.sha256)


def open_staging(settings: Settings, entropy: Entropy) -> EncryptedStaging:
    """Encrypted staging where the settings say. ConfigurationError for an unknown place."""
    if settings.staging is None:
        return local_staging(settings.state / "staging", entropy)
    try:
        filesystem, folder = FileSystem.from_uri(settings.staging)
        if filesystem.get_file_info(folder).type is FileType.NotFound:
            filesystem.create_dir(folder)
    except (pa.ArrowException, OSError, ValueError):
        # Without the cause: the address of an object store may hold its secret.
        raise ConfigurationError(
            "staging: expected the URI of a folder or an object store that can be reached, such as "
            "s3://bucket/folder"
        ) from None
    return EncryptedStaging(ArrowPlace(SubTreeFileSystem(folder, filesystem)), entropy)


def local_staging(folder: Path, entropy: Entropy) -> EncryptedStaging:
    """Encrypted staging in a folder of its own, which is made private."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return EncryptedStaging(LocalPlace(folder), entropy)


def load_hierarchies(folder: Path | None) -> Hierarchies:
    """Every ``NAME.csv`` of the folder (ARX form: leaf to root, ``;``-separated), checked."""
    if folder is None:
        return Hierarchies({}, {})
    if not folder.is_dir():
        raise ConfigurationError(f"hierarchies: {folder} is not a folder")
    tables = {}
    for file in sorted(folder.glob("*.csv")):
        try:
            tables[file.stem] = parse_hierarchy(file.read_bytes())
        except (OSError, InvalidRequest) as error:
            raise ConfigurationError(f"the hierarchy {file} cannot be used: {error}") from error
    return Hierarchies(tables, {name: hierarchy_digest(t) for name, t in tables.items()})
