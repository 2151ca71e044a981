"""From a book to the rates made of it, and from known prices to the forecast of those to come."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from fractions import Fraction
from zoneinfo import ZoneInfo

import numpy as np

from domain.kernel.quantities import WHOLE_PPM
from domain.market.clearing.book import Level
from domain.market.places.tables import OrderSide
from domain.market.prices import forecasts
from domain.market.prices.forecasts import Backtest, Errors, Forecast, Known
from domain.market.prices.model_prices import Rate, Terms
from domain.market.prices.tables import ForecastMethod, NaiveReason
from solver.market import forecasting
from solver.market.cells.problem import Orders, Side, from_micro_units
from solver.market.forecasting import PriceHistory
from solver.market.prices import (
    RatioUndefined,
    crossing_price_ueur_per_kwh,
    mid_market_rate_ueur_per_kwh,
    supply_demand_ratio_ueur_per_kwh,
)


def rates_of(levels: Sequence[Level], terms: Terms) -> dict[Rate, int]:
    """The rates with a weight of a book, micro-EUR/kWh; none without orders."""
    if not levels:
        return {}
    orders = _orders(levels)
    divider = Fraction(terms.divider_ppm, WHOLE_PPM)
    made: dict[Rate, Callable[[], int | None]] = {
        Rate.SUPPLY_DEMAND_RATIO: lambda: _ratio(orders, Fraction(terms.compensation_ppm, WHOLE_PPM), divider),
        Rate.MID_MARKET_RATE: lambda: mid_market_rate_ueur_per_kwh(orders, divider),
        Rate.CROSSING_VALUE: lambda: crossing_price_ueur_per_kwh(orders),
    }
    rates = {rate: make() for rate, make in made.items() if terms.weights_ppm[rate]}
    return {rate: value for rate, value in rates.items() if value is not None}


def _ratio(orders: Orders, compensation: Fraction, divider: Fraction) -> int | None:
    try:
        return supply_demand_ratio_ueur_per_kwh(orders, compensation)
    except RatioUndefined:
        return mid_market_rate_ueur_per_kwh(orders, divider)


def _orders(levels: Sequence[Level]) -> Orders:
    """A level is as good as one order: rates do not depend on whose the orders are, nor on when they came."""
    count = len(levels)
    return from_micro_units(
        interval=np.zeros(count, np.int64),
        zone=np.zeros(count, np.int64),
        side=np.array([Side.BUY if level.side is OrderSide.BUY else Side.SELL for level in levels], np.int8),
        limit_price_ueur_per_kwh=np.array([level.limit_price_ueur_per_kwh for level in levels], np.int64),
        energy_ukwh=np.array([level.energy_ukwh for level in levels], np.int64),
        sequence=np.arange(count),
        owner=np.arange(count),
    )


def forecast_prices_of(known: Known) -> Forecast:
    """The forecast of a market by what is known."""
    made = forecasting.forecast(_history(known))
    return Forecast(
        market_id=known.market_id,
        made_at=known.at,
        minutes=known.minutes,
        method=ForecastMethod(made.method.value),
        reason=None if made.reason is None else NaiveReason(made.reason.value),
        prices_ueur_per_kwh=tuple(int(price) if np.isfinite(price) else None for price in made.price),
        backtest_days=forecasting.BACKTEST_DAYS,
        backtest=None if made.backtest is None else _backtest(made.backtest),
    )


def _backtest(tested: forecasting.Backtest) -> Backtest:
    return Backtest(forecasting.BACKTEST_DAYS, tested.forecasts, _errors(tested.ridge), _errors(tested.naive))


def _errors(errors: forecasting.Errors) -> Errors:
    return Errors(round(errors.mae), round(errors.rmse))


def _history(known: Known) -> PriceHistory:
    step, zone = timedelta(minutes=known.minutes), ZoneInfo(known.timezone)
    count = len(known.prices_ueur_per_kwh)
    horizon = forecasts.AHEAD // step
    local = [(known.at + n * step).astimezone(zone) for n in range(-count, horizon)]
    prices = [np.nan if price is None else float(price) for price in known.prices_ueur_per_kwh]
    return PriceHistory(
        price=np.array(prices, np.float64),
        minute_of_day=np.array([instant.hour * 60 + instant.minute for instant in local], np.int64),
        weekday=np.array([instant.weekday() for instant in local], np.int64),
        intervals_per_day=timedelta(days=1) // step,
    )
