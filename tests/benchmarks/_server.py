"""The server of the release benchmark: a gateway, and beside it a way out that protects nothing.

    python _server.py FOLDER [--plain FILE.parquet]

Prints where it listens and serves until SIGTERM. With `--plain`, the gateway's own gRPC server
also answers /benchmark.Plain/Read: it streams the file as it is, through the same TLS, identity
check, audit entry, interceptor and read-ahead as ReadRelease, in pieces of the same size. That is
the floor: a release can be no faster than the same table unprotected.
"""

import argparse
import asyncio
import logging
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
import pyarrow.parquet as pq

from gateway.api.bridges import ReadAhead
from gateway.app.logs import configure_logs
from gateway.app.process import Process
from gateway.config import CONFIG_NAME, load

PLAIN = ("benchmark.Plain", "Read")
BATCH_ROWS = 65_536
PIECE_ROWS = 8_192


def main() -> None:
    """Serve."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--plain", type=Path)
    options = parser.parse_args()
    configure_logs(level=logging.WARNING)
    asyncio.run(_serve(options.folder, options.plain))


async def _serve(folder: Path, plain: Path | None) -> None:
    process = Process(load(folder / CONFIG_NAME))
    try:
        address = (await process.start()).mutual_tls
        if plain is not None:
            process._server._server.add_generic_rpc_handlers((_handler(plain),))
        print(address, flush=True)
        await process.until_signal()
    finally:
        await process.stop()


def _handler(file: Path) -> grpc.GenericRpcHandler:
    async def read(_request: bytes, _context: Any) -> AsyncIterator[bytes]:
        with ThreadPoolExecutor(1) as thread:
            ahead = ReadAhead(thread, _pieces(file))
            try:
                async for piece in ahead:
                    yield piece
            finally:
                await ahead.close()

    service, method = PLAIN
    handler = grpc.unary_stream_rpc_method_handler(read, request_deserializer=bytes)
    return grpc.method_handlers_generic_handler(service, {method: handler})


def _pieces(file: Path) -> Iterator[bytes]:
    with pq.ParquetFile(file, pre_buffer=False, buffer_size=1 << 20) as parquet:
        yield parquet.schema_arrow.remove_metadata().serialize().to_pybytes()
        for batch in parquet.iter_batches(BATCH_ROWS):
            for first in range(0, batch.num_rows, PIECE_ROWS):
                yield batch.slice(first, PIECE_ROWS).serialize().to_pybytes()
    yield b"\xff\xff\xff\xff\x00\x00\x00\x00"


if __name__ == "__main__":
    main()
