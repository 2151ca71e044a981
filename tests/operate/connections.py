"""A server with twenty connections, three APIs that would open sixty, a worker, a relay: thirty-two clients are served.

Two clients of three read or write over HTTP, the third over a socket, all at once and without pause. Nobody is refused,
and no socket is closed.
"""

import asyncio
import json
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import httpx2
from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException
from websockets.typing import Subprotocol

from api.resources import database
from bin.devstack.ports import LOOPBACK, any_free
from bin.devstack.stack import Stack
from domain.identity import sessions
from tests import places
from tests.factories.identity import a_user
from tests.operate.servers import Server
from tests.operate.site import Row, traded

CONNECTIONS, APIS, CLIENTS = 20, 3, 32
CROWD_S = 10.0
READY_S = 60.0
AWAY_S_MAX = 10.0  # UNAVAILABLE comes late, and nothing is lost meanwhile.
READ = {"query": "{ viewer { user { id } } markets(first: 5) { edges { node { id name } } } }"}
WRITE = {"query": "mutation { setLanguage(input: {language: FR}) { errors { code } } }"}
ANSWER_S_MAX = 30.0


@dataclass
class Crowd:
    """What became of what was asked."""

    answered: int = 0
    refused: list[str] = field(default_factory=list)

    def take(self, body: dict[str, object], way: str) -> None:
        if body.get("errors") or not body.get("data"):
            self.refused.append(f"{way}: {json.dumps(body)[:160]}")
        else:
            self.answered += 1


async def run(directory: Path) -> Sequence[Row]:
    """Start them all, and ask."""
    places.prepare(directory)
    server = Server(directory / "data", {"max_connections": str(CONNECTIONS)})
    server.copy_migrated()
    crowd = Crowd()
    try:
        await server.start()
        os.environ["DATABASE_URL"] = server.url

        async def ask(stack: Stack) -> None:
            os.environ.update(stack.environment_for_clients())
            urls = [stack.url, *[await _api(server, any_free()) for _ in range(APIS - 1)]]
            tokens = await _tokens(server.url)
            until_s = time.monotonic() + CROWD_S
            clients = [
                (_over_a_socket if number % 3 == 0 else _over_http)(urls[number % APIS], token, until_s, crowd)
                for number, token in enumerate(tokens)
            ]
            await asyncio.gather(*clients)

        what = f"{CLIENTS} clients of {APIS} APIs on {CONNECTIONS} connections"
        row = await traded(what, directory, ask, away_s_max=AWAY_S_MAX)
    finally:
        await server.stop()
    broken = [*row.broken, *crowd.refused[:3]] if crowd.answered else ["nobody was answered"]
    return [replace(row, requests=row.requests + crowd.answered + len(crowd.refused), broken=broken)]


async def _api(server: Server, port: int) -> str:
    """One more API, once it is ready."""
    await server.beside(f"API {port}", "-m", "api", "--port", str(port))
    url = f"http://{LOOPBACK}:{port}"
    async with httpx2.AsyncClient(trust_env=False) as http, asyncio.timeout(READY_S):
        while True:
            try:
                if (await http.get(f"{url}/readyz")).status_code == 200:
                    return url
            except httpx2.HTTPError:
                pass
            await asyncio.sleep(0.1)


async def _tokens(url: str) -> list[str]:
    """A session of a user of its own for each client."""
    opened = database.connect(url, role="commonwatt_app", pool=1)
    async with opened.transaction() as session:
        made = [await sessions.open_session(session, (await a_user(session)).id) for _ in range(CLIENTS)]
    await opened.close()
    return [each.access_token for each in made]


async def _over_http(url: str, token: str, until_s: float, crowd: Crowd) -> None:
    async with httpx2.AsyncClient(trust_env=False, timeout=ANSWER_S_MAX) as http:
        http.headers["authorization"] = f"Bearer {token}"
        number = 0
        while time.monotonic() < until_s:
            number += 1
            try:
                answer = await http.post(f"{url}/graphql", json=WRITE if number % 5 == 0 else READ)
                crowd.take(answer.json(), f"HTTP {answer.status_code}")
            except (httpx2.HTTPError, ValueError) as error:
                crowd.refused.append(f"HTTP: {type(error).__name__}")


async def _over_a_socket(url: str, token: str, until_s: float, crowd: Crowd) -> None:
    protocol = Subprotocol("graphql-transport-ws")
    try:
        async with connect(f"ws{url.removeprefix('http')}/graphql", subprotocols=[protocol]) as opened:
            await opened.send(json.dumps({"type": "connection_init", "payload": {"authorization": f"Bearer {token}"}}))
            async with asyncio.timeout(ANSWER_S_MAX):
                await opened.recv()
            number = 0
            while time.monotonic() < until_s:
                number += 1
                await opened.send(json.dumps({"id": str(number), "type": "subscribe", "payload": READ}))
                async with asyncio.timeout(ANSWER_S_MAX):
                    while (said := json.loads(await opened.recv()))["type"] != "complete":
                        if said["type"] in ("next", "error"):
                            payload = said["payload"]
                            crowd.take(payload if isinstance(payload, dict) else {"errors": payload}, "socket")
                        if said["type"] == "error":
                            break
    except (WebSocketException, OSError, TimeoutError) as error:
        crowd.refused.append(f"socket: {type(error).__name__}: {error}")
