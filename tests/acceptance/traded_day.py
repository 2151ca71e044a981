"""The third chapter: what the homes had over and what they lacked on one day, traded between two linked zones."""

import json
import random
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from tests.acceptance.arithmetic import MicroKwh, decimal, micro
from tests.acceptance.published import HOUR, YEAR_START
from tests.acceptance.shared_year import Cer, Home
from tests.acceptance.stack.clients import Client
from tests.acceptance.stack.programs import Running

ZONES = {"MO-NORTH": (44.65, 44.75), "MO-SOUTH": (44.55, 44.65)}  # Rectangles, by southern and northern edge.
DAY, DAY_HOURS = 292, 24  # 20 May 2025: the day on which the homes shared the most.
QUARTER = timedelta(minutes=15)
QUARTERS = 4
LOT_UKWH = 1_000
CAPACITY_UKWH, COST_UEUR = 250_000, 5_000  # Each way and quarter-hour; of a kWh sent.
# Limit prices, EUR/kWh in steps of a cent, so that orders tie and time decides.
SEED, SELL_CENTS, BUY_CENTS = 2025, (5, 16), (8, 31)
FUNDS_EUR, ARRIVES_S = "5000", 30.0
WALLET = "{ viewer { wallet { available } } }"
SERIES = """query($run: ID!, $member: ID!, $period: PeriodInput!) { node(id: $run) { ... on AllocationRun {
    series(memberId: $member, period: $period) { injectedKwh withdrawnKwh } } } }"""


@dataclass(frozen=True, slots=True)
class Markets:
    """The two markets by the code of their zone."""

    ids: Mapping[str, str]

    @property
    def codes(self) -> tuple[str, str]:
        north, south = self.ids
        return north, south


@dataclass(frozen=True, slots=True)
class Placed:
    """An order as it was placed; orders are kept in the order of their placement."""

    id: str
    owner: int  # Number of the trader.
    zone: str
    side: str
    limit_ueur: int
    energy_ukwh: int  # In each quarter-hour of the delivery.
    starts: tuple[datetime, ...]


def open_markets(stack: Running, admin: Client, directory: Path) -> Markets:
    """Import the zones by the command line, open a market in each and link them both ways."""
    file = directory / "zones.geojson"
    file.write_text(json.dumps({"type": "FeatureCollection", "features": [_zone(code) for code in ZONES]}))
    by_code = ["--code", "code", "--name", "name", "--country", "=IT"]
    stack.commonwatt("import", "areas", file, "--kind", "market-zones", *by_code)
    edges = admin.ask("{ marketZones { edges { node { id code } } } }")["marketZones"]["edges"]
    zone_ids = {edge["node"]["code"]: edge["node"]["id"] for edge in edges}
    ids = {
        code: admin.change("createMarket", "market { id }", zoneId=zone_ids[code], name=code, isCapacityChecked=False)[
            "market"
        ]["id"]
        for code in ZONES
    }
    for here, there in (list(ZONES), list(ZONES)[::-1]):
        admin.change(
            "linkZones",
            "link { id }",
            fromZoneId=zone_ids[here],
            toZoneId=zone_ids[there],
            capacityKwh=decimal(CAPACITY_UKWH),
            cost=decimal(COST_UEUR),
        )
    return Markets(ids)


def _zone(code: str) -> Any:
    south, north = ZONES[code]
    west, east = 10.8, 11.1
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    geometry = {"type": "Polygon", "coordinates": [ring]}
    return {"type": "Feature", "properties": {"code": code, "name": f"Modena {code}"}, "geometry": geometry}


def pay_in(traders: Sequence[Client]) -> None:
    """Each trader pays in what its orders of the day may cost, and the money has arrived."""
    for trader in traders:
        trader.change("requestDeposit", "payment { id }", idempotencyKey="first", amount=FUNDS_EUR)
    deadline = time.monotonic() + ARRIVES_S
    while any(trader.ask(WALLET)["viewer"]["wallet"]["available"] != FUNDS_EUR for trader in traders):
        assert time.monotonic() < deadline, "the payment provider does not answer"
        time.sleep(0.2)


def zone_of(home: Home) -> str:
    """The first half of the homes trades in the north."""
    north, south = ZONES
    return north if home.number < 6 else south


def day_of(cer: Cer, run_id: str) -> dict[str, MicroKwh]:
    """What each home injected and withdrew on the day, micro-kWh of shape (hours, homes), asked of the allocation."""
    start = YEAR_START + DAY * DAY_HOURS * HOUR
    period = {"start": start.isoformat(), "end": (start + DAY_HOURS * HOUR).isoformat()}
    series = [
        cer.coordinator.ask(SERIES, run=run_id, member=home.member_id, period=period)["node"]["series"]
        for home in cer.homes
    ]
    sides = {"SELL": "injectedKwh", "BUY": "withdrawnKwh"}
    return {side: _micro_columns([one[name] for one in series]) for side, name in sides.items()}


def _micro_columns(kwh: Sequence[Sequence[float]]) -> MicroKwh:
    return np.rint(np.array(kwh).T * 1e6).astype(np.int64)


def place(cer: Cer, traders: Sequence[Client], markets: Markets, day: Mapping[str, MicroKwh]) -> list[Placed]:
    """The day again from the hour after next on, one order for each home and hour with something to trade."""
    first = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) + 2 * HOUR
    chance = random.Random(SEED)
    placed = []
    for hour in range(DAY_HOURS):
        for home in chance.sample(cer.homes, len(cer.homes)):
            for side, cents in (("SELL", SELL_CENTS), ("BUY", BUY_CENTS)):
                limit_ueur = chance.randrange(*cents) * 10_000
                energy_ukwh = int(day[side][hour, home.number]) // QUARTERS // LOT_UKWH * LOT_UKWH
                if energy_ukwh:
                    order = _order(markets, home, side, limit_ueur, energy_ukwh, first + hour * HOUR)
                    placed.append(_place(traders.index(home.owner), home, markets, order))
    return placed


def _order(
    markets: Markets, home: Home, side: str, limit_ueur: int, energy_ukwh: int, start: datetime
) -> dict[str, Any]:
    return {
        "idempotencyKey": f"{home.code} {side} {start.isoformat()}",
        "marketId": markets.ids[zone_of(home)],
        "side": side,
        "energyKwh": decimal(energy_ukwh),
        "limitPrice": decimal(limit_ueur),
        "delivery": {"start": start.isoformat(), "end": (start + HOUR).isoformat()},
        "source": "SOLAR" if side == "SELL" else None,
    }


def _place(owner: int, home: Home, markets: Markets, order: Mapping[str, Any]) -> Placed:
    id = home.owner.change("placeOrder", "order { id }", **order)["order"]["id"]
    start = datetime.fromisoformat(order["delivery"]["start"])
    return Placed(
        id=id,
        owner=owner,
        zone=zone_of(home),
        side=order["side"],
        limit_ueur=micro(order["limitPrice"]),
        energy_ukwh=micro(order["energyKwh"]),
        starts=tuple(start + n * QUARTER for n in range(QUARTERS)),
    )
