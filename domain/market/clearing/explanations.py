"""Why an order got what it got in each delivery interval, told by price, then time, then limits.

All is read from what was recorded: the clearing that decided about an interval (the one that filled it, else the last
one while the order was open), the last order of the same side that this clearing reached, and what linked zones had to
do with it (`untraded`): the best limit that had been within reach, and the last order of its own limit that was reached
there. Where nothing was traded, what the last batch found stands for a clearing.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import ARRAY, BigInteger, Uuid, bindparam, text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.kernel.quantities import format_micro
from domain.market.clearing.tables import UNBATCHED
from domain.market.orders.tables import Acceptance, OrderFilling
from domain.market.places.tables import OrderSide


class FillReason(StrEnum):
    """What decided an order's fill in a delivery interval."""

    FILLED = "FILLED"
    PARTLY_FILLED = "PARTLY_FILLED"
    BEHIND_IN_TIME = "BEHIND_IN_TIME"
    OUTPRICED = "OUTPRICED"
    OWN_ORDER = "OWN_ORDER"
    ARRIVED_LATE = "ARRIVED_LATE"
    MINIMUM_FILL = "MINIMUM_FILL"
    SOURCE_NOT_OFFERED = "SOURCE_NOT_OFFERED"
    OTHERS_MINIMUM = "OTHERS_MINIMUM"
    MADE_ROOM = "MADE_ROOM"
    FILLED_ELSEWHERE = "FILLED_ELSEWHERE"
    NOTHING_TRADED = "NOTHING_TRADED"


@dataclass(frozen=True, slots=True)
class Standing:
    """An order's interval beside the clearing that decided about it; None where there was none.

    price_ueur_per_kwh: of the energy it accepts or offers. fill_ukwh: filled by that clearing; filled_ukwh: by all.
    last_*: the last order it reached of the same side and price, of a buyer also of the same acceptance.
    is_own_opposite: whether the owner offered the other side too. is_way_full: whether a linked market had a better
    price, beyond the cost of the way there, so that the link between them was full. is_below_minimum: whether there
    was no room for its minimum fill. is_untraded: nothing was traded (then there is no clearing). offered, free: the
    best limit of the other side within reach, of all and of those not left out for their minimum. equal_*: the last
    order of its limit that was reached in its place, over linked zones. is_own_only: nobody else met its limit.
    made_room: a later order of its limit was filled for its minimum. is_flexible: its energy is for all its intervals
    together, of which order_filled_ukwh is filled.
    """

    order_id: UUID
    delivery_start: datetime
    side: OrderSide
    limit_price_ueur_per_kwh: int
    sequence: int
    energy_ukwh: int
    filled_ukwh: int
    clearing_id: UUID | None
    price_ueur_per_kwh: int | None
    fill_ukwh: int
    last_limit_ueur_per_kwh: int | None
    last_sequence: int | None
    is_own_opposite: bool
    is_way_full: bool
    accepts: Acceptance = Acceptance.ANY
    is_below_minimum: bool = False
    is_flexible: bool = False
    order_filled_ukwh: int = 0
    is_untraded: bool = False
    offered_ueur_per_kwh: int | None = None
    free_ueur_per_kwh: int | None = None
    equal_limit_ueur_per_kwh: int | None = None
    equal_sequence: int | None = None
    is_own_only: bool = False
    made_room: bool = False

    @property
    def is_full(self) -> bool:
        """Whether nothing more can be filled here."""
        return self.energy_ukwh in (self.filled_ukwh, self.order_filled_ukwh if self.is_flexible else self.filled_ukwh)

    @property
    def reason(self) -> FillReason:
        """What decided the fill."""
        if self.is_full:
            return FillReason.FILLED if self.filled_ukwh else FillReason.FILLED_ELSEWHERE
        if self.clearing_id is None and not self.is_untraded:
            return FillReason.NOTHING_TRADED
        if self.made_room:
            return FillReason.MADE_ROOM
        if self.fill_ukwh:
            is_last = self.is_flexible or self.last_sequence == self.sequence
            return FillReason.PARTLY_FILLED if is_last else FillReason.OWN_ORDER
        return FillReason.MINIMUM_FILL if self.is_below_minimum else self._reason_of_nothing()

    def _reason_of_nothing(self) -> FillReason:
        is_equal = self.equal_limit_ueur_per_kwh == self.limit_price_ueur_per_kwh
        if is_equal and self.equal_sequence is not None and self.sequence > self.equal_sequence:
            return FillReason.BEHIND_IN_TIME
        return self._reason_where_nothing_traded() if self.is_untraded else self._reason_beside_trades()

    def _reason_where_nothing_traded(self) -> FillReason:
        """Its limit was met, or not, by orders that traded elsewhere or could not trade."""
        if not self._meets(self.offered_ueur_per_kwh):
            return FillReason.NOTHING_TRADED
        if self.is_own_only:
            return FillReason.OWN_ORDER
        return FillReason.OUTPRICED if self._meets(self.free_ueur_per_kwh) else FillReason.OTHERS_MINIMUM

    def _meets(self, other_ueur_per_kwh: int | None) -> bool:
        lead = self.limit_price_ueur_per_kwh - (other_ueur_per_kwh or 0)
        return other_ueur_per_kwh is not None and (lead >= 0 if self.side is OrderSide.BUY else lead <= 0)

    def _reason_beside_trades(self) -> FillReason:
        if self.last_limit_ueur_per_kwh is None or self.last_sequence is None:
            is_wanted = self.accepts is not Acceptance.ANY and not self._is_outpriced
            return FillReason.SOURCE_NOT_OFFERED if is_wanted else FillReason.OUTPRICED
        lead = self.limit_price_ueur_per_kwh - self.last_limit_ueur_per_kwh
        lead = lead if self.side is OrderSide.BUY else -lead
        if lead < 0:
            return FillReason.OUTPRICED
        if lead == 0 and self.sequence > self.last_sequence:
            return FillReason.BEHIND_IN_TIME
        return FillReason.OWN_ORDER if self.is_own_opposite else FillReason.ARRIVED_LATE

    @property
    def _is_outpriced(self) -> bool:
        return self.price_ueur_per_kwh is not None and self.limit_price_ueur_per_kwh < self.price_ueur_per_kwh

    @property
    def sentence(self) -> str:
        """The reason as a sentence, with prices in EUR/kWh."""
        limit = format_micro(self.limit_price_ueur_per_kwh)
        price = "" if self.price_ueur_per_kwh is None else format_micro(self.price_ueur_per_kwh)
        sentence = SENTENCES[self.reason].format(limit=limit, price=price)
        is_limited = self.is_way_full and self.accepts is Acceptance.ANY and not self.is_full
        return f"{sentence} {WAY_FULL}" if is_limited else sentence


SENTENCES = {
    FillReason.FILLED: "The limit of {limit} met the zone's price of {price} EUR/kWh, and its turn came in time.",
    FillReason.PARTLY_FILLED: "It was the last order reached at the zone's price of {price} EUR/kWh: "
    "those ahead by price and time left it only a part.",
    FillReason.BEHIND_IN_TIME: "Its limit of {limit} EUR/kWh was that of the last order reached, but it arrived later.",
    FillReason.OUTPRICED: "At the zone's price of {price} EUR/kWh, orders with better limits than {limit} took all "
    "that was traded.",
    FillReason.OWN_ORDER: "Only an order of the same owner could have served the rest, and nobody trades with itself.",
    FillReason.ARRIVED_LATE: "It arrived while the batch was being cleared; the next one takes it.",
    FillReason.MINIMUM_FILL: "At the zone's price of {price} EUR/kWh there was no room for its minimum fill, "
    "so it was left out.",
    FillReason.SOURCE_NOT_OFFERED: "No energy that it accepts was left within its limit of {limit} EUR/kWh; "
    "ordinary energy cost {price}.",
    FillReason.OTHERS_MINIMUM: "Its limit of {limit} EUR/kWh was met only by orders that take at least so much or "
    "nothing, and there was no room for their minimum fill.",
    FillReason.MADE_ROOM: "It made room for the minimum fill of a later order with its limit of {limit} EUR/kWh in a "
    "linked zone, with which more was gained.",
    FillReason.FILLED_ELSEWHERE: "All of its energy was traded in other intervals of its delivery.",
    FillReason.NOTHING_TRADED: "Nothing was traded in its zone and interval since it was placed: "
    "no price met its limit of {limit} EUR/kWh within the transfer limits.",
}
WAY_FULL = "A linked zone had a better price, but the transfer limit was reached."

# Trades of a clearing are found by their ids, which begin with the milliseconds in which they were made: at once after
# the clearing's own, so within a minute of it.
STANDINGS = text("""
    WITH interval AS (
        SELECT o.id AS order_id, o.market_id, o.owner_id, o.side, o.limit_price_ueur_per_kwh, o.sequence, o.placed_at,
               o.closed_at, i.delivery_start, i.energy_ukwh, i.filled_ukwh, o.accepts, o.filling,
               o.filled_ukwh AS order_filled_ukwh,
               CASE o.side WHEN 'BUY' THEN o.accepts ELSE coalesce(o.source, 'LOCAL') END AS class
        FROM market_order AS o JOIN order_interval AS i ON i.order_id = o.id WHERE o.id = ANY(:order_ids)
    ), fill AS (
        SELECT t.order_id, t.delivery_start, c.batch, sum(t.energy_ukwh) AS energy_ukwh
        FROM (SELECT buy_order_id AS order_id, delivery_start, clearing_id, energy_ukwh FROM trade
              WHERE buy_order_id = ANY(:order_ids)
              UNION ALL SELECT sell_order_id, delivery_start, clearing_id, energy_ukwh FROM trade
              WHERE sell_order_id = ANY(:order_ids)) AS t
        JOIN clearing AS c ON c.id = t.clearing_id
        GROUP BY t.order_id, t.delivery_start, c.batch
    )
    SELECT i.order_id, i.delivery_start, i.side, i.limit_price_ueur_per_kwh, i.sequence, i.energy_ukwh, i.filled_ukwh,
           i.accepts, i.filling, i.order_filled_ukwh,
           c.id AS clearing_id, coalesce(u.price_ueur_per_kwh, c.price_ueur_per_kwh) AS price_ueur_per_kwh,
           coalesce(fill.energy_ukwh, 0)::bigint AS fill_ukwh,
           u.id IS NOT NULL AS is_untraded,
           coalesce(told.facts -> 'below_minimum' ? i.order_id::text, false) AS is_below_minimum,
           coalesce(told.facts -> 'own_only' ? i.order_id::text, false) AS is_own_only,
           coalesce(told.facts -> 'made_room' ? i.order_id::text, false) AS made_room,
           (told.kind ->> 'offered')::bigint AS offered_ueur_per_kwh,
           (told.kind ->> 'free')::bigint AS free_ueur_per_kwh,
           (told.kind ->> 'last_limit')::bigint AS equal_limit_ueur_per_kwh,
           (told.kind ->> 'last_sequence')::bigint AS equal_sequence,
           last.limit_price_ueur_per_kwh AS last_limit_ueur_per_kwh, last.sequence AS last_sequence,
           CASE WHEN i.filled_ukwh = i.energy_ukwh OR c.id IS NULL THEN false ELSE EXISTS (
               SELECT FROM market_order AS own
               WHERE own.owner_id = i.owner_id AND own.side <> i.side
                 AND own.delivery_start <= i.delivery_start AND own.delivery_end > i.delivery_start
                 AND own.placed_at <= c.created_at) END AS is_own_opposite,
           CASE WHEN i.filled_ukwh = i.energy_ukwh OR c.id IS NULL THEN false ELSE EXISTS (
               SELECT FROM market AS here JOIN zone_link AS way
                 ON CASE i.side WHEN 'BUY' THEN way.to_zone_id ELSE way.from_zone_id END = here.zone_id
               JOIN market AS there
                 ON there.zone_id = CASE i.side WHEN 'BUY' THEN way.from_zone_id ELSE way.to_zone_id END
               JOIN clearing AS beside ON beside.market_id = there.id
                 AND beside.delivery_start = c.delivery_start AND beside.batch = c.batch
               WHERE here.id = i.market_id AND way.capacity_ukwh > 0 AND CASE i.side
                 WHEN 'BUY' THEN beside.price_high_ueur_per_kwh + way.cost_ueur_per_kwh < c.price_low_ueur_per_kwh
                 ELSE c.price_high_ueur_per_kwh + way.cost_ueur_per_kwh < beside.price_low_ueur_per_kwh END
           ) END AS is_way_full
    FROM interval AS i
    LEFT JOIN LATERAL (
        SELECT max(batch) AS batch FROM fill
        WHERE fill.order_id = i.order_id AND fill.delivery_start = i.delivery_start) AS filled ON true
    LEFT JOIN LATERAL (
        SELECT untraded.id, price_ueur_per_kwh, told FROM untraded
        WHERE market_id = i.market_id AND delivery_start = i.delivery_start AND i.filled_ukwh < i.energy_ukwh
          AND created_at BETWEEN i.placed_at AND coalesce(i.closed_at, 'infinity')
          AND NOT EXISTS (SELECT FROM clearing AS later
              WHERE later.market_id = i.market_id AND later.delivery_start = i.delivery_start
                AND later.batch > untraded.batch AND later.batch < :unbatched
                AND later.created_at <= coalesce(i.closed_at, 'infinity'))
        ORDER BY batch DESC LIMIT 1) AS u ON true
    LEFT JOIN LATERAL (
        SELECT clearing.id, clearing.batch, clearing.delivery_start, clearing.created_at, clearing.parameters,
               clearing.class_prices, clearing.price_low_ueur_per_kwh, clearing.price_high_ueur_per_kwh,
               coalesce((clearing.class_prices ->> i.class)::bigint, clearing.price_ueur_per_kwh) AS price_ueur_per_kwh,
               clearing.price_ueur_per_kwh AS headline_ueur_per_kwh,
               ('x' || left(replace(id::text, '-', ''), 12))::bit(48)::bigint AS made_ms
        FROM clearing
        WHERE clearing.market_id = i.market_id AND clearing.delivery_start = i.delivery_start AND u.id IS NULL
          AND CASE WHEN i.filled_ukwh = i.energy_ukwh THEN batch = filled.batch
              ELSE batch <= filled.batch
                  OR batch < :unbatched AND created_at BETWEEN i.placed_at AND coalesce(i.closed_at, 'infinity') END
        ORDER BY batch DESC LIMIT 1) AS c ON true
    CROSS JOIN LATERAL (
        SELECT coalesce(u.told, c.parameters) AS facts,
               coalesce(u.told, c.parameters) -> 'reach' -> i.side::text -> i.class::text AS kind) AS told
    LEFT JOIN fill ON (fill.order_id, fill.delivery_start, fill.batch) = (i.order_id, i.delivery_start, c.batch)
    LEFT JOIN LATERAL (
        SELECT rival.limit_price_ueur_per_kwh, rival.sequence
        FROM trade JOIN clearing AS bought ON bought.id = trade.clearing_id
        JOIN market_order AS rival
          ON rival.id = CASE i.side WHEN 'BUY' THEN trade.buy_order_id ELSE trade.sell_order_id END
        WHERE trade.delivery_start = i.delivery_start AND bought.batch = c.batch
          AND trade.id >= rpad(lpad(to_hex(c.made_ms), 12, '0'), 32, '0')::uuid
          AND trade.id < rpad(lpad(to_hex(c.made_ms + 60000), 12, '0'), 32, '0')::uuid
          AND CASE i.side
              WHEN 'BUY' THEN trade.market_id = i.market_id AND rival.accepts = i.accepts
              ELSE trade.seller_market_id = i.market_id AND c.price_ueur_per_kwh = coalesce(
                  (c.class_prices ->> coalesce(rival.source, 'LOCAL'))::bigint, c.headline_ueur_per_kwh) END
        ORDER BY CASE i.side WHEN 'BUY' THEN rival.limit_price_ueur_per_kwh ELSE -rival.limit_price_ueur_per_kwh END,
                 rival.sequence DESC LIMIT 1) AS last ON true
    ORDER BY i.order_id, i.delivery_start
""").bindparams(bindparam("order_ids", type_=ARRAY(Uuid())), bindparam("unbatched", UNBATCHED, type_=BigInteger()))


async def standings(connection: AsyncConnection, order_ids: Collection[UUID]) -> dict[UUID, list[Standing]]:
    """How orders stand in each of their delivery intervals, by order, earliest delivery first."""
    found: dict[UUID, list[Standing]] = {order_id: [] for order_id in order_ids}
    rows = (await connection.execute(STANDINGS, {"order_ids": list(order_ids)})).mappings()
    for row in rows:
        values = {name: value for name, value in row.items() if name != "filling"}
        read = {"side": OrderSide(row["side"]), "accepts": Acceptance(row["accepts"])}
        standing = Standing(**values | read, is_flexible=row["filling"] == OrderFilling.FLEXIBLE)
        found[standing.order_id].append(standing)
    return found
