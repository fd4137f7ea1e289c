"""The chunks of a sealed release: in order, whole, resumed, and compared with the sealed hash."""

import hashlib
from collections.abc import Callable, Iterator

from gateway.api.pb import release_pb2
from gateway.client.failures import is_passing
from gateway.client.link import ATTEMPTS
from gateway.errors import DeadlineExceeded, GatewayError, StagingCorrupt, VerificationFailed


class Chunks:
    """Iterates over the payloads. ``read`` opens a stream at an offset; ``wait`` is the pause
    after so many failures in a row, which never are more than ATTEMPTS; ``sealed_hash`` is asked
    once the last chunk is there."""

    def __init__(
        self,
        read: Callable[[int], Iterator[release_pb2.ReadReleaseResponse]],
        wait: Callable[[int], None],
        sealed_hash: Callable[[], str],
        progress: Callable[[int], None],
    ) -> None:
        self._read = read
        self._wait = wait
        self._sealed_hash = sealed_hash
        self._progress = progress

    def __iter__(self) -> Iterator[bytes]:
        sha256 = hashlib.sha256()
        rows = 0
        for chunk in self._in_order():
            sha256.update(chunk.payload)
            rows += chunk.rows
            self._progress(rows)
            if chunk.last and self._sealed_hash() != sha256.hexdigest():
                raise VerificationFailed("what was received is not the stream that was sealed")
            yield chunk.payload

    def _in_order(self) -> Iterator[release_pb2.ReadReleaseResponse]:
        wanted = failures = 0
        whole = False
        while True:
            try:
                for chunk in self._read(wanted):
                    if whole:
                        return
                    if chunk.index != wanted:
                        raise StagingCorrupt(
                            f"chunk {wanted} was expected and chunk {chunk.index} came"
                        )
                    wanted, failures = wanted + 1, 0
                    yield chunk
                    # Read on to the stream's end: given up here, it would be logged as cut off.
                    whole = chunk.last
                if whole:
                    return
                # The stream ended in the middle, as if the connection had been lost.
                failure: GatewayError = StagingCorrupt("the stream ended before its last chunk")
            except GatewayError as error:
                if whole:
                    return
                if not (is_passing(error) or isinstance(error, DeadlineExceeded)):
                    raise
                failure = error
            failures += 1
            if failures >= ATTEMPTS:
                raise failure
            self._wait(failures)
