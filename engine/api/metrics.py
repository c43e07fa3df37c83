"""The API in numbers for Prometheus: requests by route and status, and how long they took."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Histogram

BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE"})


class ApiMetrics:
    """Counts answers; labels are bounded: routes as they are declared, never a path."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._requests = Counter(
            "howk_api_requests",
            "Answers by method, route and status.",
            ["method", "route", "status"],
            registry=registry,
        )
        self._seconds = Histogram(
            "howk_api_request_seconds",
            "Time to an answer.",
            ["method", "route"],
            buckets=BUCKETS,
            registry=registry,
        )
        self._enqueued = Counter(
            "howk_api_webhooks_enqueued", "Webhooks that Kafka accepted.", registry=registry
        )

    def answered(self, method: str, route: str, status: int, seconds: float) -> None:
        """Counts one answer."""
        method = method if method in METHODS else "other"
        self._requests.labels(method, route, str(status)).inc()
        self._seconds.labels(method, route).observe(seconds)

    def enqueued(self, count: int) -> None:
        """Counts accepted webhooks."""
        self._enqueued.inc(count)
