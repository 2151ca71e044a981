"""Series of a run are told like its totals."""

import pytest

from tests.api.authorization.expectations import may_see
from tests.api.authorization.people import ROLES
from tests.api.authorization.site import Site

SERIES = """
query ($run: ID!, $member: ID!) { node(id: $run) { ... on AllocationRun {
  series(memberId: $member, period: {start: "2026-02-10T11:00:00Z", end: "2026-02-10T12:00:00Z"}) { sharedInKwh }
} } }
"""
RUN_OF = {
    "bob in A": "six of A",
    "fred in A": "six of A",
    "hal in A": "six of A",
    "cyn in A": "three of A",
    "fred in B": "three of B",
    "gus in B": "three of B",
}


@pytest.mark.parametrize("role", ROLES)
async def test_series_of_a_run_are_told_like_its_totals(site: Site, role: str) -> None:
    """Eve administers B, where Fred is too; what he shared in A is not hers to know, though she may see that run."""
    for run in site.seen(role, "AllocationRun"):
        for member in site.world.rows["Member"]:
            asked = {"run": site.id_of("AllocationRun", run), "member": site.id_of("Member", member)}
            data, errors = await site.ask(role, SERIES, **asked)
            total = f"{member} in {run[-1]}"
            is_told = total in site.world.rows["MemberAllocation"] and may_see(role, "MemberAllocation", total)
            is_there = RUN_OF.get(total) == run
            expected = [0.005] * 4 if is_told and is_there else None
            told = data["node"]["series"]["sharedInKwh"] if data and data["node"] else None
            assert (run, member, told) == (run, member, expected)
            assert errors == ([] if expected else ["BAD_USER_INPUT"])
