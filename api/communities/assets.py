"""Plants and storage."""

import strawberry

from api.engine.declarations import Node, entity, leading
from api.engine.fields import column, edge
from api.graphql.context import Info
from api.graphql.mutations import ErrorCode, Payload, UserError, mutation, refusal
from api.graphql.scalars import Date, Micro, key_of
from domain.communities import assets, tables, visibility
from domain.communities.tables import AssetKind
from domain.kernel.errors import InvalidValue
from domain.kernel.quantities import MICRO

PLANT_TOO_LARGE = ErrorCode("PLANT_TOO_LARGE", "The framework allows less power for one plant.")

MICRO_KW_PER_W = MICRO // assets.W_PER_KW


@entity(tables.Asset, visible=visibility.assets)
class Asset(Node):
    """A plant or storage behind a metering point. Visible to who brings the point and to administrators."""

    name: str = column(tables.Asset.name, "What its owner calls it.")
    kind: AssetKind = column(tables.Asset.kind, "What it is.")
    power_kw: Micro = column(tables.Asset.power_w * MICRO_KW_PER_W, "Rated power, kW.")
    capacity_ukwh: Micro | None = column(
        tables.Asset.capacity_ukwh, "Usable capacity, kWh; of storage only.", name="capacityKwh"
    )
    commissioned_on: Date | None = column(tables.Asset.commissioned_on, "Day of commissioning; null when not known.")
    community = edge(tables.Asset.community_id, "Community", "The community it serves.", is_optional=True)
    metering_point = edge(
        tables.Asset.metering_point_id, "MeteringPoint", "The metering point it stands behind.", is_optional=True
    )


@strawberry.type(description="The plant has more power than the framework allows.")
class PlantTooLarge(UserError):
    maximum_kw: Micro = strawberry.field(description="Largest power of one plant, kW.")


@refusal(assets.PlantTooLarge)
def _too_large(error: assets.PlantTooLarge) -> UserError:
    most = Micro(error.maximum_w * MICRO_KW_PER_W)
    return PlantTooLarge(code=PLANT_TOO_LARGE, message=error.message, path=["powerKw"], maximum_kw=most)


@strawberry.input(description="A plant or storage.")
class AddAssetInput:
    community_id: strawberry.ID = strawberry.field(description="A community that the caller administers.")
    metering_point_id: strawberry.ID = strawberry.field(description="A point that takes part in it.")
    name: str = strawberry.field(description="1 to 120 characters.")
    kind: AssetKind = strawberry.field(description="What it is.")
    power_kw: Micro = strawberry.field(description="Rated power, kW, whole watts; 0.001 to 10000000.")
    capacity_kwh: Micro | None = strawberry.field(default=None, description="Usable capacity, kWh; for STORAGE only.")
    commissioned_on: Date | None = strawberry.field(default=None, description="Day of commissioning.")


@strawberry.type(description="An asset that was added.")
class AddAssetPayload(Payload):
    asset = edge(None, "Asset", "The asset.")


@strawberry.type
class AssetMutations:
    @mutation("Add a plant or storage; for administrators of the community.")
    async def add_asset(self, info: Info, input: AddAssetInput) -> AddAssetPayload:
        new = assets.NewAsset(
            metering_point_id=key_of(input.metering_point_id, "MeteringPoint", "meteringPointId"),
            name=input.name,
            kind=input.kind,
            power_w=_watts(input.power_kw),
            capacity_ukwh=input.capacity_kwh,
            commissioned_on=input.commissioned_on,
        )
        community_id = key_of(input.community_id, "Community", "communityId")
        async with info.context.transaction() as session:
            asset_id = await assets.add_asset(session, community_id, new, by=info.context.caller)
        return leading(AddAssetPayload(), asset=asset_id)


def _watts(micro_kw: int) -> int:
    watts, rest = divmod(micro_kw, MICRO_KW_PER_W)
    if rest:
        raise InvalidValue(("powerKw",), "The power is a whole number of watts.")
    return watts
