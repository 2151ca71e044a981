"""Markets, the links between their zones, and which markets clear together."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from domain.audit import entries
from domain.communities.tables import Community
from domain.geography.tables import MarketZone, ZoneLink
from domain.grid import halts
from domain.identity.viewers import Viewer
from domain.kernel.database import among
from domain.kernel.errors import DomainError, InvalidValue, NotAllowed, NotFound
from domain.kernel.intervals import Period
from domain.kernel.quantities import LOT_UKWH, TICK_UEUR_PER_KWH, WHOLE_PPM
from domain.market.places import changes
from domain.market.places.tables import ChargeKind, Market, MarketCharge, OrderSide, PricingRule

NAME_MAX = 120
BATCH_SECONDS_MAX = 900
DELIVERY_MINUTES = (15, 30, 60)
HORIZON_HOURS_MAX = 168
CAPACITY_UKWH_MAX = 10**15  # 1 TWh in a delivery interval.
LINK_COST_UEUR_PER_KWH_MAX = 4_000_000
PENALTY_UEUR_PER_KWH_MAX = 4_000_000
CHARGE_UEUR_PER_KWH_MAX = 4_000_000
GRACE_DAYS_MAX = 90


class MarketExists(DomainError):
    """A zone has one market."""

    def __init__(self, zone_id: UUID, market_id: UUID) -> None:
        super().__init__("The zone has a market already.")
        self.zone_id = zone_id
        self.market_id = market_id


class DeliveriesDiffer(DomainError):
    """Linked markets clear together, so they deliver in the same intervals."""

    def __init__(self, minutes: tuple[int, ...]) -> None:
        lengths = " and ".join(str(length) for length in minutes)
        super().__init__(f"Linked markets need delivery intervals of one length, not of {lengths} minutes.")
        self.minutes = minutes


@dataclass(frozen=True, slots=True)
class MarketInZone:
    """What a clearing needs to know of a market."""

    id: UUID
    zone_id: UUID
    batch_seconds: int
    delivery_minutes: int
    last_batch: int
    pricing: PricingRule = PricingRule.UNIFORM
    version: int = 1

    @property
    def delivery(self) -> timedelta:
        """Length of a delivery interval."""
        return timedelta(minutes=self.delivery_minutes)


@dataclass(frozen=True, slots=True)
class Link:
    """A way for energy in force: capacity per delivery interval, above zero, and cost of a kWh sent."""

    from_zone_id: UUID
    to_zone_id: UUID
    capacity_ukwh: int
    cost_ueur_per_kwh: int


@dataclass(frozen=True, slots=True)
class Coupling:
    """Zones joined by links, with the markets in them, all sorted by id: what is cleared together."""

    zone_ids: tuple[UUID, ...]
    markets: tuple[MarketInZone, ...]
    links: tuple[Link, ...]
    halted_zone_ids: frozenset[UUID] = frozenset()  # Nothing is cleared in them, and nothing new flows through them.

    @property
    def market_ids(self) -> tuple[UUID, ...]:
        """Ids of the markets; the first one names the coupling."""
        return tuple(market.id for market in self.markets)

    @property
    def trading_ids(self) -> tuple[UUID, ...]:
        """Ids of the markets whose zones are not halted."""
        return tuple(market.id for market in self.markets if market.zone_id not in self.halted_zone_ids)

    def alone(self) -> list["Coupling"]:
        """Each market by itself, without links."""
        return [Coupling((each.zone_id,), (each,), (), self.halted_zone_ids) for each in self.markets]

    @property
    def batch_seconds(self) -> int:
        """The shortest batch of the markets."""
        return min(market.batch_seconds for market in self.markets)


async def create(
    session: AsyncSession,
    viewer: Viewer,
    *,
    zone_id: UUID,
    name: str,
    batch_seconds: int = 5,
    delivery_minutes: int = 15,
    horizon_hours: int = 48,
    pricing: PricingRule = PricingRule.UNIFORM,
    penalty_ueur_per_kwh: int = 0,
    energy_vat_ppm: int = 0,
    grace_days: int = 10,
    is_capacity_checked: bool = True,
) -> UUID:
    """Open a market in a zone. Raises NotAllowed, InvalidValue, NotFound, MarketExists, DeliveriesDiffer."""
    if not viewer.is_admin:
        raise NotAllowed("open a market")
    _check_within("batchSeconds", batch_seconds, 1, BATCH_SECONDS_MAX)
    _check_within("horizonHours", horizon_hours, 1, HORIZON_HOURS_MAX)
    _check_within("penalty", penalty_ueur_per_kwh, 0, PENALTY_UEUR_PER_KWH_MAX, "micro-EUR/kWh")
    _check_within("energyVatRate", energy_vat_ppm, 0, WHOLE_PPM, "millionths")
    _check_within("graceDays", grace_days, 0, GRACE_DAYS_MAX)
    if delivery_minutes not in DELIVERY_MINUTES:
        raise InvalidValue(("deliveryMinutes",), "A delivery interval has 15, 30 or 60 minutes.")
    if not 1 <= len(name.strip()) <= NAME_MAX or "\x00" in name:
        raise InvalidValue(("name",), f"A name has 1 to {NAME_MAX} characters, none of them NUL.")
    await _require_zones(session, zone_id)
    await _hold_couplings(session)
    facts = {
        "name": name.strip(),
        "zone_id": zone_id,
        "pricing": pricing,
        "batch_seconds": batch_seconds,
        "delivery_minutes": delivery_minutes,
        "horizon_hours": horizon_hours,
        "penalty_ueur_per_kwh": penalty_ueur_per_kwh,
        "energy_vat_ppm": energy_vat_ppm,
        "grace_days": grace_days,
        "is_capacity_checked": is_capacity_checked,
    }
    market_id = await _insert(session, facts)
    await _check_deliveries(session)
    await entries.record(
        session, "market.create", actor=viewer.key, subject=("Market", market_id), scope_id=market_id, facts=facts
    )
    return market_id


async def set_charge(
    session: AsyncSession,
    viewer: Viewer,
    market_id: UUID,
    *,
    kind: ChargeKind,
    payer: OrderSide,
    rate_ueur_per_kwh: int,
    vat_ppm: int,
    valid_from: datetime,
    community_id: UUID | None = None,
    now: datetime,
) -> UUID:
    """Set what one side of each trade pays per kWh from an instant on; it lies beyond all that can be traded now.

    So no open order is exposed to more than when it was placed. Raises NotAllowed, NotFound, InvalidValue.
    """
    if not viewer.is_admin:
        raise NotAllowed("set charges of a market")
    _check_within("rate", rate_ueur_per_kwh, 0, CHARGE_UEUR_PER_KWH_MAX, "micro-EUR/kWh")
    _check_within("vatRate", vat_ppm, 0, WHOLE_PPM, "millionths")
    market = await session.get(Market, market_id, with_for_update={"key_share": True}, populate_existing=True)
    if market is None:
        raise NotFound("market", market_id)
    if (kind is ChargeKind.COMMUNITY_FUND) != (community_id is not None):
        raise InvalidValue(("communityId",), "A contribution to a fund, and nothing else, names a community.")
    if community_id is not None and await session.get(Community, community_id) is None:
        raise NotFound("community", community_id)
    earliest = now + timedelta(hours=market.horizon_hours)
    if valid_from < earliest and await _has_orders(session, market_id):
        raise InvalidValue(("validFrom",), f"Orders may be placed until {earliest:%Y-%m-%dT%H:%MZ}; begin after that.")
    facts = {
        "kind": kind,
        "payer": payer,
        "rate_ueur_per_kwh": rate_ueur_per_kwh,
        "vat_ppm": vat_ppm,
        "valid_from": valid_from,
        "community_id": community_id,
    }
    added = insert(MarketCharge).values(market_id=market_id, **facts).on_conflict_do_nothing()
    charge_id: UUID | None = (await session.execute(added.returning(MarketCharge.id))).scalar_one_or_none()
    if charge_id is None:
        raise InvalidValue(("validFrom",), "This charge is set for this instant already.")
    subject = ("MarketCharge", charge_id)
    await entries.record(
        session, "market_charge.set", actor=viewer.key, subject=subject, scope_id=market_id, facts=facts
    )
    return charge_id


async def _has_orders(session: AsyncSession, market_id: UUID) -> bool:
    query = text("SELECT EXISTS (SELECT FROM market_order WHERE market_id = :market_id)")  # A higher room's table.
    return bool(await session.scalar(query, {"market_id": market_id}))


async def link_zones(
    session: AsyncSession,
    viewer: Viewer,
    *,
    from_zone_id: UUID,
    to_zone_id: UUID,
    capacity_ukwh: int,
    cost_ueur_per_kwh: int,
) -> UUID:
    """Set how much energy may flow from one zone to another in a delivery interval, and what a kWh costs on the way.

    A capacity of 0 takes the link out of force; what was traded over it stands.
    Raises NotAllowed, InvalidValue, NotFound, DeliveriesDiffer.
    """
    if not viewer.is_admin:
        raise NotAllowed("link zones")
    if from_zone_id == to_zone_id:
        raise InvalidValue(("toZoneId",), "A link leads to another zone.")
    _check_within("capacityKwh", capacity_ukwh, 0, CAPACITY_UKWH_MAX, "micro-kWh")
    _check_within("cost", cost_ueur_per_kwh, 0, LINK_COST_UEUR_PER_KWH_MAX, "micro-EUR/kWh")
    if capacity_ukwh % LOT_UKWH:
        raise InvalidValue(("capacityKwh",), "A capacity is a multiple of the lot, 0.001 kWh.")
    if cost_ueur_per_kwh % TICK_UEUR_PER_KWH:
        raise InvalidValue(("cost",), "A cost is a multiple of the tick, 0.0001 EUR/kWh.")
    await _require_zones(session, from_zone_id, to_zone_id)
    await _hold_couplings(session)
    terms = {"capacity_ukwh": capacity_ukwh, "cost_ueur_per_kwh": cost_ueur_per_kwh}
    link = insert(ZoneLink).values(from_zone_id=from_zone_id, to_zone_id=to_zone_id, **terms)
    link = link.on_conflict_do_update(index_elements=[ZoneLink.from_zone_id, ZoneLink.to_zone_id], set_=terms)
    link_id = (await session.execute(link.returning(ZoneLink.id))).scalar_one()
    await _check_deliveries(session)
    facts = {"from_zone_id": from_zone_id, "to_zone_id": to_zone_id} | terms
    await entries.record(session, "zone_link.set", actor=viewer.key, subject=("ZoneLink", link_id), facts=facts)
    await _announce_everything(session, from_zone_id)
    return link_id


async def couplings(session: AsyncSession) -> list[Coupling]:
    """All markets, grouped with those that links in force join to them, directly or through other zones."""
    of_clearing = (Market.batch_seconds, Market.delivery_minutes, Market.last_batch, Market.pricing, Market.version)
    query = select(Market.id, Market.zone_id, *of_clearing).order_by(Market.id)
    markets = [MarketInZone(*row) for row in await session.execute(query)]
    terms = (ZoneLink.from_zone_id, ZoneLink.to_zone_id, ZoneLink.capacity_ukwh, ZoneLink.cost_ueur_per_kwh)
    in_force = select(*terms).where(ZoneLink.capacity_ukwh > 0).order_by(ZoneLink.from_zone_id, ZoneLink.to_zone_id)
    links = [Link(*row) for row in await session.execute(in_force)]
    zone_ids = [market.zone_id for market in markets]
    groups = joined(zone_ids, [(link.from_zone_id, link.to_zone_id) for link in links])
    halted = await halts.halted_zone_ids(session)
    return [
        Coupling(
            zone_ids=tuple(sorted(group)),
            markets=tuple(market for market in markets if market.zone_id in group),
            links=tuple(link for link in links if link.from_zone_id in group),
            halted_zone_ids=halted & group,
        )
        for group in groups
        if not group.isdisjoint(zone_ids)
    ]


async def coupled(session: AsyncSession, market_id: UUID) -> Coupling:
    """The markets that clear together with one. Raises NotFound."""
    for coupling in await couplings(session):
        if market_id in coupling.market_ids:
            return coupling
    raise NotFound("market", market_id)


def joined(things: Iterable[UUID], pairs: Iterable[tuple[UUID, UUID]]) -> list[set[UUID]]:
    """Things grouped so that the two of each pair are in one group."""
    group_of: dict[UUID, set[UUID]] = {thing: {thing} for thing in things}
    for first, second in pairs:
        one, other = group_of.setdefault(first, {first}), group_of.setdefault(second, {second})
        if one is not other:
            one |= other
            group_of.update(dict.fromkeys(other, one))
    return list({id(group): group for group in group_of.values()}.values())


async def _insert(session: AsyncSession, facts: dict[str, Any]) -> UUID:
    added = insert(Market).values(**facts).on_conflict_do_nothing(index_elements=[Market.zone_id]).returning(Market.id)
    market_id: UUID | None = (await session.execute(added)).scalar_one_or_none()
    if market_id is None:
        existing = select(Market.id).where(Market.zone_id == facts["zone_id"])
        raise MarketExists(facts["zone_id"], (await session.execute(existing)).scalar_one())
    return market_id


async def _require_zones(session: AsyncSession, *zone_ids: UUID) -> None:
    known = set(await session.scalars(select(MarketZone.id).where(among(MarketZone.id, zone_ids))))
    for zone_id in zone_ids:
        if zone_id not in known:
            raise NotFound("market zone", zone_id)


async def _hold_couplings(session: AsyncSession) -> None:
    """Let one transaction at a time change what is linked, so that its check sees all others' changes."""
    await session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended("market couplings", 0))))


async def _check_deliveries(session: AsyncSession) -> None:
    for coupling in await couplings(session):
        minutes = {market.delivery_minutes for market in coupling.markets}
        if len(minutes) > 1:
            raise DeliveriesDiffer(tuple(sorted(minutes)))


async def _announce_everything(session: AsyncSession, zone_id: UUID) -> None:
    """All deliveries of the markets joined to a zone: a new way for energy may let orders meet that did not."""
    now = (await session.execute(select(func.now()))).scalar_one()
    everything = Period(now - timedelta(hours=1), now + timedelta(hours=HORIZON_HOURS_MAX))
    for coupling in await couplings(session):
        if zone_id in coupling.zone_ids:
            for market_id in coupling.market_ids:
                await changes.announce(session, market_id, everything)


def _check_within(name: str, value: int, lowest: int, highest: int, unit: str = "") -> None:
    if not lowest <= value <= highest:
        raise InvalidValue((name,), f"It must be {lowest} to {highest} {unit}".rstrip() + ".")
