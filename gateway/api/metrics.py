"""Prometheus metrics with bounded labels: methods of the protos and canonical codes, no names."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, start_http_server

_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300)


class Metrics:
    """What is counted of calls. One registry a server: nothing is global."""

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        self.registry = registry or CollectorRegistry()
        self._calls = Counter(
            "gateway_calls_total",
            "Calls that ended",
            ("method", "code"),
            registry=self.registry,
        )
        self._seconds = Histogram(
            "gateway_call_seconds",
            "Time from the arrival of a call to its end",
            ("method",),
            buckets=_BUCKETS,
            registry=self.registry,
        )
        self._active = Gauge(
            "gateway_calls_active", "Calls being served", ("method",), registry=self.registry
        )
        self._sent = Counter(
            "gateway_sent_bytes_total",
            "Bytes of messages sent by streaming calls",
            ("method",),
            registry=self.registry,
        )

    def began(self, method: str) -> None:
        """``method`` is an action such as rpc.catalog.get_data_set: there are only so many."""
        self._active.labels(method).inc()

    def ended(self, method: str, code: str, seconds: float) -> None:
        """``code`` is a canonical status name."""
        self._active.labels(method).dec()
        self._calls.labels(method, code).inc()
        self._seconds.labels(method).observe(seconds)

    def sent(self, method: str, size: int) -> None:
        self._sent.labels(method).inc(size)


class MetricsPort:
    """Serves the metrics over HTTP; the configuration admits loopback addresses only."""

    def __init__(self, metrics: Metrics, listen: str) -> None:
        host, _, port = listen.rpartition(":")
        self._server, self._thread = start_http_server(
            int(port), addr=host.strip("[]"), registry=metrics.registry
        )

    @property
    def port(self) -> int:
        return int(self._server.server_port)

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
