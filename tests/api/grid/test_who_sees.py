"""Loads of few are for who operates the zone."""

import pytest

from tests.api.authorization.people import ROLES, ROOT
from tests.api.authorization.site import Site

# Loads of zones by the points and members they were metered of: who gets those of few, by zone. Ada's application holds
# none of her roles.
LOADS_OF_FEW = {"north": frozenset({"grid operator"}) | ROOT, "south": ROOT}
LOAD = """
query ($id: ID!) { node(id: $id) { ... on MarketZone {
  load(period: {start: "2026-01-31T23:00:00Z", end: "2026-02-01T02:00:00Z"}) { loadKw withdrawnKwh utilisation level }
  analytics(period: {start: "2026-01-31T23:00:00Z", end: "2026-02-01T02:00:00Z"}) { measuredHours peakUtilisation }
} } }
"""


@pytest.mark.parametrize("role", ROLES)
async def test_loads_of_few_are_for_who_operates_the_zone(site: Site, role: str) -> None:
    """The hours of the period have one load each: of four points, of four members, and of five of both."""
    for zone, may_see_all in LOADS_OF_FEW.items():
        data, errors = await site.ask(role, LOAD, id=site.id_of("MarketZone", zone))

        load, hours = data["node"]["load"], data["node"]["analytics"]["measuredHours"]
        hidden = None if role not in may_see_all else 100.0
        assert ([load["loadKw"][quarter] for quarter in (0, 4, 8)], errors) == ([hidden, hidden, 100.0], [])
        for column in ("withdrawnKwh", "utilisation", "level"):
            assert [load[column][quarter] is None for quarter in (0, 4, 8)] == [hidden is None, hidden is None, False]
        assert hours == ("0.25" if hidden is None else "0.75")
