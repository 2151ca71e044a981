"""What a market looks like, over GraphQL: price, grid, balance, the last day and signals."""

from uuid import UUID

import strawberry

from api.engine.declarations import extends
from api.graphql.context import Context, Info
from api.graphql.scalars import DateTime, Micro
from api.graphql.words import describe
from api.resources import clock
from api.transport.limits.reads import some
from domain.market.view import figures, market_view
from domain.market.view.figures import SIGNAL_RULES, Balance, FactKind, Signal, SignalKind, Trend, View

describe(
    Trend,
    "Where a price goes, of the last hour against the hour before.",
    RISING="It is more than 1 % higher.",
    STEADY="It is within 1 %.",
    FALLING="It is more than 1 % lower.",
)
describe(
    SignalKind,
    "What a signal says.",
    GOOD_TIME_TO_BUY="Energy is cheap.",
    GOOD_TIME_TO_SELL="Energy is dear.",
    HIGH_RENEWABLES="Much of the energy is renewable.",
)
describe(
    FactKind,
    "What a fact behind a signal is.",
    PRICE="The price of now, EUR/kWh.",
    FORECAST_MEAN="Mean forecast for the next four hours, EUR/kWh.",
    DAY_VWAP="Price of the last 24 h weighted by energy, EUR/kWh.",
    THRESHOLD="The figure from which on the rule holds, in the unit of what it is compared with.",
    RENEWABLE_SHARE="Share of renewable energy, 0 to 1.",
)


@strawberry.type(description="The price of now.")
class CurrentPrice:
    price_ueur_per_kwh: Micro = strawberry.field(
        name="price",
        description="The last price cleared for the earliest delivery that has not ended, EUR/kWh; the market's last "
        "price where there is none.",
    )
    delivery_start: DateTime | None = strawberry.field(
        description="Start of that delivery; null where it is the market's last price."
    )
    change: Micro | None = strawberry.field(
        description="VWAP of the last hour's trades less that of the hour before, EUR/kWh; null without trades in both."
    )
    trend: Trend | None = strawberry.field(description="Where the price goes; null without trades in both hours.")


@strawberry.type(description="The price of now beside the grid's, of the energy alone: without charges and taxes.")
class GridComparison:
    import_price: Micro | None = strawberry.field(
        description="What a kWh from the grid costs now, EUR/kWh; null without a tariff."
    )
    export_price: Micro | None = strawberry.field(
        description="What a kWh to the grid earns now, EUR/kWh; null without a tariff."
    )
    savings: Micro | None = strawberry.field(
        description="What a kWh costs less here than from the grid, EUR/kWh; negative where it costs more."
    )
    earnings: Micro | None = strawberry.field(
        description="What a kWh earns more here than from the grid, EUR/kWh; negative where it earns less."
    )


@strawberry.type(description="What is open for a delivery interval.")
class BookBalance:
    delivery_start: DateTime = strawberry.field(description="Start of the delivery interval.")
    demand_ukwh: Micro = strawberry.field(name="demandKwh", description="Energy wanted, kWh.")
    supply_ukwh: Micro = strawberry.field(name="supplyKwh", description="Energy offered, kWh.")
    ratio: Micro | None = strawberry.field(
        description="Supply / demand, kWh offered for each kWh wanted; null without demand."
    )


@strawberry.type(description="Trades of the last 24 h with a side in the market, each at the price of that side.")
class DayStatistics:
    volume_ukwh: Micro = strawberry.field(name="volumeKwh", description="Energy traded, kWh.")
    vwap: Micro | None = strawberry.field(
        description="Price weighted by energy: sum of energy x price / sum of energy, EUR/kWh; null without trades."
    )
    lowest_price: Micro | None = strawberry.field(description="Lowest price, EUR/kWh; null without trades.")
    highest_price: Micro | None = strawberry.field(description="Highest price, EUR/kWh; null without trades.")
    volatility: Micro | None = strawberry.field(
        description="Standard deviation of the hourly VWAPs, EUR/kWh, rounded down; null with fewer than two of them."
    )
    renewable_share: Micro | None = strawberry.field(
        description="Share of solar, wind, hydro and biomass in what was traded for deliveries to come, 0 to 1; null "
        "without any."
    )
    efficiency: Micro | None = strawberry.field(
        description="Welfare reached / welfare possible in the clearings that state both, 0 to 1; null without any."
    )


@strawberry.type(description="How much could be traded near the price of now in the coming four hours.")
class Liquidity:
    band: Micro = strawberry.field(description="How far from the price is near: 5 % of it, at least 0.005 EUR/kWh.")
    demand_ukwh: Micro = strawberry.field(
        name="demandKwh", description="Open buys with limits no lower than the price less the band, kWh."
    )
    supply_ukwh: Micro = strawberry.field(
        name="supplyKwh", description="Open sells with limits no higher than the price and the band, kWh."
    )


@strawberry.type(description="A figure behind a signal.")
class SignalFact:
    kind: FactKind = strawberry.field(description="What it is, with its unit.")
    value: Micro = strawberry.field(description="The figure: EUR/kWh for prices, 0 to 1 for shares.")


@strawberry.type(
    name="MarketSignal", description="Something worth acting on, with the rule and the facts that made it."
)
class MarketSignal:
    kind: SignalKind = strawberry.field(description="What it says.")
    rule: str = strawberry.field(description="The rule that holds, in a sentence.")
    facts: list[SignalFact] = strawberry.field(description="The figures by which it holds, at most three.")


@strawberry.type(description="What a market looks like now. Visible to everybody; no figure tells of a single party.")
class MarketView:
    current: CurrentPrice | None = strawberry.field(description="The price of now; null before the first clearing.")
    grid: GridComparison = strawberry.field(description="The price of now beside the grid's.")
    balance: list[BookBalance] = strawberry.field(
        description="What is open for each delivery of the coming four hours, where something is, in order; at most 16."
    )
    day: DayStatistics = strawberry.field(description="The last 24 h.")
    liquidity: Liquidity | None = strawberry.field(
        description="How much could be traded near the price; null before the first clearing."
    )
    signals: list[MarketSignal] = strawberry.field(description="What is worth acting on, at most two.")


@extends("Market")
class ViewOfMarket:
    @strawberry.field(metadata=some(200), description="What the market looks like now.")
    async def view(self, info: Info) -> MarketView:
        return await read(info.context, self.__dict__["id"])


async def read(context: Context, market_id: UUID) -> MarketView:
    """A market's view, read together with those of other markets that are asked for."""

    async def load(market_ids: list[UUID]) -> list[View]:
        async with context.database.reading() as connection:
            found = await market_view.views(connection, market_ids, now=clock.now())
        return [found[market_id] for market_id in market_ids]

    loaded: View = await context.loaders.loader("market view", load).load(market_id)
    return _shown(loaded)


def _shown(view: View) -> MarketView:
    return MarketView(
        current=_current(view),
        grid=GridComparison(
            import_price=_decimal(view.import_ueur_per_kwh),
            export_price=_decimal(view.export_ueur_per_kwh),
            savings=_decimal(view.savings_ueur_per_kwh),
            earnings=_decimal(view.earnings_ueur_per_kwh),
        ),
        balance=[_balance(each) for each in view.balance],
        day=_day(view),
        liquidity=_liquidity(view),
        signals=[_signal(each) for each in view.signals],
    )


def _current(view: View) -> CurrentPrice | None:
    if view.price is None:
        return None
    start = view.price.delivery_start
    return CurrentPrice(
        price_ueur_per_kwh=Micro(view.price.price_ueur_per_kwh),
        delivery_start=None if start is None else DateTime(start),
        change=_decimal(view.change_ueur_per_kwh),
        trend=view.trend,
    )


def _balance(balance: Balance) -> BookBalance:
    return BookBalance(
        delivery_start=DateTime(balance.delivery_start),
        demand_ukwh=Micro(balance.demand_ukwh),
        supply_ukwh=Micro(balance.supply_ukwh),
        ratio=_decimal(balance.ratio_ppm),
    )


def _day(view: View) -> DayStatistics:
    return DayStatistics(
        volume_ukwh=Micro(view.volume_ukwh),
        vwap=_decimal(view.vwap_ueur_per_kwh),
        lowest_price=_decimal(min((hour.lowest_ueur_per_kwh for hour in view.hours), default=None)),
        highest_price=_decimal(max((hour.highest_ueur_per_kwh for hour in view.hours), default=None)),
        volatility=_decimal(view.volatility_ueur_per_kwh),
        renewable_share=_decimal(view.renewable_ppm),
        efficiency=_decimal(view.efficiency_ppm),
    )


def _liquidity(view: View) -> Liquidity | None:
    if view.price is None:
        return None
    return Liquidity(
        band=Micro(figures.band_ueur_per_kwh(view.price.price_ueur_per_kwh)),
        demand_ukwh=Micro(sum(each.near_demand_ukwh for each in view.balance)),
        supply_ukwh=Micro(sum(each.near_supply_ukwh for each in view.balance)),
    )


def _signal(signal: Signal) -> MarketSignal:
    return MarketSignal(
        kind=signal.kind,
        rule=SIGNAL_RULES[signal.kind],
        facts=[SignalFact(kind=fact.kind, value=Micro(fact.value)) for fact in signal.facts],
    )


def _decimal(micro: int | None) -> Micro | None:
    return None if micro is None else Micro(micro)
