"""Hypothesis strategies of sharing problems: small enough to enumerate, with ties, zeros and the largest intervals."""

from collections.abc import Callable
from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from domain.kernel.quantities import WHOLE_PPM, MicroKwh
from solver.sharing.keys import (
    EQUAL,
    EQUAL_UNTIL_MET,
    PRO_RATA,
    Key,
    Priority,
    hybrid,
    luxembourg,
    percentage,
    percentage_until_met,
    priority,
)
from solver.sharing.problems import INTERVAL_UKWH_MAX, AllocationProblem

KeyOf = Callable[[MicroKwh, MicroKwh], Key]

# Every named key and some mixtures, made from shares (ppm) and ranks of the points.
KEYS: dict[str, KeyOf] = {
    "equal": lambda shares, ranks: EQUAL,
    "equal until met": lambda shares, ranks: EQUAL_UNTIL_MET,
    "percentage": lambda shares, ranks: percentage(shares),
    "percentage until met": lambda shares, ranks: percentage_until_met(shares),
    "pro rata": lambda shares, ranks: PRO_RATA,
    "priority": lambda shares, ranks: priority(ranks),
    "hybrid": lambda shares, ranks: hybrid(shares),
    "Luxembourg percentage": lambda shares, ranks: luxembourg(percentage(shares)),
    "Luxembourg priority": lambda shares, ranks: luxembourg(priority(ranks)),
    "percentage, priority, equal": lambda shares, ranks: (*percentage(shares), Priority(ranks), *EQUAL),
}

# Keys that give out all that is there or all that is needed.
DEMAND_DRIVEN = frozenset({"equal until met", "pro rata", "priority", "hybrid", "Luxembourg priority"})

MAGNITUDES = (3, 1_000, 5_000_000, 9 * 10**12, INTERVAL_UKWH_MAX)


@st.composite
def energies(draw: st.DrawFn, intervals: int, points: int) -> MicroKwh:
    """Micro-kWh, shape (intervals, points); no interval's total passes the largest magnitude."""
    largest = draw(st.sampled_from(MAGNITUDES)) // max(1, points)
    return draw(arrays(np.int64, (intervals, points), elements=st.integers(0, max(1, largest))))


@st.composite
def shares(draw: st.DrawFn, intervals: int, points: int) -> MicroKwh:
    """Shares in ppm that add up to at most the whole, for all intervals or per interval; some of them zero."""
    rows = draw(st.sampled_from([None, intervals]))
    weights = draw(arrays(np.int64, (rows or 1, points), elements=st.integers(0, WHOLE_PPM)))
    whole = draw(st.sampled_from([WHOLE_PPM, 999_999, 333_333]))
    parts: MicroKwh = weights * whole // np.maximum(1, weights.sum(axis=1, keepdims=True))
    return parts if rows else parts[0]


def ranks(points: int) -> st.SearchStrategy[MicroKwh]:
    return arrays(np.int64, points, elements=st.integers(-1, 2))


def tie_breaks(points: int) -> st.SearchStrategy[MicroKwh]:
    return arrays(np.int64, points, elements=st.integers(-(2**63), 2**63 - 1), unique=True)


def participations(intervals: int, points: int) -> st.SearchStrategy[MicroKwh | None]:
    factors = st.sampled_from([0, 1, 333_333, 500_000, WHOLE_PPM])
    return st.none() | st.sampled_from([(points,), (intervals, points)]).flatmap(
        lambda shape: arrays(np.int64, shape, elements=factors)
    )


@st.composite
def problems(draw: st.DrawFn, key: KeyOf, production_key: KeyOf = KEYS["pro rata"]) -> AllocationProblem:
    """Up to 4 intervals, 6 consumers and 4 producers under the given keys."""
    intervals, consumers, producers = (draw(st.integers(0, most)) for most in (4, 6, 4))

    def of(strategy: Callable[..., st.SearchStrategy[Any]], *arguments: int) -> Any:
        return draw(strategy(*arguments))

    return AllocationProblem(
        withdrawn_ukwh=of(energies, intervals, consumers),
        injected_ukwh=of(energies, intervals, producers),
        consumption_key=key(of(shares, intervals, consumers), of(ranks, consumers)),
        production_key=production_key(of(shares, intervals, producers), of(ranks, producers)),
        consumer_tie_break=of(tie_breaks, consumers),
        producer_tie_break=of(tie_breaks, producers),
        withdrawn_participation_ppm=of(participations, intervals, consumers),
        injected_participation_ppm=of(participations, intervals, producers),
    )
