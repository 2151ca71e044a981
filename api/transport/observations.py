"""Counts and logs every operation. Metrics are named from a known set, as callers may choose any name."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from api.transport.errors import CodedError
from api.transport.live import Live
from api.transport.operations import Operation

logger = logging.getLogger("commonwatt.operations")

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
COSTS = (1, 5, 25, 100, 500, 1_000, 5_000, 10_000)


class Observations:
    """Metrics of one app, in the registry it is given."""

    def __init__(self, registry: CollectorRegistry, known_operations: frozenset[str], live: Live) -> None:
        self.known_operations = known_operations
        labels = ("operation", "kind", "transport")
        self.seconds = Histogram(
            "graphql_operation_seconds",
            "Duration of queries and mutations.",
            labels,
            buckets=SECONDS,
            registry=registry,
        )
        self.cost = Histogram("graphql_operation_cost", "Points charged.", labels, buckets=COSTS, registry=registry)
        self.operations = Counter(
            "graphql_operations", "Operations by their first error code, OK without one.", (*labels, "code"),
            registry=registry,
        )  # fmt: skip
        self._gauge(registry, "graphql_open_connections", "Open sockets.", lambda: live.connections_open)
        self._gauge(
            registry, "graphql_open_streams", "Operations on sockets and event streams.", lambda: live.streams_open
        )

    def _gauge(self, registry: CollectorRegistry, name: str, text: str, value: "object") -> None:
        Gauge(name, text, registry=registry).set_function(value)  # type: ignore[arg-type]

    @contextmanager
    def observing(self, operation: Operation) -> Iterator[None]:
        """Note the operation when it ends, however it ends."""
        ending = "completed"
        try:
            yield
        except CodedError as error:
            operation.codes.append(error.code)
            raise
        except BaseException:
            ending = "stopped"  # The client left, the stream was ended, or we are shutting down.
            raise
        finally:
            self._count(operation)
            _log(operation, ending)

    def _count(self, operation: Operation) -> None:
        name = operation.name if operation.name in self.known_operations else "other"
        labels = (str(name), operation.kind or "none", operation.transport)
        self.operations.labels(*labels, operation.code or "OK").inc()
        self.cost.labels(*labels).observe(operation.cost)
        if operation.kind != "subscription":
            self.seconds.labels(*labels).observe(operation.seconds())


def _log(operation: Operation, ending: str) -> None:
    fields = {
        "requestId": operation.request_id,
        "actor": None if operation.viewer.is_anonymous else operation.viewer.key,
        "operation": operation.name,
        "kind": operation.kind,
        "document": operation.document_hash,
        "transport": operation.transport,
        "cost": operation.cost,
        "code": operation.code,
        "results": operation.results,
        "ending": ending,
        "milliseconds": round(operation.seconds() * 1000, 3),
    }
    logger.info("operation", extra={"fields": fields})
