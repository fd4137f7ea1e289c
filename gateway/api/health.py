"""Health: SERVING only while the store answers, and not any more once the server drains."""

import asyncio
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
from google.protobuf.message import DecodeError
from grpc_health.v1 import health_pb2
from grpc_health.v1.health import aio as health_aio

from gateway.errors import GatewayError

_PATIENCE_SECONDS = 5.0
_REQUEST_SECONDS = 2.0
_REQUESTS_AT_ONCE = 16
"""How long the request of a Check may take to come, and how many may be on their way."""


class Health:
    """Looks at the store every few seconds in a thread of its own; what callers ask of the health
    service is answered from what was seen last, and costs nothing."""

    def __init__(
        self,
        look: Callable[[], None],
        services: Iterable[str],
        every_seconds: float,
    ) -> None:
        self.servicer = health_aio.HealthServicer()
        self._look = look
        self._services = ("", *services)
        self._every_seconds = every_seconds
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="health")
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Set what is so now, and keep looking."""
        await self._set(serving=await self._answers())
        self._task = asyncio.get_running_loop().create_task(self._keep_looking())

    async def drain(self) -> None:
        """NOT_SERVING from here on."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})
        await self.servicer.enter_graceful_shutdown()
        self._thread.shutdown(wait=False, cancel_futures=True)

    async def _keep_looking(self) -> None:
        while True:
            await asyncio.sleep(self._every_seconds)
            await self._set(serving=await self._answers())

    async def _answers(self) -> bool:
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                await asyncio.get_running_loop().run_in_executor(self._thread, self._look)
        except (GatewayError, TimeoutError):
            return False
        return True

    async def _set(self, *, serving: bool) -> None:
        status = health_pb2.HealthCheckResponse
        for service in self._services:
            await self.servicer.set(service, status.SERVING if serving else status.NOT_SERVING)


def bounded_check(handler: "grpc.RpcMethodHandler[Any, Any]") -> "grpc.RpcMethodHandler[Any, Any]":
    """Health's Check, which is open to strangers, with bounds on those who send no request: each
    of them holds one of the server's places."""
    places = asyncio.Semaphore(_REQUESTS_AT_ONCE)
    check: Any = handler.unary_unary
    read: Any = handler.request_deserializer

    async def serve(_: object, context: Any) -> Any:
        if places.locked():
            return await context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, "too many checks")
        try:
            async with places, asyncio.timeout(_REQUEST_SECONDS):
                request = read(await context.read())
        except TimeoutError:
            return await context.abort(grpc.StatusCode.DEADLINE_EXCEEDED, "no request came")
        except (DecodeError, TypeError):  # TypeError: the stream ended without one
            return await context.abort(grpc.StatusCode.INVALID_ARGUMENT, "no request to be read")
        return await check(request, context)

    make: Any = grpc.stream_unary_rpc_method_handler
    bounded: grpc.RpcMethodHandler[Any, Any] = make(serve, None, handler.response_serializer)
    return bounded
