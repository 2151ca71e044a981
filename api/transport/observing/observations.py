"""Counts and logs every operation. Metrics are named from a known set, as callers may choose any name."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, Gauge
from prometheus_client.core import CounterMetricFamily
from prometheus_client.metrics_core import Metric

from api.transport.limits.live import Live
from api.transport.observing.operation_log import OperationLog
from api.transport.observing.tallies import Tally, histogram
from api.transport.terms.errors import CodedError
from api.transport.terms.operations import Operation

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
COSTS = (1, 5, 25, 100, 500, 1_000, 5_000, 10_000)


COMMON = ("operation", "kind", "transport")


@dataclass(slots=True)
class Series:
    """What is counted under one set of labels."""

    cost: Tally
    seconds: Tally | None  # Not of subscriptions, which may last for ever.
    operations: int = 0


class Observations:
    """Metrics of one app, in the registry it is given. Series are as many as known names, kinds and codes allow."""

    def __init__(self, registry: CollectorRegistry, known_operations: frozenset[str], live: Live) -> None:
        self.known_operations = known_operations
        self.log = OperationLog()
        self.series: dict[tuple[str, ...], Series] = {}  # By COMMON and the code.
        self.costs: dict[tuple[str, ...], Tally] = {}
        self.durations: dict[tuple[str, ...], Tally] = {}
        registry.register(self)
        self._gauge(registry, "graphql_open_connections", "Open sockets.", lambda: live.connections_open)
        self._gauge(
            registry, "graphql_open_streams", "Operations on sockets and event streams.", lambda: live.streams_open
        )

    def _gauge(self, registry: CollectorRegistry, name: str, text: str, value: "object") -> None:
        Gauge(name, text, registry=registry).set_function(value)  # type: ignore[arg-type]

    def collect(self) -> Iterator[Metric]:
        """The metrics of operations, when Prometheus asks."""
        text = "Operations by their first error code, OK without one."
        operations = CounterMetricFamily("graphql_operations", text, labels=(*COMMON, "code"))
        for labels, series in self.series.items():
            operations.add_metric(labels, series.operations)
        yield operations
        yield histogram("graphql_operation_seconds", "Duration of queries and mutations.", COMMON, self.durations)
        yield histogram("graphql_operation_cost", "Points charged.", COMMON, self.costs)

    @contextmanager
    def observing(self, operation: Operation) -> Iterator[None]:
        """Note the operation when it ends, however it ends; not where it goes on in a share."""
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
            if not operation.is_handed_over:
                self.note(operation, ending)

    def note(self, operation: Operation, ending: str = "completed") -> None:
        """Count and log an operation that has ended."""
        seconds = operation.seconds()
        name = operation.name if operation.name in self.known_operations else "other"
        labels = (str(name), operation.kind or "none", operation.transport, operation.code or "OK")
        series = self.series.get(labels)
        if series is None:
            series = self.series[labels] = self._series_of(labels)
        series.operations += 1
        series.cost.observe(operation.cost)
        if series.seconds is not None:
            series.seconds.observe(seconds)
        self.log.note(operation, ending, seconds)

    def _series_of(self, labels: tuple[str, ...]) -> Series:
        *values, _ = labels
        common, kind = tuple(values), labels[1]
        cost = self.costs.setdefault(common, Tally(COSTS))
        return Series(cost, None if kind == "subscription" else self.durations.setdefault(common, Tally(SECONDS)))
