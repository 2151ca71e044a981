"""The keys once more, slowly and literally: Python integers and fractions, one interval and one member at a time."""

from collections.abc import Sequence
from fractions import Fraction

import numpy as np

from domain.kernel.quantities import MicroKwh
from solver.sharing.keys import AllWhenEnough, Equal, Fixed, Key, Priority, ProRata, Round
from solver.sharing.problems import AllocationProblem, Side

Parts = list[int]


def allocate_slowly(problem: AllocationProblem) -> tuple[MicroKwh, MicroKwh]:
    """Shared in and shared out, as `allocate` defines them."""
    received, given = np.zeros_like(problem.withdrawn_ukwh), np.zeros_like(problem.injected_ukwh)
    for interval in range(problem.withdrawn_ukwh.shape[0]):
        needs = _participating(problem.consumption, interval)
        available = _participating(problem.production, interval)
        parts = _share(interval, sum(available), needs, problem.consumption)
        received[interval] = parts
        given[interval] = _share(interval, sum(parts), available, problem.production)
    return received, given


def round_by_largest_remainder(quotas: Sequence[Fraction], tie_break: Sequence[int]) -> Parts:
    parts = [int(quota) for quota in quotas]
    order = sorted(range(len(quotas)), key=lambda i: (parts[i] - quotas[i], tie_break[i]))
    for i in order[: int(sum(quotas)) - sum(parts)]:
        parts[i] += 1
    return parts


def _participating(side: Side, interval: int) -> Parts:
    energy = [int(value) for value in side.energy_ukwh[interval]]
    if side.participation_ppm is None:
        return energy
    factors = np.broadcast_to(side.participation_ppm, side.energy_ukwh.shape)[interval]
    return [value * int(factor) // 1_000_000 for value, factor in zip(energy, factors, strict=True)]


def _share(interval: int, energy: int, needs: Parts, side: Side) -> Parts:
    parts = [0] * len(needs)
    ties = [int(number) for number in side.tie_break]
    for round_ in _key(side.key, interval):
        left = [need - part for need, part in zip(needs, parts, strict=True)]
        more = _share_round(round_, energy - sum(parts), left, ties)
        parts = [part + extra for part, extra in zip(parts, more, strict=True)]
    return parts


def _key(key: Key, interval: int) -> Key:
    """The key with the shares of one interval."""
    return tuple(
        Fixed(np.atleast_2d(r.share_ppm)[interval if r.share_ppm.ndim == 2 else 0], r.until_met)
        if isinstance(r, Fixed)
        else r
        for r in key
    )


def _share_round(round_: Round, energy: int, needs: Parts, ties: Parts) -> Parts:
    if isinstance(round_, AllWhenEnough):
        return needs if energy >= sum(needs) else [0] * len(needs)
    if isinstance(round_, ProRata):
        return _pro_rata(energy, needs, ties)
    if isinstance(round_, Priority):
        return _by_priority(round_, energy, needs, ties)
    weights = (
        [Fraction(1, max(1, len(needs)))] * len(needs)
        if isinstance(round_, Equal)
        else [Fraction(int(share), 1_000_000) for share in round_.share_ppm]
    )
    if round_.until_met:
        return _until_met(weights, energy, needs, ties)
    offers = round_by_largest_remainder([weight * energy for weight in weights], ties)
    return [min(offer, need) for offer, need in zip(offers, needs, strict=True)]


def _pro_rata(energy: int, needs: Parts, ties: Parts) -> Parts:
    whole = sum(needs)
    if whole == 0:
        return needs
    return round_by_largest_remainder([Fraction(min(energy, whole) * need, whole) for need in needs], ties)


def _by_priority(round_: Priority, energy: int, needs: Parts, ties: Parts) -> Parts:
    parts = [0] * len(needs)
    for rank in sorted({int(rank) for rank in round_.rank}):
        inside = [need if rank == own else 0 for need, own in zip(needs, round_.rank, strict=True)]
        more = _pro_rata(energy - sum(parts), inside, ties)
        parts = [part + extra for part, extra in zip(parts, more, strict=True)]
    return parts


def _until_met(weights: Sequence[Fraction], energy: int, needs: Parts, ties: Parts) -> Parts:
    """Offer the rest again and again among those still in need, in fractions; round at the very end."""
    parts = [Fraction(0)] * len(needs)
    rest = Fraction(energy)
    while rest > 0:
        state = zip(weights, parts, needs, strict=True)
        active = [weight if part < need else Fraction(0) for weight, part, need in state]
        if not any(active):
            break
        offers = [rest * weight / sum(active) for weight in active]
        parts = [min(Fraction(need), part + offer) for part, offer, need in zip(parts, offers, needs, strict=True)]
        rest = energy - sum(parts, Fraction(0))
    return round_by_largest_remainder(parts, ties)
