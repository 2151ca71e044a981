"""Loads that would tell of few are for who operates the zone."""

import pytest

from tests.api.authorization.people import ROLES, ROOT
from tests.api.authorization.site import Site

# Who gets what is withheld, by zone. Ada's application holds none of her roles.
ALL_LOADS = {"north": frozenset({"grid operator"}) | ROOT, "south": ROOT}
LOAD = """
query ($id: ID!) { node(id: $id) { ... on MarketZone {
  load(period: {start: "2026-01-31T23:00:00Z", end: "2026-02-01T02:00:00Z"}) {
    resolution injectedKwh withdrawnKwh loadKw utilisation level suppressed { direction reason period { start } } }
  analytics(period: {start: "2026-01-31T23:00:00Z", end: "2026-02-01T02:00:00Z"}) { measuredHours peakUtilisation }
} } }
"""


@pytest.mark.parametrize("role", ROLES)
async def test_loads_of_few_are_for_who_operates_the_zone(site: Site, role: str) -> None:
    """The hours of the period are of few who inject, of few who withdraw, and of many of both."""
    for zone, may_see_all in ALL_LOADS.items():
        data, errors = await site.ask(role, LOAD, id=site.id_of("MarketZone", zone))

        load, hours = data["node"]["load"], data["node"]["analytics"]["measuredHours"]
        if role in may_see_all:
            assert (load["resolution"], load["loadKw"], load["suppressed"]) == ("QUARTER_HOUR", [100.0] * 12, [])
        else:
            assert load["resolution"] == "HOUR"
            assert (load["injectedKwh"], load["withdrawnKwh"]) == ([None, 0.0, 0.0], [100.0, None, 100.0])
            for column in ("loadKw", "utilisation", "level"):
                assert [value is None for value in load[column]] == [True, True, False]
            assert load["suppressed"] == [
                {"direction": way, "reason": reason, "period": {"start": start}}
                for way, reason, start in (
                    ("INJECTED", "FEWER_THAN_FIVE", "2026-01-31T23:00:00Z"),
                    ("WITHDRAWN", "DIFFERENCE", "2026-02-01T00:00:00Z"),
                )
            ]
        assert (hours, errors) == ("3" if role in may_see_all else "1", [])
