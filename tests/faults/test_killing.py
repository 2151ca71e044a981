"""What the fault run kills, and when."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bin.devstack.processes import RESTARTS_MAX, RESTARTS_WITHIN_S
from tests.faults.killing import EACH_AT_LEAST, ENDS_WITH, GAP_S, SERVICES, Moment, plan

seeds = st.integers(0, 10**6)


@given(seeds)
def test_a_seed_names_the_kills(seed: int) -> None:
    assert plan(seed, 40) == plan(seed, 40)


@given(seeds, st.integers(20, 60))
def test_every_service_is_killed_several_times(seed: int, kills: int) -> None:
    killed = Counter(kill.service for kill in plan(seed, kills))

    assert killed.total() == kills
    assert min(killed[service] for service in SERVICES) >= EACH_AT_LEAST


@given(seeds)
def test_a_supervisor_goes_on_starting_what_was_killed(seed: int) -> None:
    now, ended_at = 0.0, []
    for kill in plan(seed, 60):
        assert kill.after_s >= GAP_S[0]
        now += kill.after_s
        ended_at += [(process, now) for process in ENDS_WITH.get(kill.service, (kill.service,))]

    for process, at in ended_at:
        within = [other for name, other in ended_at if name == process and 0 <= at - other < RESTARTS_WITHIN_S]
        assert len(within) < RESTARTS_MAX


@pytest.mark.parametrize("moment", Moment)
def test_kills_come_at_all_kinds_of_moments(moment: Moment) -> None:
    assert moment in {kill.moment for kill in plan(1, 40)}
