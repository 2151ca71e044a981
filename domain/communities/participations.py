"""Which share of a metering point a member brings into a community.

All shares of a point at one time add up to at most the whole: a point may belong to several communities, and none of
its energy is given twice.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from uuid import UUID

from shapely import Point
from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from domain.communities import communities, frameworks, visibility
from domain.communities.members import Overlap
from domain.communities.tables import Community, Framework, Membership, Participation
from domain.geography import geojson
from domain.identity.viewers import Viewer
from domain.kernel.errors import DomainError, InvalidValue, NotFound
from domain.kernel.quantities import WHOLE_PPM, format_micro
from domain.metering import codes, points
from domain.metering.tables import CodeKind, Direction, MeteringPoint


class ShareExceeded(DomainError):
    """The shares of a metering point would add up to more than the whole."""

    def __init__(self, available_ppm: int) -> None:
        super().__init__(f"Of this metering point only {format_micro(available_ppm)} is left to share.")
        self.available_ppm = available_ppm


@dataclass(frozen=True, slots=True)
class NewPoint:
    """A metering point and its share; `location` is a GeoJSON object, `timezone` None the community's.

    A point that is registered already keeps its own directions and location.
    """

    code: str
    code_kind: CodeKind
    directions: frozenset[Direction]
    location: object = None
    timezone: str | None = None
    factor_ppm: int = WHOLE_PPM
    valid_from: date | None = None


async def register_metering_point(
    session: AsyncSession, community_id: UUID, membership_id: UUID, new: NewPoint, *, by: Viewer
) -> tuple[UUID, UUID]:
    """Let a metering point take part; returns its id and the participation's.

    Raises NotFound, NotAllowed, CommunityClosed, InvalidValue, OutsideArea, Overlap, ShareExceeded, GeometryInvalid.
    """
    community = await communities.lock_administered(session, community_id, by=by, act="register metering points")
    rules = await frameworks.rules(session, community.framework_code)
    membership = await _membership(session, community_id, membership_id)
    valid_from = _start(new.valid_from, membership)
    point_id = await _point(session, community, new, by)
    if rules.needs_substation_area:
        assert community.substation_area_id is not None
        await communities.check_covered(session, community.substation_area_id, [point_id])
    try:
        await _check_shares(session, community, rules, point_id, new.factor_ppm, valid_from, membership.valid_to)
    except Overlap as overlap:
        overlap.path = overlap.path if new.valid_from is not None else ("code",)
        raise
    participation = Participation(
        community_id=community_id,
        membership_id=membership_id,
        member_id=membership.member_id,
        metering_point_id=point_id,
        factor_ppm=new.factor_ppm,
        valid_from=valid_from,
        valid_to=membership.valid_to,
    )
    session.add(participation)
    await session.flush()
    facts = {"membership": membership_id, "factor_ppm": new.factor_ppm, "from": valid_from}
    subject = ("MeteringPoint", point_id)
    await communities.record(session, "metering_point.register", community_id, by=by, subject=subject, facts=facts)
    return point_id, participation.id


async def _membership(session: AsyncSession, community_id: UUID, membership_id: UUID) -> Membership:
    query = select(Membership).where(Membership.id == membership_id, Membership.community_id == community_id)
    membership = (await session.scalars(query)).one_or_none()
    if membership is None:
        raise NotFound("membership", membership_id)
    return membership


def _start(given: date | None, membership: Membership) -> date:
    start = given or membership.valid_from
    if start < membership.valid_from or (membership.valid_to is not None and start >= membership.valid_to):
        raise InvalidValue(("validFrom",), "The point takes part within the time of the membership.")
    return start


async def _point(session: AsyncSession, community: Community, new: NewPoint, by: Viewer) -> UUID:
    """The metering point with this code, made where `by` sees none, held until commit."""
    timezone = community.timezone if new.timezone is None else new.timezone
    if timezone != community.timezone:
        raise InvalidValue(("timezone",), f"The days of this community are those of {community.timezone}.")
    code = codes.normalised(new.code_kind, new.code)
    query = select(MeteringPoint.id, MeteringPoint.timezone).where(
        MeteringPoint.code == code, visibility.metering_points(by)
    )
    first = query.order_by(MeteringPoint.id).limit(1).with_for_update(key_share=True, of=MeteringPoint)
    known = (await session.execute(first)).first()
    if known is None:
        return await points.create_point(
            session,
            code=new.code,
            code_kind=new.code_kind,
            directions=new.directions,
            timezone=timezone,
            location=_location(new.location),
        )
    if known.timezone != timezone:
        raise InvalidValue(("code",), f"This point keeps the days of {known.timezone}, the community {timezone}.")
    return known.id  # type: ignore[no-any-return]


def _location(value: object) -> Point | None:
    return None if value is None else geojson.read_point(value)


async def _check_shares(
    session: AsyncSession,
    community: Community,
    rules: Framework,
    point_id: UUID,
    factor_ppm: int,
    valid_from: date,
    valid_to: date | None,
) -> None:
    if not 1 <= factor_ppm <= WHOLE_PPM:
        raise InvalidValue(("participationFactor",), "A participation factor lies between 0.000001 and 1.")
    query = select(Participation).where(Participation.metering_point_id == point_id, *_during(valid_from, valid_to))
    others = list(await session.scalars(query))
    for other in others:
        if other.community_id == community.id:
            raise Overlap("a participation of this metering point", other.valid_from, other.valid_to)
    available_ppm = WHOLE_PPM - _highest_sum(others)
    if factor_ppm > available_ppm:
        raise ShareExceeded(available_ppm)
    most: Decimal | None = frameworks.limit(rules, "communities_per_point_max")
    if most is not None and len({other.community_id for other in others}) >= most:
        raise InvalidValue(("code",), f"A metering point takes part in at most {most} communities ({rules.source}).")


def _during(valid_from: date, valid_to: date | None) -> list[ColumnElement[bool]]:
    begun: list[ColumnElement[bool]] = [] if valid_to is None else [Participation.valid_from < valid_to]
    return [
        *begun,
        or_(Participation.valid_to.is_(None), Participation.valid_to > valid_from),
        Participation.valid_from.is_distinct_from(Participation.valid_to),
    ]


def _highest_sum(shares: Iterable[Participation]) -> int:
    """The most that shares hold at one time; it is reached where one of them begins."""
    shares = list(shares)
    return max(
        (
            sum(
                other.factor_ppm
                for other in shares
                if other.valid_from <= share.valid_from
                and (other.valid_to is None or other.valid_to > share.valid_from)
            )
            for share in shares
        ),
        default=0,
    )


def in_force() -> ColumnElement[bool]:
    """Whether a participation holds today."""
    today = func.current_date()
    return (Participation.valid_from <= today) & or_(Participation.valid_to.is_(None), Participation.valid_to > today)
