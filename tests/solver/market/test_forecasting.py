"""Forecasts of prices: what they know, what they fall back to, and that nothing of the future leaks into them."""

from typing import Any

import numpy as np
import pytest

from solver.market import forecasting
from solver.market.forecasting import Method, NaiveReason, PriceHistory, Prices, backtest, forecast

DAY = 24
HORIZON = 4


def a_history(price: Any, horizon: int = HORIZON) -> PriceHistory:
    """Hourly prices that begin at a Monday's midnight."""
    count = np.arange(len(price) + horizon)
    return PriceHistory(np.asarray(price, np.float64), count % DAY * 60, count // DAY % 7, DAY)


def wavy(days: int, seed: int = 0) -> Prices:
    """Prices with a daily wave on a level that wanders: yesterday's wave is right and its level is not."""
    random, hours = np.random.default_rng(seed), np.arange(days * DAY)
    level = np.cumsum(random.normal(0, 3_000, len(hours)))
    price: Prices = 100_000 + level + 40_000 * np.sin(2 * np.pi * hours / DAY)
    return price


def test_the_naive_forecast_is_the_day_before_and_at_weekends_and_on_mondays_the_week_before() -> None:
    days = 15  # Monday to Monday, two weeks and a day.
    price = np.repeat(np.arange(days), DAY) * 1_000.0

    made = {
        weekday: forecast(a_history(price[: (7 + weekday) * DAY])).price[0] / 1_000 for weekday in range(7)
    }  # For the first hours of the second week's days: 7 is Monday, 12 and 13 are the weekend.

    assert made == {0: 0, 1: 7, 2: 8, 3: 9, 4: 10, 5: 5, 6: 6}


def test_without_a_week_the_day_before_counts_and_without_a_day_the_last_price() -> None:
    saturday = 5 * DAY
    short = np.arange(saturday) * 100.0

    assert forecast(a_history(short)).price.tolist() == short[-DAY : -DAY + HORIZON].tolist()
    assert forecast(a_history([100.0, 200.0])).price.tolist() == [200.0] * HORIZON


@pytest.mark.parametrize("days", [0, 3])
def test_without_any_price_nothing_is_forecast(days: int) -> None:
    made = forecast(a_history(np.full(days * DAY, np.nan)))

    assert (made.method, made.reason, made.backtest) == (Method.SEASONAL_NAIVE, NaiveReason.NO_PRICES, None)
    assert np.isnan(made.price).all()


def test_too_little_history_is_said() -> None:
    made = forecast(a_history(wavy(forecasting.NEEDED_DAYS)[:-1]))

    assert (made.method, made.reason) == (Method.SEASONAL_NAIVE, NaiveReason.TOO_LITTLE_HISTORY)
    assert made.backtest is None


def test_too_few_prices_are_said() -> None:
    price = wavy(forecasting.NEEDED_DAYS + 1)
    price[np.arange(len(price)) % 12 != 0] = np.nan  # Two a day.

    made = forecast(a_history(price))

    assert (made.method, made.reason) == (Method.SEASONAL_NAIVE, NaiveReason.TOO_FEW_PRICES)


def test_where_the_naive_forecast_is_never_wrong_it_is_taken() -> None:
    price = np.tile(np.random.default_rng(3).normal(100_000, 30_000, DAY), 84)

    made = forecast(a_history(price))

    assert (made.method, made.reason) == (Method.SEASONAL_NAIVE, NaiveReason.NAIVE_WAS_BETTER)
    assert made.backtest is not None
    assert made.backtest.naive == forecasting.Errors(0.0, 0.0)
    assert made.backtest.forecasts == forecasting.BACKTEST_DAYS * DAY * HORIZON - 3 * HORIZON


def test_the_regression_beats_the_naive_forecast_where_the_level_wanders() -> None:
    made = forecast(a_history(wavy(70)))

    assert (made.method, made.reason) == (Method.RIDGE, None)
    assert made.backtest is not None
    assert made.backtest.ridge.mae < 0.6 * made.backtest.naive.mae
    assert made.backtest.ridge.rmse < 0.6 * made.backtest.naive.rmse
    assert (made.price % forecasting.TICK == 0).all()


def test_the_same_history_gives_the_same_forecast() -> None:
    first, second = forecast(a_history(wavy(70))), forecast(a_history(wavy(70)))

    assert first.price.tolist() == second.price.tolist()
    assert first.backtest == second.backtest


@pytest.mark.parametrize("origin", [50 * DAY, 50 * DAY + 7])
def test_nothing_after_the_origin_is_known(origin: int) -> None:
    price = wavy(70)
    changed = price.copy()
    changed[origin + 1 :] = np.random.default_rng(1).normal(0, 10**6, len(price) - origin - 1)
    origins = np.array([origin])

    made, other = (
        (forecasting._ridge(history, origin, origins), forecasting._naive(history, origins))
        for history in (a_history(price), a_history(changed))
    )

    assert made[0] is not None
    assert other[0] is not None
    assert made[0].tolist() == other[0].tolist()
    assert made[1].tolist() == other[1].tolist()


def test_a_backtest_is_of_the_last_days_alone() -> None:
    """What a backtest forecasts from depends on older days; what it is compared with does not."""
    price = wavy(70)
    price[: -forecasting.BACKTEST_DAYS * DAY] = np.nan

    assert backtest(a_history(price)) is None  # Nothing before the last days to be fitted on.


def test_gaps_are_neither_fitted_on_nor_compared_with() -> None:
    price = wavy(70)
    gaps = np.random.default_rng(5).random(len(price)) < 0.3
    price[gaps] = np.nan

    made = forecast(a_history(price))

    assert made.method is Method.RIDGE
    assert made.backtest is not None
    assert made.backtest.forecasts < 0.75 * forecasting.BACKTEST_DAYS * DAY * HORIZON
    assert np.isfinite(made.price).all()


def test_the_calendar_covers_what_is_forecast_and_no_more_than_a_day_of_it() -> None:
    with pytest.raises(ValueError, match="at least one interval more"):
        a_history([1.0], horizon=0)
    with pytest.raises(ValueError, match="a day ahead at most"):
        a_history([1.0], horizon=DAY + 1)
