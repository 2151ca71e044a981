"""Requests beside GraphQL cost points of the same budgets, and are refused before anything is looked up."""

from collections.abc import Mapping
from typing import Any

import pytest
from starlette.testclient import TestClient

from api import house
from api.transport.terms.settings import DocumentLimits, Rate, TransportSettings
from tests.api.transport.conftest import ADMIN, ClientOf
from tests.api.transport.http.posting import post
from tests.api.transport.small_schema import Viewer

PATH = "/graphiql/access"
POINTS = {PATH: 4_000}


class Seen:
    """Viewers of the tokens that were seen lately."""

    def __init__(self, **viewers: Viewer) -> None:
        self.viewers: Mapping[str, Viewer] = viewers

    def known(self, token: str | None) -> Viewer | None:
        return self.viewers.get((token or "").replace("-", "_"))

    def forget(self, token: str) -> None:
        raise AssertionError("nothing is forgotten here")


@pytest.fixture
def client(client_of: ClientOf) -> TestClient:
    settings = TransportSettings(limits=DocumentLimits(nodes=10), anonymous_rate=Rate(10, 0.01))
    return client_of(settings, points=POINTS, standing=Seen(admin_token=Viewer("admin-token", is_admin=True)))


def statuses(client: TestClient, count: int, path: str = PATH, **more: Any) -> list[int]:
    return [client.get(path, **more).status_code for _ in range(count)]


def test_a_request_costs_the_points_of_its_route_and_tells_what_is_left(client: TestClient) -> None:
    answer = client.get(PATH, headers=ADMIN)
    left = post(client, "{ budget { remaining } }", headers=ADMIN).json()["data"]["budget"]["remaining"]

    assert answer.headers["ratelimit"].startswith('"default";r=46000;')
    assert answer.headers["ratelimit-policy"] == '"default";q=50000;w=100'
    assert 0 <= left - 45_999 < 500  # A second gives 500 back.


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer somebody"}])
def test_an_address_pays_for_who_is_not_known(client: TestClient, headers: dict[str, str]) -> None:
    assert statuses(client, 10, headers=headers) == [401] * 10
    refused = client.get(PATH, headers=headers)

    assert refused.status_code == 429
    assert refused.json()["errors"][0]["extensions"]["code"] == "RATE_LIMITED"
    assert int(refused.headers["retry-after"]) == refused.json()["errors"][0]["extensions"]["retryAfter"]


def test_who_was_seen_lately_pays_and_not_the_address(client: TestClient) -> None:
    assert statuses(client, 11)[-1] == 429
    assert statuses(client, 12, headers=ADMIN) == [200] * 12
    assert statuses(client, 1, headers=ADMIN) == [429]


@pytest.mark.parametrize("path", ["/readyz", "/metrics"])
def test_supervisors_have_a_bucket_of_their_own(client: TestClient, path: str) -> None:
    statuses(client, 11)  # The address has nothing left.

    answered = statuses(client, 80, path)

    assert answered[:60] == [200] * 60
    assert answered[-1] == 429


def test_whether_the_process_is_alive_is_always_told(client: TestClient) -> None:
    statuses(client, 11)

    assert set(statuses(client, 200, "/healthz")) == {200}


def test_paths_that_are_none_are_not_free(client: TestClient) -> None:
    assert statuses(client, 11, "/nothing") == [404] * 10 + [429]


def test_what_is_checked_for_readiness_is_looked_at_once_a_second(client_of: ClientOf) -> None:
    looks = []

    async def look() -> None:
        looks.append(1)

    client = client_of(ready_checks={"database": look})

    assert set(statuses(client, 30, "/readyz")) == {200}
    assert len(looks) <= 3


def test_every_route_says_what_it_costs() -> None:
    parts = [part for room in house.rooms() for part in (*room.routes, *room.signed)]

    assert parts
    assert all(part.POINTS >= 1 for part in parts)
