"""A crowd: at least fifty rows of every kind, fifty below one parent of each kind that has lists."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from api.engine.declarations import ENTITIES
from api.resources.database import Database
from domain.audit.tables import Verification
from domain.communities import tables as communities
from domain.communities.tables import AssetKind, CommunityKind, FrameworkCode, LegalForm, MemberKind
from domain.geography import tables as geography
from domain.geography.geometry import as_element
from domain.grid import tables as grid
from domain.identity.tables import ApiKey, ApiKeyKind, PlatformRole, User
from domain.identity.viewers import Viewer
from domain.jobs.tables import Job, JobStatus
from domain.kernel.database import new_id
from domain.ledger.words import PAYMENT
from domain.market.clearing import tables as clearing_market
from domain.market.orders import tables as order_tables
from domain.market.places import tables as market
from domain.market.prices.tables import AlertDirection, PriceAlert
from domain.market.rules.tables import RuleKind, TradingRule
from domain.metering.tables import CodeKind, Direction, MeteringPoint
from domain.notifications import tables as notifications
from domain.sharing import tables as sharing
from domain.sharing.words import ALLOCATE_PERIOD
from tests.api.billing_crowd import a_crowd_of_bills
from tests.api.delivery_crowd import a_crowd_of_deliveries
from tests.api.engagement_crowd import a_crowd_of_cards
from tests.api.ledger_crowd import a_crowd_of_money
from tests.factories.geography import a_square
from tests.factories.rules import a_run, a_simulation

MANY = 50
START = datetime(2026, 1, 1, tzinfo=UTC)
FOUNDED = date(2025, 1, 1)


@dataclass
class Crowd:
    """Keys of all rows by entity, and the parent with many children of each kind.

    The owner sees many in every list: an administrator of the platform, to whom members, orders and keys belong.
    """

    rows: dict[str, list[UUID]] = field(default_factory=dict)
    parents: dict[str, UUID] = field(default_factory=dict)
    owner: Viewer = field(default_factory=Viewer)


async def a_crowd(database: Database) -> Crowd:
    """Everything, committed; the owner of the tables alone may add frameworks."""
    crowd = Crowd()
    async with database.transaction() as session:
        users = await _stored(
            session, [User(email=f"{i}@example.org", name="x", password_hash="x") for i in range(MANY)]
        )
        await _geography(session)
        members = await _communities(session, users[0].id)
        await a_crowd_of_cards(session)
        await _sharing(session)
        await _identity(session, users[0].id)
        await _market(session, [user.id for user in users])
        await _alerts(session, users[0].id)
        await _grid(session, users[0].id)
        await _notifications(session, users[0].id)
        external_id = await a_crowd_of_money(session, [user.id for user in users], START)
        crowd.owner = Viewer(
            user_id=users[0].id, roles=frozenset({PlatformRole.ADMIN}), member_ids=frozenset(m.id for m in members)
        )
        for entity in ENTITIES.values():
            ids = list(await session.scalars(select(entity.table.id).order_by(entity.table.id)))
            crowd.rows[entity.name] = ids
            crowd.parents[entity.name] = ids[0]
        crowd.parents["LedgerAccount"] = external_id  # Ids of accounts are no times: which is first is chance.
    return crowd


async def _stored(session: AsyncSession, rows: Sequence[Any]) -> Sequence[Any]:
    """Rows with ids that ascend in their order: the first one of a kind is the parent with many children."""
    for row in rows:
        row.id = new_id()
    session.add_all(rows)
    await session.flush()
    return rows


async def _geography(session: AsyncSession) -> None:
    shape = as_element(a_square())
    zones = await _stored(
        session, [geography.MarketZone(code=f"Z{i}", name="x", country="IT") for i in range(MANY + 1)]
    )
    links = [(zones[0], other) for other in zones[1:]] + [(other, zones[0]) for other in zones[1:]]
    await _stored(
        session,
        [
            geography.ZoneLink(from_zone_id=a.id, to_zone_id=b.id, capacity_ukwh=1_000, cost_ueur_per_kwh=0)
            for a, b in links
        ],
    )
    areas = [
        geography.SubstationArea(code=f"A{i}", name="x", country="IT", boundary=shape, market_zone_id=zones[0].id)
        for i in range(MANY)
    ]
    await _stored(session, areas)
    towns = [geography.Municipality(code=f"M{i}", name="x", country="IT", boundary=shape) for i in range(MANY)]
    await _stored(session, towns)


async def _communities(session: AsyncSession, user_id: UUID) -> Sequence[Any]:
    area_id = await session.scalar(select(geography.SubstationArea.id).order_by(geography.SubstationArea.id).limit(1))
    facts = {"framework_code": FrameworkCode.LU_SHARING, "kind": CommunityKind.LANE, "country": "LU"}
    homes = await _stored(
        session,
        [
            communities.Community(name=f"C{i}", timezone="Europe/Luxembourg", substation_area_id=area_id, **facts)
            for i in range(MANY)
        ],
    )
    frameworks = [
        communities.Framework(
            code=FrameworkCode.MICROGRID,
            name="x",
            interval_minutes=15,
            allowed_keys=["EQUAL"],
            needs_substation_area=False,
            parameters={},
            source="test",
            valid_from=date(1900 + i, 1, 1),
            valid_to=date(1901 + i, 1, 1),
        )
        for i in range(MANY)
    ]
    await _stored(session, frameworks)
    members = await _stored(
        session,
        [communities.Member(name="x", legal_form=LegalForm.NATURAL_PERSON, user_id=user_id) for _ in range(MANY)],
    )
    points = await _stored(session, [_a_point(i) for i in range(MANY)])
    # The first community has all members, the first member is in all communities; so with points.
    pairs = [(homes[0], member, point) for member, point in zip(members, points, strict=True)]
    pairs += [(home, members[0], points[0]) for home in homes[1:]]
    for home, member, point in pairs:
        await _takes_part(session, home, member, point)
    first = await session.scalar(select(communities.Membership).order_by(communities.Membership.id).limit(1))
    more = await _stored(session, [_a_point(MANY + i) for i in range(MANY)])
    await _stored(session, [_a_part(first, point) for point in more])
    await _stored(session, [_an_asset(homes[0], points[0]) for _ in range(MANY)])
    return members


def _a_point(number: int) -> MeteringPoint:
    return MeteringPoint(
        code=f"P-{number}", code_kind=CodeKind.GENERIC, directions=["WITHDRAWN"], timezone="Europe/Luxembourg"
    )


async def _takes_part(session: AsyncSession, home: Any, member: Any, point: MeteringPoint) -> None:
    facts = {"roles": ["MEMBER"], "kind": MemberKind.CONSUMER, "valid_from": FOUNDED}
    [membership] = await _stored(session, [communities.Membership(community_id=home.id, member_id=member.id, **facts)])
    await _stored(session, [_a_part(membership, point)])


def _a_part(membership: Any, point: MeteringPoint) -> communities.Participation:
    return communities.Participation(
        community_id=membership.community_id,
        membership_id=membership.id,
        member_id=membership.member_id,
        metering_point_id=point.id,
        factor_ppm=1_000,
        valid_from=FOUNDED,
    )


def _an_asset(home: Any, point: MeteringPoint) -> communities.Asset:
    return communities.Asset(
        community_id=home.id, metering_point_id=point.id, name="x", kind=AssetKind.PV, power_w=1_000
    )


async def _sharing(session: AsyncSession) -> None:
    homes = list(await session.scalars(select(communities.Community.id).order_by(communities.Community.id)))
    points = list(await session.scalars(select(MeteringPoint.id).order_by(MeteringPoint.id)))
    members = list(await session.scalars(select(communities.Member.id).order_by(communities.Member.id)))
    kinds = {"kind": sharing.KeyKind.STATIC, "production_kind": sharing.KeyKind.PRO_RATA}
    keys = await _stored(session, [sharing.SharingKey(community_id=id, valid_from=START, **kinds) for id in homes])
    side = {"direction": Direction.WITHDRAWN}
    shares = [(keys[0], point) for point in points] + [(key, points[0]) for key in keys[1:]]
    await _stored(
        session,
        [
            sharing.KeyShare(key_id=k.id, community_id=k.community_id, metering_point_id=p, share_ppm=1, **side)
            for k, p in shares
        ],
    )
    sums = {"injected_ukwh": 10, "withdrawn_ukwh": 10}
    period = {"period_start": START, "period_end": START + timedelta(days=1), "interval_minutes": 15}
    runs = await _stored(
        session,
        [
            sharing.AllocationRun(
                community_id=homes[0],
                version=i + 1,
                key_id=keys[0].id,
                input_digest="x",
                shared_ukwh=5,
                members_min=MANY,
                **sums,
                **period,
            )
            for i in range(MANY)
        ],
    )
    told = [(runs[0], i) for i in range(MANY)] + [(run, 0) for run in runs[1:]]
    whose = [{"run_id": run.id, "community_id": homes[0], "member_id": members[i]} for run, i in told]
    await _stored(
        session, [sharing.MemberAllocation(shared_in_ukwh=5, shared_out_ukwh=5, **sums, **each) for each in whose]
    )
    differing = {"interval_start": START, "ours_ukwh": 1, "operator_ukwh": 5, "metering_point_id": points[0], **side}
    await _stored(session, [sharing.AllocationDifference(**differing, **each) for each in whose])
    done = {"status": JobStatus.SUCCEEDED, "result_type": "AllocationRun", "kind": ALLOCATE_PERIOD}
    jobs = [
        Job(key=f"j{i}", arguments={}, community_id=homes[0], result_id=run.id, **done) for i, run in enumerate(runs)
    ]
    await _stored(session, jobs)


async def _notifications(session: AsyncSession, user_id: UUID) -> None:
    """The first message goes to all web hooks, the first web hook gets all messages and follows all markets."""
    told = {"kind": PAYMENT, "title": "x", "body": "x", "facts": {}, "is_in_app": True}
    messages = await _stored(
        session, [notifications.Message(user_id=user_id, created_at=START, **told) for _ in range(MANY)]
    )
    hook = {"url": "https://example.org/", "kinds": ["PAYMENT"], "secret": b"x"}
    webhooks = await _stored(session, [notifications.Webhook(owner_id=user_id, **hook) for _ in range(MANY)])
    channels, due = notifications.NotificationChannel, {"owner_id": user_id, "next_attempt_at": START}
    pairs = [(messages[0], webhook) for webhook in webhooks] + [(each, webhooks[0]) for each in messages[1:]]
    posts = [{"channel": channels.WEBHOOK, "message_id": m.id, "webhook_id": w.id} for m, w in pairs]
    mails = [{"channel": channels.MAIL, "message_id": each.id} for each in messages]
    await _stored(session, [notifications.Delivery(**each, **due) for each in posts + mails])
    markets = await session.scalars(select(market.Market.id).order_by(market.Market.id))
    follows = [(webhooks[0].id, id) for id in markets]
    await _stored(
        session,
        [
            notifications.WebhookFeed(
                webhook_id=webhook_id, market_id=id, stream=f"market:{id}:trades", sequence=0, **due
            )
            for webhook_id, id in follows
        ],
    )


async def _identity(session: AsyncSession, user_id: UUID) -> None:
    facts = {"kind": ApiKeyKind.PARTNER, "name": "x", "prefix": "cwp_", "scopes": ["read"]}
    ends = datetime.now(UTC) + timedelta(days=1)
    keys = [ApiKey(owner_id=user_id, key_hash=bytes([i]) * 32, expires_at=ends, **facts) for i in range(MANY)]
    await _stored(session, keys)


async def _market(session: AsyncSession, users: Sequence[UUID]) -> None:
    zones = list(await session.scalars(select(geography.MarketZone.id).order_by(geography.MarketZone.id)))
    rule = market.PricingRule.UNIFORM
    places = await _stored(session, [market.Market(zone_id=id, name="x", pricing=rule) for id in zones])
    window = {"delivery_start": START, "delivery_end": START + timedelta(minutes=15)}
    terms = {"energy_ukwh": 1_000, "limit_price_ueur_per_kwh": 100}
    sides = [market.OrderSide.BUY, *[market.OrderSide.SELL] * MANY]
    homes = [places[0]] * (MANY + 1)
    orders = [
        order_tables.Order(market_id=home.id, owner_id=users[0], side=side, **terms, **window)
        for home, side in zip(homes, sides, strict=True)
    ]
    orders += [
        order_tables.Order(market_id=home.id, owner_id=users[0], side=market.OrderSide.BUY, **terms, **window)
        for home in places[1:]
    ]
    await _rules(session, users[0], [home.id for home in places], orders)
    orders = list(await _stored(session, orders))
    for order in orders:
        session.add(
            order_tables.OrderInterval(
                order_id=order.id, delivery_start=START, market_id=order.market_id, energy_ukwh=1_000
            )
        )
    prices = {f"price{name}_ueur_per_kwh": 100 for name in ("", "_low", "_high")}
    counted = {"bought_ukwh": 1_000, "sold_ukwh": 1_000, "welfare_ueur": 0, "orders_count": 2, "input_digest": "x"}
    batches = [(places[0], i) for i in range(MANY)] + [(place, 0) for place in places[1:]]
    clearings = await _stored(
        session,
        [
            clearing_market.Clearing(market_id=place.id, delivery_start=START, batch=batch, **prices, **counted)
            for place, batch in batches
        ],
    )
    trades = [
        clearing_market.Trade(
            market_id=places[0].id,
            seller_market_id=places[0].id,
            clearing_id=clearings[0].id,
            energy_ukwh=1_000,
            price_ueur_per_kwh=100,
            seller_price_ueur_per_kwh=100,
            buy_order_id=orders[0].id,
            sell_order_id=order.id,
            buyer_id=users[0],
            seller_id=users[1],
            **window,
        )
        for order in orders[1 : MANY + 1]
    ]
    await _stored(session, trades)
    await a_crowd_of_deliveries(session, [trade.id for trade in trades], users, START)
    await a_crowd_of_bills(session, places[0].id, orders[1 : MANY + 1], orders[MANY + 1 :], START)


async def _grid(session: AsyncSession, user_id: UUID) -> None:
    """Fifty of each in the first zone, and one in each other that may have but one."""
    zones = list(await session.scalars(select(geography.MarketZone.id).order_by(geography.MarketZone.id)))
    said = {"reason": "x"}
    halts = [{"zone_id": zones[0], "lifted_at": START} for _ in range(MANY)] + [{"zone_id": id} for id in zones[1:]]
    await _stored(session, [grid.ZoneHalt(started_at=START, halted_by_id=user_id, **said, **each) for each in halts])
    limits = [(zones[0], kind) for kind in grid.LimitKind] + [(id, grid.LimitKind.PER_ORDER) for id in zones[1:]]
    await _stored(session, [grid.ZoneLimit(zone_id=id, kind=kind, energy_ukwh=1_000, **said) for id, kind in limits])
    starts = [START + timedelta(hours=i) for i in range(MANY)]
    side = {"direction": Direction.WITHDRAWN}
    await _stored(
        session,
        [grid.ZoneCapacity(zone_id=zones[0], power_w=1_000, valid_from=at, **side, **said) for at in starts],
    )
    told = {"kind": grid.AlertKind.OUTAGE, "severity": grid.Severity.NOTICE, "title": "x", "text": "x"}
    await _stored(
        session, [grid.GridAlert(zone_id=zones[0], starts_at=at, issued_by_id=user_id, **told) for at in starts]
    )
    found = {"started_at": START, "finished_at": START, "checks": ["x"], "breaches_count": 0, "breaches": []}
    await _stored(session, [Verification(**found) for _ in range(MANY)])


async def _alerts(session: AsyncSession, user_id: UUID) -> None:
    place = await session.scalar(select(market.Market.id).order_by(market.Market.id).limit(1))
    terms = {"direction": AlertDirection.ABOVE, "threshold_ueur_per_kwh": 100, "after_sequence": 0}
    await _stored(session, [PriceAlert(owner_id=user_id, market_id=place, **terms) for _ in range(MANY)])


async def _rules(session: AsyncSession, owner_id: UUID, places: Sequence[UUID], orders: Sequence[Any]) -> None:
    """Rules of one owner; the first one placed all orders, and ran and was simulated often."""
    facts = {"kind": RuleKind.BUY_BELOW, "name": "x", "timezone": "UTC", "price_ueur_per_kwh": 100}
    often = {"owner_id": owner_id, "hours": [0], "weekdays": ["MONDAY"], **facts}
    made = await _stored(session, [TradingRule(market_id=places[0], **often) for _ in range(MANY)])
    for order in orders:
        order.rule_id = made[0].id
    pairs = [(made[0].id, n) for n in range(MANY)] + [(rule.id, 0) for rule in made[1:]]
    runs, simulations = [], []
    for rule_id, number in pairs:
        run = a_run(rule_id, owner_id, new_id())
        run.delivery_start = START + number * timedelta(minutes=15)
        runs.append(run)
        simulations.append(a_simulation(rule_id, owner_id))
    await _stored(session, runs)
    await _stored(session, simulations)
