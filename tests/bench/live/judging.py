"""What the points of the subscriptions say: medians, ratios within rounds, and the gates."""

import math
from operator import attrgetter

from tests.bench.live.following import OURS, PEER
from tests.bench.live.measuring import Point
from tests.bench.measuring.gates import Gate, middle, ratio

SOME, MANY = 1_000, 10_000
BURST_LEAST, P99_MOST, KIB_MOST = 4.0, 0.5, 40.0


def of(points: list[Point], sockets: int, server: str | None = None) -> list[Point]:
    """Points at a number of sockets."""
    return [point for point in points if point.sockets == sockets and server in {None, point.server}]


def gates(points: list[Point]) -> list[Gate]:
    """The gates of the issue; what could not be measured is missed."""
    some, many = of(points, SOME), of(points, MANY, OURS)
    dropped = float(sum(point.dropped for point in many)) if many else None
    return [
        _gate(f"burst over {PEER}, {SOME:,} sockets", ratio(some, attrgetter("burst_per_s"), OURS, PEER), BURST_LEAST),
        _gate(f"p99 over {PEER}, {SOME:,} sockets", ratio(some, attrgetter("p99_ms"), OURS, PEER), P99_MOST, False),
        _gate(f"KiB per socket, {MANY:,} sockets", middle(many, attrgetter("kib_per_socket")), KIB_MOST, False),
        _gate(f"dropped at 5 events/s, {MANY:,} sockets", dropped, 0, False),
    ]


def _gate(title: str, measured: float | None, bound: float, is_least: bool = True) -> Gate:
    return Gate(title, math.nan if measured is None else measured, bound, is_least)
