"""Reads a client certificate: which party it names, and until when.

The TLS handshake has verified the chain to the configured authority. What is checked here is what
the handshake cannot know (which party) or checked only once (that the time is not over, on
connections that live for days).
"""

import hashlib
import threading
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from gateway.errors import Unauthenticated
from gateway.model.names import is_identifier

PARTY_URN: Final = "urn:gateway:party:"


@dataclass(frozen=True, slots=True)
class Named:
    """What one certificate says: ``party`` is parties/…; times are in UTC."""

    party: str
    not_before: datetime
    not_after: datetime

    def check(self, now: datetime) -> None:
        """Unauthenticated outside the period of validity."""
        if now < self.not_before:
            raise Unauthenticated(
                "the client certificate is not valid yet; check the clocks",
                reason="CERTIFICATE_NOT_YET_VALID",
            )
        if now > self.not_after:
            raise Unauthenticated(
                "the client certificate has expired; have a new one issued",
                reason="CERTIFICATE_EXPIRED",
            )


class Certificates:
    """Parsed certificates by digest, at most ``table`` of them: parsing costs more than a look."""

    def __init__(self, table: int = 1024) -> None:
        self._table = table
        self._parsed: OrderedDict[bytes, Named] = OrderedDict()
        self._lock = threading.Lock()

    def named(self, pem: bytes) -> Named:
        """The party that the certificate names. Unauthenticated when it names none, or several."""
        digest = hashlib.sha256(pem).digest()
        with self._lock:
            if (known := self._parsed.get(digest)) is not None:
                self._parsed.move_to_end(digest)
                return known
        named = _parse(pem)
        with self._lock:
            self._parsed[digest] = named
            if len(self._parsed) > self._table:
                self._parsed.popitem(last=False)
        return named


def _parse(pem: bytes) -> Named:
    try:
        certificate = x509.load_pem_x509_certificate(pem)
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        uris = names.get_values_for_type(x509.UniformResourceIdentifier)
    except (ValueError, x509.ExtensionNotFound, x509.DuplicateExtension) as error:
        raise _unnamed() from error
    parties = [uri.removeprefix(PARTY_URN) for uri in uris if uri.startswith(PARTY_URN)]
    if len(parties) != 1 or not is_identifier(parties[0]):
        raise _unnamed()
    _refuse_server_certificate(certificate)
    return Named(
        f"parties/{parties[0]}", certificate.not_valid_before_utc, certificate.not_valid_after_utc
    )


def _refuse_server_certificate(certificate: x509.Certificate) -> None:
    try:
        usage = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:
        return
    if ExtendedKeyUsageOID.CLIENT_AUTH not in usage:
        raise Unauthenticated(
            "the certificate is not for clients (extended key usage)", reason="CERTIFICATE_USAGE"
        )


def _unnamed() -> Unauthenticated:
    return Unauthenticated(
        f"the client certificate must name exactly one party as the URI {PARTY_URN}NAME",
        reason="CERTIFICATE_NAMES_NO_PARTY",
    )
