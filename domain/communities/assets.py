"""Plants and storage behind metering points."""

from dataclasses import dataclass
from datetime import date
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from domain.communities import communities, frameworks
from domain.communities.tables import Asset, AssetKind, Framework, Participation
from domain.communities.texts import checked_name
from domain.identity.viewers import Viewer
from domain.kernel.errors import DomainError, InvalidValue, NotFound

POWER_W_MAX = 10**10
CAPACITY_UKWH_MAX = 10**14
W_PER_KW = 1_000


class PlantTooLarge(DomainError):
    """A plant has more power than the framework allows."""

    def __init__(self, power_w: int, maximum_w: int, source: str) -> None:
        super().__init__(f"A plant has at most {maximum_w / W_PER_KW:g} kW here ({source}).")
        self.power_w = power_w
        self.maximum_w = maximum_w


@dataclass(frozen=True, slots=True)
class NewAsset:
    """A plant, or a storage, which alone has a capacity."""

    metering_point_id: UUID
    name: str
    kind: AssetKind
    power_w: int
    capacity_ukwh: int | None = None
    commissioned_on: date | None = None


async def add_asset(session: AsyncSession, community_id: UUID, new: NewAsset, *, by: Viewer) -> UUID:
    """An asset behind a point that takes part in the community.

    Raises NotFound, NotAllowed, CommunityClosed, InvalidValue, PlantTooLarge.
    """
    community = await communities.lock_administered(session, community_id, by=by, act="add assets")
    _check(new, await frameworks.rules(session, community.framework_code))
    takes_part = select(Participation.id).where(
        Participation.community_id == community_id, Participation.metering_point_id == new.metering_point_id
    )
    if (await session.execute(takes_part.limit(1))).first() is None:
        raise NotFound("metering point", new.metering_point_id)
    asset = Asset(
        community_id=community_id,
        metering_point_id=new.metering_point_id,
        name=checked_name(new.name, "name"),
        kind=new.kind,
        power_w=new.power_w,
        capacity_ukwh=new.capacity_ukwh,
        commissioned_on=new.commissioned_on,
    )
    session.add(asset)
    await session.flush()
    facts = {"kind": new.kind, "power_w": new.power_w, "capacity_ukwh": new.capacity_ukwh}
    await communities.record(session, "asset.create", community_id, by=by, subject=("Asset", asset.id), facts=facts)
    return asset.id


def _check(new: NewAsset, rules: Framework) -> None:
    if not 1 <= new.power_w <= POWER_W_MAX:
        raise InvalidValue(("powerKw",), "The power lies between 0.001 kW and 10 GW.")
    if (new.kind is AssetKind.STORAGE) != (new.capacity_ukwh is not None):
        raise InvalidValue(("capacityKwh",), "Storage has a capacity, nothing else has.")
    if new.capacity_ukwh is not None and not 1 <= new.capacity_ukwh <= CAPACITY_UKWH_MAX:
        raise InvalidValue(("capacityKwh",), "The capacity lies above 0 and up to 100 GWh.")
    most_kw = frameworks.limit(rules, "plant_power_kw_max")
    if new.kind is not AssetKind.STORAGE and most_kw is not None and new.power_w > most_kw * W_PER_KW:
        raise PlantTooLarge(new.power_w, int(most_kw * W_PER_KW), rules.source)
