"""What an order must be to be placed: a chain of questions, each with its refusal and facts that help the caller.

Gate closure is the start of delivery: an order must be placed before its first interval begins.

The chain goes from what the order says of itself (`RULES`) to what it needs of its owner and zone (`NEEDS`): capacity
to deliver, limits of the zone, and last money, so that nothing is reserved for an order that is refused.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TypeAlias

from domain.grid.tables import LimitKind
from domain.kernel.errors import DomainError, InvalidValue
from domain.kernel.quantities import ENERGY_UKWH_MAX, LOT_UKWH, PRICE_UEUR_PER_KWH_MAX, TICK_UEUR_PER_KWH
from domain.ledger.transfers import InsufficientFunds
from domain.market.orders.orders import Proposal
from domain.market.orders.tables import Acceptance, OrderFilling
from domain.market.places.charges import MoneyTerms
from domain.market.places.tables import EnergySource, OrderSide


class OffLot(DomainError):
    """The energy is no multiple of the lot."""

    def __init__(self, energy_ukwh: int) -> None:
        super().__init__("The energy must be a multiple of 0.001 kWh.")
        self.energy_ukwh = energy_ukwh
        self.lot_ukwh = LOT_UKWH


class OffTick(DomainError):
    """The limit price is no multiple of the tick."""

    def __init__(self, limit_price_ueur_per_kwh: int) -> None:
        super().__init__("The limit price must be a multiple of 0.0001 EUR/kWh.")
        self.limit_price_ueur_per_kwh = limit_price_ueur_per_kwh
        self.tick_ueur_per_kwh = TICK_UEUR_PER_KWH


class PriceOutOfBounds(DomainError):
    """The limit price is beyond what the market takes."""

    def __init__(self) -> None:
        super().__init__("The limit price must be -4 to 4 EUR/kWh.")
        self.lowest_ueur_per_kwh = -PRICE_UEUR_PER_KWH_MAX
        self.highest_ueur_per_kwh = PRICE_UEUR_PER_KWH_MAX


class EnergyOutOfBounds(DomainError):
    """The energy per delivery interval is nothing, or more than the market takes in one order."""

    def __init__(self) -> None:
        super().__init__("The energy must be 0.001 to 100000 kWh in each delivery interval.")
        self.lowest_ukwh = LOT_UKWH
        self.highest_ukwh = ENERGY_UKWH_MAX


class DeliveryMisaligned(DomainError):
    """The delivery does not begin and end with delivery intervals of the market."""

    def __init__(self, delivery_minutes: int) -> None:
        super().__init__(f"The delivery must begin and end on delivery intervals of {delivery_minutes} minutes, UTC.")
        self.delivery_minutes = delivery_minutes


class GateClosed(DomainError):
    """The delivery has begun, or begins at this moment."""

    def __init__(self, gate_closed_at: datetime) -> None:
        super().__init__(f"The gate for this delivery closed when it began, at {gate_closed_at:%Y-%m-%dT%H:%MZ}.")
        self.gate_closed_at = gate_closed_at


class BeyondHorizon(DomainError):
    """The delivery ends later than the market trades now."""

    def __init__(self, trades_until: datetime) -> None:
        super().__init__(f"The market now trades deliveries that end by {trades_until:%Y-%m-%dT%H:%MZ}.")
        self.trades_until = trades_until


class MarketHalted(DomainError):
    """The grid operator has halted trading in the zone."""

    def __init__(self, reason: str, until: datetime | None) -> None:
        super().__init__(f"Trading in this zone is halted: {reason}")
        self.reason = reason
        self.until = until


class LimitExceeded(DomainError):
    """The zone's operator allows less energy."""

    def __init__(self, kind: LimitKind, limit_ukwh: int, used_ukwh: int) -> None:
        super().__init__(f"The zone's limit {kind.value.lower().replace('_', ' ')} leaves no room for this order.")
        self.kind = kind
        self.limit_ukwh = limit_ukwh
        self.used_ukwh = used_ukwh


class CapacityExceeded(DomainError):
    """The seller's plants cannot inject so much beside what is offered and sold already."""

    def __init__(self, capacity_ukwh: int, committed_ukwh: int) -> None:
        super().__init__("Your plants cannot inject this beside what you have offered or sold for the same time.")
        self.capacity_ukwh = capacity_ukwh
        self.committed_ukwh = committed_ukwh


class SourceNotOwned(DomainError):
    """No plant of the seller's brings energy of this source throughout the delivery."""

    def __init__(self, source: EnergySource, sources: frozenset[EnergySource]) -> None:
        owned = ", ".join(sorted(sources)) or "none"
        super().__init__(f"No plant of yours brings {source.value} energy for this delivery; of your plants: {owned}.")
        self.source = source
        self.sources = sources


@dataclass(frozen=True, slots=True)
class Halt:
    """Why trading is halted, and until when; None is until it is resumed."""

    reason: str
    until: datetime | None


FREE = MoneyTerms()


@dataclass(frozen=True, slots=True)
class Terms:
    """What a market asks of its orders."""

    delivery_minutes: int
    horizon_hours: int
    money: MoneyTerms = FREE
    is_capacity_checked: bool = False
    halt: Halt | None = None
    limits_ukwh: Mapping[LimitKind, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Means:
    """What an order's owner and zone have left for it, micro-kWh and micro-EUR.

    committed_ukwh, used_today_ukwh, used_in_zone_ukwh: the most that stands against the order in any of its intervals.
    sources: of the plants that its owner has throughout the delivery.
    """

    required_ueur: int
    available_ueur: int
    capacity_ukwh: int = 0
    committed_ukwh: int = 0
    used_on_day_ukwh: int = 0
    on_day_ukwh: int = 0
    used_in_zone_ukwh: int = 0
    sources: frozenset[EnergySource] = frozenset()


def gate_closes_at(delivery_start: datetime) -> datetime:
    """When trading of a delivery interval ends: at its start."""
    return delivery_start


def trades_until(terms: Terms, now: datetime) -> datetime:
    """The latest end of a delivery that a market trades now."""
    return now + timedelta(hours=terms.horizon_hours)


def _off_lot(proposal: Proposal, terms: Terms, now: datetime) -> DomainError | None:
    return OffLot(proposal.energy_ukwh) if proposal.energy_ukwh % LOT_UKWH else None


def _energy_out_of_bounds(proposal: Proposal, terms: Terms, now: datetime) -> DomainError | None:
    return None if LOT_UKWH <= proposal.energy_ukwh <= ENERGY_UKWH_MAX else EnergyOutOfBounds()


def _off_tick(proposal: Proposal, terms: Terms, now: datetime) -> DomainError | None:
    price = proposal.limit_price_ueur_per_kwh
    return OffTick(price) if price % TICK_UEUR_PER_KWH else None


def _price_out_of_bounds(proposal: Proposal, terms: Terms, now: datetime) -> DomainError | None:
    return PriceOutOfBounds() if abs(proposal.limit_price_ueur_per_kwh) > PRICE_UEUR_PER_KWH_MAX else None


def _misaligned(proposal: Proposal, terms: Terms, now: datetime) -> DomainError | None:
    minutes = terms.delivery_minutes
    return None if proposal.delivery.is_aligned(minutes) else DeliveryMisaligned(minutes)


def _gate_closed(proposal: Proposal, terms: Terms, now: datetime) -> DomainError | None:
    gate = gate_closes_at(proposal.delivery.start)
    return GateClosed(gate) if gate <= now else None


def _beyond_horizon(proposal: Proposal, terms: Terms, now: datetime) -> DomainError | None:
    until = trades_until(terms, now)
    return BeyondHorizon(until) if proposal.delivery.end > until else None


def _source_of_buy(proposal: Proposal, terms: Terms, now: datetime) -> DomainError | None:
    if proposal.source is None or proposal.side is OrderSide.SELL:
        return None
    return InvalidValue(("source",), "A seller says where its energy comes from; a buyer says what it `accepts`.")


def _acceptance_of_sell(proposal: Proposal, terms: Terms, now: datetime) -> DomainError | None:
    if proposal.accepts is Acceptance.ANY or proposal.side is OrderSide.BUY:
        return None
    return InvalidValue(("accepts",), "Only buyers choose what energy they accept.")


def _minimum_fill(proposal: Proposal, terms: Terms, now: datetime) -> DomainError | None:
    minimum = proposal.minimum_fill_ukwh
    if 0 <= minimum <= proposal.energy_ukwh and minimum % LOT_UKWH == 0:
        return None
    return InvalidValue(
        ("minimumFillKwh",), "A minimum fill is a multiple of 0.001 kWh, and at most the order's energy."
    )


def _minimum_of_flexible(proposal: Proposal, terms: Terms, now: datetime) -> DomainError | None:
    if not proposal.minimum_fill_ukwh or proposal.filling is OrderFilling.PER_INTERVAL:
        return None
    return InvalidValue(("minimumFillKwh",), "An order that is flexible in time cannot ask for a minimum fill.")


def _valid_until(proposal: Proposal, terms: Terms, now: datetime) -> DomainError | None:
    if proposal.valid_until is None or proposal.valid_until > now:
        return None
    return InvalidValue(("validUntil",), "The order would have expired already.")


def _halted(proposal: Proposal, terms: Terms, now: datetime) -> DomainError | None:
    halt = terms.halt
    return None if halt is None else MarketHalted(halt.reason, halt.until)


def _beyond_limit_per_order(proposal: Proposal, terms: Terms, now: datetime) -> DomainError | None:
    limit = terms.limits_ukwh.get(LimitKind.PER_ORDER)
    if limit is None or proposal.energy_ukwh <= limit:
        return None
    return LimitExceeded(LimitKind.PER_ORDER, limit, 0)


Rule: TypeAlias = Callable[[Proposal, Terms, datetime], DomainError | None]
Need: TypeAlias = Callable[[Proposal, Terms, Means], DomainError | None]

# Asked in this order; the first refusal counts.
RULES: tuple[Rule, ...] = (
    _energy_out_of_bounds,
    _off_lot,
    _price_out_of_bounds,
    _off_tick,
    _source_of_buy,
    _acceptance_of_sell,
    _minimum_fill,
    _minimum_of_flexible,
    _misaligned,
    _gate_closed,
    _beyond_horizon,
    _valid_until,
    _halted,
    _beyond_limit_per_order,
)


def check(proposal: Proposal, terms: Terms, now: datetime) -> None:
    """Raise the first refusal among RULES, if there is one."""
    for rule in RULES:
        refused = rule(proposal, terms, now)
        if refused is not None:
            raise refused


def _beyond_capacity(proposal: Proposal, terms: Terms, means: Means) -> DomainError | None:
    if proposal.side is OrderSide.BUY or not terms.is_capacity_checked:
        return None
    if means.committed_ukwh + proposal.energy_ukwh <= means.capacity_ukwh:
        return None
    return CapacityExceeded(means.capacity_ukwh, means.committed_ukwh)


def _source_not_owned(proposal: Proposal, terms: Terms, means: Means) -> DomainError | None:
    """A source is what the seller's registered plants are, and not what the seller says."""
    if proposal.source is None or proposal.source in means.sources:
        return None
    return SourceNotOwned(proposal.source, means.sources)


def _beyond_limit_per_day(proposal: Proposal, terms: Terms, means: Means) -> DomainError | None:
    limit = terms.limits_ukwh.get(LimitKind.PER_MEMBER_AND_DAY)
    if limit is None or means.used_on_day_ukwh + means.on_day_ukwh <= limit:
        return None
    return LimitExceeded(LimitKind.PER_MEMBER_AND_DAY, limit, means.used_on_day_ukwh)


def _beyond_limit_of_zone(proposal: Proposal, terms: Terms, means: Means) -> DomainError | None:
    limit = terms.limits_ukwh.get(LimitKind.PER_ZONE_AND_INTERVAL)
    if limit is None or means.used_in_zone_ukwh + proposal.energy_ukwh <= limit:
        return None
    return LimitExceeded(LimitKind.PER_ZONE_AND_INTERVAL, limit, means.used_in_zone_ukwh)


def _beyond_funds(proposal: Proposal, terms: Terms, means: Means) -> DomainError | None:
    if means.required_ueur <= means.available_ueur:
        return None
    return InsufficientFunds(means.required_ueur, means.available_ueur)


NEEDS: tuple[Need, ...] = (
    _beyond_capacity,
    _source_not_owned,
    _beyond_limit_per_day,
    _beyond_limit_of_zone,
    _beyond_funds,
)


def check_means(proposal: Proposal, terms: Terms, means: Means) -> None:
    """Raise the first refusal among NEEDS, if there is one."""
    for need in NEEDS:
        refused = need(proposal, terms, means)
        if refused is not None:
            raise refused
