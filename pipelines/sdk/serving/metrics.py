"""What the server counts, for Prometheus."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from pipelines.sdk.serving.models.served import ServedModel

_BUCKETS = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Metrics:
    """Counters of one server, in a registry of their own.

    Args:
        model: named in `model_server_model_info`.
    """

    def __init__(self, model: ServedModel) -> None:
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "model_server_requests", "Prediction requests", ["protocol", "status"], registry=self._registry
        )
        self._seconds = Histogram(
            "model_server_request_seconds",
            "From the request's head to the answer",
            ["protocol"],
            buckets=_BUCKETS,
            registry=self._registry,
        )
        self._rows = Counter("model_server_rows", "Rows predicted", registry=self._registry)
        self._errors = Counter(
            "model_server_errors", "Requests without a prediction", ["reason"], registry=self._registry
        )
        info = Gauge(
            "model_server_model_info",
            "Which model is served",
            ["model", "version", "model_id", "run_id"],
            registry=self._registry,
        )
        info.labels(model.name, model.version, model.model_id, model.run_id).set(1)

    def answered(self, protocol: str, status: int, seconds: float) -> None:
        """Count a request that got an answer."""
        self._requests.labels(protocol, str(status)).inc()
        self._seconds.labels(protocol).observe(seconds)

    def predicted(self, rows: int) -> None:
        """Count rows that got a prediction."""
        self._rows.inc(rows)

    def refused(self, kind: str) -> None:
        """Count a request that got none."""
        self._errors.labels(kind).inc()

    def text(self) -> bytes:
        """All of them in Prometheus' text format."""
        return generate_latest(self._registry)
