"""Metering points and their readings."""

from typing import Annotated
from zoneinfo import ZoneInfo

import strawberry

from api.engine.declarations import Node, entity, leading
from api.engine.fields import column, edge, enums, many
from api.geography.geojson import GeoJSONPoint
from api.graphql import periods
from api.graphql.context import Info
from api.graphql.mutations import OVERLAP, ErrorCode, Payload, UserError, mutation, refusal
from api.graphql.periods import PeriodInput
from api.graphql.scalars import Date, DateTime, Micro, key_of
from api.metering.series import ReadingSeries, refused_as_input
from domain.communities import communities, members, participations, visibility
from domain.communities.tables import Asset as AssetTable
from domain.communities.tables import Participation as ParticipationTable
from domain.kernel.intervals import Resolution
from domain.kernel.quantities import WHOLE_PPM
from domain.metering import series, tables
from domain.metering.tables import CodeKind, Direction

OUTSIDE_AREA = ErrorCode("OUTSIDE_AREA", "The metering point lies outside the community's substation area.")
SHARE_EXCEEDED = ErrorCode("SHARE_EXCEEDED", "The shares of the metering point would add up to more than the whole.")

Table = tables.MeteringPoint


@entity(
    Table,
    visible=visibility.metering_points,
    carries={"zone": Table.timezone},
)
class MeteringPoint(Node):
    """A point of connection to the grid. Visible to who brings or brought it and to administrators there."""

    code: str = column(Table.code, "POD or national code; of an Italian POD the first 14 characters.")
    code_kind: CodeKind = column(Table.code_kind, "Which pattern the code follows.")
    timezone: str = column(Table.timezone, "IANA zone whose local days its readings keep.")
    location: GeoJSONPoint | None = column(
        Table.location_geojson, "Where it is, six decimals of a degree; null when not known.", heavy=True
    )
    substation_area = edge(
        Table.substation_area_id,
        "SubstationArea",
        "The area its location lies in; null when not known.",
        is_optional=True,
    )
    directions: list[Direction] = column(enums(Table.directions, Direction), "Which directions it measures.")
    connection_power_kw: Micro | None = column(
        Table.connection_power_w * 1_000, "Power of its connection, kW; null when not known."
    )
    created_at: DateTime = column(Table.created_at, "When it was registered.")
    participations = many(
        "Participation",
        "Communities it takes or took part in, as far as the viewer may see.",
        on=ParticipationTable.metering_point_id,
    )
    held_readings = many(
        "HeldReadings",
        "Readings of it that wait or waited for a decision, oldest first.",
        on=tables.HeldReadings.metering_point_id,
    )
    assets = many("Asset", "Plants and storage behind it.", on=AssetTable.metering_point_id)

    @strawberry.field(
        metadata=periods.series(),
        description="Its energy in a period of at most 10000 intervals. Readings of days on which the point was not "
        "in a community through which the viewer sees it count as missing.",
    )
    async def readings(
        self,
        info: Info,
        period: Annotated[
            PeriodInput, strawberry.argument(description="Whole intervals; for DAY and MONTH in the point's zone.")
        ],
        direction: Annotated[Direction, strawberry.argument(description="Which way the energy goes.")],
        resolution: Annotated[
            Resolution, strawberry.argument(description="Length of an interval; not finer than the readings.")
        ],
    ) -> ReadingSeries:
        info.context.take_series()
        share = series.PointShare(self.__dict__["id"], frozenset({direction}))
        with refused_as_input():
            grid = series.grid(period.span(), resolution, ZoneInfo(self.__dict__["zone"]))
            async with info.context.database.reading() as connection:
                seen = visibility.readings(info.context.viewer)
                found = await series.read_series(connection, [share], grid, seen)
        return ReadingSeries(
            start=DateTime(found.start),
            resolution=resolution,
            energy_kwh=found.kwh[direction].tolist(),
            missing=found.missing[direction].tolist(),
        )


@strawberry.type(description="The metering point does not lie in the substation area that bounds the community.")
class OutsideArea(UserError):
    area_code: str = strawberry.field(description="Code of the community's area.")
    found_code: str | None = strawberry.field(description="Code of the area it lies in; null when it lies in none.")


@strawberry.type(description="The same thing is already there for part of the time.")
class Overlap(UserError):
    valid_from: Date = strawberry.field(description="First day of what is there.")
    valid_to: Date | None = strawberry.field(description="First day after it; null without end.")


@strawberry.type(description="The shares of a metering point would add up to more than the whole.")
class ShareExceeded(UserError):
    available: Micro = strawberry.field(description="What is left to share, 0 to 1.")


@refusal(communities.OutsideArea)
def _outside(error: communities.OutsideArea) -> UserError:
    return OutsideArea(
        code=OUTSIDE_AREA,
        message=error.message,
        path=None,
        area_code=error.area_code,
        found_code=error.found_code,
    )


@refusal(members.Overlap)
def _overlap(error: members.Overlap) -> UserError:
    valid_to = None if error.valid_to is None else Date(error.valid_to)
    return Overlap(
        code=OVERLAP,
        message=error.message,
        path=list(error.path),
        valid_from=Date(error.valid_from),
        valid_to=valid_to,
    )


@refusal(participations.ShareExceeded)
def _exceeded(error: participations.ShareExceeded) -> UserError:
    return ShareExceeded(
        code=SHARE_EXCEEDED,
        message=error.message,
        path=["participationFactor"],
        available=Micro(error.available_ppm),
    )


@strawberry.input(description="A metering point that takes part in a community.")
class RegisterMeteringPointInput:
    community_id: strawberry.ID = strawberry.field(description="A community that the caller administers.")
    membership_id: strawberry.ID = strawberry.field(description="The membership that brings the point.")
    code: str = strawberry.field(description="POD or other code; blanks in national codes do not count.")
    code_kind: CodeKind = strawberry.field(description="Which pattern the code follows.")
    directions: list[Direction] = strawberry.field(description="What it measures; at least one.")
    location: GeoJSONPoint | None = strawberry.field(
        default=None, description="Where it is; needed where the framework bounds communities by a substation area."
    )
    timezone: str | None = strawberry.field(default=None, description="The community's zone, which is the default.")
    participation_factor: Micro = strawberry.field(
        default=Micro(WHOLE_PPM), description="Share of its energy, above 0 and up to 1."
    )
    valid_from: Date | None = strawberry.field(
        default=None, description="First day, within the membership; default its first."
    )


@strawberry.type(description="A metering point that takes part.")
class RegisterMeteringPointPayload(Payload):
    metering_point = edge(None, "MeteringPoint", "The metering point.")
    participation = edge(None, "Participation", "Its share in the community.")


@strawberry.type
class MeteringMutations:
    @mutation(
        "Let a metering point take part; for administrators of the community. Where the caller sees a point with this "
        "code that one is taken up, and keeps its directions and location. Whether others have registered it is not "
        "told."
    )
    async def register_metering_point(
        self, info: Info, input: RegisterMeteringPointInput
    ) -> RegisterMeteringPointPayload:
        new = participations.NewPoint(
            code=input.code,
            code_kind=input.code_kind,
            directions=frozenset(input.directions),
            location=input.location,
            timezone=input.timezone,
            factor_ppm=input.participation_factor,
            valid_from=input.valid_from,
        )
        async with info.context.transaction() as session:
            point_id, participation_id = await participations.register_metering_point(
                session,
                key_of(input.community_id, "Community", "communityId"),
                key_of(input.membership_id, "Membership", "membershipId"),
                new,
                by=info.context.caller,
            )
        return leading(RegisterMeteringPointPayload(), metering_point=point_id, participation=participation_id)
