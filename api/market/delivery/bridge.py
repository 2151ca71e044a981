"""From an hour that was read to the solver's question, and from its answer to what was delivered."""

from dataclasses import dataclass
from datetime import datetime

import numpy as np

from domain.market.delivery.hours import Hour
from domain.market.delivery.settlement import Delivered
from domain.metering.tables import Direction
from solver.market.delivery import QUARTERS, Deliveries, DeliveryProblem, deliver

QUARTER_S = 900


@dataclass(frozen=True, slots=True)
class DeliveredHour:
    """What was delivered of an hour's trades, until when the others wait, and whether every reading was there."""

    delivered: list[Delivered | None]
    waiting: list[datetime]
    is_complete: bool


def deliver_hour(hour: Hour, now: datetime) -> DeliveredHour:
    """Deliver the trades of an hour as far as readings, or the end of grace, allow."""
    waits_until = [hour.waits_until(trade, now) for trade in hour.trades]
    found = deliver(problem_of(hour, [until is not None for until in waits_until], now))
    again = [
        until if until is not None else now
        for until, decided in zip(waits_until, found.is_decided.tolist(), strict=True)
        if not decided
    ]
    return DeliveredHour(_delivered(found), _later(again, now), not found.is_provisional.any() and not again)


def _later(again: list[datetime], now: datetime) -> list[datetime]:
    """Trades held up by another that waits are looked at with that one."""
    later = [until for until in again if until > now]
    return later if later else again


def problem_of(hour: Hour, may_wait: list[bool], now: datetime) -> DeliveryProblem:
    """The hour as the solver takes it; of quarters that are not over nothing is known, whatever was read."""
    metered, start_s = hour.metered, int(hour.starts_at.timestamp())
    is_over = start_s + QUARTER_S * np.arange(1, QUARTERS + 1) <= now.timestamp()
    is_known = {way: known & np.tile(is_over, len(metered.row_of)) for way, known in metered.is_known.items()}
    rows = (
        (
            metered.row_of[trade.seller_id],
            metered.row_of[trade.buyer_id],
            (int(trade.delivery_start.timestamp()) - start_s) // QUARTER_S,
            int((trade.delivery_end - trade.delivery_start).total_seconds()) // QUARTER_S,
            trade.energy_ukwh,
        )
        for trade in hour.trades
    )
    # Row by row, so that other threads get their turns.
    columns = np.ascontiguousarray(np.fromiter(rows, np.dtype((np.int64, 5)), len(hour.trades)).T)
    return DeliveryProblem(
        injected_ukwh=metered.energy_ukwh[Direction.INJECTED],
        withdrawn_ukwh=metered.energy_ukwh[Direction.WITHDRAWN],
        is_injected_known=is_known[Direction.INJECTED],
        is_withdrawn_known=is_known[Direction.WITHDRAWN],
        seller=columns[0],
        buyer=columns[1],
        first_quarter=columns[2],
        quarters=columns[3],
        energy_ukwh=columns[4],
        may_wait=np.array(may_wait, np.bool_),
    )


def _delivered(found: Deliveries) -> list[Delivered | None]:
    columns = (
        found.is_decided.tolist(),
        found.delivered_ukwh.tolist(),
        found.seller_short_ukwh.tolist(),
        found.buyer_short_ukwh.tolist(),
        found.is_provisional.tolist(),
    )
    return [Delivered(*figures) if is_decided else None for is_decided, *figures in zip(*columns, strict=True)]
