"""Reads a bearer token (JWT, RFC 7519) of a configured issuer; nothing is fetched.

Best practices of RFC 8725: the algorithm comes from the configuration and never from the token,
only asymmetric ones are admitted, the issuer and the audience are required, and each key is used
with algorithms of its own kind only. No error and no log holds a part of a token.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from gateway.errors import ConfigurationError, Unauthenticated

ALGORITHMS: Final = frozenset("ES256 ES384 ES512 RS256 RS384 RS512 PS256 PS384 PS512 EdDSA".split())
LEEWAY: Final = timedelta(seconds=60)
_TOKEN_CHARACTERS: Final = 8192
_REQUIRED: Final = ("exp", "iat", "iss", "aud", "sub")
_LEAST_RSA_BITS: Final = 2048

PublicKey = (
    rsa.RSAPublicKey | ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey | ed448.Ed448PublicKey
)


@dataclass(frozen=True, slots=True)
class TrustedIssuer:
    """An issuer with the keys it signs with, by key id; a PEM file's one key has the id "" ."""

    issuer: str
    audience: str
    algorithms: frozenset[str]
    keys: Mapping[str, PublicKey] = field(repr=False)
    leeway: timedelta = LEEWAY

    def __post_init__(self) -> None:
        if not self.algorithms or self.algorithms - ALGORITHMS:
            raise ConfigurationError(
                f"issuer {self.issuer}: algorithms must be of {', '.join(sorted(ALGORITHMS))}"
            )
        if not self.keys:
            raise ConfigurationError(f"issuer {self.issuer} has no keys")

    @classmethod
    def of_file(
        cls, issuer: str, audience: str, algorithms: Sequence[str], keys: Path
    ) -> "TrustedIssuer":
        """With the keys of a JWKS (JSON) or PEM file; ConfigurationError when it has none."""
        return cls(issuer, audience, frozenset(algorithms), load_keys(keys))


class Tokens:
    """Checks tokens against the configured issuers."""

    def __init__(self, issuers: Sequence[TrustedIssuer]) -> None:
        self._issuers = {trusted.issuer: trusted for trusted in issuers}
        if len(self._issuers) != len(issuers):
            raise ConfigurationError("an issuer is configured twice")

    def subject(self, token: str, now: datetime) -> str:
        """``issuer|subject`` of a valid token; Unauthenticated, with a reason of its own for
        each fault, otherwise."""
        if len(token) > _TOKEN_CHARACTERS:
            raise _refused("TOKEN_MALFORMED", "the bearer token is too long")
        algorithm, key_id, claimed = self._unverified(token)
        # 1. The issuer is one of ours.
        trusted = self._issuers.get(claimed) if isinstance(claimed, str) else None
        if trusted is None:
            raise _refused("TOKEN_ISSUER_UNKNOWN", "the bearer token is of an unknown issuer")
        # 2. The algorithm is one that this issuer is configured for.
        if not isinstance(algorithm, str) or algorithm not in trusted.algorithms:
            raise _refused("TOKEN_ALGORITHM", "the bearer token's algorithm is not admitted")
        # 3. The signature is by one of its keys.
        claims = self._verified(token, trusted, _key(trusted, key_id), algorithm)
        # 4. The audience is us, and it is the right time.
        _check_audience(claims, trusted.audience)
        _check_times(claims, now, trusted.leeway)
        # 5. It names somebody.
        subject = claims["sub"]
        if not isinstance(subject, str) or not 0 < len(subject) <= 500:
            raise _refused("TOKEN_CLAIM_MISSING", "the bearer token names nobody (sub)")
        return f"{trusted.issuer}|{subject}"

    def _unverified(self, token: str) -> tuple[object, object, object]:
        try:
            header = jwt.get_unverified_header(token)
            claims = jwt.decode(token, options={"verify_signature": False})
        except jwt.PyJWTError:
            # Without the cause: it may quote the token.
            raise _refused("TOKEN_MALFORMED", "the bearer token cannot be read") from None
        return header.get("alg"), header.get("kid"), claims.get("iss")

    def _verified(
        self, token: str, trusted: TrustedIssuer, key: PublicKey, algorithm: str
    ) -> dict[str, Any]:
        # Times and audience are checked here, by the gateway's own clock and in its own words.
        options: Any = dict.fromkeys(("verify_exp", "verify_nbf", "verify_iat"), False)
        options |= {"verify_aud": False, "require": list(_REQUIRED)}
        try:
            return jwt.decode(
                token, key, algorithms=[algorithm], options=options, issuer=trusted.issuer
            )
        except jwt.MissingRequiredClaimError as missing:
            claim = missing.claim if missing.claim in _REQUIRED else "a claim"
            raise _refused("TOKEN_CLAIM_MISSING", f"the bearer token lacks {claim}") from None
        except (jwt.PyJWTError, ValueError, TypeError):
            raise _refused("TOKEN_SIGNATURE", "the bearer token's signature is wrong") from None


def load_keys(path: Path) -> Mapping[str, PublicKey]:
    """The public keys of a JWKS or PEM file by key id. ConfigurationError names the file."""
    try:
        data = path.read_bytes()
        if data.lstrip().startswith(b"{"):
            return _of_jwks(path, json.loads(data))
        return {"": _fit(path, load_pem_public_key(data))}
    except (OSError, ValueError, TypeError, jwt.PyJWTError) as error:
        raise ConfigurationError(f"{path} has no public key that can be read") from error


def _of_jwks(path: Path, document: Mapping[str, Any]) -> dict[str, PublicKey]:
    keys: dict[str, PublicKey] = {}
    for entry in document.get("keys", ()):
        if entry.get("use", "sig") != "sig" or entry.get("kty") not in ("RSA", "EC", "OKP"):
            continue
        key_id = str(entry.get("kid", ""))
        if key_id in keys:
            raise ConfigurationError(f"{path} has two keys with the id {key_id!r}")
        keys[key_id] = _fit(path, jwt.PyJWK(entry).key)
    return keys


def _fit(path: Path, key: object) -> PublicKey:
    if not isinstance(key, PublicKey):
        # A private key here would be a secret lying about.
        raise ConfigurationError(f"{path} must hold public keys (RSA, EC or Ed25519) only")
    if isinstance(key, rsa.RSAPublicKey) and key.key_size < _LEAST_RSA_BITS:
        raise ConfigurationError(f"{path} has an RSA key of less than {_LEAST_RSA_BITS} bits")
    return key


def _key(trusted: TrustedIssuer, key_id: object) -> PublicKey:
    if len(trusted.keys) == 1 and (key_id is None or "" in trusted.keys):
        return next(iter(trusted.keys.values()))
    found = trusted.keys.get(key_id) if isinstance(key_id, str) else None
    if found is None:
        raise _refused("TOKEN_KEY_UNKNOWN", "the bearer token is signed by an unknown key")
    return found


def _check_audience(claims: Mapping[str, Any], audience: str) -> None:
    listed = claims["aud"] if isinstance(claims["aud"], list) else [claims["aud"]]
    if audience not in listed:
        raise _refused("TOKEN_AUDIENCE", "the bearer token is for somebody else (aud)")


def _check_times(claims: Mapping[str, Any], now: datetime, leeway: timedelta) -> None:
    try:
        expires, issued = float(claims["exp"]), float(claims["iat"])
        begins = float(claims.get("nbf", issued))  # optional (RFC 7519, section 4.1.5)
    except (TypeError, ValueError):
        raise _refused("TOKEN_MALFORMED", "the bearer token's times cannot be read") from None
    moment, slack = now.timestamp(), leeway.total_seconds()
    # Written so that a NaN fails each comparison and is refused.
    if not moment < expires + slack:
        raise _refused("TOKEN_EXPIRED", "the bearer token has expired; get a new one")
    if not (moment >= begins - slack and moment >= issued - slack):
        raise _refused("TOKEN_NOT_YET_VALID", "the bearer token is not valid yet")


def _refused(reason: str, text: str) -> Unauthenticated:
    return Unauthenticated(text, reason=reason)
