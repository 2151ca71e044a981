"""Readings are read and posted for the days that concern who asks."""

import httpx2
import pytest

from tests.api.authorization.people import BOB, FRED, GUS, HAL, HEAD_OF_A, HEAD_OF_B, IVY, ROLES, ROOT
from tests.api.authorization.site import Site

# Who gets readings of a metering point on a day.
SEEN: dict[tuple[str, str], frozenset[str]] = {
    ("bob", "2026-02-10"): BOB | HEAD_OF_A | ROOT,
    ("fred", "2026-02-10"): FRED | HEAD_OF_A | HEAD_OF_B | ROOT,
    ("gus", "2026-02-10"): GUS | HEAD_OF_B | ROOT,
    ("house", "2026-02-10"): HAL | HEAD_OF_A | ROOT,
    ("house", "2026-03-10"): IVY | HEAD_OF_A | ROOT,
}

# Who may post readings of which point and day: those on which it took part where the owner of the key sees it.
POSTS: dict[tuple[str, str, str], bool] = {
    ("hal's gateway", "house", "2026-02-11"): True,
    ("hal's gateway", "house", "2026-03-11"): False,
    ("ivy's gateway", "house", "2026-02-12"): False,
    ("ivy's gateway", "house", "2026-03-12"): True,
    ("eve's gateway", "eve", "2026-02-11"): True,
    ("eve's gateway", "fred", "2026-02-11"): True,  # She administers B, where he takes part, too.
    ("eve's gateway", "bob", "2026-02-11"): False,
    ("meter gateway", "house", "2026-02-13"): True,
    ("meter gateway", "gus", "2026-02-11"): False,
}

READINGS = """
query ($id: ID!, $start: DateTime!, $end: DateTime!) { node(id: $id) { ... on MeteringPoint {
  readings(period: {start: $start, end: $end}, direction: WITHDRAWN, resolution: HOUR) { energyKwh missing }
} } }
"""


@pytest.mark.parametrize("role", ROLES)
async def test_readings_are_seen_for_the_days_that_concern_the_role(site: Site, role: str) -> None:
    told: dict[tuple[str, str], bool] = {}
    for point, day in SEEN:
        span = {"start": f"{day}T00:00:00Z", "end": f"{day}T12:00:00Z"}
        data, errors = await site.ask(role, READINGS, id=site.id_of("MeteringPoint", point), **span)
        assert errors == []
        told[point, day] = bool(data["node"]) and sum(data["node"]["readings"]["energyKwh"]) > 0

    assert told == {cell: role in seen for cell, seen in SEEN.items()}


@pytest.mark.parametrize(("key", "point", "day"), sorted(POSTS))
async def test_gateways_post_for_days_that_concern_them(
    site: Site, rest: httpx2.AsyncClient, key: str, point: str, day: str
) -> None:
    entry = {"point": f"POINT-{point}", "direction": "WITHDRAWN", "resolutionMinutes": 15}
    readings = [entry | {"start": f"{day}T08:00:00Z", "values": ["0.25"]}]

    answer = await rest.post(
        "/v1/readings", json={"readings": readings}, headers={"authorization": f"Bearer {site.world.tokens[key]}"}
    )

    assert answer.status_code == (200 if POSTS[key, point, day] else 422), answer.text
