"""Medians, ratios within rounds, and what fails a bench."""

import math
from dataclasses import dataclass
from operator import attrgetter

from tests.bench.measuring.gates import Gate, failed, middle, ratio


@dataclass(frozen=True)
class Point:
    server: str
    round: int
    value: float | None


POINTS = [
    Point("ours", 0, 10),
    Point("theirs", 0, 5),
    Point("ours", 1, 30),
    Point("theirs", 1, 10),
    Point("ours", 2, 100),
    Point("theirs", 2, 20),
    Point("ours", 3, 7),
    Point("theirs", 4, None),
]


def test_a_ratio_is_the_median_of_those_within_rounds() -> None:
    assert ratio(POINTS, attrgetter("value"), "ours", "theirs") == 3
    assert ratio(POINTS, attrgetter("value"), "ours", "nobody") is None


def test_a_median_leaves_out_what_was_not_measured() -> None:
    assert middle([point for point in POINTS if point.server == "theirs"], attrgetter("value")) == 10
    assert middle([], attrgetter("value")) is None


def test_a_bench_fails_by_gates_and_not_by_aims() -> None:
    met = [Gate("fast", 1.3, 1.3), Gate("small", 0.5, 0.6, is_least=False)]
    missed = [Gate("slow", 1.29, 1.3), Gate("large", 0.7, 0.6, is_least=False), Gate("unmeasured", math.nan, 1)]
    aim = Gate("hoped for", 0.1, 0.8, is_aim=True)

    assert failed([*met, *missed, aim]) == missed
    assert [gate.verdict for gate in (met[0], missed[0], aim)] == ["met", "**missed**", "**missed** (an aim)"]
    assert [gate.wanted for gate in met] == ["≥ 1.3", "≤ 0.6"]
