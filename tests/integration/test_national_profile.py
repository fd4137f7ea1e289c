"""One setting, and the same policies run over SM4 and SM3; what stands over them says what it is."""

import pyarrow as pa
import pytest
from cryptography.hazmat.primitives.hashes import SM3
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from gateway.classify import checks
from gateway.config import load
from gateway.errors import ConfigurationError
from gateway.model.key_domains import name_of, owner_of
from gateway.model.lifecycle import ReleaseState
from gateway.transform.profiles import resident_id
from gateway.transform.row_order import RowOrder
from gateway.transform.siv_tokens import SivTokens
from gateway.transform.tokens import CmacTokens
from gateway.verify import verify_certificate

POLICY = """
format: gateway-policy/1
name: policies/keyed
purposes: {study: A study.}
rules:
  - name: identity-numbers
    match: {entity: [CN_RESIDENT_ID]}
    transform:
      {kind: encrypt_identifier, profile: resident_id, last_day: 2030-12-31, scope: project}
  - name: phones
    match: {entity: [CN_MOBILE]}
    transform: {kind: token, scope: project, cipher: AES}
  - name: accounts
    match: {entity: [CN_BANK_CARD]}
    transform: {kind: reversible_token, scope: project}
"""
COLUMNS = ("resident_id", "phone", "bank_card")


@pytest.fixture(autouse=True)
def _source_order(monkeypatch):
    monkeypatch.setattr("gateway.execute.local.RowOrder", lambda _: RowOrder(None))


@pytest.fixture
def national(installation, office_of):
    file = installation / "gateway.yaml"
    file.write_text(file.read_text() + "crypto: {profile: national}\n", encoding="utf-8")
    return prepared(office_of(load(file)))


def prepared(office):
    office.register()
    office.activate(POLICY)
    office.grant(asked(office))
    return office


def asked(office):
    return office.request(COLUMNS, purpose="study", project="city-health")


def released(office):
    release = office.open(asked(office))
    office.rooms.runner.run(release.name)
    release = office.look(release)
    assert release.state is ReleaseState.SEALED, release.ending
    return release, pa.ipc.open_stream(office.stream(release)).read_all()


def test_the_same_policy_runs_over_sm4_and_the_certificate_says_what_that_is(national):
    release, _ = released(national)
    assert {step.transform.cipher for step in release.plan.steps} == {"SM4"}
    verified = verify_certificate(release.certificate, national.rooms.signer.public_pem())
    named = {column.name: column.construction for column in verified.predicate.columns}
    for name, construction in named.items():
        assert "over SM4" in construction, name
        assert "not a published standard" in construction, name
        assert "AES" not in construction, name


def test_keys_come_from_hkdf_over_sm3_and_values_from_the_constructions_over_sm4(national):
    release, table = released(national)
    with national.rooms.store.read() as tx:
        kept = dict(tx.wrapped_keys("", 100))
    assert all(wrapped.startswith(b"GWS1") for wrapped in kept.values())
    source = pa.parquet.read_table(national.data / "residents.parquet")
    for step in release.plan.steps:
        resource = f"{name_of(owner_of(step.key_domain))}/1"
        secret = national.rooms.keyring.unwrap(kept[resource], resource)
        info = f"gateway-derivation/1\0domain\0{step.key_domain}".encode()
        key = HKDF(SM3(), 32, None, info).derive(secret)
        real, shown = (t.column(step.published).combine_chunks() for t in (source, table))
        if step.published == "phone":
            expected = CmacTokens(key, length=step.transform.length, cipher="SM4").apply(real)
            assert shown.equals(expected)
        elif step.published == "bank_card":
            siv = SivTokens(key, [step.key_domain.encode()], cipher="SM4")
            assert siv.reverse(shown).equals(real)
        else:
            spec = step.transform
            core = resident_id(
                key[:16], first_day=spec.first_day, last_day=spec.last_day, cipher="SM4"
            )
            assert core.decrypt(shown).equals(real)
            assert checks.resident_id(shown).all()


def test_a_gateway_that_changes_its_profile_reads_what_it_sealed_and_makes_unrelated_tokens(
    installation, office_of
):
    settings = load(installation / "gateway.yaml")
    before = prepared(office_of(settings))
    release, table = released(before)
    crypto = settings.crypto.model_copy(update={"profile": "national"})
    after = office_of(settings.model_copy(update={"crypto": crypto}))
    assert pa.ipc.open_stream(after.stream(release)).read_all().equals(table)
    assert after.rooms.domain_keys.keys(release.plan) == before.rooms.domain_keys.keys(release.plan)
    _, anew = released(after)
    for name in COLUMNS:
        old, new = (set(t.column(name).drop_null().to_pylist()) for t in (table, anew))
        assert not old & new, name


def test_an_unknown_profile_is_refused(installation):
    file = installation / "gateway.yaml"
    file.write_text(file.read_text() + "crypto: {profile: sm}\n", encoding="utf-8")
    with pytest.raises(ConfigurationError, match=r"crypto\.profile"):
        load(file)
