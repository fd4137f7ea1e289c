"""The one way into the gateway: identity, role, rate, deadline, handler, audit, errors.

Every method that the server knows passes through here, of all four kinds. Handlers are plain
blocking functions that run in threads; they are given the request, received and parsed only once
the caller is known to be allowed to make the call, and a Call in place of a gRPC context.

To gRPC every request is a stream, also where the protos have one message: it would otherwise wait
for that message without end before anything here is asked, and somebody unknown could take every
place of the server with calls that never send any.
"""

import asyncio
import inspect
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from concurrent.futures import Executor
from contextlib import asynccontextmanager, closing
from time import perf_counter
from typing import Any, Final, TypeAlias, TypeVar

import grpc
import structlog
from google.protobuf.message import DecodeError, Message
from grpc import aio

from gateway.api.auditing import CallLog, resource_of
from gateway.api.bridges import Inbox, ReadAhead
from gateway.api.call import Call
from gateway.api.failures import rich_status, status_code, trailers
from gateway.api.health import bounded_check
from gateway.api.identity import Peer, Recognizer
from gateway.api.incidents import foreseen
from gateway.api.limits import Concurrency, Limits, RateLimiter
from gateway.api.metrics import Metrics
from gateway.api.roles import Method
from gateway.errors import (
    DeadlineExceeded,
    InvalidRequest,
    PermissionDenied,
    QuotaExhausted,
)
from gateway.model.catalog import Party
from gateway.model.requests import RequestKey

T = TypeVar("T")
Context: TypeAlias = aio.ServicerContext[Any, Any]
Handler: TypeAlias = "grpc.RpcMethodHandler[Any, Any]"
Found: TypeAlias = "grpc.RpcMethodHandler[Any, Any] | None"
Continuation: TypeAlias = "Callable[[grpc.HandlerCallDetails], Awaitable[Found]]"

OPEN: Final = "/grpc.health.v1.Health/Check"
"""The one method that is answered without an identity: it says whether to send calls here."""

log = structlog.get_logger("gateway.api")


class Door(aio.ServerInterceptor):
    """Wraps every handler. ``work`` runs blocking parts of calls, ``intake`` those that wait for
    the client's messages, each of which holds a thread while it lasts, and ``notes`` writes down
    how calls failed, which must not wait for those that keep ``work`` busy."""

    def __init__(
        self,
        methods: Mapping[str, Method],
        recognizer: Recognizer,
        repeats: Callable[[Party, RequestKey], bool],
        call_log: CallLog,
        rates: RateLimiter,
        limits: Limits,
        metrics: Metrics,
        work: Executor,
        intake: Executor,
        notes: Executor,
    ) -> None:
        self._methods = methods
        self._recognizer = recognizer
        self._repeats = repeats
        self._call_log = call_log
        self._rates = rates
        self._limits = limits
        self._metrics = metrics
        self._work = work
        self._intake = intake
        self._notes = notes
        self._running = Concurrency(limits.concurrent_calls_of_party)
        self._intakes = asyncio.Semaphore(limits.intakes)
        # Half of them: whoever sends slowly must not keep all others from sending.
        self._sending = Concurrency(max(1, limits.intakes // 2))
        self._late: set[asyncio.Task[None]] = set()
        self._guarded: dict[str, Handler] = {}

    async def intercept_service(
        self,
        continuation: Continuation,
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Found:
        """The guarded handler of the method; unknown methods stay unknown."""
        path = handler_call_details.method
        if path in self._guarded:
            return self._guarded[path]
        handler = await continuation(handler_call_details)
        if handler is None:
            return None
        method = self._methods.get(path)
        if path == OPEN:
            guarded = bounded_check(handler)
        elif method is None:
            guarded = self._foreign(path, handler)
        else:
            guarded = self._own(method, handler)
        self._guarded[path] = guarded
        return guarded

    async def finish(self) -> None:
        """Wait for what calls that broke off still have to write down."""
        while self._late:
            await asyncio.wait(self._late)

    # ---- the four kinds ---------------------------------------------------------------------

    def _own(self, method: Method, handler: Handler) -> Handler:
        kind = (method.request_streaming, method.response_streaming)
        if kind == (False, False):
            return grpc.stream_unary_rpc_method_handler(self._unary(method, handler.unary_unary))
        if kind == (False, True):
            outward = self._outward(method, handler.unary_stream)
            return grpc.stream_stream_rpc_method_handler(outward)
        if kind == (True, False):
            return grpc.stream_unary_rpc_method_handler(self._inward(method, handler.stream_unary))
        return grpc.stream_stream_rpc_method_handler(self._through(method, handler.stream_stream))

    def _unary(self, method: Method, behaviour: Any) -> Any:
        def blocking(call: Call, data: bytes) -> bytes:
            request = self._parsed(call, data)
            response: Message = behaviour(call, request)
            return self._answer(call, response)

        async def serve(_: object, context: Context) -> bytes:
            async def work(call: Call) -> bytes:
                return await self._in_thread(blocking, call, await self._request(call, context))

            return await self._guard(method, context, work)

        return serve

    def _outward(self, method: Method, behaviour: Any) -> Any:
        def blocking(call: Call, data: bytes) -> Iterator[bytes]:
            request = self._parsed(call, data)
            yield from self._pieces(call, behaviour(call, request))

        async def polling(call: Call, context: Context, data: bytes) -> None:
            request = await self._in_thread(self._parsed, call, data)
            logged = False
            async for message in behaviour(call, request, self._in_thread):
                if not logged:
                    await self._in_thread(self._call_log.succeeded, call)
                    logged = True
                await self._write(call, context, message.SerializeToString())

        waits = inspect.isasyncgenfunction(behaviour)

        async def serve(_: object, context: Context) -> None:
            async def work(call: Call) -> None:
                data = await self._request(call, context)
                if waits:
                    await polling(call, context, data)
                else:
                    await self._send(call, context, self._work, blocking(call, data))

            await self._guard(method, context, work)

        return serve

    def _inward(self, method: Method, behaviour: Any) -> Any:
        def blocking(call: Call, inbox: Inbox) -> bytes:
            response: Message = behaviour(call, inbox)
            return self._answer(call, response)

        async def serve(_: object, context: Context) -> bytes:
            async def work(call: Call) -> bytes:
                async with self._taken(call, context) as inbox:
                    loop = asyncio.get_running_loop()
                    return await loop.run_in_executor(self._intake, blocking, call, inbox)

            return await self._guard(method, context, work)

        return serve

    def _through(self, method: Method, behaviour: Any) -> Any:
        def blocking(call: Call, inbox: Inbox) -> Iterator[bytes]:
            yield from self._pieces(call, behaviour(call, inbox))

        async def serve(_: object, context: Context) -> None:
            async def work(call: Call) -> None:
                async with self._taken(call, context) as inbox:
                    await self._send(call, context, self._intake, blocking(call, inbox))

            await self._guard(method, context, work)

        return serve

    def _foreign(self, path: str, handler: Handler) -> Handler:
        """Reflection, and what health offers beyond Check: for any party that is known."""
        method = Method.foreign(path)
        read: Any = handler.request_deserializer
        inner: Any = (
            handler.unary_unary
            or handler.unary_stream
            or handler.stream_unary
            or handler.stream_stream
        )

        async def serve(requests: Any, context: Context) -> Any:
            async def work(call: Call) -> Any:
                if handler.request_streaming:
                    await self._in_thread(self._admitted, call)
                    asked = requests
                else:
                    asked = read(await self._request(call, context))
                await self._in_thread(self._call_log.succeeded, call)
                answer = inner(asked, context)
                if not hasattr(answer, "__aiter__"):
                    return await answer
                async for message in answer:
                    await context.write(message)
                return None

            return await self._guard(method, context, work)

        make: Any = (
            grpc.stream_stream_rpc_method_handler
            if handler.response_streaming
            else grpc.stream_unary_rpc_method_handler
        )
        before = read if handler.request_streaming else None
        guarded: Handler = make(serve, before, handler.response_serializer)
        return guarded

    # ---- the way in, in a thread ----------------------------------------------------------------

    def _recognise(self, call: Call) -> None:
        call.known = self._recognizer.recognise(call.peer)

    def _admitted(self, call: Call) -> None:
        """Identity, role, rate, number: in this order, so that a refusal says no more than it must."""
        call.check()
        self._recognise(call)
        if call.party.role not in call.method.roles:
            raise PermissionDenied(
                f"{call.method.rpc} is not open to the role {call.party.role}",
                reason="ROLE_NOT_ALLOWED",
            )
        self._rates.take(call.party.name)
        self._running.enter(call.party.name, call)
        if call.over:  # it ended while it came in, and will not leave once more
            self._running.leave(call.party.name, call)
            call.check()

    def _parsed(self, call: Call, data: bytes) -> Message:
        request = _parse(call.method.request, data)
        call.resource = resource_of(request)
        return request

    # ---- the way out, in a thread ---------------------------------------------------------------

    def _answer(self, call: Call, response: Message) -> bytes:
        call.check()
        self._call_log.succeeded(call)
        return response.SerializeToString()

    def _pieces(self, call: Call, messages: Iterator[Message | bytes]) -> Iterator[bytes]:
        """Serialised messages; the entry is written before the first of them leaves."""
        logged = False
        with closing(messages):  # type: ignore[type-var] # behaviours are generators
            for message in messages:
                call.check()
                if not logged:
                    self._call_log.succeeded(call)
                    logged = True
                yield message if isinstance(message, bytes) else message.SerializeToString()
        if not logged:
            self._call_log.succeeded(call)

    # ---- around it, in the event loop -----------------------------------------------------------

    async def _in_thread(self, function: Callable[..., T], *arguments: Any, **named: Any) -> T:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._work, lambda: function(*arguments, **named))

    async def _request(self, call: Call, context: Context) -> bytes:
        """The one message of a call, received once it is known that this caller may make it."""
        await self._in_thread(self._admitted, call)
        try:
            async with asyncio.timeout(self._limits.idle_seconds):
                data = await context.read()
        except TimeoutError:
            raise DeadlineExceeded(
                f"no request for {self._limits.idle_seconds:g} seconds", reason="STREAM_IDLE"
            ) from None
        if not isinstance(data, bytes):
            raise InvalidRequest("the call has no request", reason="MESSAGE_UNREADABLE")
        return data

    @asynccontextmanager
    async def _taken(self, call: Call, context: Context) -> AsyncIterator[Inbox]:
        """The caller's messages, once it is known that this caller may send any."""
        await self._in_thread(self._admitted, call)
        if self._intakes.locked():
            raise QuotaExhausted(
                "too many streams of records at once; retry later", reason="INTAKE_BUSY"
            )
        self._sending.enter(call.actor, call)
        inbox = Inbox(
            call,
            context.read,
            lambda data: _parse(call.method.request, data),
            self._limits.idle_seconds,
        )
        try:
            async with self._intakes:
                yield inbox
        finally:
            self._sending.leave(call.actor, call)
            call.end()
            inbox.abandon()

    async def _send(
        self, call: Call, context: Context, executor: Executor, pieces: Iterator[bytes]
    ) -> None:
        ahead = ReadAhead(executor, pieces)
        try:
            async for piece in ahead:
                await self._write(call, context, piece)
        finally:
            call.end()
            # Also when the call was cancelled: what it has to write down is written.
            await asyncio.shield(self._afterwards(ahead.close()))

    async def _note(self, call: Call, reason: str) -> None:
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self._notes, self._call_log.ended, call, reason)

    async def _write(self, call: Call, context: Context, piece: bytes) -> None:
        await context.write(piece)
        self._metrics.sent(call.method.action, len(piece))

    async def _guard(
        self, method: Method, context: Context, work: Callable[[Call], Awaitable[T]]
    ) -> T:
        call = Call(
            method,
            Peer.of(context.auth_context(), tuple(context.invocation_metadata() or ())),
            self._repeats,
            self._recognise,
        )
        began, code, reason = perf_counter(), grpc.StatusCode.OK, "ok"
        self._metrics.began(method.action)
        limit = asyncio.timeout(self._seconds(method, context))
        try:
            async with limit:
                return await work(call)
        except asyncio.CancelledError:
            code, reason = grpc.StatusCode.CANCELLED, "CANCELLED"
            self._afterwards(self._note(call, reason))
            raise
        except Exception as fault:  # noqa: BLE001 - the one broad except: nothing leaves unmapped
            error = foreseen(call, fault, over=limit.expired())
            code, reason = status_code(error), error.reason
        finally:
            call.end()
            self._running.leave(call.actor, call)
            self._metrics.ended(method.action, code.name, perf_counter() - began)
            log.info(
                "call",
                method=method.path,
                party=call.actor,
                resource=call.resource,
                code=code.name,
                reason=reason,
                milliseconds=round((perf_counter() - began) * 1000, 1),
            )
        # Shielded: gRPC cancels this task once the client's deadline is over.
        await asyncio.shield(self._afterwards(self._note(call, reason)))
        status = rich_status(error)
        await context.abort(code, status.message, trailers(status))
        raise error  # abort has raised

    def _seconds(self, method: Method, context: Context) -> float:
        streams = method.request_streaming or method.response_streaming
        longest = self._limits.stream_seconds if streams else self._limits.call_seconds
        # The stubs know nothing of calls without a deadline.
        remaining: float | None = context.time_remaining()
        return longest if remaining is None else min(longest, remaining)

    def _afterwards(self, work: Awaitable[None]) -> "asyncio.Task[None]":
        async def run() -> None:
            await work

        task = asyncio.get_running_loop().create_task(run())
        self._late.add(task)
        task.add_done_callback(self._late.discard)
        return task


def _parse(kind: type[Message], data: bytes) -> Message:
    try:
        return kind.FromString(data)
    except DecodeError as error:
        raise InvalidRequest(
            f"the message is not a {kind.DESCRIPTOR.full_name}", reason="MESSAGE_UNREADABLE"
        ) from error
