"""Clocks of machines are wrong, jump and are put right, and trading goes on: there is one clock, the database's."""

import math
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families as metrics_of

from api.engine.declarations import global_id
from api.resources import database
from domain.identity import sessions
from tests.acceptance.stack import programs
from tests.acceptance.stack.programs import Running
from tests.conftest import Server
from tests.factories.market import a_delivery, a_market, a_trader
from tests.skewing import SKEWS_S, ShiftedClock, compiled, has_compiler

PROCESSES = ("api", "worker", "relay")
TRADES_WITHIN_S, SHOWN_WITHIN_S = 20.0, 15.0
CLOSE_S = 0.5
PLACE = """mutation($input: PlaceOrderInput!) { placeOrder(input: $input) { order { id } errors { code } } }"""
MINE = """query($after: String) { viewer { orders(first: 100, after: $after) {
    edges { node { id status placedAt } } pageInfo { endCursor } } } }"""


@dataclass
class Trading:
    """A buyer and a seller of one market, and the clocks of the processes that serve them."""

    up: Running
    tokens: Mapping[str, str]
    market: str
    clocks: Mapping[str, ShiftedClock]
    placed: int = 0
    cursor: str | None = None

    def ask(self, side: str, query: str, **variables: Any) -> Any:
        answer = self.up.http.post(
            f"{self.up.url}/graphql",
            json={"query": query, "variables": variables},
            headers={"authorization": f"Bearer {self.tokens[side]}"},
        ).json()
        assert "errors" not in answer, answer
        return answer["data"]

    def place(self, side: str, start: datetime, end: datetime) -> dict[str, Any]:
        self.placed += 1
        given = {
            "marketId": self.market,
            "side": side,
            "energyKwh": "1",
            "limitPrice": "0.2",
            "delivery": {"start": start.isoformat(), "end": end.isoformat()},
            "idempotencyKey": f"clocks {self.placed}",
        }
        placed: dict[str, Any] = self.ask(side, PLACE, input=given)["placeOrder"]
        return placed

    def trade(self) -> None:
        """Both place an order: each is the next one after the cursor of its list, and both are filled in time."""
        period, began = a_delivery(), datetime.now(UTC)
        orders = {side: self.place(side, period.start, period.end)["order"]["id"] for side in ("SELL", "BUY")}
        deadline = time.monotonic() + TRADES_WITHIN_S
        while True:
            page = self.ask("BUY", MINE, after=self.cursor)["viewer"]["orders"]
            (node,) = (edge["node"] for edge in page["edges"])
            if node["status"] == "FILLED":
                break
            assert time.monotonic() < deadline, f"not cleared: {node}"
            time.sleep(0.1)
        assert node["id"] == orders["BUY"]
        assert began <= datetime.fromisoformat(node["placedAt"]) <= datetime.now(UTC)
        self.cursor = page["pageInfo"]["endCursor"]

    def refuse_what_has_begun(self) -> None:
        """Of the interval that runs now nothing can be ordered."""
        now = datetime.now(UTC)
        start = now.replace(minute=now.minute // 15 * 15, second=0, microsecond=0)
        placed = self.place("BUY", start, start + timedelta(minutes=15))
        assert placed["order"] is None
        assert [error["code"] for error in placed["errors"]] == ["MARKET_CLOSED"]

    def ready(self) -> str:
        checks = self.up.http.get(f"{self.up.url}/readyz").json()["checks"]
        return str(checks["clock"])

    def ahead_s(self) -> dict[str, float]:
        """What metrics say of each process."""
        text = self.up.http.get(f"{self.up.url}/metrics").text
        return {
            sample.labels.get("process", "api"): sample.value
            for family in metrics_of(text)
            for sample in family.samples
            if sample.name in ("commonwatt_clock_ahead_seconds", "commonwatt_machine_clock_ahead_seconds")
        }

    def shows(self, skews_s: Mapping[str, int]) -> None:
        """Metrics tell of each process what its clock shows, in time."""
        deadline = time.monotonic() + SHOWN_WITHIN_S
        while any(abs(self.ahead_s().get(name, math.inf) - skew_s) > CLOSE_S for name, skew_s in skews_s.items()):
            assert time.monotonic() < deadline, self.ahead_s()
            time.sleep(0.5)


@pytest.fixture
async def founded(processes: None, server: Server) -> AsyncIterator[tuple[str, dict[str, str], str]]:
    """A database with a market and two traders, signed in."""
    if not has_compiler():
        pytest.skip("no C compiler (cc), which makes clocks of processes differ")
    url = await server.create_database()
    connected = database.connect(url, role=None, pool=1)
    tokens = {}
    async with connected.transaction() as session:
        market = await a_market(session)
        for side in ("SELL", "BUY"):
            user_id = (await a_trader(session)).user_id
            assert user_id is not None
            tokens[side] = (await sessions.open_session(session, user_id)).access_token
    await connected.close()
    yield url, tokens, global_id("Market", market)
    await server.drop_database(url)


async def test_markets_clear_whatever_the_clocks_of_processes_show(
    founded: tuple[str, dict[str, str], str], valkey_url: str, tmp_path: Path
) -> None:
    """Started with wrong clocks, and then over every jump of each process's."""
    url, tokens, market = founded
    library = compiled(tmp_path)
    clocks = {name: ShiftedClock(library, tmp_path / name) for name in PROCESSES}
    for name, skew_s in zip(PROCESSES, (-600, 600, 3_660), strict=True):
        clocks[name].jump_to(skew_s)
    with ExitStack() as stack:
        each = {name: clock.environment for name, clock in clocks.items()}
        redis_url = f"{valkey_url.removesuffix('/0')}/8"
        up = stack.enter_context(programs.running(url, redis_url, tmp_path, each=each, unready={"clock"}))
        trading = Trading(up, tokens, market, clocks)
        trading.trade()
        for turn in range(len(SKEWS_S)):
            skews_s = {name: SKEWS_S[(turn + place) % len(SKEWS_S)] for place, name in enumerate(PROCESSES)}
            for name, clock in clocks.items():
                clock.jump_to(skews_s[name])
            skew_s = SKEWS_S[turn]
            trading.trade()
            trading.refuse_what_has_begun()
            assert abs(trading.ahead_s()["api"] - skew_s) < CLOSE_S
            time.sleep(1.1)  # A check is looked at once a second.
            assert trading.ready() == ("failed" if skew_s else "ok")
        trading.shows(skews_s)
        assert "from the database's" in (tmp_path / "relay.log").read_text()
        assert "BREACH" not in up.run("bin/verify")
