"""What the clients do: place orders on both sides, amend and cancel some, pay money in.

Energy and amounts are chosen so that no two orders, and no two deposits, of a user are alike: what was made twice can
be told without looking at keys.
"""

import asyncio
import random
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from itertools import count
from typing import Any
from uuid import UUID

from api.engine.declarations import global_id
from domain.kernel.intervals import floor_to
from domain.kernel.quantities import format_micro
from tests.faults.client import Api
from tests.faults.journal import Act, Asked
from tests.faults.world import Trader, World

CLIENTS = 8
PAUSE_S = (0.05, 0.3)
LEAVES = 0.1  # Share of the requests whose client does not wait for the first answer.
LEAVES_AFTER_S = (0.002, 0.04)
QUARTER = timedelta(minutes=15)
AHEAD = 6  # Quarter-hours within which deliveries begin.
LEAST_UKWH, STEP_UKWH = 1_000_000, 1_000  # Of the first order of a user, and how much more each next one has.
CENT_UEUR = 10_000
ACTS = {Act.PLACE: 72, Act.AMEND: 12, Act.CANCEL: 10, Act.DEPOSIT: 2}
Clock = Callable[[], datetime]


class Desk:
    """A client that acts for some traders, one request after another."""

    def __init__(self, number: int, seed: int, world: World, api: Api, now: Clock) -> None:
        self._chance = random.Random(f"{seed}/{number}")
        self._traders: Sequence[Trader] = world.traders[number::CLIENTS]
        self._markets = world.market_ids
        self._api = api
        self._now = now
        self._name = number
        self._numbers = count(1)
        self._open: dict[UUID, Trader] = {}  # Orders that may still be changed, as far as the client knows.

    async def work(self, is_over: asyncio.Event) -> None:
        """Go on until the run is over; the last request is acknowledged before this ends."""
        while not is_over.is_set():
            leaves = self._chance.random() < LEAVES
            leaves_after_s = self._chance.uniform(*LEAVES_AFTER_S) if leaves else None
            asked = self._next()
            told = await self._api.acknowledged(asked, self._chance, leaves_after_s)
            if asked.order_id is not None:
                self._open.pop(asked.order_id, None)
            if told.id is not None and asked.act in (Act.PLACE, Act.AMEND):
                self._open[told.id] = next(each for each in self._traders if each.user_id == asked.user_id)
            await asyncio.sleep(self._chance.uniform(*PAUSE_S))

    def _next(self) -> Asked:
        (act,) = self._chance.choices(list(ACTS), list(ACTS.values()))
        number = next(self._numbers)
        trader = self._chance.choice(self._traders)
        if act is Act.DEPOSIT:
            return self._deposit(number, trader)
        if act is Act.PLACE or not self._open:
            return self._order(number, trader)
        return self._change(number, act, self._chance.choice(list(self._open)))

    def _order(self, number: int, trader: Trader) -> Asked:
        chance = self._chance
        is_buy = chance.random() < 0.5
        energy_ukwh = LEAST_UKWH + number * STEP_UKWH
        start = floor_to(self._now(), 15) + chance.randint(1, AHEAD) * QUARTER
        input = {
            "marketId": global_id("Market", chance.choice(self._markets)),
            "side": "BUY" if is_buy else "SELL",
            "energyKwh": format_micro(energy_ukwh),
            "limitPrice": format_micro(
                chance.randrange(1000, 3500) * 100 if is_buy else chance.randrange(500, 2500) * 100
            ),
            "delivery": {"start": start.isoformat(), "end": (start + chance.randint(1, 3) * QUARTER).isoformat()},
        }
        way = chance.random()
        if way < 0.15:
            input["filling"] = "FLEXIBLE"
        elif way < 0.3:
            input["minimumFillKwh"] = format_micro(energy_ukwh // 2 // 1_000 * 1_000)
        if is_buy and chance.random() < 0.1:
            input["accepts"] = "GREEN"
        elif not is_buy and chance.random() < 0.6:
            input["source"] = "SOLAR"
        return self._asked(number, Act.PLACE, trader, input, mark=energy_ukwh)

    def _change(self, number: int, act: Act, order_id: UUID) -> Asked:
        input: dict[str, Any] = {"id": global_id("Order", order_id)}
        if act is Act.AMEND and self._chance.random() < 0.5:
            input["limitPrice"] = format_micro(self._chance.randrange(500, 3500) * 100)
        elif act is Act.AMEND:
            input["energyKwh"] = format_micro(self._chance.randrange(100, 1000) * 1_000)
        return self._asked(number, act, self._open[order_id], input, order_id=order_id)

    def _deposit(self, number: int, trader: Trader) -> Asked:
        amount_ueur = (100 + number) * CENT_UEUR
        return self._asked(number, Act.DEPOSIT, trader, {"amount": format_micro(amount_ueur)}, mark=amount_ueur)

    def _asked(self, number: int, act: Act, trader: Trader, input: dict[str, Any], **facts: Any) -> Asked:
        key = f"{self._name}-{number}"
        if act is not Act.CANCEL:  # To cancel an order twice is to cancel it once.
            input["idempotencyKey"] = key
        return Asked(key, act, trader.user_id, trader.token, input, **facts)
