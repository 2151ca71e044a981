"""A year of twelve homes: what came in, whose it is, and how it was shared, to the last micro-kWh."""

from typing import Any

import numpy as np
import pytest

from tests.acceptance import published, shared_year
from tests.acceptance.arithmetic import MicroKwh, micro, shared_pro_rata
from tests.acceptance.conftest import Arrived
from tests.acceptance.published import HOME_COUNT, HOUR, YEAR_HOURS, YEAR_START
from tests.acceptance.shared_year import YEAR, Cer
from tests.acceptance.stack import jobs

RUN = """query($id: ID!) { node(id: $id) { ... on AllocationRun {
    version injectedKwh withdrawnKwh sharedKwh key { kind productionKind }
    members(first: 100) { totalCount edges { node {
        member { id } withdrawnKwh injectedKwh sharedInKwh sharedOutKwh fromSupplierKwh toGridKwh } } } } } }"""
SERIES = """query($run: ID!, $member: ID!) { node(id: $run) { ... on AllocationRun { series(memberId: $member) {
    start withdrawnKwh sharedInKwh injectedKwh sharedOutKwh } } } }"""
BALANCE = """query($id: ID!, $period: PeriodInput!) { node(id: $id) { ... on Community {
    memberCount balance(period: $period, resolution: HOUR) {
        start injectedKwh withdrawnKwh surplusKwh deficitKwh missing } } } }"""
READINGS = """query($id: ID!, $period: PeriodInput!, $direction: Direction!) { node(id: $id) { ... on MeteringPoint {
    readings(period: $period, direction: $direction, resolution: HOUR) { start energyKwh missing } } } }"""


def exactly(kwh: list[float]) -> MicroKwh:
    """Packed numbers of kWh back in micro-kWh: below 2^53 nothing is lost."""
    return np.rint(np.array(kwh) * 1e6).astype(np.int64)


@pytest.fixture(scope="session")
def shared(cer: Cer, homes: published.Homes) -> tuple[MicroKwh, MicroKwh]:
    """(shared out, shared in) by our own arithmetic, shape (hours, homes), columns by number of the home."""
    by_id = cer.by_id()
    out, into = np.empty_like(homes.injected_ukwh), np.empty_like(homes.injected_ukwh)
    out[:, by_id], into[:, by_id] = shared_pro_rata(homes.injected_ukwh[:, by_id], homes.withdrawn_ukwh[:, by_id])
    return out, into


@pytest.fixture(scope="session")
def run(cer: Cer, allocated: list[Any]) -> Any:
    return cer.coordinator.ask(RUN, id=allocated[-1]["result"]["id"])["node"]


def test_every_way_in_takes_its_part(arrived: Arrived) -> None:
    six_homes = 6 * 2 * YEAR_HOURS

    assert arrived.command_line == (
        f"8,760 rows, {six_homes:,} values: 4,380 days created, 0 filled, 0 corrected, 0 unchanged.\n"
    )
    assert [(report["values"], report["created"], report["faultCount"]) for report in arrived.uploads] == [
        (5 * 2 * YEAR_HOURS, 5 * 2 * 365, 0),
        (2 * (YEAR_HOURS - shared_year.HOURS_BY_GATEWAY), 2 * 358, 0),
    ]
    assert (arrived.gateway["values"], arrived.gateway["created"]) == (2 * shared_year.HOURS_BY_GATEWAY, 2 * 7)


def test_a_home_outside_the_area_is_refused(cer: Cer) -> None:
    membership_id = cer.homes[0].membership_id
    in_the_next_province = shared_year.a_point(cer.id, membership_id, 99, (11.12, 46.07))

    refused = cer.coordinator.try_to("registerMeteringPoint", "meteringPoint { id }", **in_the_next_province)

    assert [error["code"] for error in refused["errors"]] == ["OUTSIDE_AREA"]


@pytest.mark.parametrize(("first_hour", "hours"), [(87 * 24, 25), (241 * 24 + 1, 23)])
def test_days_of_clock_changes_have_their_hours(
    cer: Cer, homes: published.Homes, arrived: Arrived, first_hour: int, hours: int
) -> None:
    """27 October 2024 and 30 March 2025, from midnight to midnight in Rome."""
    start = YEAR_START + first_hour * HOUR
    period = {"start": start.isoformat(), "end": (start + hours * HOUR).isoformat()}
    home = cer.homes[4]

    found = cer.coordinator.ask(READINGS, id=home.point_id, period=period, direction="WITHDRAWN")["node"]["readings"]

    assert found["missing"] == []
    expected = homes.withdrawn_ukwh[first_hour : first_hour + hours, home.number]
    np.testing.assert_array_equal(exactly(found["energyKwh"]), expected)


def test_the_balance_is_the_sum_of_the_homes(cer: Cer, homes: published.Homes, arrived: Arrived) -> None:
    community = cer.coordinator.ask(BALANCE, id=cer.id, period=YEAR)["node"]

    balance = community["balance"]
    injected, withdrawn = homes.injected_ukwh.sum(axis=1), homes.withdrawn_ukwh.sum(axis=1)
    assert (community["memberCount"], balance["missing"]) == (HOME_COUNT + 1, [])
    for name, expected in {
        "injectedKwh": injected,
        "withdrawnKwh": withdrawn,
        "surplusKwh": np.maximum(injected - withdrawn, 0),
        "deficitKwh": np.maximum(withdrawn - injected, 0),
    }.items():
        np.testing.assert_array_equal(exactly(balance[name]), expected, name)


def test_the_job_is_followed_from_its_start_to_its_end(allocated: list[Any]) -> None:
    progress = [event["progress"] for event in allocated]

    assert progress == sorted(progress)
    assert (allocated[-1]["status"], progress[-1]) == ("SUCCEEDED", 1.0)
    assert allocated[-1]["result"]["version"] == 1


def test_the_whole_is_shared_to_the_last_micro_kwh(
    run: Any, homes: published.Homes, shared: tuple[MicroKwh, MicroKwh]
) -> None:
    out, into = shared
    least = np.minimum(homes.injected_ukwh.sum(axis=1), homes.withdrawn_ukwh.sum(axis=1))

    assert run["key"] == {"kind": "PRO_RATA", "productionKind": "PRO_RATA"}
    assert micro(run["injectedKwh"]) == homes.injected_ukwh.sum()
    assert micro(run["withdrawnKwh"]) == homes.withdrawn_ukwh.sum()
    assert micro(run["sharedKwh"]) == out.sum() == into.sum() == least.sum()


def test_each_member_gives_and_gets_its_part_to_the_last_micro_kwh(
    cer: Cer, run: Any, homes: published.Homes, shared: tuple[MicroKwh, MicroKwh]
) -> None:
    out, into = (energy.sum(axis=0) for energy in shared)
    injected, withdrawn = homes.injected_ukwh.sum(axis=0), homes.withdrawn_ukwh.sum(axis=0)

    totals = {
        edge["node"]["member"]["id"]: {name: micro(kwh) for name, kwh in edge["node"].items() if name != "member"}
        for edge in run["members"]["edges"]
    }

    assert run["members"]["totalCount"] == HOME_COUNT
    assert totals == {
        home.member_id: {
            "withdrawnKwh": withdrawn[home.number],
            "injectedKwh": injected[home.number],
            "sharedInKwh": into[home.number],
            "sharedOutKwh": out[home.number],
            "fromSupplierKwh": withdrawn[home.number] - into[home.number],
            "toGridKwh": injected[home.number] - out[home.number],
        }
        for home in cer.homes
    }


@pytest.mark.parametrize("number", [0, 11])
def test_each_hour_of_a_home_is_its_own(
    cer: Cer, allocated: list[Any], homes: published.Homes, shared: tuple[MicroKwh, MicroKwh], number: int
) -> None:
    """Asked by the home's owner, who sees no other home."""
    home, (out, into) = cer.homes[number], shared

    series = home.owner.ask(SERIES, run=allocated[-1]["result"]["id"], member=home.member_id)["node"]["series"]

    np.testing.assert_array_equal(exactly(series["injectedKwh"]), homes.injected_ukwh[:, number])
    np.testing.assert_array_equal(exactly(series["withdrawnKwh"]), homes.withdrawn_ukwh[:, number])
    np.testing.assert_array_equal(exactly(series["sharedOutKwh"]), out[:, number])
    np.testing.assert_array_equal(exactly(series["sharedInKwh"]), into[:, number])


def test_a_home_sees_itself_and_no_other(cer: Cer, allocated: list[Any]) -> None:
    owner = cer.homes[0].owner
    mine = {cer.homes[0].member_id}  # An account signs in for one member of a community.

    seen = owner.ask(RUN, id=allocated[-1]["result"]["id"])["node"]["members"]

    assert {edge["node"]["member"]["id"] for edge in seen["edges"]} == mine


async def test_the_same_year_again_is_the_same_run(cer: Cer, allocated: list[Any]) -> None:
    again = await jobs.allocate(cer.coordinator, cer.id, YEAR)

    assert again[-1]["result"] == allocated[-1]["result"]
