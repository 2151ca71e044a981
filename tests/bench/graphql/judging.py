"""What the points of the queries say: medians, ratios within rounds, and the gates."""

import math
from collections.abc import Callable, Iterable
from operator import attrgetter

from tests.bench.graphql.measuring import Point
from tests.bench.graphql.operations import NAIVE, OURS, POSTGRAPHILE
from tests.bench.measuring.gates import Gate, middle, ratio

FLOOR, BY_HAND = "floor", "floor by hand"
SERVERS = (OURS, POSTGRAPHILE, NAIVE, FLOOR, BY_HAND)
BUSY = 32  # Connections at which the gates hold.

# Throughput over PostGraphile's, and over the floor's.
LEAST = {"by_id": (1.3, 0.13), "nested": (3.5, 0.85), "rows": (6.5, 0.8), "boundaries": (6.0, 0.7)}
P99_MOST, RSS_MOST, ORDER_AIM = 0.15, 0.6, 0.8
P99_OF = ("nested", "rows", "boundaries")


class Judged:
    """Points of all rounds."""

    def __init__(self, points: Iterable[Point]) -> None:
        self.points = list(points)

    def of(self, operation: str, connections: int, server: str | None = None) -> list[Point]:
        """Points of an operation at a number of connections."""
        return [
            point
            for point in self.points
            if (point.operation, point.connections) == (operation, connections) and server in {None, point.server}
        ]

    def middle(self, operation: str, connections: int, server: str, name: str) -> float | None:
        """Median over the rounds of an attribute of points."""
        return middle(self.of(operation, connections, server), attrgetter(name))

    def ratio(self, operation: str, connections: int, name: str, one: str, other: str) -> float | None:
        """Median over the rounds of one server's attribute over another's."""
        return ratio(self.of(operation, connections), attrgetter(name), one, other)

    def rss_mib(self, server: str) -> float | None:
        """Median resident memory over all points of a server."""
        return middle((point for point in self.points if point.server == server), attrgetter("rss_mib"))

    def gates(self) -> list[Gate]:
        """The gates of the issue, in its order; what could not be measured is missed."""
        return [
            *(_of_throughput(self, name, peer, over) for name, over in LEAST.items() for peer in range(2)),
            _gate(f"place_order over {POSTGRAPHILE}", self._busy("place_order", POSTGRAPHILE), ORDER_AIM, is_aim=True),
            *(
                _gate(f"{name}: p99 over {POSTGRAPHILE}", self._busy(name, POSTGRAPHILE, "p99_ms"), P99_MOST, False)
                for name in P99_OF
            ),
            _gate(f"memory over {POSTGRAPHILE}", self._memory(), RSS_MOST, False),
        ]

    def lost(self) -> list[str]:
        """Every comparison with a peer that we lose, in words."""
        found = []
        for operation, connections in sorted({(point.operation, point.connections) for point in self.points}):
            for peer in (POSTGRAPHILE, NAIVE):
                for name, what, is_worse in COMPARED:
                    value = self.ratio(operation, connections, name, OURS, peer)
                    if value is not None and is_worse(value):
                        found.append(f"{operation} at {connections} connections: {what} is {value:.2f} of {peer}'s")
        return found

    def _busy(self, operation: str, peer: str, name: str = "per_s") -> float | None:
        return self.ratio(operation, BUSY, name, OURS, peer)

    def _memory(self) -> float | None:
        ours, theirs = self.rss_mib(OURS), self.rss_mib(POSTGRAPHILE)
        return ours / theirs if ours and theirs else None


COMPARED: tuple[tuple[str, str, Callable[[float], bool]], ...] = (
    ("per_s", "throughput", lambda value: value < 1),
    ("p50_ms", "p50", lambda value: value > 1),
    ("p99_ms", "p99", lambda value: value > 1),
)


def _of_throughput(judged: Judged, operation: str, peer: int, bounds: tuple[float, float]) -> Gate:
    other = (POSTGRAPHILE, FLOOR)[peer]
    return _gate(f"{operation} over {other}", judged.ratio(operation, BUSY, "per_s", OURS, other), bounds[peer])


def _gate(title: str, measured: float | None, bound: float, is_least: bool = True, *, is_aim: bool = False) -> Gate:
    return Gate(title, math.nan if measured is None else measured, bound, is_least, is_aim)
