"""Re-identification, seen from outside: ask, decide, read the answer, tell the persons concerned."""

import os
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Final

import pyarrow as pa
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from google.protobuf.descriptor import EnumDescriptor

from gateway.api.pb import reidentification_pb2, reidentification_pb2_grpc
from gateway.client.forms import full_name, moment
from gateway.client.link import Calls, Link
from gateway.client.plain import number, words
from gateway.client.profile import private_bytes
from gateway.errors import ConfigurationError, FailedPrecondition, InvalidRequest
from gateway.model.reidentification import ANSWER_SUITE, answer_context

Reidentification = reidentification_pb2.Reidentification

_SUITE: Final = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)
_BASIS: Final = reidentification_pb2.LegalBasis.DESCRIPTOR
_STATE: Final = reidentification_pb2.ReidentificationState.DESCRIPTOR
# The sealed release is looked through for the tokens.
_ANSWERING_SECONDS: Final = 120.0


def answer_key(path: str | Path) -> X25519PrivateKey:
    """The private key in that file; a new one, for its owner alone, when there is no such file.

    ConfigurationError when the file is open to others or holds another kind of key.
    """
    path = Path(path)
    if not path.exists():
        key = X25519PrivateKey.generate()
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(pem)
        return key
    try:
        loaded = load_pem_private_key(private_bytes(path), None)
    except (ValueError, TypeError):
        loaded = None
    if not isinstance(loaded, X25519PrivateKey):
        raise ConfigurationError(f"{path} is no X25519 private key in PEM without a password")
    return loaded


class ReidentificationCalls(Calls):
    """Re-identification's part of the client. A request may be given by name or as returned."""

    def __init__(self, link: Link) -> None:
        super().__init__(link)
        self._reidentification = reidentification_pb2_grpc.ReidentificationServiceStub(link.channel)

    def request_reidentification(
        self,
        release: str,
        column: str,
        tokens: Sequence[str],
        *,
        basis: str,
        reason: str,
        case_number: str,
        key: X25519PrivateKey,
        entity: str = "",
    ) -> Reidentification:
        """Ask for tokens of a release's column to be taken back; of free text, those that stand
        for an ``entity``. The answer will be encrypted to ``key``, which stays here; keep it, and
        the tokens, until then."""
        request = reidentification_pb2.RequestReidentificationRequest(
            case=reidentification_pb2.ReidentificationCase(
                release=full_name("releases", release),
                column=column,
                entity=entity,
                basis=_numbered(_BASIS, "basis", basis),  # type: ignore[arg-type]
                reason=reason,
                case_number=case_number,
                recipient_key=key.public_key().public_bytes_raw(),
            ),
            tokens=_several(tokens),
        )
        return self._link.command(self._reidentification.RequestReidentification, request)

    def reidentifications(self, state: str | None = None) -> Iterator[Reidentification]:
        """Requests that the caller may see, newest first."""
        request = reidentification_pb2.ListReidentificationsRequest(
            state=0 if state is None else _numbered(_STATE, "state", state)  # type: ignore[arg-type]
        )
        return self._link.pages(
            self._reidentification.ListReidentifications, request, "reidentifications"
        )

    def reidentification(self, name: str | Reidentification) -> Reidentification:
        """One request as it is now."""
        request = reidentification_pb2.GetReidentificationRequest(name=_name(name))
        return self._link.call(self._reidentification.GetReidentification, request)

    def approve_reidentification(
        self, asked: str | Reidentification, reason: str
    ) -> Reidentification:
        """Approve, as an officer. Given the request itself, exactly what was read is approved:
        Conflict when it changed since. Given a name, what it is now."""
        seen = self._seen(asked)
        request = reidentification_pb2.ApproveReidentificationRequest(
            name=seen.name, etag=seen.etag, reason=reason
        )
        return self._link.command(self._reidentification.ApproveReidentification, request)

    def refuse_reidentification(
        self, asked: str | Reidentification, reason: str
    ) -> Reidentification:
        """Refuse, as ``approve_reidentification``; the requester sees the reason."""
        seen = self._seen(asked)
        request = reidentification_pb2.RefuseReidentificationRequest(
            name=seen.name, etag=seen.etag, reason=reason
        )
        return self._link.command(self._reidentification.RefuseReidentification, request)

    def answer_reidentification(
        self,
        asked: str | Reidentification,
        tokens: Sequence[str],
        key: X25519PrivateKey,
        *,
        request_id: str | None = None,
    ) -> pa.Table:
        """The answer to an approved request: columns ``token`` and ``value``, both text. A token
        without a value is not a token of this domain. It is answered once; unless told another
        ``request_id``, this call gets that answer again until the request's time is over."""
        record = self.reidentification(asked)
        if record.case.recipient_key != key.public_key().public_bytes_raw():
            raise InvalidRequest.of("key", "is not the one that the answer will be encrypted to")
        request = reidentification_pb2.AnswerReidentificationRequest(
            request_id=request_id or f"answer {record.name}",
            name=record.name,
            tokens=_several(tokens),
        )
        answer = self._link.call(
            self._reidentification.AnswerReidentification, request, _ANSWERING_SECONDS
        )
        if answer.suite != ANSWER_SUITE:
            raise FailedPrecondition(
                "the answer is encrypted in a way that this program does not know: update it",
                reason="UNIMPLEMENTED",
            )
        context = answer_context(
            record.name,
            record.case.release,
            record.case.column,
            record.case.entity,
            record.case.recipient_key.hex(),
        )
        try:
            stream = _SUITE.decrypt(answer.sealed, key, info=context)
        except InvalidTag:
            raise FailedPrecondition(
                "the answer cannot be decrypted: it was changed on its way",
                reason="ANSWER_UNREADABLE",
            ) from None
        return pa.ipc.open_stream(stream).read_all()

    def record_notice(
        self,
        asked: str | Reidentification,
        reason: str,
        *,
        until: datetime | None = None,
        mistaken: bool = False,
    ) -> Reidentification:
        """Record how the persons concerned were told; with ``until``, why that waits till then;
        with ``mistaken``, that it was recorded as given and is still due."""
        seen = self._seen(asked)
        if mistaken:
            state = reidentification_pb2.NOTICE_STATE_DUE
        elif until is None:
            state = reidentification_pb2.NOTICE_STATE_GIVEN
        else:
            state = reidentification_pb2.NOTICE_STATE_DEFERRED
        request = reidentification_pb2.RecordNoticeRequest(
            name=seen.name,
            etag=seen.etag,
            state=state,
            reason=reason,
            until=None if until is None else moment(until),
        )
        return self._link.command(self._reidentification.RecordNotice, request)

    def reidentifications_of_token(
        self, release: str, column: str, token: str, *, entity: str = ""
    ) -> Iterator[Reidentification]:
        """Requests that named this token, whatever came of them. For officers and auditors."""
        request = reidentification_pb2.FindReidentificationsRequest(
            token=reidentification_pb2.TokenOfRelease(
                release=full_name("releases", release),
                column=column,
                token=token,
                entity=entity,
            )
        )
        return self._link.pages(
            self._reidentification.FindReidentifications, request, "reidentifications"
        )

    def reidentifications_of_person(self, column: str, value: str) -> Iterator[Reidentification]:
        """Requests by whose answer this value left, from columns published under that name. For
        officers and auditors, when the person concerned asks."""
        request = reidentification_pb2.FindReidentificationsRequest(
            person=reidentification_pb2.ValueOfPerson(column=column, value=value)
        )
        return self._link.pages(
            self._reidentification.FindReidentifications, request, "reidentifications"
        )

    def _seen(self, asked: str | Reidentification) -> Reidentification:
        return asked if isinstance(asked, Reidentification) else self.reidentification(asked)


def _name(asked: str | Reidentification) -> str:
    return full_name("reidentifications", asked) if isinstance(asked, str) else asked.name


def _several(tokens: Sequence[str]) -> Sequence[str]:
    if isinstance(tokens, str):
        raise InvalidRequest.of("tokens", "give a list, not one text")
    return tokens


def _numbered(kind: EnumDescriptor, field: str, word: str) -> int:
    found = number(kind, word)
    if found is None:
        raise InvalidRequest.of(field, f"one of {', '.join(words(kind))}")
    return found
