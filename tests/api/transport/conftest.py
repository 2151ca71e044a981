from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from api.transport.terms.settings import TransportSettings
from tests.api.transport import small_app

ADMIN = {"Authorization": "Bearer admin-token"}
ClientOf = Callable[..., TestClient]


@pytest.fixture
def client_of() -> Iterator[ClientOf]:
    """Makes a client of the small app with the settings and options a test needs."""
    with ExitStack() as open_clients:

        def make(settings: TransportSettings | None = None, **options: Any) -> TestClient:
            built = small_app.build(settings, **options)
            app = Starlette(routes=built.routes, middleware=built.middleware)
            app.state.live = built.live
            return open_clients.enter_context(TestClient(app, raise_server_exceptions=True))

        yield make


@pytest.fixture
def client(client_of: ClientOf) -> TestClient:
    return client_of()
