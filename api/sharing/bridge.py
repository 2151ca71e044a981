"""From what was metered and a community's key to the solver's question, and from its answer to what was shared."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from uuid import UUID

import numpy as np

from domain.market.delivery import traded
from domain.market.delivery.traded import Trading
from domain.metering.tables import Direction
from domain.sharing import keys
from domain.sharing.allocations import Result
from domain.sharing.inputs import Inputs, less_traded
from domain.sharing.tables import KeyKind
from solver.sharing.allocations import allocate
from solver.sharing.keys import (
    EQUAL,
    PRO_RATA,
    Key,
    Shares,
    hybrid,
    luxembourg,
    percentage,
    percentage_until_met,
    priority,
)
from solver.sharing.problems import AllocationProblem

# A key of the domain as rounds of the solver: shares in ppm and ranks, a number for each point in order.
SOLVER_KEYS: Mapping[KeyKind, Callable[[Shares, Shares], Key]] = MappingProxyType(
    {
        KeyKind.EQUAL: lambda shares, ranks: EQUAL,
        KeyKind.STATIC: lambda shares, ranks: percentage(shares),
        KeyKind.STATIC_ROUNDS: lambda shares, ranks: percentage_until_met(shares),
        KeyKind.PRO_RATA: lambda shares, ranks: PRO_RATA,
        KeyKind.PRIORITY: lambda shares, ranks: priority(ranks),
        KeyKind.HYBRID: lambda shares, ranks: hybrid(shares),
    }
)
LAST_RANK = 10_001


def solver_key(kind: KeyKind, key: keys.Key, direction: Direction, points: tuple[UUID, ...]) -> Key:
    """The solver's key for one side: a point that is not named has share 0 and comes last."""
    named = {share.metering_point_id: share for share in key.shares if share.direction is direction}
    shares = np.array([(named[p].share_ppm or 0) if p in named else 0 for p in points], dtype=np.int64)
    ranks = np.array([(named[p].rank or LAST_RANK) if p in named else LAST_RANK for p in points], dtype=np.int64)
    return SOLVER_KEYS[kind](shares, ranks)


def solve_after_trades(metered: Inputs, trading: Trading) -> tuple[Inputs, Result]:
    """Take off what was traded, and share the rest. Raises DeliveriesWaiting."""
    inputs = less_traded(metered, traded.by_point(trading))
    return inputs, solve(inputs)


def solve(inputs: Inputs) -> Result:
    """Share the energy by the community's key. Ties go by the points' ids, so that their order plays no part."""
    consumers, producers = inputs.consumption, inputs.production
    received_by = solver_key(inputs.key.kind, inputs.key, Direction.WITHDRAWN, consumers.metering_point_ids)
    problem = AllocationProblem(
        withdrawn_ukwh=consumers.left_ukwh,
        injected_ukwh=producers.left_ukwh,
        consumption_key=luxembourg(received_by) if inputs.all_covered_when_enough else received_by,
        production_key=solver_key(
            inputs.key.production_kind, inputs.key, Direction.INJECTED, producers.metering_point_ids
        ),
        consumer_tie_break=_by_id(consumers.metering_point_ids),
        producer_tie_break=_by_id(producers.metering_point_ids),
        withdrawn_participation_ppm=consumers.factor_ppm,
        injected_participation_ppm=producers.factor_ppm,
    )
    allocation = allocate(problem)
    return Result(allocation.shared_in_ukwh, allocation.shared_out_ukwh)


def _by_id(points: tuple[UUID, ...]) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """The rank of each point's id."""
    ranks = np.empty(len(points), dtype=np.int64)
    ranks[sorted(range(len(points)), key=lambda n: points[n])] = np.arange(len(points))
    return ranks
