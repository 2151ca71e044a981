"""Buyers who accept a class of energy are served from their own zone with it, by price and then arrival."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ortools.linear_solver import pywraplp

from solver.market.cells.classes import SERVES, Classed, EnergyClass, with_classes
from solver.market.cells.problem import ClearingProblem, Indices, Orders, Side
from solver.market.clearing.clearing import Clearing, clear, congestion_rent_neur
from tests.solver.market.books import Row, links, orders, problems
from tests.solver.market.linear_program import largest_welfare

SOLAR, WIND, STORAGE, GREEN, LOCAL, ANY = (
    EnergyClass[name] for name in ("SOLAR", "WIND", "STORAGE", "GREEN", "LOCAL", "ANY")
)


def serves(energy: int, accepted: int) -> bool:
    """Whether energy of a class is what a buyer accepts."""
    each: EnergyClass | None = EnergyClass(energy)
    while each is not None and each != accepted:
        each = SERVES.get(each)
    return each is not None


@st.composite
def classed(draw: st.DrawFn, owners: int = 1_000) -> tuple[ClearingProblem, Indices]:
    """Random markets with the class of each order."""
    problem = draw(problems(owners=owners, zones_max=3))
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    count = len(problem.orders)
    offered = random.choice([SOLAR, WIND, EnergyClass.HYDRO, EnergyClass.BIOMASS, STORAGE, LOCAL], count)
    accepted = random.integers(0, len(EnergyClass), count)
    return problem, np.where(problem.orders.side == Side.BUY, accepted, offered).astype(np.int64)


def cleared(buys: list[tuple[Row, EnergyClass]], sells: list[tuple[Row, EnergyClass]]) -> tuple[Classed, Clearing]:
    """One interval of one zone, cleared by classes."""
    book = orders([row for row, _ in buys], [row for row, _ in sells])
    energy_class = np.array([each for _, each in (*buys, *sells)], np.int64)
    parted = with_classes(ClearingProblem(intervals=1, zones=1, orders=book), energy_class)
    return parted, clear(parted.problem)


def prices_of(parted: Classed, clearing: Clearing, *classes: EnergyClass) -> list[int]:
    return [int(clearing.prices.price_ueur_per_kwh[0, parted.cell[0, each]]) for each in classes]


@settings(deadline=None)
@given(classed())
def test_every_pair_is_of_energy_that_the_buyer_accepts(given_: tuple[ClearingProblem, Indices]) -> None:
    problem, energy_class = given_

    pairs = clear(with_classes(problem, energy_class).problem).pairings

    zone = problem.orders.zone
    for sell, buy in zip(pairs.sell, pairs.buy, strict=True):
        assert energy_class[buy] == ANY or zone[sell] == zone[buy]
        assert serves(energy_class[sell], energy_class[buy])


@settings(deadline=None)
@given(classed())
def test_prices_support_the_outcome_and_earn_nothing_on_local_links(given_: tuple[ClearingProblem, Indices]) -> None:
    problem, energy_class = given_
    parted = with_classes(problem, energy_class)

    clearing = clear(parted.problem)

    price = clearing.prices.price_ueur_per_kwh
    of_order = price.ravel()[parted.problem.cell]
    is_buy = problem.orders.side == Side.BUY
    gain = (problem.orders.limit_price_ticks * 100 - of_order) * np.where(is_buy, 1, -1)
    is_priced = clearing.prices.is_priced.ravel()[parted.problem.cell]
    assert (gain[clearing.fill_wh > 0] >= 0).all()
    assert (gain[is_priced & (clearing.fill_wh < problem.orders.energy_wh)] <= 0).all()
    count = len(problem.links)
    start, end = parted.problem.links.from_zone[count:], parted.problem.links.to_zone[count:]
    are_priced = clearing.prices.is_priced[:, start] & clearing.prices.is_priced[:, end]
    assert (price[:, start] >= price[:, end])[are_priced].all()
    assert (price[:, start] == price[:, end])[clearing.flow_wh[:, count:] > 0].all()
    physical = replace(clearing, flow_wh=clearing.flow_wh[:, :count])
    assert congestion_rent_neur(parted.problem, clearing) == congestion_rent_neur(problem, physical) >= 0


@settings(deadline=None)
@given(classed())
def test_no_pair_that_could_gain_is_left(given_: tuple[ClearingProblem, Indices]) -> None:
    problem, energy_class = given_

    welfare = clear(with_classes(problem, energy_class).problem).welfare_ticks_wh

    total = float(problem.orders.energy_wh.sum())
    assert welfare == pytest.approx(welfare_of_pairs(problem, energy_class), rel=1e-9, abs=1e-9 * total)


def welfare_of_pairs(problem: ClearingProblem, energy_class: Indices) -> float:
    """Largest welfare, pair by pair within zones and through each zone's exchange with others: a linear program."""
    program = pywraplp.Solver.CreateSolver("GLOP")
    book, links_ = problem.orders, problem.links
    scale = float(book.energy_wh.max(initial=1))
    objective = program.Objective()
    objective.SetMaximization()
    offered = [program.Constraint(0, float(energy) / scale) for energy in book.energy_wh]
    balance = [program.Constraint(0, 0) for _ in range(problem.intervals * problem.zones)]
    sign = np.where(book.side == Side.BUY, 1, -1)
    for order in np.flatnonzero((book.side == Side.SELL) | (energy_class == ANY)):
        exchanged = program.NumVar(0, program.infinity(), "")
        offered[order].SetCoefficient(exchanged, 1)
        balance[problem.cell[order]].SetCoefficient(exchanged, float(-sign[order]))
        objective.SetCoefficient(exchanged, float(sign[order] * book.limit_price_ticks[order]))
    for sell in np.flatnonzero(book.side == Side.SELL):
        for buy in np.flatnonzero(book.side == Side.BUY):
            if problem.cell[sell] == problem.cell[buy] and serves(energy_class[sell], energy_class[buy]):
                traded = program.NumVar(0, program.infinity(), "")
                offered[sell].SetCoefficient(traded, 1)
                offered[buy].SetCoefficient(traded, 1)
                gain = book.limit_price_ticks[buy] - book.limit_price_ticks[sell]
                objective.SetCoefficient(traded, float(gain))
    for interval in range(problem.intervals):
        for link in range(len(links_)):
            most_wh = min(problem.capacity_wh[interval, link], book.energy_wh.sum())
            flow = program.NumVar(0, float(most_wh) / scale, "")
            balance[interval * problem.zones + links_.from_zone[link]].SetCoefficient(flow, -1)
            balance[interval * problem.zones + links_.to_zone[link]].SetCoefficient(flow, 1)
            objective.SetCoefficient(flow, -float(links_.cost_ticks[link]))
    assert program.Solve() == pywraplp.Solver.OPTIMAL
    return float(objective.Value()) * scale


@settings(deadline=None)
@given(classed())
def test_within_a_class_price_and_time_decide(given_: tuple[ClearingProblem, Indices]) -> None:
    problem, energy_class = given_

    fill_wh = clear(with_classes(problem, energy_class).problem).fill_wh

    book = problem.orders
    groups = np.unique(np.column_stack((problem.cell, energy_class, book.side)), axis=0)
    for cell, each, side in groups:
        rivals = np.flatnonzero((problem.cell == cell) & (energy_class == each) & (book.side == side))
        direction = -1 if side == Side.BUY else 1
        queue = rivals[np.lexsort((book.sequence[rivals], direction * book.limit_price_ticks[rivals]))]
        ahead = np.cumsum(book.energy_wh[queue]) - book.energy_wh[queue]
        np.testing.assert_array_equal(fill_wh[queue], np.clip(fill_wh[rivals].sum() - ahead, 0, book.energy_wh[queue]))


@settings(deadline=None)
@given(classed())
def test_of_two_sells_at_one_price_the_later_never_takes_what_the_earlier_could(
    given_: tuple[ClearingProblem, Indices],
) -> None:
    problem, energy_class = given_

    fill_wh = clear(with_classes(problem, energy_class).problem).fill_wh

    book = problem.orders
    for early in np.flatnonzero((book.side == Side.SELL) & (fill_wh < book.energy_wh)):
        for late in np.flatnonzero((book.side == Side.SELL) & (fill_wh > 0) & (problem.cell == problem.cell[early])):
            is_later = book.sequence[late] > book.sequence[early]
            is_equal = book.limit_price_ticks[late] == book.limit_price_ticks[early]
            as_good = all(serves(energy_class[early], each) for each in EnergyClass if serves(energy_class[late], each))
            assert not (is_later and is_equal and as_good)


@settings(deadline=None)
@given(classed(owners=3))
def test_no_owner_trades_with_itself(given_: tuple[ClearingProblem, Indices]) -> None:
    problem, energy_class = given_

    pairs = clear(with_classes(problem, energy_class).problem).pairings

    assert (problem.orders.owner[pairs.sell] != problem.orders.owner[pairs.buy]).all()


@settings(deadline=None)
@given(problems())
def test_where_any_energy_is_accepted_nothing_changes(problem: ClearingProblem) -> None:
    is_buy = problem.orders.side == Side.BUY

    parted = with_classes(problem, np.where(is_buy, ANY, SOLAR).astype(np.int64))

    assert parted.problem is problem
    assert (parted.cell == np.arange(problem.zones)[:, np.newaxis]).all()


def test_a_buyer_of_solar_energy_pays_for_it() -> None:
    parted, clearing = cleared(
        [(("B", 5, 9), SOLAR), (("C", 5, 8), ANY)], [(("S", 4, 2), SOLAR), (("T", 20, 3), LOCAL)]
    )

    assert clearing.fill_wh.tolist() == [4, 5, 4, 5]
    assert prices_of(parted, clearing, SOLAR, ANY) == [900, 300]
    assert clearing.pairings.energy_wh.sum() == 9


def test_ordinary_buyers_take_the_sun_that_is_left_at_one_price() -> None:
    parted, clearing = cleared([(("B", 5, 9), SOLAR), (("C", 5, 8), ANY)], [(("S", 20, 2), SOLAR)])

    assert clearing.fill_wh.tolist() == [5, 5, 10]
    assert prices_of(parted, clearing, SOLAR, ANY) == [200, 200]


def test_equal_prices_trade_between_classes() -> None:
    _, clearing = cleared([(("B", 5, 3), ANY), (("C", 5, 2), WIND)], [(("S", 5, 3), SOLAR)])

    assert clearing.fill_wh.tolist() == [5, 0, 5]


def test_the_earlier_of_two_equal_sells_of_different_sources_is_served() -> None:
    def fills(first: EnergyClass, second: EnergyClass) -> list[int]:
        _, clearing = cleared([(("B", 5, 9), ANY), (("C", 1, 1), GREEN)], [(("S", 5, 3), first), (("T", 5, 3), second)])
        return [int(fill_wh) for fill_wh in clearing.fill_wh]

    assert fills(SOLAR, LOCAL) == fills(LOCAL, SOLAR) == fills(STORAGE, SOLAR) == [5, 0, 5, 0]


def test_storage_is_local_but_not_green() -> None:
    _, clearing = cleared(
        [(("B", 5, 9), GREEN), (("C", 5, 9), LOCAL), (("D", 5, 9), STORAGE)], [(("S", 20, 3), STORAGE)]
    )

    assert clearing.fill_wh.tolist() == [0, 5, 5, 10]


def test_a_local_buyer_is_not_served_from_elsewhere() -> None:
    problem = ClearingProblem(
        intervals=1,
        zones=2,
        orders=orders([("B", 5, 9), ("C", 5, 8)], [("S", 20, 2)], zones=[1, 1, 0]),
        links=links((0, 1, 99, 0)),
    )

    clearing = clear(with_classes(problem, np.array([LOCAL, ANY, LOCAL])).problem)

    assert clearing.fill_wh.tolist() == [0, 5, 5]


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from([20, 3_000]))
def test_prices_and_quantities_at_their_limits_stay_exact(seed: int, count: int) -> None:
    """With 3,000 orders at one price, ranks of arrival would leave the range of the flow solver."""
    random = np.random.default_rng(seed)
    problem = ClearingProblem(
        intervals=1,
        zones=3,
        orders=Orders(
            interval=np.zeros(count, np.int64),
            zone=random.integers(0, 3, count),
            side=random.integers(0, 2, count, np.int8),
            limit_price_ticks=random.choice([-(2**24), 0, 2**24], count),
            energy_wh=random.integers(1, 2**52 // count, count),
            sequence=random.permutation(count),
            owner=np.arange(count),
        ),
        links=links((0, 1, 2**50, 2**24), (1, 2, 2**50, 0), (2, 0, 2**50, 1)),
    )
    is_buy = problem.orders.side == Side.BUY
    energy_class = np.where(is_buy, random.integers(0, len(EnergyClass), count), random.integers(0, GREEN, count))
    parted = with_classes(problem, energy_class).problem

    clearing = clear(parted)

    assert clearing.welfare_ticks_wh == pytest.approx(largest_welfare(parted), rel=1e-9)
