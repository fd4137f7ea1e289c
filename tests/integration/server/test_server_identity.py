"""Certificates and tokens that must not be believed, and some that must."""

import base64
import json
from datetime import timedelta

import grpc
import jwt
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from gateway.api.pb import party_pb2, party_pb2_grpc
from gateway.app.authority import DevelopmentAuthority

SELF = party_pb2.GetSelfRequest()


def as_party(served, issued):
    channel = served.channel_with(issued.private_key, issued.certificate)
    return lambda: party_pb2_grpc.PartyServiceStub(channel).GetSelf(SELF, timeout=10)


def with_token(served, token, scheme="Bearer"):
    stub = served.stub("parties", None)
    return lambda: stub.GetSelf(SELF, metadata=[("authorization", f"{scheme} {token}")], timeout=10)


class Custom:
    """A client certificate of the right authority with any names and uses."""

    def __init__(self, served, uris, usage=ExtendedKeyUsageOID.CLIENT_AUTH):
        now = served.office.clock.now()
        authority = x509.load_pem_x509_certificate(served.authority.root.certificate)
        key = ec.generate_private_key(ec.SECP256R1())
        builder = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "holder")]))
            .issuer_name(authority.subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(minutes=1))
            .not_valid_after(now + timedelta(hours=1))
            .add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
        )
        if uris:
            names = [x509.UniformResourceIdentifier(uri) for uri in uris]
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        certificate = builder.sign(served.authority._key, hashes.SHA256())
        self.certificate = certificate.public_bytes(Encoding.PEM)
        self.private_key = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


# ---- certificates -------------------------------------------------------------------------------


def test_a_certificate_that_expires_on_an_open_connection(served):
    stub = served.stub("parties", "holder")
    assert stub.GetSelf(SELF).name == "parties/holder"
    served.office.clock.move(days=400)
    found = served.refused(lambda: stub.GetSelf(SELF))
    assert (found.code, found.reason) == ("UNAUTHENTICATED", "CERTIFICATE_EXPIRED")


def test_a_certificate_that_is_not_valid_yet_by_the_gateways_clock(served):
    stub = served.stub("parties", "holder")
    served.office.clock.move(days=-1)
    # Also the audit entry of the refusal cannot be written with a clock that moved back; the
    # caller is refused all the same.
    found = served.refused(lambda: stub.GetSelf(SELF))
    assert (found.code, found.reason) == ("UNAUTHENTICATED", "CERTIFICATE_NOT_YET_VALID")


def test_an_expired_certificate_gets_no_connection(served):
    now = served.office.clock.now() - timedelta(days=10)
    issued = served.authority.issue_party("holder", now, timedelta(days=1))
    with pytest.raises(grpc.RpcError) as caught:
        as_party(served, issued)()
    assert caught.value.code() is grpc.StatusCode.UNAVAILABLE


def test_a_certificate_of_another_authority_gets_no_connection(served):
    other = DevelopmentAuthority.create(served.office.clock.now())
    issued = other.issue_party("holder", served.office.clock.now())
    with pytest.raises(grpc.RpcError) as caught:
        as_party(served, issued)()
    assert caught.value.code() is grpc.StatusCode.UNAVAILABLE


@pytest.mark.parametrize(
    "uris",
    [
        pytest.param([], id="no name"),
        pytest.param(["https://example.org/holder"], id="another kind of name"),
        pytest.param(["urn:gateway:party:holder", "urn:gateway:party:officer"], id="two parties"),
        pytest.param(["urn:gateway:party:"], id="an empty name"),
        pytest.param(["urn:gateway:party:../holder"], id="a path"),
        pytest.param(["urn:gateway:party:Holder"], id="another case"),
    ],
)
def test_a_certificate_must_name_exactly_one_party(served, uris):
    found = served.refused(as_party(served, Custom(served, uris)))
    assert (found.code, found.reason) == ("UNAUTHENTICATED", "CERTIFICATE_NAMES_NO_PARTY")


def test_the_common_name_names_nobody(served):
    found = served.refused(as_party(served, Custom(served, ["https://example.org/"])))
    assert found.code == "UNAUTHENTICATED"


def test_a_party_that_is_not_registered(served):
    issued = served.authority.issue_party("stranger", served.office.clock.now())
    found = served.refused(as_party(served, issued))
    assert (found.code, found.reason) == ("UNAUTHENTICATED", "PARTY_UNKNOWN")
    assert "stranger" not in found.message


# ---- tokens -------------------------------------------------------------------------------------


def test_a_good_token_names_its_party(served):
    assert with_token(served, served.token())().name == "parties/alice"
    assert with_token(served, served.token(), scheme="bearer")().name == "parties/alice"


def unsigned(served):
    return jwt.encode(jwt.decode(served.token(), options={"verify_signature": False}), "", "none")


def shared_secret(served):
    claims = jwt.decode(served.token(), options={"verify_signature": False})
    return jwt.encode(claims, "s" * 32, "HS256")


def public_key_as_secret(served):
    # The classic confusion: the public key, known to all, used as an HMAC secret.
    pem = (served.office.folder / "issuer.pem").read_bytes()
    header = base64.urlsafe_b64encode(b'{"alg":"HS256","typ":"JWT"}').rstrip(b"=")
    body = served.token().split(".")[1].encode()
    import hmac

    signature = hmac.digest(pem, header + b"." + body, "sha256")
    return b".".join((header, body, base64.urlsafe_b64encode(signature).rstrip(b"="))).decode()


def other_algorithm(served):
    key = rsa.generate_private_key(65537, 2048)
    claims = jwt.decode(served.token(), options={"verify_signature": False})
    return jwt.encode(claims, key, "RS256")


def tampered(served):
    head, body, signature = served.token().split(".")
    claims = json.loads(base64.urlsafe_b64decode(body + "=="))
    claims["sub"] = "root"
    forged = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()
    return f"{head}.{forged}.{signature}"


FAULTS = {
    "unsigned": (unsigned, "TOKEN_ALGORITHM"),
    "signed with a shared secret": (shared_secret, "TOKEN_ALGORITHM"),
    "signed with the public key as a secret": (public_key_as_secret, "TOKEN_ALGORITHM"),
    "an algorithm that is not configured": (other_algorithm, "TOKEN_ALGORITHM"),
    "tampered with": (tampered, "TOKEN_SIGNATURE"),
    "of another key": (
        lambda s: s.token(key=ec.generate_private_key(ec.SECP256R1())),
        "TOKEN_SIGNATURE",
    ),
    "of another issuer": (lambda s: s.token(iss="https://evil.example"), "TOKEN_ISSUER_UNKNOWN"),
    "without an issuer": (lambda s: s.token(iss=None), "TOKEN_ISSUER_UNKNOWN"),
    "for another audience": (lambda s: s.token(aud="other"), "TOKEN_AUDIENCE"),
    "for several others": (lambda s: s.token(aud=["a", "b"]), "TOKEN_AUDIENCE"),
    "expired": (lambda s: s.token(exp=1_000_000_000), "TOKEN_EXPIRED"),
    "not valid yet": (lambda s: s.token(nbf=4_000_000_000), "TOKEN_NOT_YET_VALID"),
    "issued in the future": (lambda s: s.token(iat=4_000_000_000), "TOKEN_NOT_YET_VALID"),
    "with a time that is no number": (lambda s: s.token(exp="never"), "TOKEN_MALFORMED"),
    "with a time that is not a number": (lambda s: s.token(exp=float("nan")), "TOKEN_EXPIRED"),
    "without an expiry": (lambda s: s.token(exp=None), "TOKEN_CLAIM_MISSING"),
    "without a subject": (lambda s: s.token(sub=None), "TOKEN_CLAIM_MISSING"),
    "of nobody we know": (lambda s: s.token(subject="mallory"), "PARTY_UNKNOWN"),
    "not a token": (lambda _: "nonsense", "TOKEN_MALFORMED"),
    "empty": (lambda _: " ", "TOKEN_MALFORMED"),
    "very long": (lambda _: "a" * 9000, "TOKEN_MALFORMED"),
}


def test_tokens_that_must_not_be_believed(served, capfd):
    for fault, (make, reason) in FAULTS.items():
        token = make(served)
        found = served.refused(with_token(served, token))
        assert (found.code, found.reason) == ("UNAUTHENTICATED", reason), fault
        for part in filter(lambda p: len(p) > 8, token.split(".")):
            assert part not in found.message + str(found.details), fault
            assert part not in "".join(capfd.readouterr()), fault


def test_two_authorizations_are_refused(served):
    stub, token = served.stub("parties", None), f"Bearer {served.token()}"
    found = served.refused(
        lambda: stub.GetSelf(SELF, metadata=[("authorization", token), ("authorization", token)])
    )
    assert found.reason == "TOKEN_MALFORMED"


def test_certificate_and_token_must_name_the_same_party(served):
    stub = served.stub("parties", "holder")
    metadata = [("authorization", f"Bearer {served.token()}")]
    found = served.refused(lambda: stub.GetSelf(SELF, metadata=metadata))
    assert (found.code, found.reason) == ("UNAUTHENTICATED", "IDENTITY_MISMATCH")
    alice = served.authority.issue_party("alice", served.office.clock.now())
    channel = served.channel_with(alice.private_key, alice.certificate)
    both = party_pb2_grpc.PartyServiceStub(channel).GetSelf(SELF, metadata=metadata)
    assert both.name == "parties/alice"


def test_a_renewed_server_certificate_is_used_without_a_restart(served):
    folder = served.office.folder / "tls"
    hosts = ("localhost", "127.0.0.1")
    renewed = served.authority.issue_server(hosts, served.office.clock.now())
    (folder / "server.key").write_bytes(renewed.private_key)
    (folder / "server.pem").write_bytes(renewed.certificate)
    import socket
    import ssl

    context = ssl.create_default_context(cafile=str(folder / "authority.pem"))
    with (
        socket.create_connection(("127.0.0.1", served.server.bearer_port), timeout=5) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as tls,
    ):
        shown = tls.getpeercert(binary_form=True)
    expected = x509.load_pem_x509_certificate(renewed.certificate)
    assert shown == expected.public_bytes(Encoding.DER)
