"""A small world in which everybody who may ask and every kind of row exists, in relations that tell them apart.

Two communities: A is listed and has six members, B is unlisted and has three. Ada administers A; Bob and Cyn are plain
members of it; Eve administers B and is a plain member of A; Fred is in both with half of one metering point each; Gus
is in B alone. Hal has left A; Ivy moved into his house and takes part with its metering point since. Olga belongs
nowhere. Keys of applications act for Ada, so that what she administers would show if they held it.
"""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from api.engine.declarations import ENTITIES
from api.resources.database import Database
from domain.audit.tables import Verification
from domain.communities import tables as communities
from domain.communities.tables import AssetKind
from domain.events import feed
from domain.geography.tables import MarketZone
from domain.grid import alerts
from domain.grid import tables as grid
from domain.identity import keys, sessions
from domain.identity.tables import ApiKey, ApiKeyKind, PlatformRole, Session, User, UserRole
from domain.identity.viewers import Viewer
from domain.jobs.tables import Job, JobStatus
from domain.ledger.words import PAYMENT
from domain.market.clearing.tables import Trade
from domain.market.clearing.words import CLEAR_MARKET
from domain.market.places import markets
from domain.market.places.tables import EnergySource
from domain.market.prices import alerts as price_alerts
from domain.market.prices import forecasts
from domain.market.prices.alerts import Watch
from domain.market.prices.tables import AlertDirection
from domain.metering.tables import Direction, MeteringPoint
from domain.notifications import messages
from domain.notifications import tables as notifications
from domain.sharing import tables as sharing
from domain.sharing.words import ALLOCATE_PERIOD
from tests.api.authorization.billed import make_bills
from tests.api.authorization.delivered import deliver
from tests.api.authorization.engaged import draw_cards
from tests.api.authorization.money import name_money, pay_in
from tests.api.authorization.ruled import make_rules
from tests.domain.market.clearing.batches import clear
from tests.domain.market.prices.test_forecasts import a_forecast
from tests.factories.communities import ADMIN_ROLES, a_community, a_member, a_membership, a_participation, an_asset
from tests.factories.geography import a_market_zone, a_municipality, a_square, a_substation_area
from tests.factories.identity import a_user
from tests.factories.market import ADMIN, BUY, SELL, a_market, an_order
from tests.factories.metering import a_metering_point, a_reading_day, recorded, values
from tests.factories.notifications import a_webhook
from tests.factories.prices import a_price_model, grid_prices

PEOPLE = ("ada", "bob", "cyn", "eve", "fred", "gus", "hal", "ivy", "olga", "root", "gridley")
LEFT_ON = date(2026, 3, 1)  # Hal leaves, Ivy comes.
HALS_DAY, IVYS_DAY = date(2026, 2, 10), date(2026, 3, 10)
PERIOD = (datetime(2026, 1, 31, 23, tzinfo=UTC), datetime(2026, 2, 28, 23, tzinfo=UTC))

# How each role signs in: nobody, a person, or a key of Ada's with these scopes.
PERSONS = {
    "outsider": "olga",
    "member": "bob",
    "other member": "cyn",
    "administrator": "ada",
    "neighbour": "eve",
    "member of both": "fred",
    "unlisted member": "gus",
    "former member": "hal",
    "next tenant": "ivy",
    "platform administrator": "root",
    "grid operator": "gridley",
}
APPLICATIONS = {
    "partner that reads": (ApiKeyKind.PARTNER, frozenset({keys.READ})),
    "partner that trades": (ApiKeyKind.PARTNER, frozenset({keys.TRADE})),
    "meter gateway": (ApiKeyKind.METER, frozenset({keys.POST_READINGS})),
}
GATEWAYS = ("hal", "ivy", "eve")  # Whose keys may post readings, beside Ada's.
ROLES = ("nobody", *PERSONS, *APPLICATIONS)
ENDED = ("expired session", "revoked session", "disabled user", "expired key", "revoked key", "key of a disabled user")


@dataclass
class World:
    """The rows by entity and name, and how to sign in."""

    rows: dict[str, dict[str, UUID]] = field(default_factory=dict)
    tokens: dict[str, str | None] = field(default_factory=dict)

    def keep(self, entity: str, name: str, row: Any) -> None:
        """Remember a row, or its id, by a name."""
        self.rows.setdefault(entity, {})[name] = row if isinstance(row, UUID) else row.id

    def name_of(self, entity: str, id: UUID) -> str:
        """The name of a row; its id where it has none."""
        return next((name for name, key in self.rows.get(entity, {}).items() if key == id), str(id))


async def a_world(database: Database) -> World:
    """Everything, committed."""
    world = World()
    async with database.transaction() as session:
        users = await _people(session, world)
        await _places(session, world)
        await _communities(session, world, users)
        await _sharing(session, world)
        await _jobs(session, world, users)
        await pay_in(session, world, users)
        await _market(session, world, users)
        await make_rules(session, world)
        await make_bills(session, world)
        await _grid(session, world, users)
        await _watched(session, world, users)
        await _notifications(session, world, users)
        await draw_cards(session, world)
        await name_money(session, world)
        await _others(session, world)
    async with database.transaction() as session:
        await _sign_in(session, world, users)
    async with database.transaction() as session:
        await _ended(session, world)
    return world


Users = dict[str, User]


async def _people(session: AsyncSession, world: World) -> Users:
    users = {name: await a_user(session, name=name.title(), email=f"{name}@example.org") for name in PEOPLE}
    for name, user in users.items():
        world.keep("User", name, user)
    zone = await a_market_zone(session, "NORD", a_square(9, 44, 3))
    world.keep("MarketZone", "north", zone)
    session.add(UserRole(user_id=users["root"].id, role=PlatformRole.ADMIN))
    session.add(UserRole(user_id=users["gridley"].id, role=PlatformRole.GRID_OPERATOR, zone_id=zone.id))
    await session.flush()
    return users


async def _places(session: AsyncSession, world: World) -> None:
    zone = await session.get_one(MarketZone, world.rows["MarketZone"]["north"])
    world.keep("SubstationArea", "area", await a_substation_area(session, market_zone_id=zone.id))
    world.keep("Municipality", "town", await a_municipality(session))
    for framework in await session.scalars(select(communities.Framework)):
        world.keep("Framework", f"{framework.code.value} since {framework.valid_from}", framework)


async def _communities(session: AsyncSession, world: World, users: Users) -> None:
    area_id = world.rows["SubstationArea"]["area"]
    for name, is_listed in (("A", True), ("B", False)):
        facts = {"name": f"Community {name}", "is_listed": is_listed, "substation_area_id": area_id}
        world.keep("Community", name, await a_community(session, **facts))
    for name in ("ada", "bob", "cyn", "eve", "fred", "gus", "hal", "ivy"):
        world.keep("Member", name, await a_member(session, users[name], name=name.title()))
    for name in ("ada", "bob", "cyn", "eve", "gus", "house", "fred"):
        point = await a_metering_point(session, code=f"POINT-{name}")
        world.keep("MeteringPoint", name, point)
        days = [a_reading_day(point.id, day=day, values_ukwh=values(250_000)) for day in (HALS_DAY, IVYS_DAY)]
        await recorded(session, *days, source=f"readings of {name}")
    for each in ("ada in A", "bob in A", "cyn in A", "eve in A", "fred in A", "eve in B", "fred in B", "gus in B"):
        await _takes_part(session, world, each)
    await _takes_part(session, world, "hal in A", "house", valid_to=LEFT_ON)
    await _takes_part(session, world, "ivy in A", "house", valid_from=LEFT_ON)
    await _assets(session, world)


async def _takes_part(session: AsyncSession, world: World, name: str, point: str = "", **span: Any) -> None:
    who, _, where = name.partition(" in ")
    roles = {"roles": ADMIN_ROLES} if name in {"ada in A", "eve in B"} else {}
    community = await session.get_one(communities.Community, world.rows["Community"][where])
    member = await session.get_one(communities.Member, world.rows["Member"][who])
    membership = await a_membership(session, community, member, **roles, **span)
    world.keep("Membership", name, membership)
    if name == "eve in B":  # She administers B without energy of her own.
        return
    factor = {"factor_ppm": 500_000} if who == "fred" else {}
    brought = await session.get_one(MeteringPoint, world.rows["MeteringPoint"][point or who])
    participation = await a_participation(session, membership, brought, **factor)
    world.keep("Participation", name, participation)


async def _assets(session: AsyncSession, world: World) -> None:
    battery: dict[str, Any] = {"kind": AssetKind.STORAGE, "capacity_ukwh": 10_000_000}
    for name, facts in (("bob in A", {}), ("fred in A", {}), ("fred in B", battery), ("ivy in A", {})):
        row = await session.get_one(communities.Participation, world.rows["Participation"][name])
        world.keep("Asset", name, await an_asset(session, row, **facts))


async def _sharing(session: AsyncSession, world: World) -> None:
    keys_of = {"A": ("bob in A", "fred in A", "ivy in A"), "B": ("fred in B", "gus in B")}
    for where, names in keys_of.items():
        kind = sharing.KeyKind.STATIC
        facts = {"kind": kind, "production_kind": sharing.KeyKind.PRO_RATA}
        key = sharing.SharingKey(community_id=world.rows["Community"][where], valid_from=PERIOD[1], **facts)
        await _stored(session, world, "SharingKey", where, key)
        for name in names:
            share = sharing.KeyShare(
                key_id=key.id,
                community_id=key.community_id,
                metering_point_id=world.rows["MeteringPoint"]["house" if name == "ivy in A" else name.split()[0]],
                direction=Direction.WITHDRAWN,
                share_ppm=200_000,
            )
            await _stored(session, world, "KeyShare", name, share)
    await _run(session, world, "six of A", 6, ("bob in A", "fred in A", "hal in A"))
    await _run(session, world, "three of A", 3, ("cyn in A",))
    await _run(session, world, "three of B", 3, ("fred in B", "gus in B"))


async def _run(session: AsyncSession, world: World, name: str, members: int, whose: tuple[str, ...]) -> None:
    where = name[-1]
    energies = {"injected_ukwh": 3_000_000, "withdrawn_ukwh": 5_000_000}
    run = sharing.AllocationRun(
        community_id=world.rows["Community"][where],
        period_start=PERIOD[0],
        period_end=PERIOD[1],
        version=members,
        key_id=world.rows["SharingKey"][where],
        interval_minutes=15,
        input_digest=name,
        shared_ukwh=2_000_000,
        members_min=members,
        **energies,
    )
    await _stored(session, world, "AllocationRun", name, run)
    for each in whose:
        await _of_member(session, world, run, each)


async def _of_member(session: AsyncSession, world: World, run: sharing.AllocationRun, name: str) -> None:
    who = name.split(maxsplit=1)[0]
    common = {"run_id": run.id, "member_id": world.rows["Member"][who]}
    point_id = world.rows["MeteringPoint"]["house" if who == "hal" else who]
    total = {"injected_ukwh": 0, "withdrawn_ukwh": 960_000, "shared_out_ukwh": 0, "shared_in_ukwh": 480_000}
    allocation = sharing.MemberAllocation(community_id=run.community_id, **common, **total)
    await _stored(session, world, "MemberAllocation", name, allocation)
    difference = sharing.AllocationDifference(
        community_id=run.community_id,
        metering_point_id=point_id,
        direction=Direction.WITHDRAWN,
        interval_start=PERIOD[0],
        ours_ukwh=5_000,
        operator_ukwh=6_000,
        **common,
    )
    await _stored(session, world, "AllocationDifference", name, difference)
    day = sharing.AllocationDay(
        metering_point_id=point_id,
        direction=Direction.WITHDRAWN,
        day=HALS_DAY,
        metered_ukwh=[10_000] * 96,
        shared_ukwh=[5_000] * 96,
        **common,
    )
    session.add(day)


async def _jobs(session: AsyncSession, world: World, users: Users) -> None:
    a, b = world.rows["Community"]["A"], world.rows["Community"]["B"]
    made = {"result_type": "AllocationRun", "result_id": world.rows["AllocationRun"]["three of A"]}
    for name, owner, community, result in (
        ("ada's in A", "ada", a, made),
        ("bob's in A", "bob", a, made),
        ("eve's in B", "eve", b, {}),
        ("gus's", "gus", None, {}),
        ("nobody's", None, None, {}),
    ):
        job = Job(
            kind=CLEAR_MARKET if owner is None else ALLOCATE_PERIOD,
            key=name,
            arguments={},
            status=JobStatus.SUCCEEDED,
            owner_id=users[owner].id if owner else None,
            community_id=community,
            **result,
        )
        await _stored(session, world, "Job", name, job)


async def _market(session: AsyncSession, world: World, users: Users) -> None:
    """Bob buys from Gus, and Ada bids too low."""
    south = await a_market_zone(session, "SUD")
    world.keep("MarketZone", "south", south)
    market_id = await a_market(session, world.rows["MarketZone"]["north"])
    world.keep("Market", "north", market_id)
    north_id = world.rows["MarketZone"]["north"]
    link_id = await markets.link_zones(
        session, ADMIN, from_zone_id=north_id, to_zone_id=south.id, capacity_ukwh=1_000_000, cost_ueur_per_kwh=0
    )
    world.keep("ZoneLink", "north to south", link_id)
    for name, side, price in (("bob", BUY, "0.3"), ("gus", SELL, "0.1"), ("ada", BUY, "0.01")):
        owner = Viewer(user_id=users[name].id)
        source = EnergySource.SOLAR if side is SELL else None
        order_id = await an_order(session, owner, market_id, side, price=price, source=source)
        world.keep("Order", f"{name}'s", order_id)
    assert await clear(session, market_id)
    made = await session.scalars(select(Trade.id).where(Trade.market_id == market_id))
    world.keep("Trade", "gus to bob", made.one())
    await deliver(session, world)


async def _grid(session: AsyncSession, world: World, users: Users) -> None:
    """The south is halted, by nobody who has an order there; both have limits and the like from their operator."""
    facts: dict[str, Any] = {"reason": "test", "set_by_id": users["gridley"].id}
    by = {"halted_by_id": users["gridley"].id, "started_at": PERIOD[0], "reason": "test"}
    kind = {"kind": grid.AlertKind.MAINTENANCE, "severity": grid.Severity.NOTICE, "title": "x", "text": "x"}
    for name in ("north", "south"):
        zone_id = world.rows["MarketZone"][name]
        limit = grid.ZoneLimit(zone_id=zone_id, kind=grid.LimitKind.PER_ORDER, energy_ukwh=10**14, **facts)
        await _stored(session, world, "ZoneLimit", name, limit)
        capacity = grid.ZoneCapacity(
            zone_id=zone_id, direction=Direction.WITHDRAWN, power_w=1_000, valid_from=PERIOD[0], **facts
        )
        await _stored(session, world, "ZoneCapacity", name, capacity)
        alert = grid.GridAlert(zone_id=zone_id, starts_at=PERIOD[0], issued_by_id=users["gridley"].id, **kind)
        await _stored(session, world, "GridAlert", name, alert)
        await feed.append(session, alerts.stream_of(zone_id), [{"alert_id": str(alert.id), "is_withdrawn": False}])
        for hours, (points, members) in enumerate(((4, 5), (5, 4), (5, 5))):
            session.add(_load(zone_id, PERIOD[0] + timedelta(hours=hours), points, members))
    lifted = {"lifted_at": PERIOD[1], "lifted_by_id": users["gridley"].id}
    halt = grid.ZoneHalt(zone_id=world.rows["MarketZone"]["north"], **by, **lifted)
    await _stored(session, world, "ZoneHalt", "north", halt)
    halt = grid.ZoneHalt(zone_id=world.rows["MarketZone"]["south"], **by)
    await _stored(session, world, "ZoneHalt", "south", halt)
    found = {"started_at": PERIOD[0], "finished_at": PERIOD[1], "checks": ["I6 audit"], "breaches_count": 0}
    await _stored(session, world, "Verification", "once", Verification(breaches=[], **found))


def _load(zone_id: UUID, start: datetime, points: int, members: int) -> grid.ZoneLoad:
    """100 kW of 200 kW withdrawn, metered of so many points and members."""
    return grid.ZoneLoad(
        zone_id=zone_id,
        interval_start=start,
        version=1,
        injected_ukwh=0,
        withdrawn_ukwh=25_000_000,
        points_count=points,
        members_count=members,
        net_export_ukwh=0,
        direction=Direction.WITHDRAWN,
        load_w=100_000,
        capacity_w=200_000,
        utilisation_ppm=500_000,
        measured_at=PERIOD[1],
    )


async def _notifications(session: AsyncSession, world: World, users: Users) -> None:
    """Ada and Bob are told something, and a web hook of each follows the market."""
    market_id, at = world.rows["Market"]["north"], PERIOD[0]
    for name in ("ada", "bob"):
        user_id, row = users[name].id, f"{name}'s"
        webhook_id, _ = await a_webhook(session, user_id, feeds={market_id: 0})
        world.keep("Webhook", row, webhook_id)
        follows = select(notifications.WebhookFeed.id).where(notifications.WebhookFeed.webhook_id == webhook_id)
        world.keep("WebhookFeed", row, (await session.scalars(follows)).one())
        told = {"kind": PAYMENT, "title": "x", "body": "x", "facts": {}, "is_in_app": True}
        message = notifications.Message(user_id=user_id, created_at=at, **told)
        await _stored(session, world, "Notification", row, message)
        await feed.append(session, messages.stream_of(user_id), [{"message_id": str(message.id)}])
        way = {"channel": notifications.NotificationChannel.WEBHOOK, "webhook_id": webhook_id, "next_attempt_at": at}
        delivery = notifications.Delivery(owner_id=user_id, message_id=message.id, **way)
        await _stored(session, world, "NotificationDelivery", row, delivery)


async def _watched(session: AsyncSession, world: World, users: Users) -> None:
    """Bob and Ada wait for prices, and the north has all that its prices are watched by."""
    market_id, now = world.rows["Market"]["north"], datetime.now(UTC)
    for name in ("bob", "ada"):
        watch = Watch(500_000, AlertDirection.ABOVE)
        alert_id = await price_alerts.create(session, Viewer(user_id=users[name].id), market_id, watch)
        world.keep("PriceAlert", f"{name}'s", alert_id)
    await a_price_model(session, market_id, now)
    await grid_prices(session, market_id, "0.3", "0.08", now)
    await forecasts.record(session, a_forecast(market_id, made_at=now - timedelta(minutes=30)))


async def _others(session: AsyncSession, world: World) -> None:
    """Rows that were made on the way, of kinds that everybody sees."""
    for entity in ENTITIES.values():
        if entity.name != "ApiKey":
            known = set(world.rows.get(entity.name, {}).values())
            for id in await session.scalars(select(entity.table.id)):
                if id not in known:
                    world.keep(entity.name, str(id), id)


async def _sign_in(session: AsyncSession, world: World, users: Users) -> None:
    world.tokens["nobody"] = None
    for role, name in PERSONS.items():
        world.tokens[role] = (await sessions.open_session(session, users[name].id)).access_token
    for role, (kind, scopes) in APPLICATIONS.items():
        world.tokens[role] = await _key(session, world, users["ada"], role, kind, scopes)
    await _key(session, world, users["bob"], "bob's", *APPLICATIONS["partner that reads"])
    for name in GATEWAYS:
        key = f"{name}'s gateway"
        world.tokens[key] = await _key(session, world, users[name], key, *APPLICATIONS["meter gateway"])


async def _key(
    session: AsyncSession, world: World, user: User, name: str, kind: ApiKeyKind, scopes: frozenset[str]
) -> str:
    ends = datetime.now(UTC) + timedelta(days=30)
    key_id, token = await keys.create_key(session, user.id, kind, name, scopes, ends)
    world.keep("ApiKey", name, key_id)
    return token


async def _ended(session: AsyncSession, world: World) -> None:
    """Tokens of Ada, or of one like her, that no longer work."""
    ada = await session.get_one(User, world.rows["User"]["ada"])
    gone = await a_user(session, name="Gone", email="gone@example.org")
    world.keep("User", "gone", gone)
    long_ago = datetime.now(UTC) - timedelta(seconds=1)
    for name, change in (
        ("expired session", {"access_expires_at": long_ago}),
        ("revoked session", {"revoked_at": long_ago}),
        ("disabled user", {}),
    ):
        tokens = await sessions.open_session(session, gone.id if name == "disabled user" else ada.id)
        world.tokens[name] = tokens.access_token
        newest = select(Session.id).order_by(Session.id.desc()).limit(1).scalar_subquery()
        if change:
            await session.execute(update(Session).where(Session.id == newest).values(**change))
    for name, owner, changed in (
        ("expired key", ada, {"expires_at": long_ago}),
        ("revoked key", ada, {"revoked_at": long_ago}),
        ("key of a disabled user", gone, {}),
    ):
        world.tokens[name] = await _key(session, world, owner, name, *APPLICATIONS["partner that reads"])
        if changed:
            await session.execute(update(ApiKey).where(ApiKey.id == world.rows["ApiKey"][name]).values(**changed))
    await session.execute(update(User).where(User.id == gone.id).values(disabled_at=long_ago))


async def _stored(session: AsyncSession, world: World, entity: str, name: str, row: Any) -> None:
    session.add(row)
    await session.flush()
    world.keep(entity, name, row)
