"""Readings that wait for a decision over GraphQL."""

import strawberry

from api.engine.declarations import Node, entity, leading
from api.engine.fields import column, edge, enums
from api.graphql.context import Info
from api.graphql.mutations import ErrorCode, Payload, UserError, mutation, refusal
from api.graphql.scalars import Date, DateTime, Micro, key_of
from api.resources import clock
from domain.communities import filling, visibility
from domain.kernel.errors import InvalidValue
from domain.metering.tables import Direction, HoldDecision, HoldReason, Quality
from domain.metering.tables import HeldReadings as Table

HELD_DECIDED = ErrorCode("HELD_DECIDED", "It was decided already what becomes of the held readings.")

MICRO_KW_PER_W = 1_000


@entity(Table, visible=visibility.held_readings)
class HeldReadings(Node):
    """Readings of a local day that were not stored, because they are implausible or would displace better ones.

    Visible to who brings the point and to administrators, as the readings would be. They count nowhere until an
    administrator releases them.
    """

    metering_point = edge(Table.metering_point_id, "MeteringPoint", "Whose readings they are.", is_optional=True)
    direction: Direction = column(Table.direction, "Which way the energy goes.")
    day: Date = column(Table.day, "The local day.")
    resolution_minutes: int = column(Table.resolution_minutes, "Length of an interval, minutes.")
    quality: Quality = column(Table.quality, "How the values came about.")
    highest_ukwh: Micro = column(Table.highest_ukwh, "The highest value of an interval, kWh.", name="highestKwh")
    reasons: list[HoldReason] = column(enums(Table.reasons, HoldReason), "Why they are held.")
    held_at: DateTime = column(Table.held_at, "When they arrived.")
    decision: HoldDecision | None = column(Table.decision, "What became of them; null while they wait.")
    decided_at: DateTime | None = column(Table.decided_at, "When that was decided; null while they wait.")


@strawberry.type(description="It was decided already what becomes of the held readings.")
class HeldDecided(UserError):
    decision: HoldDecision = strawberry.field(description="What was decided.")


@refusal(filling.HeldDecided)
def _decided(error: filling.HeldDecided) -> UserError:
    return HeldDecided(code=HELD_DECIDED, message=error.message, path=["id"], decision=error.decision)


@strawberry.input(description="What becomes of held readings.")
class DecideHeldReadingsInput:
    id: strawberry.ID = strawberry.field(description="Id of the held readings.")
    decision: HoldDecision = strawberry.field(description="RELEASED stores them as they arrived.")


@strawberry.type(description="Held readings that were decided on.")
class DecideHeldReadingsPayload(Payload):
    held_readings = edge(None, "HeldReadings", "The readings.")


@strawberry.input(description="What a metering point can carry.")
class SetConnectionPowerInput:
    metering_point_id: strawberry.ID = strawberry.field(description="A point of a community the caller administers.")
    connection_power_kw: Micro | None = strawberry.field(
        description="Power of the connection, kW, whole watts; null where it is not known, which counts as 100 kW."
    )


@strawberry.type(description="The metering point with its connection power.")
class SetConnectionPowerPayload(Payload):
    metering_point = edge(None, "MeteringPoint", "The metering point.")


@strawberry.type
class HeldMutations:
    @mutation("Release held readings into the store, or discard them; for administrators of the point's community.")
    async def decide_held_readings(self, info: Info, input: DecideHeldReadingsInput) -> DecideHeldReadingsPayload:
        held_id = key_of(input.id, "HeldReadings", "id")
        async with info.context.transaction() as session:
            await filling.decide(session, held_id, input.decision, by=info.context.caller, now=clock.now())
        return leading(DecideHeldReadingsPayload(), held_readings=held_id)

    @mutation(
        "State what a metering point can carry; for administrators of its community. Readings more than a tenth above "
        "it, and above what the plants behind the point can do, are held."
    )
    async def set_connection_power(self, info: Info, input: SetConnectionPowerInput) -> SetConnectionPowerPayload:
        point_id = key_of(input.metering_point_id, "MeteringPoint", "meteringPointId")
        power_w = None if input.connection_power_kw is None else _watts(input.connection_power_kw)
        async with info.context.transaction() as session:
            await filling.set_connection_power(session, point_id, power_w, by=info.context.caller)
        return leading(SetConnectionPowerPayload(), metering_point=point_id)


def _watts(micro_kw: int) -> int:
    watts, rest = divmod(micro_kw, MICRO_KW_PER_W)
    if rest:
        raise InvalidValue(("connectionPowerKw",), "The power is a whole number of watts.")
    return watts
