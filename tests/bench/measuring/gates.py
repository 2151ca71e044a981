"""Gates: what a bench must reach, and whether it did."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from statistics import median
from typing import Any


@dataclass(frozen=True, slots=True)
class Gate:
    """One bound on one measured value. An aim is shown like a gate, but fails nothing."""

    title: str
    measured: float
    bound: float
    is_least: bool = True
    is_aim: bool = False

    @property
    def is_met(self) -> bool:
        return self.measured >= self.bound if self.is_least else self.measured <= self.bound

    @property
    def verdict(self) -> str:
        """Met or missed, in words."""
        kind = " (an aim)" if self.is_aim else ""
        return ("met" if self.is_met else "**missed**") + kind

    @property
    def wanted(self) -> str:
        return f"{'≥' if self.is_least else '≤'} {self.bound:g}"


def failed(gates: Iterable[Gate]) -> list[Gate]:
    """Those that a bench fails by."""
    return [gate for gate in gates if not gate.is_met and not gate.is_aim]


def judge(gates: Iterable[Gate]) -> int:
    """Print what was measured beside what is wanted; the exit status of the bench."""
    judged = list(gates)
    for gate in judged:
        print(f"{gate.title}: {gate.measured:.4g}, wanted {gate.wanted}: {gate.verdict}")
    return 1 if failed(judged) else 0


def ratio(points: Iterable[Any], value: Callable[[Any], float | None], one: str, other: str) -> float | None:
    """Median over the rounds of one server's value over another's in the same round; None where either is missing."""
    by_round: dict[int, dict[str, float]] = {}
    for point in points:
        found = value(point)
        if found is not None:
            by_round.setdefault(point.round, {})[point.server] = found
    pairs = [seen[one] / seen[other] for seen in by_round.values() if one in seen and seen.get(other)]
    return median(pairs) if pairs else None


def middle(points: Iterable[Any], value: Callable[[Any], float | None]) -> float | None:
    """Median of what was measured; None where nothing was."""
    found = [one for point in points if (one := value(point)) is not None]
    return median(found) if found else None
