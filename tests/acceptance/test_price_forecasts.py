"""A year of day-ahead prices of DE-LU: how far forecasts are off, of the regression and of the naive forecast."""

import csv
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from solver.market.forecasting import HISTORY_DAYS, Errors, Method, PriceHistory, forecast
from tests.acceptance.published import DATA

PRICES = DATA / "prices-de-lu-2024/day_ahead_hourly_2024.csv"
BERLIN = ZoneInfo("Europe/Berlin")
DAY, HORIZON = 24, 4
FIRST_DAY, EVERY_DAYS = 77, 14  # Backtests of 14 days follow each other from the first day with history enough on.
UEUR_PER_KWH = 1_000  # In 1 EUR/MWh.


@pytest.fixture(scope="module")
def year() -> tuple[list[datetime], list[float]]:
    """Instants and prices, micro-EUR/kWh; labels are local, and of the hour that comes twice the first is in summer."""
    if not PRICES.exists():
        pytest.skip(f"the published data are not beside this checkout: {PRICES.name}")
    with PRICES.open(encoding="utf-8") as file:
        rows = [(row["t"], float(row["price_eur_mwh"]) * UEUR_PER_KWH) for row in csv.DictReader(file)]
    seen: set[str] = set()
    instants = []
    for label, _ in rows:
        instants.append(datetime.fromisoformat(label).replace(tzinfo=BERLIN, fold=label in seen).astimezone(UTC))
        seen.add(label)
    return instants, [price for _, price in rows]


def histories(instants: list[datetime], prices: list[float]) -> Iterator[PriceHistory]:
    """What was known every fortnight."""
    local = [instant.astimezone(BERLIN) for instant in instants]
    minute = np.array([each.hour * 60 + each.minute for each in local])
    weekday = np.array([each.weekday() for each in local])
    for known in range(FIRST_DAY * DAY, len(prices) - HORIZON, EVERY_DAYS * DAY):
        first = max(0, known - HISTORY_DAYS * DAY)
        covered = slice(first, known + HORIZON)
        yield PriceHistory(np.array(prices[first:known]), minute[covered], weekday[covered], DAY)


def test_the_series_has_no_gaps(year: tuple[list[datetime], list[float]]) -> None:
    instants, prices = year

    steps = {later - earlier for earlier, later in pairwise(instants)}
    assert (len(prices), steps) == (8_784, {timedelta(hours=1)})
    assert (min(prices), max(prices)) == (-135_450, 936_280)


def test_the_regression_is_off_by_little_more_than_half_as_much_as_the_naive_forecast(
    year: tuple[list[datetime], list[float]],
) -> None:
    made = [forecast(history) for history in histories(*year)]

    tested = [each.backtest for each in made if each.backtest is not None]
    ridge, naive = (_pooled([getattr(each, name) for each in tested]) for name in ("ridge", "naive"))
    print(  # noqa: T201 - shown by `pytest -s`.
        f"\n{len(tested)} fortnights, {sum(each.forecasts for each in tested)} prices up to 4 h ahead, EUR/MWh: "
        f"ridge MAE {ridge.mae / UEUR_PER_KWH:.2f} RMSE {ridge.rmse / UEUR_PER_KWH:.2f}, "
        f"naive MAE {naive.mae / UEUR_PER_KWH:.2f} RMSE {naive.rmse / UEUR_PER_KWH:.2f}"
    )
    assert len(tested) == len(made) == 21
    assert {each.method for each in made} == {Method.RIDGE}
    assert all(each.ridge.mae < each.naive.mae for each in tested)
    assert ridge.mae < 0.6 * naive.mae
    assert ridge.rmse < 0.7 * naive.rmse


def _pooled(errors: list[Errors]) -> Errors:
    """Errors over equally many prices each."""
    squares = [error.rmse**2 for error in errors]
    return Errors(float(np.mean([error.mae for error in errors])), float(np.sqrt(np.mean(squares))))
