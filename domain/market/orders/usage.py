"""What stands against a new order: what its owner has committed to deliver, and what limits of the zone are used up.

Read after the owner's accounts are locked, in a statement of its own: it sees what others committed meanwhile. Energy
of one side counts as it is offered and not closed, or as it was traded; a flexible order counts whole in each
interval. Days are those of UTC in which deliveries start.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

from domain.communities.tables import AssetKind
from domain.grid.tables import LimitKind
from domain.kernel.sql import Statement, Transaction
from domain.market.orders.orders import Proposal
from domain.market.orders.validation import Terms
from domain.market.places.tables import EnergySource, OrderSide

SOURCE_OF_PLANT = {
    AssetKind.PV: EnergySource.SOLAR,
    AssetKind.WIND: EnergySource.WIND,
    AssetKind.HYDRO: EnergySource.HYDRO,
    AssetKind.BIOMASS: EnergySource.BIOMASS,
    AssetKind.STORAGE: EnergySource.STORAGE,
}


@dataclass(frozen=True, slots=True)
class Asked:
    """A proposal, who proposes it, and the terms of its market."""

    owner_id: UUID
    proposal: Proposal
    terms: Terms

    @property
    def needs_capacity(self) -> bool:
        """Whether it is bounded by what its owner's plants can inject."""
        return self.terms.is_capacity_checked and self.proposal.side is OrderSide.SELL

    @property
    def needs_plants(self) -> bool:
        """Whether it matters which plants its owner has: they bound what is sold, and say what it is."""
        return self.proposal.side is OrderSide.SELL

    @property
    def starts(self) -> list[datetime]:
        """Starts of its delivery intervals."""
        delivery, step = self.proposal.delivery, timedelta(minutes=self.terms.delivery_minutes)
        return [delivery.start + step * n for n in range(delivery.intervals(self.terms.delivery_minutes))]

    @property
    def days(self) -> set[date]:
        """Days of its delivery intervals."""
        return {start.date() for start in self.starts}


@dataclass(slots=True)
class Usage:
    """Power and sources of plants by owner and day, and micro-kWh.

    Committed by owner and delivery; used by owner, side and day, and by zone.
    """

    capacity_w: dict[tuple[UUID, date], int] = field(default_factory=dict)
    plants: dict[tuple[UUID, date], frozenset[EnergySource]] = field(default_factory=dict)
    committed: dict[tuple[UUID, datetime], int] = field(default_factory=lambda: defaultdict(int))
    on_day: dict[tuple[UUID, UUID, OrderSide, date], int] = field(default_factory=lambda: defaultdict(int))
    in_zone: dict[tuple[UUID, OrderSide, datetime], int] = field(default_factory=lambda: defaultdict(int))

    def capacity_ukwh(self, asked: Asked) -> int:
        """The most that the owner's plants inject in each of the order's intervals."""
        power_w = min(self.capacity_w.get((asked.owner_id, day), 0) for day in asked.days)
        return power_w * 1_000 * asked.terms.delivery_minutes // 60

    def sources(self, asked: Asked) -> frozenset[EnergySource]:
        """Of what sources the owner has a plant on each of the order's days."""
        each_day = [self.plants.get((asked.owner_id, day), frozenset()) for day in asked.days]
        return frozenset.intersection(*each_day) if asked.needs_plants else frozenset()

    def source(self, asked: Asked) -> EnergySource | None:
        """Where the energy of an order comes from: as it says, or from the one source of its owner's plants.

        What comes out of a storage has no source of its own, so it is never taken for granted.
        """
        each_day = {self.plants.get((asked.owner_id, day), frozenset()) for day in asked.days}
        if asked.proposal.source is not None or not asked.needs_plants or len(each_day) != 1:
            return asked.proposal.source
        (sources,) = each_day
        return next(iter(sources)) if len(sources) == 1 and EnergySource.STORAGE not in sources else None

    def add(self, asked: Asked) -> None:
        """Count an order that was just placed, for those after it in the same transaction."""
        proposal = asked.proposal
        for start in asked.starts:
            energy, market = proposal.energy_ukwh, proposal.market_id
            if proposal.side is OrderSide.SELL:
                self.committed[asked.owner_id, start] += energy
            self.on_day[market, asked.owner_id, proposal.side, start.date()] += energy
            self.in_zone[market, proposal.side, start] += energy

    def committed_ukwh(self, asked: Asked) -> int:
        """The most that the owner has committed in one of the order's intervals."""
        return max((self.committed.get((asked.owner_id, start), 0) for start in asked.starts), default=0)

    def used_on_day_ukwh(self, asked: Asked) -> tuple[int, int]:
        """What is used on the order's fullest day, and what the order adds on it."""
        proposal, adds = asked.proposal, defaultdict[date, int](int)
        for start in asked.starts:
            adds[start.date()] += proposal.energy_ukwh
        key = proposal.market_id, asked.owner_id, proposal.side
        return max(((self.on_day.get((*key, day), 0), added) for day, added in adds.items()), key=sum)

    def used_in_zone_ukwh(self, asked: Asked) -> int:
        """The most that is used in one of the order's intervals."""
        proposal = asked.proposal
        return max(
            (self.in_zone.get((proposal.market_id, proposal.side, start), 0) for start in asked.starts), default=0
        )


class Capacity(NamedTuple):
    """Power of an owner's plants on a day, and what they are."""

    owner_id: UUID
    day: date
    power_w: Decimal
    kinds: list[str]


class Committed(NamedTuple):
    """What an owner offers or has sold in a delivery interval."""

    owner_id: UUID
    delivery_start: datetime
    energy_ukwh: Decimal


class UsedOnDay(NamedTuple):
    """What of an owner counts on a day of a market, by side."""

    market_id: UUID
    owner_id: UUID
    side: str
    day: date
    energy_ukwh: Decimal


class UsedInZone(NamedTuple):
    """What counts in a delivery interval of a market, by side."""

    market_id: UUID
    side: str
    delivery_start: datetime
    energy_ukwh: Decimal


async def read(transaction: Transaction, asked: Sequence[Asked]) -> Usage:
    """What stands against orders; only what is asked about, so that most transactions read nothing."""
    usage = Usage()
    sellers = [each for each in asked if each.needs_plants]
    if sellers:
        owners, days = zip(*sorted({(each.owner_id, day) for each in sellers for day in each.days}), strict=True)
        rows = await CAPACITY.rows(transaction, {"owners": list(owners), "days": list(days)})
        usage.capacity_w = {(row.owner_id, row.day): int(row.power_w) for row in rows}
        usage.plants = {
            (row.owner_id, row.day): frozenset(SOURCE_OF_PLANT[AssetKind(kind)] for kind in row.kinds) for row in rows
        }
    bounded = [each for each in sellers if each.needs_capacity]
    if bounded:
        for row in await BY_OWNER.rows(transaction, _windows(bounded)):
            usage.committed[row.owner_id, row.delivery_start] = int(row.energy_ukwh)
    limited = [each for each in asked if LimitKind.PER_MEMBER_AND_DAY in each.terms.limits_ukwh]
    if limited:
        for used in await BY_DAY.rows(transaction, _windows(limited)):
            key = used.market_id, used.owner_id, OrderSide(used.side), used.day
            usage.on_day[key] = int(used.energy_ukwh)
    limited = [each for each in asked if LimitKind.PER_ZONE_AND_INTERVAL in each.terms.limits_ukwh]
    if limited:
        for each in await BY_ZONE.rows(transaction, _windows(limited)):
            usage.in_zone[each.market_id, OrderSide(each.side), each.delivery_start] = int(each.energy_ukwh)
    return usage


def _windows(asked: Iterable[Asked]) -> dict[str, list[object]]:
    windows = {
        (each.owner_id, each.proposal.market_id, each.proposal.delivery.start, each.proposal.delivery.end)
        for each in asked
    }
    owners, markets, starts, ends = (list(column) for column in zip(*sorted(windows), strict=True))
    return {"owners": owners, "markets": markets, "starts": starts, "ends": ends}


# Power of the plants behind an owner's metering points on a day, each plant once.
CAPACITY = Statement("""
    SELECT owner_id, day, sum(power_w) AS power_w, array_agg(DISTINCT kind) AS kinds FROM (
        SELECT DISTINCT asked.owner_id, asked.day, asset.id, asset.power_w, asset.kind
        FROM unnest(CAST(:owners AS uuid[]), CAST(:days AS date[])) AS asked (owner_id, day)
        JOIN member ON member.user_id = asked.owner_id
        JOIN participation ON participation.member_id = member.id AND participation.valid_from <= asked.day
             AND (participation.valid_to IS NULL OR participation.valid_to > asked.day)
        JOIN asset ON asset.metering_point_id = participation.metering_point_id) AS plant
    GROUP BY owner_id, day
""").into(Capacity)
ASKED = """
    unnest(CAST(:owners AS uuid[]), CAST(:markets AS uuid[]), CAST(:starts AS timestamptz[]),
           CAST(:ends AS timestamptz[])) AS asked (owner_id, market_id, window_start, window_end)"""
COUNTED = "CASE WHEN i.is_open THEN i.energy_ukwh ELSE i.filled_ukwh END"
BY_OWNER = Statement(f"""
    SELECT owner_id, delivery_start, sum(energy_ukwh) AS energy_ukwh FROM (
        SELECT DISTINCT o.owner_id, i.order_id, i.delivery_start, {COUNTED} AS energy_ukwh
        FROM {ASKED} JOIN market_order AS o ON o.owner_id = asked.owner_id AND o.side = 'SELL'
             AND o.delivery_end > asked.window_start AND o.delivery_start < asked.window_end
        JOIN order_interval AS i ON i.order_id = o.id
             AND i.delivery_start >= asked.window_start AND i.delivery_start < asked.window_end) AS counted
    GROUP BY owner_id, delivery_start
""").into(Committed)  # noqa: S608 - made of constants.
BY_DAY = Statement(f"""
    SELECT market_id, owner_id, side, day, sum(energy_ukwh) AS energy_ukwh FROM (
        SELECT DISTINCT o.market_id, o.owner_id, o.side, i.order_id, i.delivery_start,
               (i.delivery_start AT TIME ZONE 'UTC')::date AS day, {COUNTED} AS energy_ukwh
        FROM {ASKED} JOIN market_order AS o ON o.owner_id = asked.owner_id AND o.market_id = asked.market_id
             AND o.delivery_end > date_trunc('day', asked.window_start, 'UTC')
             AND o.delivery_start < date_trunc('day', asked.window_end, 'UTC') + interval '1 day'
        JOIN order_interval AS i ON i.order_id = o.id
             AND i.delivery_start >= date_trunc('day', asked.window_start, 'UTC')
             AND i.delivery_start < date_trunc('day', asked.window_end, 'UTC') + interval '1 day') AS counted
    GROUP BY market_id, owner_id, side, day
""").into(UsedOnDay)  # noqa: S608
BY_ZONE = Statement(f"""
    SELECT market_id, side, delivery_start, sum(energy_ukwh) AS energy_ukwh FROM (
        SELECT DISTINCT i.market_id, o.side, i.order_id, i.delivery_start, i.energy_ukwh - i.filled_ukwh AS energy_ukwh
        FROM {ASKED} JOIN order_interval AS i ON i.market_id = asked.market_id AND i.is_open
             AND i.delivery_start >= asked.window_start AND i.delivery_start < asked.window_end
        JOIN market_order AS o ON o.id = i.order_id
        UNION ALL
        SELECT DISTINCT c.market_id, traded.side, c.id, c.delivery_start, traded.energy_ukwh
        FROM {ASKED} JOIN clearing AS c ON c.market_id = asked.market_id
             AND c.delivery_start >= asked.window_start AND c.delivery_start < asked.window_end,
             LATERAL (VALUES ('BUY', c.bought_ukwh), ('SELL', c.sold_ukwh)) AS traded (side, energy_ukwh)) AS counted
    GROUP BY market_id, side, delivery_start
""").into(UsedInZone)  # noqa: S608
