"""Statistics are of the own trades alone."""

import pytest

from tests.api.authorization.people import ROLES
from tests.api.authorization.site import Site

STATISTICS = """
{ viewer { tradingStatistics(period: {start: "2025-12-01T00:00:00Z", end: "2027-12-01T00:00:00Z"}, by: MONTH) {
  total { purchasesCount salesCount } } } }
"""


@pytest.mark.parametrize("role", ROLES)
async def test_statistics_are_of_the_own_trades_alone(site: Site, role: str) -> None:
    data, errors = await site.ask(role, STATISTICS)

    traded = {"purchasesCount": int(role == "member"), "salesCount": int(role == "unlisted member")}  # Gus to Bob.
    shown = data["viewer"] and data["viewer"]["tradingStatistics"]["total"]
    assert (shown, errors) == (None if role == "nobody" else traded, [])
