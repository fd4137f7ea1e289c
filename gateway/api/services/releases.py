"""ReleaseService."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import closing
from typing import Final

from gateway.api.call import Call
from gateway.api.convert import releases as convert
from gateway.api.convert.extracts import request_from_proto
from gateway.api.convert.keys import check_request_id
from gateway.api.convert.pages import Pages
from gateway.api.convert.shape import Shape, caller_at_fault
from gateway.api.convert.words import RELEASE_STATES
from gateway.api.pb import release_pb2
from gateway.api.watching import watched
from gateway.errors import GatewayError
from gateway.model.lifecycle import ReleaseState
from gateway.model.names import is_identifier
from gateway.model.release import Release
from gateway.release.custody import Custody
from gateway.release.opening import Opening

_ON_THE_WAY: Final = (ReleaseState.OPENED, ReleaseState.RUNNING)


class ReleaseRpcs:
    """The door. ``wake`` tells the workers that there is something to run."""

    def __init__(
        self,
        opening: Opening,
        custody: Custody,
        pages: Pages,
        wake: Callable[[], None],
        public_key: tuple[str, str],
    ) -> None:
        self._opening = opening
        self._custody = custody
        self._pages = pages
        self._wake = wake
        self._public_key = public_key

    def create_release(
        self, call: Call, request: release_pb2.CreateReleaseRequest
    ) -> release_pb2.Release:
        shape = Shape()
        if request.request_id or not request.validate_only:
            check_request_id(shape, request.request_id)
        shape.present("request", request)
        wish = shape.made(request_from_proto(shape, request.request, "request"))
        if request.validate_only:
            with caller_at_fault("request"):
                preview = self._opening.preview(call.party, wish)
            return convert.preview_to_proto(preview, wish, call.party)
        with caller_at_fault("request"):
            release = self._opening.open(call.party, wish, call.key(request))
        if release.state is ReleaseState.OPENED:
            self._wake()
        return convert.to_proto(release, call.party)

    def reissue_release(
        self, call: Call, request: release_pb2.ReissueReleaseRequest
    ) -> release_pb2.Release:
        shape = Shape()
        check_request_id(shape, request.request_id)
        name = shape.name("name", request.name, "releases")
        other = request.project if request.HasField("project") else None
        if other and not is_identifier(other):
            shape.fault("project", "3 to 63 characters a-z, 0-9 and hyphen; empty for none")
        shape.done()
        with caller_at_fault(""):
            release = self._opening.reissue(
                call.party,
                name,
                lambda project: project if other is None else other or None,
                request.keep_original,
                call.key(request),
            )
        if release.state is ReleaseState.OPENED:
            self._wake()
        return convert.to_proto(release, call.party)

    def get_release(
        self, call: Call, request: release_pb2.GetReleaseRequest
    ) -> release_pb2.Release:
        return convert.to_proto(self._custody.get(call.party, _named(request)), call.party)

    def list_releases(
        self, call: Call, request: release_pb2.ListReleasesRequest
    ) -> release_pb2.ListReleasesResponse:
        shape = Shape()
        page = self._pages.page(shape, call, request, usual=50, most=500)
        if request.dataset:
            shape.name("dataset", request.dataset, "datasets")
        state = shape.optional_coded("state", request.state, RELEASE_STATES)
        shape.done()

        def seen(release: Release) -> release_pb2.Release:
            return convert.to_proto(release, call.party)

        found = self._custody.all(call.party, page, request.dataset or None, state)
        messages, token = self._pages.fill(call, request, page, found, lambda r: r.name, seen)
        return release_pb2.ListReleasesResponse(releases=messages, next_page_token=token)

    async def watch_release(
        self,
        call: Call,
        request: release_pb2.WatchReleaseRequest,
        in_thread: Callable[..., Awaitable[Release]],
    ) -> AsyncIterator[release_pb2.Release]:
        """Looks at the store, so that it does not matter which process runs the release."""
        name = _named(request)

        def look() -> Release:
            call.check_identity()
            return self._custody.get(call.party, name)

        async for release in watched(lambda: in_thread(look), lambda r: r.state not in _ON_THE_WAY):
            yield convert.to_proto(release, call.party)

    def read_release(self, call: Call, request: release_pb2.ReadReleaseRequest) -> Iterator[bytes]:
        """Two entries in the log: that reading began, before the first byte leaves, and how far
        it came. A chunk counts as read once it was handed to the network."""
        name, offset = _named(request), request.offset
        if offset < 0:
            shape = Shape()
            shape.fault("offset", "at least 0")
            shape.done()
        party, last, outcome = call.party, offset, "CANCELLED"
        with closing(self._custody.read(party, name, offset)) as chunks:  # type: ignore[type-var]
            first = next(chunks)
            self._custody.log_reading(party, name, "STARTED", offset, offset)
            call.writes_entry = call.ends_in_log = True
            try:
                yield convert.chunk_bytes(first)
                for chunk in chunks:
                    call.check_identity()
                    last = chunk.index
                    yield convert.chunk_bytes(chunk)
                outcome = "ok"
            except GatewayError as error:
                outcome = error.reason
                raise
            except Exception:
                outcome = "INTERNAL"
                raise
            finally:
                self._custody.log_reading(party, name, outcome, offset, last)

    def cancel_release(
        self, call: Call, request: release_pb2.CancelReleaseRequest
    ) -> release_pb2.Release:
        shape = Shape()
        check_request_id(shape, request.request_id)
        name = shape.name("name", request.name, "releases")
        shape.done()
        return convert.to_proto(
            self._custody.cancel(call.party, name, call.key(request)), call.party
        )

    def recall_release(
        self, call: Call, request: release_pb2.RecallReleaseRequest
    ) -> release_pb2.Release:
        shape = Shape()
        check_request_id(shape, request.request_id)
        name = shape.name("name", request.name, "releases")
        reason = shape.text("reason", request.reason, 4000, least=1)
        shape.done()
        return convert.to_proto(
            self._custody.recall(call.party, name, reason, call.key(request)), call.party
        )

    def get_certificate(
        self, call: Call, request: release_pb2.GetCertificateRequest
    ) -> release_pb2.Certificate:
        return release_pb2.Certificate(
            envelope=self._custody.certificate(call.party, _named(request))
        )

    def get_public_key(
        self, call: Call, request: release_pb2.GetPublicKeyRequest
    ) -> release_pb2.PublicKey:
        del call, request
        key_id, pem = self._public_key
        return release_pb2.PublicKey(key_id=key_id, pem=pem)


def _named(
    request: release_pb2.GetReleaseRequest
    | release_pb2.WatchReleaseRequest
    | release_pb2.ReadReleaseRequest
    | release_pb2.GetCertificateRequest,
) -> str:
    shape = Shape()
    name = shape.name("name", request.name, "releases")
    shape.done()
    return name
