"""Whether a gateway process on this machine serves, asked on its health socket."""

from pathlib import Path

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from gateway.errors import NotServing

PATIENCE_SECONDS = 5.0


def require_serving(socket: Path) -> None:
    """NotServing unless the process answers that it serves: it starts, drains, is gone, or
    its store does not answer."""
    with grpc.insecure_channel(f"unix:{socket}") as channel:
        ask = health_pb2_grpc.HealthStub(channel).Check
        try:
            answer = ask(health_pb2.HealthCheckRequest(), timeout=PATIENCE_SECONDS)
        except grpc.RpcError:
            raise NotServing("no gateway answers on its health socket") from None
    if answer.status != health_pb2.HealthCheckResponse.SERVING:
        raise NotServing("the gateway answers that it does not serve now")
