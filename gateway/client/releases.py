"""Releases, seen from outside: ask, follow, read, verify, recall."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pyarrow as pa

from gateway.api.pb import release_pb2, release_pb2_grpc
from gateway.client.failures import Denied
from gateway.client.forms import extract_message, full_name
from gateway.client.link import STREAM_SECONDS, Calls, Link, new_request_id
from gateway.client.plain import number, word, words
from gateway.client.reading import Chunks
from gateway.client.saving import save_stream
from gateway.client.streams import Batches
from gateway.errors import InvalidRequest, ReleaseStopped
from gateway.model.conditions import Condition
from gateway.verify import Verified, verify_certificate, verify_file

if TYPE_CHECKING:
    import pandas as pd

_STATE: Final = release_pb2.ReleaseState.DESCRIPTOR
_UNDERWAY: Final = (release_pb2.RELEASE_STATE_OPENED, release_pb2.RELEASE_STATE_RUNNING)
# Before it answers, the gateway asks the source for its version, which may take a while.
_OPENING_SECONDS: Final = 120.0

Release = release_pb2.Release
Filters = Iterable[Condition | str]


class ReleaseCalls(Calls):
    """The releases' part of the client. A release may be given by name or as it was returned."""

    def __init__(self, link: Link) -> None:
        super().__init__(link)
        self._releases = release_pb2_grpc.ReleaseServiceStub(link.channel)

    # ---- asking ---------------------------------------------------------------------------------

    def preview(
        self,
        dataset: str,
        columns: Sequence[str],
        purpose: str,
        *,
        project: str | None = None,
        filters: Filters = (),
        limit: int | None = None,
    ) -> Release:
        """A dry run: decision and plan as they would be now. Nothing is stored or charged, and
        a denial is an answer here, not an error."""
        request = release_pb2.CreateReleaseRequest(
            request=extract_message(dataset, columns, purpose, project, filters, limit),
            validate_only=True,
        )
        return self._link.call(self._releases.CreateRelease, request, _OPENING_SECONDS)

    def request(
        self,
        dataset: str,
        columns: Sequence[str],
        purpose: str,
        *,
        project: str | None = None,
        filters: Filters = (),
        limit: int | None = None,
        request_id: str | None = None,
    ) -> Release:
        """Ask for an extract; returns at once with a release to ``wait`` for. Raises Denied with
        the reasons. The same ``request_id`` gets the same release and is charged once."""
        request = release_pb2.CreateReleaseRequest(
            request_id=request_id or new_request_id(),
            request=extract_message(dataset, columns, purpose, project, filters, limit),
        )
        release = self._link.call(self._releases.CreateRelease, request, _OPENING_SECONDS)
        if release.state == release_pb2.RELEASE_STATE_DENIED:
            raise Denied(release)
        return release

    def reissue(
        self,
        release: str | Release,
        *,
        project: str | None = None,
        without_project: bool = False,
        keep_original: bool = False,
        request_id: str | None = None,
    ) -> Release:
        """Ask for the same rows with tokens of other keys: of those that are newest now, or of
        another ``project``; returns at once with a release to ``wait`` for. The original is
        recalled when that one is sealed, unless it is kept. Raises Denied with the reasons."""
        if project is not None and without_project:
            raise InvalidRequest.of("project", "give one, or without_project, or neither")
        request = release_pb2.ReissueReleaseRequest(
            request_id=request_id or new_request_id(),
            name=_name(release),
            project="" if without_project else project,
            keep_original=keep_original,
        )
        made = self._link.call(self._releases.ReissueRelease, request, _OPENING_SECONDS)
        if made.state == release_pb2.RELEASE_STATE_DENIED:
            raise Denied(made)
        return made

    # ---- following ------------------------------------------------------------------------------

    def release(self, release: str | Release) -> Release:
        """The record of one release as it is now."""
        request = release_pb2.GetReleaseRequest(name=_name(release))
        return self._link.call(self._releases.GetRelease, request)

    def releases(self, dataset: str = "", state: str | None = None) -> Iterator[Release]:
        """Releases that the caller may see, newest first."""
        wanted = 0 if state is None else number(_STATE, state)
        if wanted is None:
            raise InvalidRequest.of("state", f"one of {', '.join(words(_STATE))}")
        request = release_pb2.ListReleasesRequest(
            dataset=full_name("datasets", dataset),
            state=wanted,  # type: ignore[arg-type]
        )
        return self._link.pages(self._releases.ListReleases, request, "releases")

    def watch(self, release: str | Release) -> Iterator[Release]:
        """The release at every change until it ended, also over lost connections."""
        request = release_pb2.WatchReleaseRequest(name=_name(release))
        yield from self._link.follow(
            self._releases.WatchRelease, request, lambda now: now.state not in _UNDERWAY
        )

    def wait(
        self, release: str | Release, progress: Callable[[Release], None] = lambda _: None
    ) -> Release:
        """The release once it is sealed; ``progress`` is told of every change.

        Raises Denied, or ReleaseStopped with the reason why there is no result.
        """
        ended = Release()
        for ended in self.watch(release):
            progress(ended)
        if ended.state == release_pb2.RELEASE_STATE_SEALED:
            return ended
        if ended.state == release_pb2.RELEASE_STATE_DENIED:
            raise Denied(ended)
        raise ReleaseStopped(
            f"{ended.name} is {word(_STATE, ended.state)}: {ended.ending_text}",
            reason=ended.ending_reason or "RELEASE_STOPPED",
            release=ended.name,
        )

    def cancel(self, release: str | Release) -> Release:
        """Stop a release that is not sealed; its charge stays."""
        request = release_pb2.CancelReleaseRequest(name=_name(release))
        return self._link.command(self._releases.CancelRelease, request)

    def recall(self, release: str | Release, reason: str) -> Release:
        """Destroy the key of a sealed release: nobody can read it again."""
        request = release_pb2.RecallReleaseRequest(name=_name(release), reason=reason)
        return self._link.command(self._releases.RecallRelease, request)

    # ---- reading --------------------------------------------------------------------------------

    def batches(
        self, release: str | Release, progress: Callable[[int], None] = lambda _: None
    ) -> Iterator[pa.RecordBatch]:
        """The records as they come, in bounded memory; ``progress`` is told the rows so far.

        A lost connection is taken up where it broke. At the end the whole stream is compared
        with the hash that was sealed: VerificationFailed when it differs.
        """
        yield from Batches(self._chunks(release, progress))

    def read(
        self, release: str | Release, progress: Callable[[int], None] = lambda _: None
    ) -> pa.Table:
        """All records as one table."""
        batches = Batches(self._chunks(release, progress))
        return pa.Table.from_batches(list(batches), batches.schema)

    def to_pandas(self, release: str | Release) -> "pd.DataFrame":
        """All records as a pandas frame; needs pandas. Whole numbers and true or false stay
        what they are also where some are missing."""
        import pandas as pd  # noqa: PLC0415 - an optional package

        nullable = {
            pa.int8(): pd.Int8Dtype(),
            pa.int16(): pd.Int16Dtype(),
            pa.int32(): pd.Int32Dtype(),
            pa.int64(): pd.Int64Dtype(),
            pa.uint8(): pd.UInt8Dtype(),
            pa.uint16(): pd.UInt16Dtype(),
            pa.uint32(): pd.UInt32Dtype(),
            pa.uint64(): pd.UInt64Dtype(),
            pa.bool_(): pd.BooleanDtype(),
        }
        frame: pd.DataFrame = self.read(release).to_pandas(types_mapper=nullable.get)
        return frame

    def save(
        self,
        release: str | Release,
        path: str | Path,
        progress: Callable[[int], None] = lambda _: None,
    ) -> Path:
        """The records as a file: .arrows (the exact stream), .parquet or .csv.

        Written beside its place and moved there when it is whole and verified against the
        sealed hash; before that there is no file of that name.
        """
        return save_stream(self._chunks(release, progress), Path(path))

    def _chunks(self, release: str | Release, progress: Callable[[int], None]) -> Chunks:
        record = self.release(release)

        def read(offset: int) -> Iterator[release_pb2.ReadReleaseResponse]:
            request = release_pb2.ReadReleaseRequest(name=record.name, offset=offset)
            return self._link.stream(self._releases.ReadRelease, request, STREAM_SECONDS)

        def sealed_hash() -> str:
            # It may have been sealed between the look at its record and the first chunk.
            return record.stream_sha256 or self.release(record.name).stream_sha256

        return Chunks(read, self._link.wait, sealed_hash, progress)

    # ---- proof ----------------------------------------------------------------------------------

    def certificate(self, release: str | Release) -> str:
        """The signed certificate: a DSSE envelope in JSON."""
        request = release_pb2.GetCertificateRequest(name=_name(release))
        return self._link.call(self._releases.GetCertificate, request).envelope

    def public_key(self) -> bytes:
        """The key that certificates are signed with, in PEM. For proof against the gateway
        itself, compare it with one that came another way."""
        answer = self._link.call(self._releases.GetPublicKey, release_pb2.GetPublicKeyRequest())
        return answer.pem.encode()

    def verify(
        self,
        release: str | Release,
        path: str | Path | None = None,
        public_key: bytes | None = None,
    ) -> Verified:
        """Verify the certificate, and the file against it. VerificationFailed names the step."""
        key = public_key or self.public_key()
        envelope = self.certificate(release)
        if path is None:
            return verify_certificate(envelope, key)
        return verify_file(envelope, key, Path(path))


def _name(release: str | Release) -> str:
    return full_name("releases", release) if isinstance(release, str) else release.name
