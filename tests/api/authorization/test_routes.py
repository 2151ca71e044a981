"""Which REST routes let in whom: by a token, or by a signature alone."""

from types import SimpleNamespace
from typing import cast

import httpx2
import pytest
from starlette.applications import Starlette

from api import house
from api.resources.settings import Settings
from tests.api import registers
from tests.api.authorization import expectations
from tests.api.authorization.expectations import LET_IN, READ, SIGNED, may_see
from tests.api.authorization.people import ENDED, ROLES
from tests.api.authorization.site import Site

ROUTES = [part for room in house.rooms() for part in room.routes]
SIGNED_ROUTES = [part for room in house.rooms() for part in room.signed]


def test_every_route_has_an_expectation() -> None:
    there = {part.PATH: registers.room_of(part) for part in ROUTES}
    signed = {part.PATH: registers.room_of(part) for part in SIGNED_ROUTES}
    let_in = {path: room for (path, _), room in expectations.decided("let_in").items()}

    assert registers.undecided(expectations.REGISTER, there, let_in) == []
    assert registers.undecided(expectations.REGISTER, signed, expectations.decided("signed")) == []


@pytest.mark.parametrize("role", ROLES)
async def test_no_token_opens_a_route_that_asks_for_a_signature(site: Site, role: str) -> None:
    token = site.world.tokens[role]
    for part in SIGNED_ROUTES:
        settings = cast(Settings, SimpleNamespace(**SIGNED[part.PATH]))
        app = Starlette(routes=part.routes(site.database, settings))
        async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url="http://commonwatt") as client:
            headers = {"authorization": f"Bearer {token}"} if token else {}
            answer = await client.post(part.PATH, json={}, headers=headers)
            assert (answer.status_code, answer.json()["errors"][0]["extensions"]["code"]) == (401, "SIGNATURE_INVALID")


@pytest.mark.parametrize(("path", "community"), list(LET_IN))
@pytest.mark.parametrize("role", [*ROLES, *ENDED])
async def test_routes_let_in_who_they_are_for(
    site: Site, rest: httpx2.AsyncClient, role: str, path: str, community: str | None
) -> None:
    token = site.world.tokens[role]
    headers = {"authorization": f"Bearer {token}"} if token else {}
    query = {"community": site.id_of("Community", community)} if community else {}

    method = "GET" if path in READ else "POST"
    answer = await rest.request(method, path, params=query, headers=headers)

    if role == "nobody" or role in ENDED:
        assert answer.status_code == 401
    elif role in LET_IN[path, community]:
        assert answer.status_code == 400  # Nothing was sent.
        assert "no such community" not in answer.text
    elif community and not may_see(role, "Community", community):
        assert answer.status_code == 400
        assert "There is no such community." in answer.text
    else:
        assert answer.status_code == 403
