"""Deliveries of trades over GraphQL: what was delivered, what it came to, and totals for operators."""

import decimal
from datetime import timedelta
from typing import Annotated, NamedTuple
from uuid import UUID

import strawberry
from sqlalchemy import ColumnElement, func, or_, select, true

from api.engine.declarations import Node, edge_key, entity, extends
from api.engine.fields import column, edge, many
from api.graphql.context import Context, Info
from api.graphql.periods import PeriodInput, series
from api.graphql.scalars import DateTime, Micro
from api.graphql.words import describe
from api.transport.terms.errors import BadUserInput
from domain.identity.viewers import Viewer
from domain.kernel.database import among, among_rows
from domain.kernel.intervals import Period
from domain.kernel.quantities import WHOLE_PPM
from domain.market.clearing.tables import Trade as TradeTable
from domain.market.delivery import tables, visibility
from domain.market.places.charges import LineKind
from domain.market.places.tables import OrderSide

DAYS_MAX = 366
DELIVERED = Annotated[
    PeriodInput, strawberry.argument(description=f"Deliveries that begin in it; at most {DAYS_MAX} days.")
]

describe(
    LineKind,
    "What a line of a settlement is for.",
    ENERGY="The energy, at the price of the side's zone.",
    FEE="The platform's fee.",
    NETWORK="The charge for the use of the network.",
    COMMUNITY_FUND="What goes to a community's fund.",
    PENALTY="What the side that fell short pays to the other one.",
)


@strawberry.type(description="One thing that one side of a delivered trade pays, or is paid. Each side sees its own.")
class DeliveryLine:
    kind: LineKind = strawberry.field(description="What it is for.")
    side: OrderSide = strawberry.field(description="Which side it is of: BUY the buyer's, SELL the seller's.")
    rate_ueur_per_kwh: Micro = strawberry.field(name="rate", description="Rate, EUR/kWh; negative where it is paid.")
    energy_ukwh: Micro = strawberry.field(name="energyKwh", description="Energy that it is counted on, kWh.")
    net_ueur: Micro = strawberry.field(name="net", description="Without VAT, EUR; negative where it is paid.")
    vat_rate: Micro = strawberry.field(description="Rate of VAT, 0 to 1.")
    vat_ueur: Micro = strawberry.field(name="vat", description="VAT, EUR.")


@entity(
    tables.TradeDelivery,
    visible=visibility.deliveries,
    carries={"trade_key": tables.TradeDelivery.trade_id},
)
class TradeDelivery(Node):
    """What was delivered of a trade by what was metered, and settled. Visible to buyer and seller; never edited.

    A correction of readings makes a new version, and moves the difference of money.
    """

    trade = edge(tables.TradeDelivery.trade_id, "Trade", "The trade.")
    version: int = column(tables.TradeDelivery.version, "Counts from 1.")
    delivered_ukwh: Micro = column(
        tables.TradeDelivery.delivered_ukwh,
        "Energy delivered, kWh: the least of the trade's, what was left of the seller's injection, and of the buyer's "
        "withdrawal, after earlier trades of the interval.",
        name="deliveredKwh",
    )
    seller_short_ukwh: Micro = column(
        tables.TradeDelivery.seller_short_ukwh, "What the seller had not injected, kWh.", name="sellerShortKwh"
    )
    buyer_short_ukwh: Micro = column(
        tables.TradeDelivery.buyer_short_ukwh,
        "What was not delivered for the buyer's sake, kWh: it withdrew less.",
        name="buyerShortKwh",
    )
    is_provisional: bool = column(
        tables.TradeDelivery.is_provisional,
        "Whether a reading was missing when the days of grace were over, and counted as zero.",
    )
    settled_at: DateTime = column(tables.TradeDelivery.settled_at, "When it was settled.")

    @strawberry.field(description="What the viewer's side pays and is paid; for platform administrators both sides.")
    async def lines(self, info: Info) -> list[DeliveryLine]:
        return await _lines(info.context, self.__dict__["trade_key"], self.version)

    @strawberry.field(
        description="What the viewer paid in all with VAT, EUR, negative where it was paid; null for who is no party."
    )
    async def amount(self, info: Info) -> Micro | None:
        side = await _side(info.context, self.__dict__["trade_key"])
        if side is None:
            return None
        lines = await _lines(info.context, self.__dict__["trade_key"], self.version)
        return Micro(sum(line.net_ueur + line.vat_ueur for line in lines if line.side is side))


class LineRow(NamedTuple):
    """A line of a version of a trade's delivery."""

    trade_id: UUID
    version: int
    kind: LineKind
    side: OrderSide
    rate_ueur_per_kwh: int
    energy_ukwh: int
    net_ueur: int
    vat_ppm: int
    vat_ueur: int


async def _lines(context: Context, trade_id: UUID, version: int) -> list[DeliveryLine]:
    """The lines of a delivery that the viewer may see."""
    viewer = context.viewer

    async def load(keys: list[tuple[UUID, int]]) -> list[list[DeliveryLine]]:
        line = tables.DeliveryLine
        query = (
            select(line.trade_id, line.version, line.kind, line.side, line.rate_ueur_per_kwh)
            .add_columns(line.energy_ukwh, line.net_ueur, line.vat_ppm, line.vat_ueur)
            .join(TradeTable, TradeTable.id == line.trade_id)
            .where(among_rows((line.trade_id, line.version), keys), _is_own(viewer))
            .order_by(line.trade_id, line.number)
        )
        found: dict[tuple[UUID, int], list[DeliveryLine]] = {key: [] for key in keys}
        async with context.database.reading() as connection:
            for row in map(LineRow._make, await connection.execute(query)):
                found[row.trade_id, row.version].append(_line(row))
        return [found[key] for key in keys]

    lines: list[DeliveryLine] = await context.loaders.loader("delivery lines", load).load((trade_id, version))
    return lines


def _is_own(viewer: Viewer) -> ColumnElement[bool]:
    if viewer.is_admin:
        return true()
    of_buyer = (tables.DeliveryLine.side == OrderSide.BUY) & (TradeTable.buyer_id == viewer.user_id)
    return or_(of_buyer, (tables.DeliveryLine.side == OrderSide.SELL) & (TradeTable.seller_id == viewer.user_id))


def _line(row: LineRow) -> DeliveryLine:
    return DeliveryLine(
        kind=row.kind,
        side=row.side,
        rate_ueur_per_kwh=Micro(row.rate_ueur_per_kwh),
        energy_ukwh=Micro(row.energy_ukwh),
        net_ueur=Micro(row.net_ueur),
        vat_rate=Micro(row.vat_ppm),
        vat_ueur=Micro(row.vat_ueur),
    )


async def _side(context: Context, trade_id: UUID) -> OrderSide | None:
    """Which side of a trade the viewer is."""
    user_id = context.viewer.user_id

    async def load(ids: list[UUID]) -> list[OrderSide | None]:
        query = select(TradeTable.id, TradeTable.buyer_id, TradeTable.seller_id).where(among(TradeTable.id, ids))
        async with context.database.reading() as connection:
            rows = await connection.execute(query)
            found = {id: _side_of(buyer_id, seller_id, user_id) for id, buyer_id, seller_id in rows}
        return [found[id] for id in ids]

    side: OrderSide | None = await context.loaders.loader("sides of trades", load).load(trade_id)
    return side


def _side_of(buyer_id: UUID, seller_id: UUID, user_id: UUID | None) -> OrderSide | None:
    if buyer_id == user_id:
        return OrderSide.BUY
    return OrderSide.SELL if seller_id == user_id else None


@strawberry.type(description="What became of trades in a period, by their latest deliveries.")
class DeliveryTotals:
    trades: int = strawberry.field(description="How many trades were to be delivered.")
    settled: int = strawberry.field(description="How many of them were settled.")
    traded_ukwh: Micro = strawberry.field(name="tradedKwh", description="Energy traded, kWh.")
    delivered_ukwh: Micro = strawberry.field(name="deliveredKwh", description="Energy delivered, kWh.")
    seller_short_ukwh: Micro = strawberry.field(
        name="sellerShortKwh", description="What sellers had not injected, kWh."
    )
    buyer_short_ukwh: Micro = strawberry.field(name="buyerShortKwh", description="What buyers did not withdraw, kWh.")
    delivered_share: Micro | None = strawberry.field(
        description="Delivered over what was settled, 0 to 1, rounded down; null where nothing was settled."
    )


class TotalsRow(NamedTuple):
    """What the trades of a market come to; sums, as the database gives them."""

    market_id: UUID
    trades: int
    settled: int
    traded_ukwh: decimal.Decimal
    delivered_ukwh: decimal.Decimal
    seller_short_ukwh: decimal.Decimal
    buyer_short_ukwh: decimal.Decimal


async def totals(context: Context, market_id: UUID, zone_id: UUID, period: Period) -> DeliveryTotals | None:
    """What became of a market's trades; None for who does not operate its zone. Raises BadUserInput."""
    if period.end - period.start > timedelta(days=DAYS_MAX):
        raise BadUserInput(f"The period is longer than {DAYS_MAX} days.", argument="period", maximum=DAYS_MAX)
    viewer = context.viewer
    if not viewer.is_admin and zone_id not in viewer.operated_zone_ids:
        return None

    async def load(market_ids: list[UUID]) -> list[DeliveryTotals]:
        settled = tables.TradeDelivery
        query = (
            select(
                TradeTable.market_id,
                func.count().label("trades"),
                func.count(settled.trade_id).label("settled"),
                func.sum(TradeTable.energy_ukwh).label("traded_ukwh"),
                *(
                    func.coalesce(func.sum(column), 0).label(column.key)
                    for column in (settled.delivered_ukwh, settled.seller_short_ukwh, settled.buyer_short_ukwh)
                ),
            )
            .join(settled, (settled.trade_id == TradeTable.id) & tables.is_latest(), isouter=True)
            .where(among(TradeTable.market_id, market_ids))
            .where(TradeTable.delivery_start >= period.start, TradeTable.delivery_start < period.end)
            .group_by(TradeTable.market_id)
        )
        async with context.database.reading() as connection:
            found = {row.market_id: row for row in map(TotalsRow._make, await connection.execute(query))}
        return [_totals(found.get(market_id)) for market_id in market_ids]

    loaded: DeliveryTotals = await context.loaders.loader(("deliveries", period), load).load(market_id)
    return loaded


def _totals(row: TotalsRow | None) -> DeliveryTotals:
    if row is None:
        zero = Micro(0)
        return DeliveryTotals(
            trades=0,
            settled=0,
            traded_ukwh=zero,
            delivered_ukwh=zero,
            seller_short_ukwh=zero,
            buyer_short_ukwh=zero,
            delivered_share=None,
        )
    delivered, *short = (int(row.delivered_ukwh), int(row.seller_short_ukwh), int(row.buyer_short_ukwh))
    whole = delivered + sum(short)
    return DeliveryTotals(
        trades=row.trades,
        settled=row.settled,
        traded_ukwh=Micro(int(row.traded_ukwh)),
        delivered_ukwh=Micro(delivered),
        seller_short_ukwh=Micro(short[0]),
        buyer_short_ukwh=Micro(short[1]),
        delivered_share=Micro(delivered * WHOLE_PPM // whole) if whole else None,
    )


@extends("Market")
class DeliveriesOfMarket:
    @strawberry.field(
        metadata=series(),
        description="What became of trades whose buyers are in this market; null unless the viewer operates its zone.",
    )
    async def delivery_totals(self, info: Info, period: DELIVERED) -> DeliveryTotals | None:
        info.context.take_series()
        market_id, zone_id = self.__dict__["id"], self.__dict__[edge_key("zone")]
        return await totals(info.context, market_id, zone_id, period.span())


@extends("Trade")
class DeliveriesOfTrade:
    delivery = edge(
        TradeTable.id,
        "TradeDelivery",
        "What was delivered, as it was settled last; null until then, and for who is neither buyer nor seller.",
        match=tables.TradeDelivery.trade_id,
        where=tables.is_latest,
        is_optional=True,
    )
    deliveries = many(
        "TradeDelivery",
        "All versions of its delivery, oldest first: a later one follows corrected readings.",
        on=tables.TradeDelivery.trade_id,
    )
