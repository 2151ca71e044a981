"""Standard load profiles: BDEW's figures, local days, and annual totals to the last micro-kWh."""

import subprocess
import sys
from datetime import date, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest
from demandlib import bdew
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.kernel.intervals import METER_RESOLUTION, Resolution, intervals_in_day
from domain.kernel.quantities import largest_remainder
from domain.metering.profiles import ProfileKind, dynamisation, load_profile_ukwh, spread

NEW_YEAR, MAY_DAY = date(2026, 1, 1), date(2026, 5, 1)
OF_2025 = {
    ProfileKind.H25: bdew.H25,
    ProfileKind.G25: bdew.G25,
    ProfileKind.L25: bdew.L25,
    ProfileKind.P25: bdew.P25,
    ProfileKind.S25: bdew.S25,
}


@pytest.mark.filterwarnings("ignore::pandas.errors.Pandas4Warning")  # demandlib 0.2.2 against pandas 3.1.
@pytest.mark.parametrize("kind", list(OF_2025))
def test_the_profiles_of_2025_are_what_demandlib_computes(kind: ProfileKind) -> None:
    quarters = pd.date_range("2026-01-01", periods=365 * 96, freq="15min")
    expected = np.asarray(OF_2025[kind](quarters, holidays=[MAY_DAY]), np.float64)

    days = load_profile_ukwh(kind, 3500, NEW_YEAR, 365, "UTC", holidays=frozenset({MAY_DAY}))

    np.testing.assert_allclose(np.concatenate(days), expected / expected.sum() * 3.5e9, rtol=1e-4, atol=2)


@pytest.mark.filterwarnings("ignore::pandas.errors.Pandas4Warning")
@pytest.mark.parametrize("kind", [kind for kind in ProfileKind if kind not in OF_2025])
def test_the_older_profiles_are_what_demandlib_computes(kind: ProfileKind, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("warnings.simplefilter", lambda *_: None)  # demandlib makes all warnings errors.
    expected = np.asarray(bdew.ElecSlp(2026, holidays=[MAY_DAY]).get_profiles(kind.value), np.float64).ravel()
    if kind is ProfileKind.H0:
        expected = expected * np.repeat(dynamisation(np.arange(1, 366)), 96)

    days = load_profile_ukwh(kind, 3500, NEW_YEAR, 365, "UTC", holidays=frozenset({MAY_DAY}))

    np.testing.assert_allclose(np.concatenate(days), expected / expected.sum() * 3.5e9, rtol=1e-3, atol=2)


@pytest.mark.parametrize("kind", [ProfileKind.H25, ProfileKind.G0])
@pytest.mark.parametrize("year", [2024, 2026])
@pytest.mark.parametrize("annual_kwh", [Decimal("3500.000001"), 0, 1, 25_000_000])
def test_a_year_adds_up_to_the_annual_total_exactly(kind: ProfileKind, year: int, annual_kwh: Decimal | int) -> None:
    days = load_profile_ukwh(kind, annual_kwh, date(year, 1, 1), 366 - (year % 4 > 0), "Europe/Luxembourg")

    assert sum(int(day.sum()) for day in days) == int(Decimal(annual_kwh) * 10**6)
    assert min(int(day.min()) for day in days) >= 0


@pytest.mark.parametrize("minutes", [15, 30, 60])
def test_days_have_the_length_of_the_local_day_and_agree_between_resolutions(minutes: int) -> None:
    zone = ZoneInfo("Europe/Rome")

    days = load_profile_ukwh(ProfileKind.L0, 5000, NEW_YEAR, 365, zone.key, METER_RESOLUTION[minutes])

    quarters = load_profile_ukwh(ProfileKind.L0, 5000, NEW_YEAR, 365, zone.key)
    lengths = [intervals_in_day(NEW_YEAR + timedelta(days=back), zone, minutes) for back in range(365)]
    assert [len(day) for day in days] == lengths
    assert [int(day.sum()) for day in days] == [int(day.sum()) for day in quarters]


def test_the_spring_day_drops_an_hour_of_wall_time_and_the_autumn_day_repeats_one() -> None:
    def day(of: date, zone: str) -> list[int]:
        ukwh: list[int] = load_profile_ukwh(ProfileKind.G0, 1000, of, 1, zone)[0].tolist()
        return ukwh

    spring, autumn = date(2026, 3, 29), date(2026, 10, 25)
    plain_spring, plain_autumn = day(spring, "UTC"), day(autumn, "UTC")

    assert close(day(spring, "Europe/Rome"), plain_spring[:8] + plain_spring[12:])
    assert close(day(autumn, "Europe/Rome"), plain_autumn[:12] + plain_autumn[8:])


def close(one: list[int], other: list[int]) -> bool:
    """Equal but for the scale of the year, which has the same hours either way."""
    return len(one) == len(other) and all(abs(a - b) <= 2 + a // 1000 for a, b in zip(one, other, strict=True))


def test_a_span_over_new_year_is_cut_from_both_years() -> None:
    across = load_profile_ukwh(ProfileKind.H25, 3000, date(2025, 12, 30), 4, "Europe/Rome")

    before = load_profile_ukwh(ProfileKind.H25, 3000, date(2025, 1, 1), 365, "Europe/Rome")
    after = load_profile_ukwh(ProfileKind.H25, 3000, NEW_YEAR, 2, "Europe/Rome", Resolution.QUARTER_HOUR)
    assert [day.tolist() for day in across] == [day.tolist() for day in [*before[-2:], *after]]


@settings(deadline=None)
@given(st.integers(0, 10**16), st.lists(st.integers(0, 10**6), min_size=1, max_size=50).filter(any))
def test_a_total_is_spread_by_largest_remainder(total: int, weights: list[int]) -> None:
    assert spread(total, np.array(weights, np.int64)).tolist() == largest_remainder(total, weights)


@pytest.mark.usefixtures("processes")
def test_profiles_do_not_bring_pandas_with_them() -> None:
    script = (
        "import sys, datetime; from domain.metering.profiles import *;"
        "load_profile_ukwh(ProfileKind.H25, 1, datetime.date(2026, 1, 1), 1, 'UTC'); print('pandas' in sys.modules)"
    )

    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert ran.stdout.strip() == "False"
