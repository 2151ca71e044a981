"""Seeded small books in which ties, full links, free links and empty zones are common; the same listed otherwise."""

from dataclasses import replace

import numpy as np

from solver.market.cells.problem import ClearingProblem, Indices, Links, Orders, Side


def multi_zone(seed: int, *, intervals: int = 1, orders_max: int = 25) -> ClearingProblem:
    """2 to 4 zones, 4 to 25 orders at 2 to 5 prices."""
    random = np.random.default_rng(seed)
    zones, count = int(random.integers(2, 5)), int(random.integers(4, orders_max + 1))
    spread, energy_max = random.choice([1, 2, 4]), random.choice([1, 3, 6])
    ways = np.array([(a, b) for a in range(zones) for b in range(zones) if a != b])
    ways = random.permutation(ways)[: random.integers(1, len(ways) + 1)]
    return ClearingProblem(
        intervals=intervals,
        zones=zones,
        orders=Orders(
            interval=random.integers(0, intervals, count),
            zone=random.integers(0, zones, count),
            side=random.integers(0, 2, count, np.int8),
            limit_price_ticks=random.integers(0, spread + 1, count),
            energy_wh=random.integers(1, energy_max + 1, count),
            sequence=random.permutation(count),
            owner=np.arange(count),
        ),
        links=Links(
            from_zone=ways[:, 0],
            to_zone=ways[:, 1],
            capacity_wh=random.integers(0, 2 * energy_max + 2, (intervals, len(ways))),
            cost_ticks=random.integers(0, random.choice([1, 2, 3]), len(ways)),
        ),
    )


def with_minima(seed: int) -> ClearingProblem:
    """The same with 1 to 12 minimum fills, half of them of all or nothing."""
    problem, random = multi_zone(seed), np.random.default_rng((seed, 1))
    count, energy_wh = len(problem.orders), problem.orders.energy_wh
    energy_wh = energy_wh + random.integers(0, 4, count)
    minimum_wh = np.where(random.random(count) < 0.5, energy_wh, random.integers(1, energy_wh + 1))
    minimum_wh[random.permutation(count)[random.integers(1, 13) :]] = 0
    return replace(problem, orders=replace(problem.orders, energy_wh=energy_wh, minimum_fill_wh=minimum_wh))


def flexible(seed: int) -> ClearingProblem:
    """2 to 4 intervals, a third of the orders in several of them."""
    random = np.random.default_rng((seed, 2))
    intervals = int(random.integers(2, 5))
    problem = multi_zone(seed, intervals=intervals, orders_max=16)
    rows: list[tuple[int, int, int]] = []  # Order, interval, number of the shared order.
    for order, interval in enumerate(problem.orders.interval.tolist()):
        several = np.flatnonzero(random.random(intervals) < 0.6).tolist() if random.random() < 1 / 3 else []
        rows += [(order, each, order) for each in several] or [(order, interval, -1)]
    order, interval, shared = np.array(rows).T
    entries = problem.orders.at(order)
    sequence = np.empty(len(rows), np.int64)
    sequence[np.lexsort((interval, entries.sequence))] = np.arange(len(rows))
    return replace(problem, orders=replace(entries, interval=interval, sequence=sequence, shared=shared))


def of_few_owners(seed: int) -> ClearingProblem:
    """Intervals of which some are tied by shared orders, of 2 to 8 owners; some orders by half or not at all."""
    random = np.random.default_rng((seed, 19))
    zones, intervals = int(random.integers(1, 4)), int(random.integers(1, 9))
    count, owners = int(random.integers(20, 60)), int(random.integers(2, 9))
    rows: list[tuple[int, ...]] = []
    for order in range(count):
        first = int(random.integers(0, intervals))
        span = min(int(random.integers(1, 4)), intervals - first)
        way, is_buy = random.random(), random.random() < 0.5
        price = int(random.integers(1_000, 3_500) if is_buy else random.integers(500, 2_500))
        energy_wh, zone, owner = (int(random.integers(*bounds)) for bounds in ((1_000, 1_200), (zones,), (owners,)))
        minimum_wh = energy_wh // 2 if 0.15 <= way < 0.3 else 0
        shared = order if way < 0.15 and span > 1 else -1
        common = (zone, Side.BUY if is_buy else Side.SELL, price, energy_wh, owner, minimum_wh, shared)
        rows += [(each, *common) for each in range(first, first + span)]
    interval, zone_of, side, price_ticks, energy_of, owner_of, minimum_of, shared_of = np.array(rows).T
    ways = [(a, b) for a in range(zones) for b in range(zones) if a != b]
    table = np.array([way for way in ways if random.random() < 0.7], np.int64).reshape(-1, 2)
    return ClearingProblem(
        intervals=intervals,
        zones=zones,
        orders=Orders(
            interval=interval,
            zone=zone_of,
            side=side.astype(np.int8),
            limit_price_ticks=price_ticks,
            energy_wh=energy_of,
            sequence=np.arange(len(rows)),
            owner=owner_of,
            minimum_fill_wh=minimum_of,
            shared=shared_of,
        ),
        links=Links(
            from_zone=table[:, 0],
            to_zone=table[:, 1],
            capacity_wh=random.integers(0, 4_000, (intervals, len(table))),
            cost_ticks=random.integers(0, 300, len(table)),
        ),
    )


def permuted(problem: ClearingProblem, seed: int) -> tuple[ClearingProblem, Indices, Indices]:
    """The same book listed otherwise, which order each of its orders was, and where each zone went."""
    random = np.random.default_rng((seed, 3))
    zone, links = random.permutation(problem.zones), problem.links
    link, listing = random.permutation(len(links)), random.permutation(len(problem.orders))
    ways = Links(
        from_zone=zone[links.from_zone[link]],
        to_zone=zone[links.to_zone[link]],
        capacity_wh=links.capacity_wh[..., link],
        cost_ticks=links.cost_ticks[link],
    )
    orders = replace(problem.orders, zone=zone[problem.orders.zone]).at(listing)
    return replace(problem, orders=orders, links=ways), listing, zone
