"""Allocation of shared energy among the metering points of a community.

Every interval stands alone: the consumption key shares the energy of all producers among the consumers, then the
production key shares what was taken among the producers. `regulation.md` sections 1, 3 and 4.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from domain.kernel.errors import InvalidValue
from domain.kernel.quantities import MicroKwh
from solver.sharing.keys import Equal, Fixed, ProRata
from solver.sharing.problems import AllocationProblem, Side, check_energy
from solver.sharing.rounds import Pool, offer, share

BLOCK_VALUES = 2**19  # Smaller blocks spend their time handing the interpreter lock over, larger ones leave the cache.


@dataclass(frozen=True, slots=True, eq=False)
class Allocation:
    """Who received and who gave in each interval; micro-kWh, int64.

    Per interval, `shared_in_ukwh` and `shared_out_ukwh` add up to the same; no point exceeds what it metered.
    """

    problem: AllocationProblem
    shared_in_ukwh: MicroKwh  # shape (intervals, consumers)
    shared_out_ukwh: MicroKwh  # shape (intervals, producers)

    @property
    def shared_ukwh(self) -> MicroKwh:
        """Energy shared in each interval, shape (intervals,)."""
        shared: MicroKwh = self.shared_out_ukwh.sum(axis=1)
        return shared

    @property
    def surplus_ukwh(self) -> MicroKwh:
        """Energy available to the community that nobody received, shape (intervals,); AT P.01T."""
        available: MicroKwh = self.problem.production.participating_ukwh().sum(axis=1)
        return available - self.shared_ukwh

    @property
    def residual_withdrawn_ukwh(self) -> MicroKwh:
        """Metered energy of each consumer that this community did not cover, shape (intervals, consumers)."""
        return self.problem.withdrawn_ukwh - self.shared_in_ukwh

    @property
    def residual_injected_ukwh(self) -> MicroKwh:
        """Metered energy of each producer that this community did not take, shape (intervals, producers)."""
        return self.problem.injected_ukwh - self.shared_out_ukwh


def allocate(problem: AllocationProblem, *, threads: int = 2, into: MicroKwh | None = None) -> Allocation:
    """Share the energy of a period by its keys. Raises InvalidValue naming interval and point.

    `into` takes the place of a fresh array for `shared_in_ukwh`: C-ordered int64 of shape (intervals, consumers). Its
    contents are undefined after a refusal. The number of threads does not change the result.
    """
    shared_in = np.empty_like(problem.withdrawn_ukwh) if into is None else _checked_output(problem, into)
    shared_out = np.empty_like(problem.injected_ukwh)
    blocks = list(_blocks(problem))
    if threads > 1 and len(blocks) > 1:
        with ThreadPoolExecutor(threads) as executor:
            for _ in executor.map(lambda rows: _allocate_block(problem, rows, shared_in, shared_out), blocks):
                pass
    else:
        for rows in blocks:
            _allocate_block(problem, rows, shared_in, shared_out)
    return Allocation(problem, shared_in, shared_out)


def offered_ukwh(problem: AllocationProblem) -> MicroKwh:
    """Energy a one-round key held out to each consumer before need capped it, shape (intervals, consumers).

    The consumer receives min(offered, participating need). AT G.02 "Anteil gemeinschaftliche Erzeugung", ES ENG_i.
    Nothing is offered pro rata in an interval in which nobody withdrew. Raises InvalidValue for other keys.
    """
    (round_, *others) = problem.consumption_key
    if others or not isinstance(round_, Equal | Fixed | ProRata) or getattr(round_, "until_met", False):
        raise InvalidValue(("consumption_key",), "an offer exists only for keys of one equal, fixed or pro rata round")
    offered = np.empty_like(problem.withdrawn_ukwh)
    for rows in _blocks(problem):
        energy = _participating(problem.production, "injected_ukwh", rows).sum(axis=1)
        need = _participating(problem.consumption, "withdrawn_ukwh", rows)
        offered[rows] = offer(Pool(rows, energy, need, _turn(problem.consumption)), round_)
    return offered


def _blocks(problem: AllocationProblem) -> Iterator[slice]:
    intervals, points = problem.withdrawn_ukwh.shape
    step = max(1, BLOCK_VALUES // max(1, points))
    return (slice(start, min(start + step, intervals)) for start in range(0, intervals, step))


def _allocate_block(problem: AllocationProblem, rows: slice, shared_in: MicroKwh, shared_out: MicroKwh) -> None:
    consumption, production = problem.consumption, problem.production
    available = _participating(production, "injected_ukwh", rows)
    need = _participating(consumption, "withdrawn_ukwh", rows)
    received = share(Pool(rows, available.sum(axis=1), need, _turn(consumption)), consumption.key)
    shared_in[rows] = received
    shared = received.sum(axis=1)
    shared_out[rows] = share(Pool(rows, shared, available, _turn(production)), production.key)


def _participating(side: Side, name: str, rows: slice) -> MicroKwh:
    check_energy(side.energy_ukwh[rows], name, rows.start)
    return side.participating_ukwh(rows)


def _turn(side: Side) -> MicroKwh:
    return np.argsort(side.tie_break, kind="stable").astype(np.int64)


def _checked_output(problem: AllocationProblem, into: MicroKwh) -> MicroKwh:
    if into.shape != problem.withdrawn_ukwh.shape or into.dtype != np.int64 or not into.flags.carray:
        raise InvalidValue(("into",), f"must be writable C-ordered int64 of shape {problem.withdrawn_ukwh.shape}")
    return into
