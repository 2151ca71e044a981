"""Halts of zones over GraphQL."""

import strawberry
from sqlalchemy import ColumnElement

from api.engine.declarations import Node, entity, extends, leading
from api.engine.fields import column, edge, many
from api.graphql.context import Info
from api.graphql.mutations import ErrorCode, Payload, UserError, mutation, refusal
from api.graphql.scalars import DateTime, key_of
from api.resources import clock
from domain.geography.tables import MarketZone as ZoneTable
from domain.grid import halts, tables, visibility
from domain.market.orders import halting

ZONE_HALTED = ErrorCode("ZONE_HALTED", "Trading in the zone is halted already.")
ZONE_NOT_HALTED = ErrorCode("ZONE_NOT_HALTED", "Trading in the zone is not halted.")

REASON = "Why, 1 to 500 characters; everybody may read it, and it is kept in the audit log."


@entity(tables.ZoneHalt, visible=visibility.public)
class ZoneHalt(Node):
    """A time in which trading in a zone stands still: orders stay, nothing is cleared. Visible to everybody."""

    zone = edge(tables.ZoneHalt.zone_id, "MarketZone", "The zone.")
    reason: str = column(tables.ZoneHalt.reason, "Why trading was halted.")
    started_at: DateTime = column(tables.ZoneHalt.started_at, "When it began.")
    expires_at: DateTime | None = column(
        tables.ZoneHalt.expires_at, "When it ends by itself; null if it stands until it is lifted."
    )
    lifted_at: DateTime | None = column(tables.ZoneHalt.lifted_at, "When it ended; null while it stands.")
    halted_by = edge(
        tables.ZoneHalt.halted_by_id,
        "User",
        "Who halted trading; null unless the viewer may see them.",
        is_optional=True,
    )
    lifted_by = edge(
        tables.ZoneHalt.lifted_by_id,
        "User",
        "Who lifted it; null while it stands, where it expired, and unless the viewer may see them.",
        is_optional=True,
    )


def _stands() -> ColumnElement[bool]:
    return tables.ZoneHalt.lifted_at.is_(None)


@extends("MarketZone")
class HaltsOfZone:
    halt = edge(
        ZoneTable.id,
        "ZoneHalt",
        "The halt that stands; null where trading goes on.",
        match=tables.ZoneHalt.zone_id,
        where=_stands,
        is_optional=True,
    )
    halts = many("ZoneHalt", "All halts of the zone, oldest first.", on=tables.ZoneHalt.zone_id)


@strawberry.type(description="Trading in the zone is halted already.")
class ZoneHalted(UserError):
    reason: str = strawberry.field(description="Why trading was halted.")
    until: DateTime | None = strawberry.field(description="When the halt ends by itself; null without end.")


@strawberry.type(description="Trading in the zone is not halted.")
class ZoneNotHalted(UserError):
    pass


@refusal(halts.ZoneHalted)
def _halted(error: halts.ZoneHalted) -> UserError:
    until = None if error.until is None else DateTime(error.until)
    return ZoneHalted(code=ZONE_HALTED, message=error.message, path=["zoneId"], reason=error.reason, until=until)


@refusal(halts.ZoneNotHalted)
def _not_halted(error: halts.ZoneNotHalted) -> UserError:
    return ZoneNotHalted(code=ZONE_NOT_HALTED, message=error.message, path=["zoneId"])


@strawberry.input(description="A zone in which trading is to stand still.")
class HaltZoneInput:
    zone_id: strawberry.ID = strawberry.field(description="Id of a zone that the caller operates.")
    reason: str = strawberry.field(description=REASON)
    expires_at: DateTime | None = strawberry.field(
        default=None, description="When trading goes on by itself, after now; left out, when it is resumed."
    )


@strawberry.input(description="A zone in which trading is to go on.")
class ResumeZoneInput:
    zone_id: strawberry.ID = strawberry.field(description="Id of a halted zone that the caller operates.")
    reason: str = strawberry.field(description=REASON)


@strawberry.type(description="A halt that began.")
class HaltZonePayload(Payload):
    halt = edge(None, "ZoneHalt", "The halt.")


@strawberry.type(description="A halt that ended.")
class ResumeZonePayload(Payload):
    halt = edge(None, "ZoneHalt", "The halt.")


@strawberry.type
class HaltMutations:
    @mutation(
        "Halt trading in a zone: orders keep their place, none can be placed, nothing is cleared. For the zone's grid "
        "operator and administrators of the platform."
    )
    async def halt_zone(self, info: Info, input: HaltZoneInput) -> HaltZonePayload:
        zone_id = key_of(input.zone_id, "MarketZone", "zoneId")
        async with info.context.transaction() as session:
            halt_id = await halting.halt(
                session,
                info.context.caller,
                zone_id,
                reason=input.reason,
                expires_at=input.expires_at,
                now=clock.now(),
            )
        return leading(HaltZonePayload(), halt=halt_id)

    @mutation("Let a halted zone trade again; for its grid operator and administrators of the platform.")
    async def resume_zone(self, info: Info, input: ResumeZoneInput) -> ResumeZonePayload:
        zone_id = key_of(input.zone_id, "MarketZone", "zoneId")
        async with info.context.transaction() as session:
            halt_id = await halting.resume(session, info.context.caller, zone_id, reason=input.reason, now=clock.now())
        return leading(ResumeZonePayload(), halt=halt_id)
