"""Prices of the coming hours: a seasonal naive forecast, a ridge regression on calendar and lags, and how both did.

A forecast stands at an *origin*, the last interval whose price is known, and looks at the intervals after it. Nothing
later than the origin enters it: not as a lag, not as a target it was fitted on, not in the scale of a column.

Naive: the price of the same interval a day before, and on Saturdays, Sundays and Mondays a week before, after
Nogales, Contreras, Conejo and Espinola, "Forecasting Next-Day Electricity Prices by Time Series Models", IEEE
Transactions on Power Systems 17(2), 2002, which others compare with.
Ridge: for each step ahead one linear model of the last prices, the prices at the target a day, two days and a week
before, the prices at the origin a day and a week before, the mean of the last day, the time of day (four harmonics)
and the kind of day. Columns are scaled to unit variance and its weights are held small by `RIDGE`; it is fitted on the
last `FITTED_DAYS`. Hoerl and Kennard, "Ridge Regression", Technometrics 12(1), 1970.
Backtest: on each of the last `BACKTEST_DAYS` a model fitted before that day forecasts from every full hour.

Same input, same output; the last digits of float64 may differ between machines, so prices are rounded to the tick.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Prices: TypeAlias = NDArray[np.float64]
Calendar: TypeAlias = NDArray[np.int64]
Indices: TypeAlias = NDArray[np.int64]

FITTED_DAYS = 56
BACKTEST_DAYS = 14
LAG_DAYS = 7
FITTED_MIN_DAYS = 14
RIDGE = 10.0
ROWS_MIN = 200  # Prices that a model is fitted on at least: ten for each column.
HARMONICS = 4
TICK = 100.0
NEEDED_DAYS = LAG_DAYS + FITTED_MIN_DAYS + BACKTEST_DAYS
HISTORY_DAYS = LAG_DAYS + FITTED_DAYS + BACKTEST_DAYS


class Method(StrEnum):
    """How a forecast was made."""

    SEASONAL_NAIVE = "SEASONAL_NAIVE"
    RIDGE = "RIDGE"


class NaiveReason(StrEnum):
    """Why a forecast is the naive one."""

    NO_PRICES = "NO_PRICES"
    TOO_LITTLE_HISTORY = "TOO_LITTLE_HISTORY"
    TOO_FEW_PRICES = "TOO_FEW_PRICES"
    NAIVE_WAS_BETTER = "NAIVE_WAS_BETTER"


@dataclass(frozen=True, slots=True)
class PriceHistory:
    """Prices of consecutive intervals up to the last known one, micro-EUR/kWh, NaN where there was none.

    Minutes of the local day and weekdays (Monday is 0) are those of these intervals and of the `horizon` that follow.
    """

    price: Prices
    minute_of_day: Calendar
    weekday: Calendar
    intervals_per_day: int

    def __post_init__(self) -> None:
        if len(self.minute_of_day) != len(self.weekday) or self.horizon < 1:
            raise ValueError("the calendar must cover the history and at least one interval more")
        if self.horizon > self.intervals_per_day:
            raise ValueError("a forecast looks a day ahead at most")

    @property
    def horizon(self) -> int:
        """How many intervals are to be forecast."""
        return len(self.minute_of_day) - len(self.price)


@dataclass(frozen=True, slots=True)
class Errors:
    """Mean absolute error and root mean squared error, micro-EUR/kWh."""

    mae: float
    rmse: float


@dataclass(frozen=True, slots=True)
class Backtest:
    """Errors of the ridge regression and of the naive forecast for the same prices."""

    ridge: Errors
    naive: Errors
    forecasts: int


@dataclass(frozen=True, slots=True)
class Forecast:
    """Prices of the coming intervals, micro-EUR/kWh in whole ticks; NaN where nothing is known. Why it is naive."""

    price: Prices
    method: Method
    reason: NaiveReason | None
    backtest: Backtest | None


def forecast(history: PriceHistory) -> Forecast:
    """The ridge regression where there is history enough and it did better than the naive forecast; else the latter."""
    naive = _whole_ticks(_naive(history, np.array([len(history.price) - 1]))[0])
    if not np.isfinite(history.price).any():
        return Forecast(naive, Method.SEASONAL_NAIVE, NaiveReason.NO_PRICES, None)
    if len(history.price) < NEEDED_DAYS * history.intervals_per_day:
        return Forecast(naive, Method.SEASONAL_NAIVE, NaiveReason.TOO_LITTLE_HISTORY, None)
    backtested = backtest(history)
    fitted = _ridge(history, len(history.price) - 1, np.array([len(history.price) - 1]))
    if backtested is None or fitted is None:
        return Forecast(naive, Method.SEASONAL_NAIVE, NaiveReason.TOO_FEW_PRICES, None)
    if backtested.ridge.mae >= backtested.naive.mae:
        return Forecast(naive, Method.SEASONAL_NAIVE, NaiveReason.NAIVE_WAS_BETTER, backtested)
    return Forecast(_whole_ticks(fitted[0]), Method.RIDGE, None, backtested)


def backtest(history: PriceHistory) -> Backtest | None:
    """How both did in the last days; None where there were too few prices to fit or to compare."""
    day, known = history.intervals_per_day, len(history.price)
    actual: list[Prices] = []
    ridge: list[Prices] = []
    naive: list[Prices] = []
    for first in range(known - 1 - BACKTEST_DAYS * day, known - 1, day):
        origins = np.arange(first, min(first + day, known - history.horizon), max(1, day // 24))
        if len(origins) == 0:
            continue
        fitted = _ridge(history, first, origins)
        if fitted is None:
            return None
        ridge.append(fitted)
        naive.append(_naive(history, origins))
        actual.append(history.price[origins[:, None] + np.arange(1, history.horizon + 1)])
    return _compared(*(np.concatenate(each).ravel() for each in (actual, ridge, naive)))


def _compared(actual: Prices, ridge: Prices, naive: Prices) -> Backtest | None:
    is_known = np.isfinite(actual) & np.isfinite(ridge) & np.isfinite(naive)
    if is_known.sum() < ROWS_MIN:
        return None
    of_ridge, of_naive = (_errors((made - actual)[is_known]) for made in (ridge, naive))
    return Backtest(of_ridge, of_naive, int(is_known.sum()))


def _errors(off: Prices) -> Errors:
    return Errors(float(np.abs(off).mean()), float(np.sqrt(np.square(off).mean())))


def _naive(history: PriceHistory, origins: Indices) -> Prices:
    """Shape (origins, horizon). Where the interval of a week before is not known, that of the day before."""
    day, filled = history.intervals_per_day, _carried_forward(history.price)
    target = origins[:, None] + np.arange(1, history.horizon + 1)
    yesterday = target - day  # Known, because a horizon is no longer than a day.
    last_week = target - 7 * day
    uses_week = np.isin(history.weekday[target], (5, 6, 0)) & (last_week >= 0)
    at = np.where(uses_week, last_week, yesterday)
    if len(filled) == 0:
        return np.full(at.shape, np.nan)
    found = filled[np.clip(at, 0, len(filled) - 1)]
    last = filled[np.clip(origins, 0, None)][:, None]
    return np.where((at >= 0) & np.isfinite(found), found, last)


def _ridge(history: PriceHistory, fitted_until: int, origins: Indices) -> Prices | None:
    """Forecasts from origins by models that know the prices up to `fitted_until`, shape (origins, horizon).

    None where any step has too few prices to be fitted on.
    """
    day, filled = history.intervals_per_day, _carried_forward(history.price)
    made = np.empty((len(origins), history.horizon))
    for step in range(1, history.horizon + 1):
        first = max(LAG_DAYS * day, fitted_until - FITTED_DAYS * day)
        past = np.arange(first, fitted_until - step + 1)
        past = past[np.isfinite(history.price[past + step])]
        columns = _columns(history, filled, past, step)
        is_whole = np.isfinite(columns).all(axis=1)
        if is_whole.sum() < ROWS_MIN:
            return None
        model = _fitted(columns[is_whole], history.price[past[is_whole] + step])
        made[:, step - 1] = model.predict(_columns(history, filled, origins, step))
    return made


@dataclass(frozen=True, slots=True)
class _Model:
    mean: Prices
    scale: Prices
    weights: Prices
    level: float

    def predict(self, columns: Prices) -> Prices:
        predicted: Prices = self.level + (columns - self.mean) / self.scale @ self.weights
        return predicted


def _fitted(columns: Prices, price: Prices) -> _Model:
    """Weights w that minimise |y - Xw|^2 + RIDGE |w|^2, with X scaled to unit variance and both about their means."""
    mean, scale = columns.mean(axis=0), columns.std(axis=0)
    scale = np.where(scale > 0, scale, 1.0)
    scaled, level = (columns - mean) / scale, float(price.mean())
    gram = scaled.T @ scaled + RIDGE * np.eye(columns.shape[1])
    return _Model(mean, scale, np.linalg.solve(gram, scaled.T @ (price - level)), level)


def _columns(history: PriceHistory, filled: Prices, origins: Indices, step: int) -> Prices:
    """What a model knows at origins of the interval `step` later, shape (origins, columns)."""
    day, target = history.intervals_per_day, origins + step
    sums = np.concatenate([[0.0], np.cumsum(np.nan_to_num(filled))])
    lags = [filled[origins - back] for back in (0, 1, 2)]
    lags += [filled[target - back * day] for back in (1, 2, 7)]
    lags += [filled[origins - back * day] for back in (1, 7)]
    lags.append((sums[origins + 1] - sums[origins + 1 - day]) / day)
    angle = 2 * np.pi * history.minute_of_day[target] / 1_440
    waves = [wave(k * angle) for k in range(1, HARMONICS + 1) for wave in (np.sin, np.cos)]
    kinds = [(history.weekday[target] == weekday).astype(np.float64) for weekday in (0, 5, 6)]
    return np.column_stack([*lags, *waves, *kinds])


def _carried_forward(price: Prices) -> Prices:
    """Each gap filled with the last price before it; NaN before the first price."""
    is_known = np.isfinite(price)
    at = np.maximum.accumulate(np.where(is_known, np.arange(len(price)), -1)) if len(price) else np.zeros(0, np.int64)
    return np.where(at >= 0, price[np.maximum(at, 0)], np.nan)


def _whole_ticks(price: Prices) -> Prices:
    rounded: Prices = np.round(price / TICK) * TICK
    return rounded
