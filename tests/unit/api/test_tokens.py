"""Keys of token issuers, as they lie on disk."""

import base64
import json
from datetime import UTC, datetime

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

from gateway.api.tokens import Tokens, TrustedIssuer, load_keys
from gateway.errors import ConfigurationError, Unauthenticated

NOW = datetime(2026, 1, 1, tzinfo=UTC)
EC = ec.generate_private_key(ec.SECP256R1())
RSA = rsa.generate_private_key(65537, 2048)
ED = ed25519.Ed25519PrivateKey.generate()


def jwks(tmp_path, *entries):
    path = tmp_path / "keys.json"
    path.write_text(json.dumps({"keys": list(entries)}))
    return path


def entry(algorithm, key, key_id, **more):
    return {**algorithm.to_jwk(key.public_key(), as_dict=True), "kid": key_id, **more}


def token(key, algorithm, key_id=None, **more):
    at = int(NOW.timestamp())
    claims = {"iss": "i", "aud": "a", "sub": "s", "exp": at + 60, "iat": at, **more}
    return jwt.encode(claims, key, algorithm, headers={"kid": key_id} if key_id else None)


@pytest.fixture
def tokens(tmp_path):
    path = jwks(
        tmp_path,
        entry(ECAlgorithm, EC, "ec"),
        entry(RSAAlgorithm, RSA, "rsa"),
        entry(OKPAlgorithm, ED, "ed"),
        entry(RSAAlgorithm, RSA, "for-encryption", use="enc"),
        {"kty": "oct", "k": "c2VjcmV0", "kid": "secret"},
    )
    return Tokens([TrustedIssuer.of_file("i", "a", ("ES256", "RS256", "PS256", "EdDSA"), path)])


@pytest.mark.parametrize(
    ("key", "algorithm", "key_id"),
    [(EC, "ES256", "ec"), (RSA, "RS256", "rsa"), (RSA, "PS256", "rsa"), (ED, "EdDSA", "ed")],
)
def test_each_key_by_its_id(tokens, key, algorithm, key_id):
    assert tokens.subject(token(key, algorithm, key_id), NOW) == "i|s"


@pytest.mark.parametrize(
    ("key", "algorithm", "key_id", "reason"),
    [
        pytest.param(EC, "ES256", None, "TOKEN_KEY_UNKNOWN", id="no key id, several keys"),
        pytest.param(EC, "ES256", "other", "TOKEN_KEY_UNKNOWN", id="an id nobody has"),
        pytest.param(RSA, "RS256", "for-encryption", "TOKEN_KEY_UNKNOWN", id="not for signing"),
        pytest.param(EC, "ES256", "rsa", "TOKEN_SIGNATURE", id="a key of another kind"),
        pytest.param("s" * 32, "HS256", "secret", "TOKEN_ALGORITHM", id="a shared secret"),
        pytest.param(RSA, "RS512", "rsa", "TOKEN_ALGORITHM", id="not configured"),
    ],
)
def test_keys_that_do_not_count(tokens, key, algorithm, key_id, reason):
    with pytest.raises(Unauthenticated) as caught:
        tokens.subject(token(key, algorithm, key_id), NOW)
    assert caught.value.reason == reason
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


@pytest.mark.parametrize(
    ("begins", "reason"),
    [(61, "TOKEN_NOT_YET_VALID"), (None, "TOKEN_MALFORMED"), ("soon", "TOKEN_MALFORMED")],
)
def test_a_beginning_may_be_left_out_but_counts_when_there(tokens, begins, reason):
    at = int(NOW.timestamp())
    assert tokens.subject(token(EC, "ES256", "ec"), NOW) == "i|s"
    assert tokens.subject(token(EC, "ES256", "ec", nbf=at + 60), NOW) == "i|s"
    begins = at + begins if isinstance(begins, int) else begins
    with pytest.raises(Unauthenticated) as caught:
        tokens.subject(token(EC, "ES256", "ec", nbf=begins), NOW)
    assert caught.value.reason == reason


@pytest.mark.parametrize("algorithm", ["[]", "{}", "null", "7"])
def test_an_algorithm_that_is_no_text(tokens, algorithm):
    """A list has no hash: looked up as it is, it would be an incident and not a refusal."""
    parts = (f'{{"alg":{algorithm}}}', '{"iss":"i"}', "signature")
    text = ".".join(base64.urlsafe_b64encode(p.encode()).decode().rstrip("=") for p in parts)
    with pytest.raises(Unauthenticated) as caught:
        tokens.subject(text, NOW)
    assert caught.value.reason == "TOKEN_ALGORITHM"


@pytest.mark.parametrize("algorithm", ["HS256", "none", "RS1", ""])
def test_an_issuer_is_configured_with_asymmetric_algorithms_only(algorithm):
    with pytest.raises(ConfigurationError, match="algorithms"):
        TrustedIssuer("i", "a", frozenset({algorithm}), {"": EC.public_key()})


def test_files_that_hold_no_public_key(tmp_path):
    private = EC.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    weak = rsa.generate_private_key(65537, 1024).public_key()  # noqa: S505 - the point
    weak_pem = weak.public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    for content in (b"", b"nonsense", b"{", b'{"keys": 3}', private, weak_pem):
        path = tmp_path / "keys"
        path.write_bytes(content)
        with pytest.raises(ConfigurationError):
            load_keys(path)
    with pytest.raises(ConfigurationError):
        load_keys(tmp_path / "absent")
    private_jwk = {**ECAlgorithm.to_jwk(EC, as_dict=True), "kid": "private"}
    for bad in (private_jwk, {"kty": "EC", "kid": "half"}):
        with pytest.raises(ConfigurationError):
            load_keys(jwks(tmp_path, bad))
    twice = entry(ECAlgorithm, EC, "same")
    with pytest.raises(ConfigurationError, match="two keys"):
        load_keys(jwks(tmp_path, twice, twice))


def test_a_repr_shows_no_keys():
    assert "PublicKey" not in repr(
        TrustedIssuer("i", "a", frozenset({"ES256"}), {"": EC.public_key()})
    )
