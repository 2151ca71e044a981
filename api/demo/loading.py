"""Make the demo once: accounts, communities with ninety days of readings, markets. A second start finds it there."""

import asyncio
from collections.abc import Iterable, Sequence
from datetime import date
from uuid import UUID
from zoneinfo import ZoneInfo

import numpy as np
from shapely import MultiPolygon, box
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from api.demo import terms
from api.demo.story import (
    ADMIN,
    AREA_BOX,
    BELVAL,
    DEPOSIT_UEUR,
    DOMAIN,
    LINK_CAPACITY_UKWH,
    LINK_COST_UEUR_PER_KWH,
    NEIGHBOURS,
    OPERATOR,
    PARTNER,
    PASSWORD,
    PLACES,
    ZONES,
    Person,
    Place,
    first_day,
)
from api.resources import clock
from api.resources.database import Database
from domain.communities import assets, communities, memberships, participations, sight
from domain.communities.members import NewMember
from domain.communities.tables import AssetKind, Community, CommunityRole, LegalForm, MemberKind, Membership
from domain.geography.geometry import as_element
from domain.geography.tables import MarketZone, SubstationArea
from domain.identity import credentials, users
from domain.identity.tables import PlatformRole, User
from domain.identity.viewers import Viewer
from domain.jobs import queue
from domain.kernel.database import among
from domain.kernel.intervals import Period, day_start
from domain.ledger import payments
from domain.ledger.tables import PaymentKind
from domain.market.places import markets
from domain.metering import readings
from domain.metering.days import ReadingDay, blocks_of
from domain.metering.simulation import SimulatedDay
from domain.metering.tables import Direction, MeteringPoint, Quality
from domain.sharing import keys
from domain.sharing.tables import KeyKind
from domain.sharing.words import ALLOCATE_PERIOD

ACTOR = "demo"


async def load(database: Database) -> bool:
    """Make the demo unless it is there; whether it was made."""
    async with database.transaction() as session:
        if (await session.execute(select(User.id).where(func.lower(User.email) == ADMIN.email))).first():
            return False
        accounts = await _accounts(session)
        await _deposits(session, accounts.values())
        admin = await _viewer(session, accounts[ADMIN.email])
        await _area(session)
        market_ids = await _markets(session, admin, accounts[OPERATOR.email])
    for place in PLACES:
        async with database.transaction() as session:
            community_id = await _community(session, place, accounts)
        async with database.transaction() as session:
            await _history(session, place, community_id)
            if place.is_sharing:
                await _ask_for_allocation(session, place, community_id)
    async with database.transaction() as session:
        await _neighbours(session, accounts[OPERATOR.email])
        await _terms(session, market_ids, accounts)
    return True


async def _accounts(session: AsyncSession) -> dict[str, UUID]:
    """An account for each person of the story; all have the same password, so it is hashed once."""
    hashed = await asyncio.to_thread(credentials.hash_password, PASSWORD)
    named = {login.email: login.role.title() for login in (ADMIN, OPERATOR, PARTNER)}
    people = {person.email: person.name for place in PLACES for person in place.people}
    ids = {
        email: await users.create_user(session, email, name, hashed, actor=ACTOR)
        for email, name in (people | named).items()
    }
    await users.grant_role(session, ids[ADMIN.email], PlatformRole.ADMIN, actor=ACTOR)
    return ids


async def _deposits(session: AsyncSession, user_ids: Iterable[UUID]) -> None:
    """Everybody asks to pay in; the money comes when the worker runs and the payment provider answers."""
    now = clock.outside()
    for user_id in user_ids:
        viewer = await _viewer(session, user_id)
        await payments.request(session, viewer, "demo", PaymentKind.DEPOSIT, DEPOSIT_UEUR, now=now)


async def _viewer(session: AsyncSession, user_id: UUID) -> Viewer:
    return await sight.viewer_for(await session.connection(), user_id)


async def _markets(session: AsyncSession, admin: Viewer, operator_id: UUID) -> dict[UUID, UUID]:
    """Two zones side by side, each with a substation and a market, linked both ways; markets by zone."""
    ids: dict[UUID, UUID] = {}
    for zone in ZONES:
        boundary = as_element(MultiPolygon([box(*zone.box)]))
        row = MarketZone(code=zone.code, name=zone.name, country=zone.country, boundary=boundary)
        session.add(row)
        await session.flush()
        area = {"code": f"UW-{zone.code}", "name": f"Substation {zone.name}", "country": zone.country}
        session.add(SubstationArea(boundary=boundary, market_zone_id=row.id, **area))
        name = f"{zone.name} market"
        ids[row.id] = await markets.create(
            session,
            admin,
            zone_id=row.id,
            name=name,
            penalty_ueur_per_kwh=terms.PENALTY_UEUR_PER_KWH,
            energy_vat_ppm=terms.ENERGY_VAT_PPM,
        )
        await users.grant_role(session, operator_id, PlatformRole.GRID_OPERATOR, actor=ACTOR, zone_id=row.id)
    zone_ids = list(ids)
    for here, there in (zone_ids, zone_ids[::-1]):
        await markets.link_zones(
            session,
            admin,
            from_zone_id=here,
            to_zone_id=there,
            capacity_ukwh=LINK_CAPACITY_UKWH,
            cost_ueur_per_kwh=LINK_COST_UEUR_PER_KWH,
        )
    return ids


async def _terms(session: AsyncSession, market_ids: dict[UUID, UUID], accounts: dict[str, UUID]) -> None:
    """What holds in the markets and zones, and who trades by rule in the first of them."""
    now = clock.outside()
    fund_id = (await session.execute(select(Community.id).where(Community.name == BELVAL.name))).scalar_one()
    admin, operator = [await _viewer(session, accounts[login.email]) for login in (ADMIN, OPERATOR)]
    for zone_id, market_id in market_ids.items():
        await terms.set_terms(session, admin, market_id, zone_id, fund_id, now=now)
        await terms.operate(session, operator, zone_id, now=now)
    by_login = {email.removesuffix(f"@{DOMAIN}"): user_id for email, user_id in accounts.items()}
    await terms.set_rules(session, by_login, next(iter(market_ids.values())), now=now)


async def _area(session: AsyncSession) -> None:
    (code,) = {place.area_code for place in PLACES if place.area_code}
    boundary = as_element(MultiPolygon([box(*AREA_BOX)]))
    session.add(SubstationArea(code=code, name="Cabina primaria Pratoverde", country="IT", boundary=boundary))


async def _neighbours(session: AsyncSession, founder_id: UUID) -> None:
    """Communities that were founded today by the grid operator's account."""
    by = await _viewer(session, founder_id)
    founder = NewMember(
        kind=MemberKind.PRODUCER,
        roles=frozenset({CommunityRole.ADMIN}),
        name="Sudgrid",
        legal_form=LegalForm.SME,
        user_id=founder_id,
    )
    for neighbour in NEIGHBOURS:
        new = communities.NewCommunity(
            neighbour.framework, neighbour.kind, neighbour.name, neighbour.timezone, country=neighbour.country
        )
        await communities.create_community(session, new, founder, by=by)


async def _community(session: AsyncSession, place: Place, accounts: dict[str, UUID]) -> UUID:
    """The community, founded and filled by its administrator."""
    start = first_day(today_in(place))
    founder, *others = sorted(enumerate(place.people), key=lambda numbered: not numbered[1].is_admin)
    by = await _viewer(session, accounts[founder[1].email])
    area = select(SubstationArea.id).where(SubstationArea.code == place.area_code)
    new = communities.NewCommunity(
        framework_code=place.framework,
        kind=place.kind,
        name=place.name,
        timezone=place.site.timezone,
        country=place.country,
        description=place.description,
        substation_area_id=(await session.execute(area)).scalar_one_or_none(),
        location=place.location(len(place.people) // 2),
    )
    admitted = _member(founder[1], accounts, start)
    community_id = await communities.create_community(session, new, admitted, by=by)
    by = await _viewer(session, accounts[founder[1].email])
    founding = await _membership_of(session, community_id)
    await _point(session, place, community_id, founding, founder, by)
    for numbered in others:
        member = _member(numbered[1], accounts, start)
        membership_id = await memberships.add_member(session, community_id, member, by=by)
        await _point(session, place, community_id, membership_id, numbered, by)
    if not place.is_sharing:
        return community_id
    key_start = day_start(start, ZoneInfo(place.site.timezone))
    await keys.set_key(session, community_id, KeyKind.PRO_RATA, KeyKind.PRO_RATA, key_start, [], actor=by.key)
    return community_id


async def _membership_of(session: AsyncSession, community_id: UUID) -> UUID:
    query = select(Membership.id).where(Membership.community_id == community_id)
    return (await session.execute(query)).scalar_one()


def _member(person: Person, accounts: dict[str, UUID], start: date) -> NewMember:
    roles = {CommunityRole.MEMBER, CommunityRole.ADMIN} if person.is_admin else {CommunityRole.MEMBER}
    return NewMember(
        kind=person.kind,
        roles=frozenset(roles),
        name=person.name,
        legal_form=person.legal_form,
        user_id=accounts[person.email],
        valid_from=start,
    )


async def _point(
    session: AsyncSession,
    place: Place,
    community_id: UUID,
    membership_id: UUID,
    numbered: tuple[int, Person],
    by: Viewer,
) -> None:
    """The person's metering point, and the plant behind it."""
    number, person = numbered
    directions = {Direction.WITHDRAWN: person.annual_kwh > 0, Direction.INJECTED: person.injects}
    if not any(directions.values()):
        return
    new = participations.NewPoint(
        code=place.code(number),
        code_kind=place.code_kind,
        directions=frozenset(direction for direction, is_metered in directions.items() if is_metered),
        location=place.location(number),
    )
    point_id, _ = await participations.register_metering_point(session, community_id, membership_id, new, by=by)
    if person.pv_kwp:
        roof = assets.NewAsset(point_id, f"Roof of {person.name}", AssetKind.PV, power_w=round(person.pv_kwp * 1_000))
        await assets.add_asset(session, community_id, roof, by=by)
    if person.plant is not None:
        plant = assets.NewAsset(point_id, person.name, person.plant.kind, power_w=person.plant.power_w)
        await assets.add_asset(session, community_id, plant, by=by)


async def _history(session: AsyncSession, place: Place, community_id: UUID) -> None:
    """Every full day since the start."""
    today = today_in(place)
    start = first_day(today)
    days = await simulated_days(session, place, start, (today - start).days)
    await readings.record_days(session, blocks_of(days), source="demo history", sender=ACTOR, scope_id=community_id)


async def simulated_days(session: AsyncSession, place: Place, start: date, days: int) -> list[ReadingDay]:
    """What the meters of a place count on whole days, as readings."""
    metered = await _points(session, place)
    return [
        day
        for id, directions, number in metered
        for simulated in place.metered(number, start, days)
        for day in _readings(id, directions, simulated)
    ]


async def _points(session: AsyncSession, place: Place) -> list[tuple[UUID, Sequence[str], int]]:
    """Metering points of a place with their directions and whose they are, as a number."""
    by_code = {place.code(number): number for number in range(len(place.people))}
    query = select(MeteringPoint.id, MeteringPoint.directions, MeteringPoint.code).where(
        among(MeteringPoint.code, by_code)
    )
    return [(id, directions, by_code[code]) for id, directions, code in await session.execute(query)]


def _readings(id: UUID, directions: Sequence[str], simulated: SimulatedDay) -> Iterable[ReadingDay]:
    values = {Direction.INJECTED: simulated.injected_ukwh, Direction.WITHDRAWN: simulated.withdrawn_ukwh}
    for direction in directions:
        energy = np.ascontiguousarray(values[Direction(direction)])
        yield ReadingDay(id, Direction(direction), simulated.day, Quality.SIMULATED, energy)


async def _ask_for_allocation(session: AsyncSession, place: Place, community_id: UUID) -> None:
    zone, today = ZoneInfo(place.site.timezone), today_in(place)
    period = Period(day_start(first_day(today), zone), day_start(today, zone))
    arguments = {
        "community_id": str(community_id),
        "actor": ACTOR,
        "start": period.start.isoformat(),
        "end": period.end.isoformat(),
    }
    name = f"allocate:{community_id}:{arguments['start']}:{arguments['end']}"
    await queue.enqueue_again(session, ALLOCATE_PERIOD, name, arguments, community_id=community_id)


def today_in(place: Place) -> date:
    """The local day of a place."""
    return clock.outside().astimezone(ZoneInfo(place.site.timezone)).date()
