"""Sharing layer by layer: the remainder of one group's sharing enters the next.

Luxembourg (`regulation.md` section 3.2 [LU9]): individual (AIR), collective in a building (ACR, ACF, AC1), local
community (CEL), wider groups (APS, CER, CEN). Groups of one layer have no point in common, so their order is free.

No community is shared in layers yet; the tests hold it to the published cases until one is.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from domain.kernel.quantities import MicroKwh
from solver.sharing.allocations import Allocation, allocate
from solver.sharing.keys import PRO_RATA, Key
from solver.sharing.problems import AllocationProblem, TieBreak


@dataclass(frozen=True, slots=True, eq=False)
class SharingGroup:
    """Points that share among themselves in one layer; keys speak of the group's own points, in its own order."""

    layer: str  # "AIR", "ACR", "CEL", "CEN", ...
    consumers: npt.NDArray[np.int64]  # Columns of the withdrawn energy.
    producers: npt.NDArray[np.int64]  # Columns of the injected energy.
    consumption_key: Key = PRO_RATA
    production_key: Key = PRO_RATA


@dataclass(frozen=True, slots=True, eq=False)
class LayeredAllocation:
    """One allocation per group, and what none of them took; measured = sum of layers + remaining, on both sides."""

    allocations: tuple[Allocation, ...]
    remaining_withdrawn_ukwh: MicroKwh  # shape (intervals, consumers)
    remaining_injected_ukwh: MicroKwh  # shape (intervals, producers)


def allocate_layers(
    withdrawn_ukwh: MicroKwh,
    injected_ukwh: MicroKwh,
    groups: Sequence[SharingGroup],
    consumer_tie_break: TieBreak,
    producer_tie_break: TieBreak,
) -> LayeredAllocation:
    """Share within each group in the given order. Raises InvalidValue."""
    withdrawn, injected = withdrawn_ukwh.copy(), injected_ukwh.copy()
    allocations = []
    for group in groups:
        problem = AllocationProblem(
            withdrawn_ukwh=withdrawn[:, group.consumers],
            injected_ukwh=injected[:, group.producers],
            consumption_key=group.consumption_key,
            production_key=group.production_key,
            consumer_tie_break=consumer_tie_break[group.consumers],
            producer_tie_break=producer_tie_break[group.producers],
        )
        allocation = allocate(problem)
        withdrawn[:, group.consumers] = allocation.residual_withdrawn_ukwh
        injected[:, group.producers] = allocation.residual_injected_ukwh
        allocations.append(allocation)
    return LayeredAllocation(tuple(allocations), withdrawn, injected)
