"""Sums that tell of few are for who administers their community; what others are told cannot be taken apart."""

from typing import Any

import pytest

from tests.api.authorization.people import EVERYBODY, HEAD_OF_A, HEAD_OF_B, IN_A, IN_B, ROLES, ROOT
from tests.api.authorization.site import Site

# Six take part in A, two in B. Members count without themselves: of A five others, where they take part at all.
BALANCES = {"A": EVERYBODY, "B": HEAD_OF_B | ROOT}
BALANCE = """
query ($id: ID!) { node(id: $id) { ... on Community { memberCount
  balance(period: {start: "2026-03-09T23:00:00Z", end: "2026-03-10T23:00:00Z"}, resolution: DAY) {
    withdrawnKwh suppressed { direction reason } }
} } }
"""
RUN = """
query ($id: ID!) { node(id: $id) { ... on AllocationRun {
  version inputDigest injectedKwh withdrawnKwh sharedKwh tradedInKwh tradedOutKwh
  injectedSuppressed withdrawnSuppressed } } }
"""


@pytest.mark.parametrize("role", ROLES)
async def test_sums_that_tell_of_few_are_null_with_their_reason(site: Site, role: str) -> None:
    for name, sums in {"A": [132.0], "B": [36.0]}.items():
        data, errors = await site.ask(role, BALANCE, id=site.id_of("Community", name))

        assert errors == []
        found = data["node"] and data["node"]["balance"]
        if name == "B" and role not in IN_B | ROOT:
            assert found is None
        else:
            is_told = role in BALANCES[name]
            reasons = {each["reason"] for each in found["suppressed"] if each["direction"] == "WITHDRAWN"}
            expected = (sums, set()) if is_told else ([None], {"FEWER_THAN_FIVE"})
            assert (found["withdrawnKwh"], reasons) == expected


@pytest.mark.parametrize("role", ROLES)
async def test_sums_of_a_run_of_few_are_for_administrators(site: Site, role: str) -> None:
    """Six of A was made for many, three of A for few."""
    for name, heads in {"six of A": HEAD_OF_A, "three of A": HEAD_OF_A, "three of B": HEAD_OF_B}.items():
        data, errors = await site.ask(role, RUN, id=site.id_of("AllocationRun", name))

        assert errors == []
        run: dict[str, Any] = data["node"]
        if role not in (IN_A if name.endswith("A") else IN_B) | ROOT:
            assert run is None
            continue
        is_told = name == "six of A" or role in heads | ROOT
        shown = {key: value for key, value in run.items() if key.endswith("Kwh") or key == "inputDigest"}
        assert {value is not None for value in shown.values()} == {is_told}
        reason = None if is_told else "FEWER_THAN_FIVE"
        assert (run["injectedSuppressed"], run["withdrawnSuppressed"]) == (reason, reason)
