"""The laws every key obeys (`regulation.md` section 1), and agreement with the slow, literal computation."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.kernel.quantities import MicroKwh
from solver.sharing import allocations
from solver.sharing.allocations import allocate, offered_ukwh
from solver.sharing.keys import EQUAL, PRO_RATA, Fixed, Key, Priority, Round, percentage
from solver.sharing.problems import INTERVAL_UKWH_MAX, AllocationProblem
from tests.solver.sharing.brute_force import allocate_slowly
from tests.strategies import DEMAND_DRIVEN, KEYS, problems

every_key = pytest.mark.parametrize("name", KEYS)
few = settings(max_examples=30)  # Of each key.


@every_key
@few
@given(data=st.data())
def test_gives_nobody_more_than_needed_and_takes_from_nobody_more_than_injected(name: str, data: st.DataObject) -> None:
    problem = data.draw(problems(KEYS[name], KEYS[name]))

    allocation = allocate(problem)

    assert (allocation.shared_in_ukwh >= 0).all()
    assert (allocation.shared_in_ukwh <= problem.consumption.participating_ukwh()).all()
    assert (allocation.shared_out_ukwh >= 0).all()
    assert (allocation.shared_out_ukwh <= problem.production.participating_ukwh()).all()
    assert (allocation.residual_withdrawn_ukwh + allocation.shared_in_ukwh == problem.withdrawn_ukwh).all()
    assert (allocation.residual_injected_ukwh + allocation.shared_out_ukwh == problem.injected_ukwh).all()


@every_key
@few
@given(data=st.data())
def test_gives_out_exactly_what_it_takes(name: str, data: st.DataObject) -> None:
    problem = data.draw(problems(KEYS[name], KEYS[name]))
    available = problem.production.participating_ukwh().sum(axis=1)
    needed = problem.consumption.participating_ukwh().sum(axis=1)

    allocation = allocate(problem)

    np.testing.assert_array_equal(allocation.shared_in_ukwh.sum(axis=1), allocation.shared_out_ukwh.sum(axis=1))
    np.testing.assert_array_equal(allocation.shared_ukwh + allocation.surplus_ukwh, available)
    if name in DEMAND_DRIVEN:
        np.testing.assert_array_equal(allocation.shared_ukwh, np.minimum(available, needed))
    else:
        assert (allocation.shared_ukwh <= np.minimum(available, needed)).all()


@every_key
@few
@given(data=st.data())
def test_agrees_with_fractions(name: str, data: st.DataObject) -> None:
    production = data.draw(st.sampled_from(sorted(KEYS)))
    problem = data.draw(problems(KEYS[name], KEYS[production]))
    received, given_out = allocate_slowly(problem)

    allocation = allocate(problem)

    np.testing.assert_array_equal(allocation.shared_in_ukwh, received)
    np.testing.assert_array_equal(allocation.shared_out_ukwh, given_out)


@every_key
@few
@given(data=st.data())
def test_does_not_depend_on_the_order_of_members(name: str, data: st.DataObject) -> None:
    problem = data.draw(problems(KEYS[name], KEYS[name]))
    consumers = data.draw(st.permutations(range(problem.consumption.points)))
    producers = data.draw(st.permutations(range(problem.production.points)))

    listed, reordered = allocate(problem), allocate(_reordered(problem, consumers, producers))

    np.testing.assert_array_equal(reordered.shared_in_ukwh, listed.shared_in_ukwh[:, consumers])
    np.testing.assert_array_equal(reordered.shared_out_ukwh, listed.shared_out_ukwh[:, producers])


@every_key
@few
@given(data=st.data())
def test_neither_blocks_nor_threads_change_the_result(name: str, data: st.DataObject) -> None:
    problem = data.draw(problems(KEYS[name], KEYS[name]))
    whole = allocate(problem, threads=1)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(allocations, "BLOCK_VALUES", 1)
        parted = allocate(problem, threads=2, into=np.full_like(problem.withdrawn_ukwh, -7))

    np.testing.assert_array_equal(parted.shared_in_ukwh, whole.shared_in_ukwh)
    np.testing.assert_array_equal(parted.shared_out_ukwh, whole.shared_out_ukwh)


@pytest.mark.parametrize("name", ["equal", "percentage", "pro rata"])
@few
@given(data=st.data())
def test_members_receive_the_smaller_of_offer_and_need(name: str, data: st.DataObject) -> None:
    problem = data.draw(problems(KEYS[name]))
    available = problem.production.participating_ukwh().sum(axis=1)
    need = problem.consumption.participating_ukwh()

    offered = offered_ukwh(problem)

    np.testing.assert_array_equal(np.minimum(offered, need), allocate(problem).shared_in_ukwh)
    assert (offered.sum(axis=1) <= available).all()
    if name == "pro rata":
        np.testing.assert_array_equal(offered.sum(axis=1), np.where(need.sum(axis=1) > 0, available, 0))


@settings(max_examples=8, deadline=None)  # Fractions are slow.
@given(seed=st.integers(0, 2**32 - 1), points=st.integers(2, 300), largest=st.sampled_from([2, 50, 2 * 10**11]))
def test_agrees_with_fractions_for_many_members(seed: int, points: int, largest: int) -> None:
    """Hundreds of members, few distinct values or wide ones: the search for the cut has something to find."""
    random = np.random.default_rng(seed)
    withdrawn = random.integers(0, largest, (2, points))
    injected = (withdrawn.sum(axis=1, keepdims=True) * random.uniform(0, 1.1, (2, 1))).astype(np.int64)
    shares = random.multinomial(999_983, np.full(points, 1 / points))
    problem_of = [PRO_RATA, EQUAL, KEYS["equal until met"](shares, shares), KEYS["hybrid"](shares, shares)]

    for key in (*problem_of, KEYS["percentage until met"](shares, shares), KEYS["priority"](shares, shares % 7)):
        problem = a_problem(withdrawn, injected, key, random.permutation(points))
        received, _ = allocate_slowly(problem)

        np.testing.assert_array_equal(allocate(problem).shared_in_ukwh, received)


@pytest.mark.parametrize("points", [2, 1_000])
def test_is_exact_at_the_largest_interval(points: int) -> None:
    """2^46 micro-kWh against 2^46 - 1: the product has 92 bits."""
    withdrawn = np.full((1, points), INTERVAL_UKWH_MAX // points)
    withdrawn[0, 0] += INTERVAL_UKWH_MAX - withdrawn.sum()
    problem = a_problem(withdrawn, np.array([[INTERVAL_UKWH_MAX - 1]]), PRO_RATA, np.arange(points))
    received, _ = allocate_slowly(problem)

    allocation = allocate(problem)

    np.testing.assert_array_equal(allocation.shared_in_ukwh, received)
    assert allocation.shared_in_ukwh.sum() == INTERVAL_UKWH_MAX - 1


def test_equal_remainders_go_to_the_smaller_tie_break() -> None:
    withdrawn, injected = np.array([[5, 5, 5]]), np.array([[4]])

    allocation = allocate(a_problem(withdrawn, injected, PRO_RATA, np.array([30, -10, 20])))

    np.testing.assert_array_equal(allocation.shared_in_ukwh, [[1, 2, 1]])


def test_accepts_arrays_that_are_read_only_or_not_in_c_order() -> None:
    withdrawn = np.asfortranarray(np.array([[1, 2], [3, 4]]))
    injected = np.array([[2], [9]])
    injected.flags.writeable = False

    allocation = allocate(a_problem(withdrawn, injected, percentage(np.array([500_000, 500_000])), np.arange(2)))

    np.testing.assert_array_equal(allocation.shared_in_ukwh, [[1, 1], [3, 4]])


def a_problem(withdrawn: MicroKwh, injected: MicroKwh, key: Key, tie_break: MicroKwh) -> AllocationProblem:
    return AllocationProblem(
        withdrawn_ukwh=withdrawn,
        injected_ukwh=injected,
        consumption_key=key,
        consumer_tie_break=tie_break,
        producer_tie_break=np.arange(injected.shape[1]),
    )


def _reordered(problem: AllocationProblem, consumers: list[int], producers: list[int]) -> AllocationProblem:
    def columns(values: MicroKwh | None, order: list[int]) -> MicroKwh | None:
        return None if values is None else values[..., order]

    def key(rounds: Key, order: list[int]) -> Key:
        return tuple(_reordered_round(round_, order) for round_ in rounds)

    return AllocationProblem(
        withdrawn_ukwh=problem.withdrawn_ukwh[:, consumers],
        injected_ukwh=problem.injected_ukwh[:, producers],
        consumption_key=key(problem.consumption_key, consumers),
        production_key=key(problem.production_key, producers),
        consumer_tie_break=problem.consumer_tie_break[consumers],
        producer_tie_break=problem.producer_tie_break[producers],
        withdrawn_participation_ppm=columns(problem.withdrawn_participation_ppm, consumers),
        injected_participation_ppm=columns(problem.injected_participation_ppm, producers),
    )


def _reordered_round(round_: Round, order: list[int]) -> Round:
    if isinstance(round_, Fixed):
        return Fixed(round_.share_ppm[..., order], round_.until_met)
    return Priority(round_.rank[order]) if isinstance(round_, Priority) else round_
