"""Send a request until it is acknowledged, and follow a stream whatever happens to the connection."""

import asyncio
import contextlib
import json
import random
import time
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import httpx2

from api.engine.declarations import global_id, parse_id
from tests.faults.journal import Act, Asked, Journal, Told

PATIENCE_S = 5.0
SILENCE_S = 15.0  # A stream that says nothing for so long is opened anew.
RUNNING = "IDEMPOTENCY_IN_PROGRESS"  # Not an answer yet.
UNEXPECTED = "INTERNAL"
FIELDS = {
    Act.PLACE: ("placeOrder", "order"),
    Act.AMEND: ("amendOrder", "order"),
    Act.CANCEL: ("cancelOrder", "order"),
    Act.DEPOSIT: ("requestDeposit", "payment"),
}
TRADES = """subscription($market: ID!, $after: String) { trades(marketId: $market, after: $after) {
    cursor trade { id } } }"""
LOST = (httpx2.HTTPError, httpx2.InvalidURL, TimeoutError, OSError, ValueError)


class Api:
    """The API at an address, which may be away at any moment."""

    def __init__(self, http: httpx2.AsyncClient, url: str, journal: Journal) -> None:
        self._http = http
        self._url = f"{url}/graphql"
        self.journal = journal

    async def acknowledged(self, asked: Asked, chance: random.Random, leaves_after_s: float | None = None) -> Told:
        """Ask, again and again with the same key, until there is an answer, and write it down.

        leaves_after_s: how long the client listens the first time, so that some answers find nobody.
        """
        self.journal.asked[asked.key] = asked
        patience_s = leaves_after_s or PATIENCE_S
        while (told := await self.ask(asked, patience_s)) is None:
            self.journal.lost[asked.act] += 1
            patience_s = PATIENCE_S
            await asyncio.sleep(chance.uniform(0.05, 0.3))
        self.journal.told[asked.key] = told
        self.journal.answered_at.append(time.monotonic())
        return told

    async def ask(self, asked: Asked, patience_s: float = PATIENCE_S) -> Told | None:
        """What is answered, None where the answer is lost or none."""
        field, made = FIELDS[asked.act]
        document = (
            f"mutation($input: {field[0].upper()}{field[1:]}Input!) "
            f"{{ {field}(input: $input) {{ {made} {{ id }} errors {{ code }} }} }}"
        )
        try:
            async with asyncio.timeout(patience_s):
                answer = await self._http.post(
                    self._url,
                    json={"query": document, "variables": {"input": asked.input}},
                    headers={"authorization": f"Bearer {asked.token}"},
                )
            told = answer.json()
            self.journal.unexpected += sum(
                error["extensions"]["code"] == UNEXPECTED for error in told.get("errors", ())
            )
            payload = told["data"][field]
            codes = [error["code"] for error in payload["errors"]]
            if codes:
                return None if codes == [RUNNING] else Told(code=codes[0])
            return Told(id=_key(payload[made]["id"]))
        except (*LOST, KeyError, TypeError):  # Also where the answer is that of a broken service.
            return None

    async def trades(self, market_id: UUID, token: str, seen: list[UUID]) -> None:
        """Follow the trades of a market from its first one on for ever; after each loss the stream goes on."""
        cursor = ""
        while True:
            with contextlib.suppress(*LOST, KeyError, TypeError):
                async for event in self._events(market_id, token, cursor):
                    cursor = event["cursor"]
                    seen.append(_key(event["trade"]["id"]))
            await asyncio.sleep(0.2)

    async def _events(self, market_id: UUID, token: str, after: str) -> AsyncIterator[Any]:
        headers = {"authorization": f"Bearer {token}", "accept": "text/event-stream"}
        variables = {"market": global_id("Market", market_id), "after": after}
        content = {"query": TRADES, "variables": variables}
        timeout = httpx2.Timeout(PATIENCE_S, read=SILENCE_S)
        async with self._http.stream("POST", self._url, headers=headers, json=content, timeout=timeout) as answer:
            name = ""
            async for line in answer.aiter_lines():
                said, _, value = line.partition(": ")
                if said == "event":
                    name = value
                elif said == "data" and name == "next":
                    yield json.loads(value)["data"]["trades"]


def _key(id: str) -> UUID:
    parsed = parse_id(id)
    assert parsed is not None, id
    return parsed[1]
