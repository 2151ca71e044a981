"""Why an order is refused, as its caller sees it: one type per refusal, with its facts."""

import strawberry

from api.graphql.mutations import INVALID_INPUT, ErrorCode, UserError, refusal
from api.graphql.scalars import DateTime, Micro
from domain.grid.tables import LimitKind
from domain.ledger.transfers import InsufficientFunds as Unfunded
from domain.market.orders import orders, tables, validation
from domain.market.places.tables import EnergySource

OFF_LOT = ErrorCode("OFF_LOT", "The energy is no multiple of the lot.")
OFF_TICK = ErrorCode("OFF_TICK", "The price is no multiple of the tick.")
MARKET_CLOSED = ErrorCode("MARKET_CLOSED", "The market does not trade this delivery now.")
ORDER_CLOSED = ErrorCode("ORDER_CLOSED", "The order is filled, cancelled, expired or rejected.")
INSUFFICIENT_FUNDS = ErrorCode("INSUFFICIENT_FUNDS", "The available balance does not cover it.")
MARKET_HALTED = ErrorCode("MARKET_HALTED", "The grid operator has halted trading in the zone.")
LIMIT_EXCEEDED = ErrorCode("LIMIT_EXCEEDED", "A limit of the zone's operator leaves no room for it.")
SOURCE_NOT_OWNED = ErrorCode("SOURCE_NOT_OWNED", "No plant of the seller's brings energy of this source.")
CAPACITY_EXCEEDED = ErrorCode("CAPACITY_EXCEEDED", "The seller's plants cannot deliver it beside what is committed.")


@strawberry.type(description="The energy is no multiple of the lot.")
class OffLot(UserError):
    lot_ukwh: Micro = strawberry.field(name="lotKwh", description="The lot, kWh.")


@strawberry.type(description="The price is no multiple of the tick.")
class OffTick(UserError):
    tick_ueur_per_kwh: Micro = strawberry.field(name="tick", description="The tick, EUR/kWh.")


@strawberry.type(description="A price or an energy is beyond what the market takes.")
class OutOfBounds(UserError):
    lowest: Micro = strawberry.field(description="The lowest that is taken; EUR/kWh for a price, kWh for an energy.")
    highest: Micro = strawberry.field(description="The highest that is taken; EUR/kWh for a price, kWh for an energy.")


@strawberry.type(description="The delivery does not begin and end with delivery intervals of the market.")
class DeliveryMisaligned(UserError):
    delivery_minutes: int = strawberry.field(description="Length of a delivery interval, minutes, from midnight UTC.")


@strawberry.type(description="The market does not trade this delivery now: it has begun, or it ends too late.")
class MarketClosed(UserError):
    gate_closed_at: DateTime | None = strawberry.field(
        description="When the gate closed; null if the delivery is too far."
    )
    trades_until: DateTime | None = strawberry.field(
        description="Latest end of a delivery that is traded now; null if the gate has closed."
    )


@strawberry.type(description="The order is filled, cancelled or expired.")
class OrderClosed(UserError):
    status: tables.OrderStatus = strawberry.field(description="How it ended.")
    closed_at: DateTime = strawberry.field(description="When it ended.")


@refusal(validation.OffLot)
def _off_lot(error: validation.OffLot) -> UserError:
    return OffLot(code=OFF_LOT, message=error.message, path=["energyKwh"], lot_ukwh=Micro(error.lot_ukwh))


@refusal(validation.OffTick)
def _off_tick(error: validation.OffTick) -> UserError:
    tick = Micro(error.tick_ueur_per_kwh)
    return OffTick(code=OFF_TICK, message=error.message, path=["limitPrice"], tick_ueur_per_kwh=tick)


@refusal(validation.PriceOutOfBounds)
def _price_out_of_bounds(error: validation.PriceOutOfBounds) -> UserError:
    lowest, highest = Micro(error.lowest_ueur_per_kwh), Micro(error.highest_ueur_per_kwh)
    return OutOfBounds(code=INVALID_INPUT, message=error.message, path=["limitPrice"], lowest=lowest, highest=highest)


@refusal(validation.EnergyOutOfBounds)
def _energy_out_of_bounds(error: validation.EnergyOutOfBounds) -> UserError:
    lowest, highest = Micro(error.lowest_ukwh), Micro(error.highest_ukwh)
    return OutOfBounds(code=INVALID_INPUT, message=error.message, path=["energyKwh"], lowest=lowest, highest=highest)


@refusal(validation.DeliveryMisaligned)
def _misaligned(error: validation.DeliveryMisaligned) -> UserError:
    return DeliveryMisaligned(
        code=INVALID_INPUT,
        message=error.message,
        path=["delivery"],
        delivery_minutes=error.delivery_minutes,
    )


@refusal(validation.GateClosed)
def _gate_closed(error: validation.GateClosed) -> UserError:
    return MarketClosed(
        code=MARKET_CLOSED,
        message=error.message,
        path=["delivery", "start"],
        gate_closed_at=DateTime(error.gate_closed_at),
        trades_until=None,
    )


@refusal(validation.BeyondHorizon)
def _beyond_horizon(error: validation.BeyondHorizon) -> UserError:
    return MarketClosed(
        code=MARKET_CLOSED,
        message=error.message,
        path=["delivery", "end"],
        gate_closed_at=None,
        trades_until=DateTime(error.trades_until),
    )


@refusal(orders.OrderClosed)
def _order_closed(error: orders.OrderClosed) -> UserError:
    return OrderClosed(
        code=ORDER_CLOSED,
        message=error.message,
        path=["id"],
        status=error.status,
        closed_at=DateTime(error.closed_at),
    )


@strawberry.type(description="The available balance does not cover what has to be held.")
class InsufficientFunds(UserError):
    required: Micro = strawberry.field(description="What has to be held, EUR.")
    available: Micro = strawberry.field(description="What is available, EUR.")


@strawberry.type(description="The grid operator has halted trading in the zone.")
class MarketHalted(UserError):
    reason: str = strawberry.field(description="What the operator said.")
    until: DateTime | None = strawberry.field(description="When the halt ends by itself; null if it is to be lifted.")


@strawberry.type(description="The zone's operator allows less energy.")
class LimitExceeded(UserError):
    kind: LimitKind = strawberry.field(description="Which limit.")
    limit_ukwh: Micro = strawberry.field(name="limitKwh", description="The limit, kWh.")
    used_ukwh: Micro = strawberry.field(name="usedKwh", description="What is used of it already, kWh.")


@strawberry.type(description="The seller's plants cannot inject so much beside what is offered and sold already.")
class CapacityExceeded(UserError):
    capacity_ukwh: Micro = strawberry.field(
        name="capacityKwh", description="The most that the seller's plants inject in a delivery interval, kWh."
    )
    committed_ukwh: Micro = strawberry.field(
        name="committedKwh", description="What is offered and sold already in the fullest of the intervals, kWh."
    )


@strawberry.type(description="No plant of the seller's brings energy of this source throughout the delivery.")
class SourceNotOwned(UserError):
    sources: list[EnergySource] = strawberry.field(description="What the seller's plants bring then.")


@refusal(Unfunded)
def _unfunded(error: Unfunded) -> UserError:
    return InsufficientFunds(
        code=INSUFFICIENT_FUNDS,
        message=error.message,
        path=None,
        required=Micro(error.required_ueur),
        available=Micro(error.available_ueur),
    )


@refusal(validation.MarketHalted)
def _halted(error: validation.MarketHalted) -> UserError:
    until = None if error.until is None else DateTime(error.until)
    return MarketHalted(code=MARKET_HALTED, message=error.message, path=["marketId"], reason=error.reason, until=until)


@refusal(validation.LimitExceeded)
def _limit_exceeded(error: validation.LimitExceeded) -> UserError:
    return LimitExceeded(
        code=LIMIT_EXCEEDED,
        message=error.message,
        path=["energyKwh"],
        kind=error.kind,
        limit_ukwh=Micro(error.limit_ukwh),
        used_ukwh=Micro(error.used_ukwh),
    )


@refusal(validation.CapacityExceeded)
def _capacity_exceeded(error: validation.CapacityExceeded) -> UserError:
    return CapacityExceeded(
        code=CAPACITY_EXCEEDED,
        message=error.message,
        path=["energyKwh"],
        capacity_ukwh=Micro(error.capacity_ukwh),
        committed_ukwh=Micro(error.committed_ukwh),
    )


@refusal(validation.SourceNotOwned)
def _source_not_owned(error: validation.SourceNotOwned) -> UserError:
    return SourceNotOwned(code=SOURCE_NOT_OWNED, message=error.message, path=["source"], sources=sorted(error.sources))
