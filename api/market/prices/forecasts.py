"""Price forecasts over GraphQL, and the job that makes one for each market every hour: read, solve, record."""

from datetime import timedelta
from uuid import UUID

import strawberry

from api.engine.declarations import extends
from api.graphql.context import Context, Info
from api.graphql.scalars import DateTime, Micro
from api.graphql.words import describe
from api.resources import clock
from domain.market.prices import forecasts
from domain.market.prices.forecasts import Backtest, Errors, Forecast
from domain.market.prices.tables import ForecastMethod, NaiveReason

describe(
    ForecastMethod,
    "How prices were forecast.",
    SEASONAL_NAIVE="The price of the same interval a day before; on Saturdays, Sundays and Mondays a week before.",
    RIDGE="A ridge regression on the last prices, those of a day, two days and a week before, the mean of the last "
    "day, the time of day and the kind of day; fitted on 56 days, one model for each step ahead.",
)
describe(
    NaiveReason,
    "Why a forecast is the naive one.",
    NO_PRICES="No price is known.",
    TOO_LITTLE_HISTORY="Fewer than 35 days of prices are known: a regression could not be fitted and tested.",
    TOO_FEW_PRICES="In too many intervals nothing was traded to fit a regression on.",
    NAIVE_WAS_BETTER="In the backtest the naive forecast was no worse.",
)


@strawberry.type(description="How far forecasts were off on average.")
class ForecastErrors:
    mean_absolute: Micro = strawberry.field(description="Mean absolute error, EUR/kWh.")
    root_mean_squared: Micro = strawberry.field(description="Root of the mean squared error, EUR/kWh.")


@strawberry.type(
    description="How both methods did for the same prices: on each of the last days a regression that was fitted "
    "before that day forecast from every hour, four hours ahead."
)
class ForecastBacktest:
    days: int = strawberry.field(description="How many days it looked back.")
    prices: int = strawberry.field(description="How many forecasts were compared with the price that came.")
    ridge: ForecastErrors = strawberry.field(description="Errors of the ridge regression.")
    naive: ForecastErrors = strawberry.field(description="Errors of the naive forecast.")


@strawberry.type(description="The price expected for a delivery interval.")
class ForecastInterval:
    delivery_start: DateTime = strawberry.field(description="Start of the delivery interval.")
    price_ueur_per_kwh: Micro | None = strawberry.field(
        name="price", description="The price, EUR/kWh; null where nothing is known to forecast it by."
    )


@strawberry.type(
    description="Prices expected for the four hours after it was made, from what was known then. Made every hour, "
    "never edited. Visible to everybody."
)
class PriceForecast:
    made_at: DateTime = strawberry.field(description="When it stands; what was cleared later is not in it.")
    method: ForecastMethod = strawberry.field(description="How it was made.")
    reason: NaiveReason | None = strawberry.field(description="Why it is the naive one, where it is.")
    next_hour: Micro | None = strawberry.field(
        description="Mean price of the first hour, EUR/kWh; null where an interval has none."
    )
    next_four_hours: Micro | None = strawberry.field(
        description="Mean price of the four hours, EUR/kWh; null where an interval has none."
    )
    intervals: list[ForecastInterval] = strawberry.field(description="All its intervals in order, at most 16.")
    backtest: ForecastBacktest | None = strawberry.field(
        description="How good the method was before; null where it could not be tested, and `reason` says why."
    )


@extends("Market")
class ForecastOfMarket:
    @strawberry.field(description="The newest price forecast; null before the first one, which follows a clearing.")
    async def forecast(self, info: Info) -> PriceForecast | None:
        return await latest(info.context, self.__dict__["id"])


async def latest(context: Context, market_id: UUID) -> PriceForecast | None:
    """A market's newest forecast, read together with those of other markets that are asked for."""

    async def load(market_ids: list[UUID]) -> list[Forecast | None]:
        async with context.database.reading() as connection:
            found = await forecasts.latest(connection, market_ids, clock.now())
        return [found.get(market_id) for market_id in market_ids]

    loaded: Forecast | None = await context.loaders.loader("forecast", load).load(market_id)
    return None if loaded is None else _shown(loaded)


def _shown(forecast: Forecast) -> PriceForecast:
    step, tested = timedelta(minutes=forecast.minutes), forecast.backtest
    return PriceForecast(
        made_at=DateTime(forecast.made_at),
        method=forecast.method,
        reason=forecast.reason,
        next_hour=_decimal(forecast.mean_ueur_per_kwh(forecasts.NEXT)),
        next_four_hours=_decimal(forecast.mean_ueur_per_kwh(forecasts.AHEAD)),
        intervals=[
            ForecastInterval(
                delivery_start=DateTime(forecast.made_at + number * step), price_ueur_per_kwh=_decimal(price)
            )
            for number, price in enumerate(forecast.prices_ueur_per_kwh)
        ],
        backtest=None if tested is None else _backtest_shown(tested),
    )


def _backtest_shown(tested: Backtest) -> ForecastBacktest:
    return ForecastBacktest(
        days=tested.days, prices=tested.prices, ridge=_errors_shown(tested.ridge), naive=_errors_shown(tested.naive)
    )


def _errors_shown(errors: Errors) -> ForecastErrors:
    return ForecastErrors(
        mean_absolute=Micro(errors.mae_ueur_per_kwh), root_mean_squared=Micro(errors.rmse_ueur_per_kwh)
    )


def _decimal(micro: int | None) -> Micro | None:
    return None if micro is None else Micro(micro)
