"""Found, change and close a community.

Operations take the viewer who acts. What that viewer may not see is NotFound; what it may see but not administer is
NotAllowed. A community that is closed stays readable and is changed no more.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypedDict
from uuid import UUID

from sqlalchemy import func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from domain.audit import entries
from domain.communities import frameworks, members, visibility
from domain.communities.tables import (
    Community,
    CommunityKind,
    CommunityStatus,
    Framework,
    FrameworkCode,
    Participation,
)
from domain.communities.texts import checked_description, checked_name, checked_timezone
from domain.geography import geojson
from domain.geography.geometry import as_element
from domain.geography.tables import SubstationArea
from domain.identity.tables import User
from domain.identity.viewers import Viewer
from domain.kernel.database import among
from domain.kernel.errors import DomainError, InvalidValue, NotAllowed, NotFound, StaleVersion
from domain.metering.tables import MeteringPoint

COMMUNITIES_MAX = 20  # That one user founded and that are not closed, unless the caller says otherwise.


class TooManyCommunities(DomainError):
    """The user founded as many communities as one may have open."""

    def __init__(self, maximum: int) -> None:
        super().__init__(f"You founded {maximum} open communities, which is as many as one may. Close one first.")
        self.maximum = maximum


class CommunityClosed(DomainError):
    """The community has ended; its history stays as it is."""

    def __init__(self, community_id: UUID) -> None:
        super().__init__("This community is closed.")
        self.community_id = community_id


class OutsideArea(DomainError):
    """A metering point does not lie in the substation area that bounds the community."""

    def __init__(self, area_code: str, found_code: str | None) -> None:
        where = f"in {found_code}" if found_code else "in no known substation area"
        super().__init__(f"The metering point lies {where}, outside the community's area {area_code}.")
        self.area_code = area_code
        self.found_code = found_code


@dataclass(frozen=True, slots=True)
class NewCommunity:
    """What a community starts with; boundary and location are GeoJSON objects. `country` None is the framework's."""

    framework_code: FrameworkCode
    kind: CommunityKind
    name: str
    timezone: str
    country: str | None = None
    description: str | None = None
    is_listed: bool = True
    substation_area_id: UUID | None = None
    boundary: object = None
    location: object = None


class CommunityChanges(TypedDict, total=False):
    """What may change; a field that is absent stays, None clears where that is allowed."""

    name: str
    description: str | None
    kind: CommunityKind
    is_listed: bool
    substation_area_id: UUID | None
    boundary: object
    location: object


async def create_community(
    session: AsyncSession,
    new: NewCommunity,
    founder: members.NewMember,
    *,
    by: Viewer,
    most: int = COMMUNITIES_MAX,
) -> UUID:
    """Found a community; the founder becomes a member who administers it.

    Raises NotAllowed for an application, InvalidValue, NotFound, GeometryInvalid, GeometryTooComplex, and
    TooManyCommunities but for administrators of the platform.
    """
    if by.user_id is None or by.api_key_id is not None:
        raise NotAllowed("found a community with an API key")
    if not by.is_admin:
        await _require_room(session, by.user_id, most)
    rules = await frameworks.rules(session, new.framework_code)
    country = _country(new.country, rules)
    await _check_area(session, new.substation_area_id, rules, country)
    community = Community(
        name=checked_name(new.name, "name"),
        description=checked_description(new.description, "description"),
        framework_code=new.framework_code,
        kind=new.kind,
        is_listed=new.is_listed,
        country=country,
        timezone=checked_timezone(new.timezone, "timezone"),
        substation_area_id=new.substation_area_id,
        boundary=_boundary(new.boundary),
        location=_location(new.location),
        founder_id=by.user_id,
    )
    session.add(community)
    await session.flush()
    facts = {"framework": new.framework_code, "kind": new.kind, "country": country, "listed": new.is_listed}
    await record(session, "community.create", community.id, by=by, facts=facts)
    await members.admit(session, community.id, founder, by=by)
    return community.id


async def _require_room(session: AsyncSession, founder_id: UUID, most: int) -> None:
    """Two communities that one user founds wait for each other at the user's row. Raises TooManyCommunities."""
    await session.execute(select(User.id).where(User.id == founder_id).with_for_update(key_share=True))
    founded = (Community.founder_id == founder_id, Community.status != CommunityStatus.CLOSED)
    if (await session.execute(select(func.count()).where(*founded))).scalar_one() >= most:
        raise TooManyCommunities(most)


async def update_community(
    session: AsyncSession, community_id: UUID, expected_version: int, changes: CommunityChanges, *, by: Viewer
) -> None:
    """Change what is given and count the version up.

    Raises NotFound, NotAllowed, CommunityClosed, StaleVersion, InvalidValue, OutsideArea, GeometryInvalid,
    GeometryTooComplex.
    """
    community = await lock_administered(session, community_id, by=by, act="change this community")
    if community.version != expected_version:
        raise StaleVersion(expected_version, community.version)
    if not changes:
        raise InvalidValue((), "Name at least one field to change.")
    if "substation_area_id" in changes:
        rules = await frameworks.rules(session, community.framework_code)
        await _check_area(session, changes["substation_area_id"], rules, community.country)
        await _check_points(session, community.id, changes["substation_area_id"])
    for name, value in _checked(changes).items():
        setattr(community, name, value)
    community.version += 1
    await session.flush()
    facts = {"version": community.version, "fields": sorted(changes)}
    await record(session, "community.update", community_id, by=by, facts=facts)


async def close_community(session: AsyncSession, community_id: UUID, expected_version: int, *, by: Viewer) -> None:
    """End a community. Raises NotFound, NotAllowed, CommunityClosed, StaleVersion."""
    community = await lock_administered(session, community_id, by=by, act="close this community")
    if community.version != expected_version:
        raise StaleVersion(expected_version, community.version)
    community.status = CommunityStatus.CLOSED
    community.version += 1
    await session.flush()
    await record(session, "community.close", community_id, by=by, facts={"version": community.version})


async def lock(session: AsyncSession, community_id: UUID, *, by: Viewer) -> Community:
    """A community the viewer may see and that is not closed, held until commit. Raises NotFound, CommunityClosed."""
    query = select(Community).where(Community.id == community_id, visibility.communities(by)).with_for_update()
    community = (await session.scalars(query.execution_options(populate_existing=True))).one_or_none()
    if community is None:
        raise NotFound("community", community_id)
    if community.status is CommunityStatus.CLOSED:
        raise CommunityClosed(community_id)
    return community


async def lock_administered(session: AsyncSession, community_id: UUID, *, by: Viewer, act: str) -> Community:
    """The same for a viewer who administers it. Raises NotFound, NotAllowed, CommunityClosed."""
    if not by.may_administer(community_id):
        seen = select(Community.id).where(Community.id == community_id, visibility.communities(by))
        raise NotFound("community", community_id) if await session.scalar(seen) is None else NotAllowed(act)
    return await lock(session, community_id, by=by)


async def record(
    session: AsyncSession,
    act: str,
    community_id: UUID,
    *,
    by: Viewer,
    subject: tuple[str, UUID | None] | None = None,
    facts: dict[str, Any] | None = None,
) -> None:
    """An entry in the community's audit chain; its subject is the community unless another is given."""
    subject = subject or ("Community", community_id)
    await entries.record(session, act, actor=by.key, subject=subject, scope_id=community_id, facts=facts)


async def check_covered(session: AsyncSession, area_id: UUID, point_ids: Sequence[UUID]) -> None:
    """Metering points lie in a substation area, edges included. Raises OutsideArea for the first that does not."""
    area = (await session.scalars(select(SubstationArea).where(SubstationArea.id == area_id))).one()
    covered = func.ST_Covers(SubstationArea.boundary, MeteringPoint.location)
    outside = (
        select(MeteringPoint.substation_area_id)
        .join(SubstationArea, SubstationArea.id == area_id)
        .where(among(MeteringPoint.id, point_ids), or_(MeteringPoint.location.is_(None), ~covered))
        .order_by(MeteringPoint.id)
        .limit(1)
    )
    found = (await session.execute(outside)).first()
    if found is not None:
        code = await session.scalar(select(SubstationArea.code).where(SubstationArea.id == found[0]))
        raise OutsideArea(area.code, code)


def _country(given: str | None, rules: Framework) -> str:
    country = given or rules.country
    if country is None or len(country) != 2 or not (country.isascii() and country.isupper() and country.isalpha()):
        raise InvalidValue(("country",), "A country is two capital letters, such as LU; this framework needs one.")
    if rules.country not in (None, country):
        raise InvalidValue(("country",), f"The framework {rules.code.value} holds in {rules.country}.")
    return country


async def _check_area(session: AsyncSession, area_id: UUID | None, rules: Framework, country: str) -> None:
    if area_id is None:
        if rules.needs_substation_area:
            raise InvalidValue(("substationAreaId",), f"The framework {rules.code.value} needs a substation area.")
        return
    area_country = await session.scalar(select(SubstationArea.country).where(SubstationArea.id == area_id))
    if area_country is None:
        raise NotFound("substation area", area_id)
    if area_country != country:
        raise InvalidValue(("substationAreaId",), f"The substation area lies in {area_country}, not in {country}.")


async def _check_points(session: AsyncSession, community_id: UUID, area_id: UUID | None) -> None:
    """All points that take part, now or later, lie in the new area."""
    if area_id is None:
        return
    query = select(Participation.metering_point_id).where(
        Participation.community_id == community_id,
        or_(Participation.valid_to.is_(None), Participation.valid_to > func.current_date()),
    )
    await check_covered(session, area_id, list(await session.scalars(query)))


def _checked(changes: CommunityChanges) -> dict[str, Any]:
    checked: dict[str, Any] = dict(changes)
    if "name" in changes:
        checked["name"] = checked_name(changes["name"], "name")
    if "description" in changes:
        checked["description"] = checked_description(changes["description"], "description")
    if "boundary" in changes:
        checked["boundary"] = _boundary(changes["boundary"])
    if "location" in changes:
        checked["location"] = _location(changes["location"])
    return checked


def _boundary(value: object) -> Any:
    return None if value is None else as_element(geojson.read_boundary(value))


def _location(value: object) -> Any:
    return None if value is None else as_element(geojson.read_point(value))
