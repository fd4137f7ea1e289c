"""A development certificate authority: server and party certificates for one installation.

For trying out and for tests. In production the operator's own authority issues certificates whose
URI name is ``urn:gateway:party:NAME``.
"""

import ipaddress
from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

PARTY_URI = "urn:gateway:party:"
LIFETIME = timedelta(days=365)
# Clocks of two machines differ a little; a certificate is valid slightly before it was made.
_SLACK = timedelta(minutes=5)


@dataclass(frozen=True, slots=True, repr=False)
class Issued:
    """A certificate and its private key, both PEM. The repr is blind."""

    certificate: bytes
    private_key: bytes

    def __repr__(self) -> str:
        return "Issued(certificate, private key hidden)"


class DevelopmentAuthority:
    """Issues certificates under one self-signed root (P-256, SHA-256)."""

    def __init__(self, root: Issued) -> None:
        self._root = root
        self._certificate = x509.load_pem_x509_certificate(root.certificate)
        key = load_pem_private_key(root.private_key, password=None)
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise TypeError("the authority's key is not an elliptic curve key")
        self._key = key

    @classmethod
    def create(cls, now: datetime) -> "DevelopmentAuthority":
        """A new root, valid for ten years."""
        key = ec.generate_private_key(ec.SECP256R1())
        name = _name("gateway development authority")
        certificate = (
            _builder(name, name, key.public_key(), now, LIFETIME * 10)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_usage(signs_certificates=True), critical=True)
            .sign(key, hashes.SHA256())
        )
        return cls(_issued(certificate, key))

    @property
    def root(self) -> Issued:
        return self._root

    def issue_server(self, hosts: tuple[str, ...], now: datetime) -> Issued:
        """A server certificate for these host names and addresses."""
        names = x509.SubjectAlternativeName([_host(host) for host in hosts])
        return self._issue("gateway", names, ExtendedKeyUsageOID.SERVER_AUTH, now, LIFETIME)

    def issue_party(self, identifier: str, now: datetime, lifetime: timedelta = LIFETIME) -> Issued:
        """A client certificate whose URI name is the party ``identifier``."""
        uri = x509.UniformResourceIdentifier(PARTY_URI + identifier)
        names = x509.SubjectAlternativeName([uri])
        return self._issue(identifier, names, ExtendedKeyUsageOID.CLIENT_AUTH, now, lifetime)

    def _issue(
        self,
        common_name: str,
        names: x509.SubjectAlternativeName,
        purpose: x509.ObjectIdentifier,
        now: datetime,
        lifetime: timedelta,
    ) -> Issued:
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = (
            _builder(_name(common_name), self._certificate.subject, key.public_key(), now, lifetime)
            .add_extension(names, critical=False)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(signs_certificates=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()),
                critical=False,
            )
            .sign(self._key, hashes.SHA256())
        )
        return _issued(certificate, key)


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    public_key: ec.EllipticCurvePublicKey,
    now: datetime,
    lifetime: timedelta,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _SLACK)
        .not_valid_after(now + lifetime)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
    )


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _host(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _issued(certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> Issued:
    return Issued(
        certificate.public_bytes(Encoding.PEM),
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
    )
