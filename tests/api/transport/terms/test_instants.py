"""Another clock is known within half of a round trip, whatever the machine's shows, however slow some answers are."""

from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from api.transport.terms.instants import DRIFT, RESOLUTION_NS, SECOND_NS, Estimate

HOUR_NS = 3_600 * SECOND_NS
START_NS = 1_800_000_000 * SECOND_NS


@dataclass
class World:
    """A machine whose clocks have run for a while, and a clock elsewhere, which is apart from its monotonic one."""

    apart_ns: int
    machine_apart_ns: int = START_NS
    passed_ns: int = HOUR_NS

    def estimate(self) -> Estimate:
        return Estimate(lambda: self.passed_ns, lambda: self.passed_ns + self.machine_apart_ns)

    def true_ns(self) -> int:
        return self.passed_ns + self.apart_ns

    def ask(self, estimate: Estimate, there_ns: int, back_ns: int) -> int:
        """Ask and hear, after some time on the way; answers tell whole microseconds."""
        asked_ns = self.passed_ns
        self.passed_ns += there_ns
        shown_ns = self.true_ns() // RESOLUTION_NS * RESOLUTION_NS
        self.passed_ns += back_ns
        return estimate.take(asked_ns, shown_ns, self.passed_ns)


skews = st.integers(-2 * HOUR_NS, 2 * HOUR_NS)
ways = st.integers(0, SECOND_NS)
trips = st.tuples(ways, ways)


@given(skews, skews, st.lists(trips, min_size=1, max_size=6))
def test_an_estimate_errs_by_half_of_the_quickest_round_trip(
    skew_ns: int, machine_skew_ns: int, asked: list[tuple[int, int]]
) -> None:
    world = World(START_NS + skew_ns, START_NS + machine_skew_ns)
    estimate, began_ns = world.estimate(), world.passed_ns

    moved = [world.ask(estimate, *trip) for trip in asked]

    drift_ns = (world.passed_ns - began_ns) // DRIFT
    error_ns = abs(estimate.at_ns() - world.true_ns())
    assert error_ns <= min(map(sum, asked)) // 2 + RESOLUTION_NS + drift_ns
    assert moved == [0] * len(asked)
    assert abs(estimate.ahead_s() * SECOND_NS - (machine_skew_ns - skew_ns)) <= error_ns + 1_000


@given(trips, trips, st.integers(4 * SECOND_NS, HOUR_NS), st.sampled_from((-1, 1)))
def test_a_clock_that_was_moved_is_followed_at_once(
    first: tuple[int, int], then: tuple[int, int], by_ns: int, sign: int
) -> None:
    world = World(START_NS)
    estimate = world.estimate()
    world.ask(estimate, *first)

    world.apart_ns += sign * by_ns
    moved_ns = world.ask(estimate, *then)

    assert abs(moved_ns - sign * by_ns) <= (sum(first) + sum(then)) // 2 + RESOLUTION_NS
    assert abs(estimate.at_ns() - world.true_ns()) <= sum(then) // 2 + RESOLUTION_NS


@given(skews)
def test_a_machine_that_is_put_right_changes_nothing(by_ns: int) -> None:
    world = World(START_NS)
    estimate = world.estimate()
    world.ask(estimate, 1_000, 1_000)
    before_ns = estimate.at_ns()

    world.machine_apart_ns += by_ns

    assert estimate.at_ns() == before_ns
    assert round(estimate.ahead_s() * SECOND_NS) // 10_000 * 10_000 in range(by_ns - 20_000, by_ns + 20_000)


def test_until_it_is_measured_the_machine_stands_for_it() -> None:
    world = World(START_NS, machine_apart_ns=START_NS + HOUR_NS)

    assert world.estimate().at_ns() == world.passed_ns + START_NS + HOUR_NS
