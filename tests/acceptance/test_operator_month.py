"""An Austrian January: our allocation beside the grid operator's own, quarter-hour by quarter-hour."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from tests.acceptance import operator_month
from tests.acceptance.arithmetic import MicroKwh, micro, shared_pro_rata
from tests.acceptance.conftest import Compared
from tests.acceptance.operator_month import CONSUMERS, WRONG, Eeg

Report = Mapping[str, list[int | None]]
ROUNDING_UKWH = 1  # The operator rounds each figure to six decimals of a kWh.
QUARTERS = 2_976
# What the operator covered in the month, kWh (published sums of its figures), and what was offered to the community.
PRODUCTION, COVERED = "243.748", {"m1": "6.860855", "m2": "2.473091", "m3": "37.706084"}
RUN = """query($id: ID!) { node(id: $id) { ... on AllocationRun {
    version injectedKwh withdrawnKwh sharedKwh
    differences(first: 10) { totalCount edges { node {
        direction intervalStart oursKwh operatorKwh meteringPoint { code } } } }
    members(first: 10) { edges { node { member { id } sharedInKwh sharedOutKwh } } } } } }"""
SERIES = """query($run: ID!, $member: ID!) { node(id: $run) { ... on AllocationRun {
    series(memberId: $member) { resolution sharedInKwh } } } }"""


@pytest.fixture(scope="session")
def right(eeg: Eeg, compared: Compared) -> Any:
    return eeg.chair.ask(RUN, id=compared.beside_right["id"])["node"]


def metered(report: Report, column: str) -> MicroKwh:
    """A column of a point that takes part all month."""
    return np.array([value for value in report[column] if value is not None])


def test_points_join_when_their_columns_begin(eeg: Eeg) -> None:
    assert eeg.taking_part == ["m1", "m2", "m3", "g1"]


def test_one_wrong_figure_of_the_operator_is_found(eeg: Eeg, compared: Compared, report: Report) -> None:
    row, column, stated = WRONG
    run = eeg.chair.ask(RUN, id=compared.beside_wrong["id"])["node"]

    (edge,) = run["differences"]["edges"]

    right_ukwh = report[column][row]
    assert right_ukwh is not None
    found = edge["node"]
    assert (run["version"], run["differences"]["totalCount"]) == (1, 1)
    assert (found["meteringPoint"]["code"], found["direction"]) == (eeg.codes["m1"], "WITHDRAWN")
    assert found["intervalStart"] == operator_month.start_of(row).isoformat().replace("+00:00", "Z")
    assert micro(found["operatorKwh"]) == micro(stated)
    assert abs(micro(found["oursKwh"]) - right_ukwh) <= ROUNDING_UKWH


def test_nowhere_do_the_allocations_differ_by_more_than_the_operators_rounding(right: Any) -> None:
    assert right["version"] == 2
    assert right["differences"] == {"totalCount": 0, "edges": []}


def test_each_quarter_hour_is_the_operators_within_its_rounding(eeg: Eeg, compared: Compared, report: Report) -> None:
    """Not taken from `differences`: each of the 8,928 figures is read and compared here."""
    for name in COVERED:
        asked = eeg.chair.ask(SERIES, run=compared.beside_right["id"], member=eeg.member_ids[name])
        series = asked["node"]["series"]
        ours = np.rint(np.array(series["sharedInKwh"]) * 1e6).astype(np.int64)

        assert (series["resolution"], len(ours)) == ("QUARTER_HOUR", QUARTERS)
        assert np.abs(ours - metered(report, f"{name}_covered_kwh")).max() <= ROUNDING_UKWH


def test_totals_are_the_published_ones_within_rounding(eeg: Eeg, right: Any) -> None:
    received = {edge["node"]["member"]["id"]: micro(edge["node"]["sharedInKwh"]) for edge in right["members"]["edges"]}

    assert right["injectedKwh"] == PRODUCTION
    for name, covered in COVERED.items():
        # Each of our figures is the floor or the ceiling of the operator's exact one: errors mostly cancel.
        assert abs(received[eeg.member_ids[name]] - micro(covered)) <= QUARTERS * ROUNDING_UKWH / 20


def test_totals_are_exact(eeg: Eeg, right: Any, report: Report) -> None:
    """Ids grow with time, so the points' ranks are the order in which they were registered."""
    names = [name for name in CONSUMERS if name in eeg.taking_part]
    withdrawn = np.stack([metered(report, f"{name}_consumption_kwh") for name in names], axis=1)
    injected = metered(report, "g1_production_kwh")[:, None]

    out, into = shared_pro_rata(injected, withdrawn)

    totals = {edge["node"]["member"]["id"]: edge["node"] for edge in right["members"]["edges"]}
    assert micro(right["sharedKwh"]) == out.sum() == into.sum()
    assert [micro(totals[eeg.member_ids[name]]["sharedInKwh"]) for name in names] == into.sum(axis=0).tolist()
    assert micro(totals[eeg.member_ids["g1"]]["sharedOutKwh"]) == out.sum()
