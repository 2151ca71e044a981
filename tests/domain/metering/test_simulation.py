"""Simulated meters: repeatable day by day, physically plausible, and different from home to home."""

from datetime import date, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.kernel.intervals import intervals_in_day
from domain.metering.simulation import (
    SimulatedPoint,
    Site,
    clear_sky_index,
    clear_sky_w,
    load_kwh,
    pv_kwh,
    simulate,
    sun,
)

ESCH = Site("Esch", 49.5, 5.98, "Europe/Luxembourg")
MODENA = Site("Modena", 44.65, 10.93, "Europe/Rome", clearness=0.72)
HOME = SimulatedPoint("LU-1", ESCH, annual_kwh=4000, pv_kwp=6)
NEW_YEAR = date(2026, 1, 1)


@settings(max_examples=25, deadline=None)
@given(st.dates(date(2020, 1, 1), date(2030, 1, 1)), st.integers(1, 20), st.integers(0, 2**63))
def test_a_day_computed_alone_is_the_day_computed_among_others(first: date, days: int, seed: int) -> None:
    together = simulate(HOME, first, days, seed)

    for back, day in enumerate(together):
        (alone,) = simulate(HOME, first + timedelta(days=back), 1, seed)
        assert alone.day == day.day == first + timedelta(days=back)
        assert alone.injected_ukwh.tolist() == day.injected_ukwh.tolist()
        assert alone.withdrawn_ukwh.tolist() == day.withdrawn_ukwh.tolist()


def test_days_are_local_days_of_whole_watt_hours() -> None:
    zone = ZoneInfo("Europe/Luxembourg")

    days = simulate(HOME, NEW_YEAR, 365, seed=1)

    assert [len(day.injected_ukwh) for day in days] == [intervals_in_day(day.day, zone, 15) for day in days]
    for day in days:
        assert ((day.injected_ukwh % 1000 == 0) & (day.withdrawn_ukwh % 1000 == 0)).all()
        assert np.minimum(day.injected_ukwh, day.withdrawn_ukwh).max() == 0
        assert min(day.injected_ukwh.min(), day.withdrawn_ukwh.min()) >= 0


def test_another_seed_or_another_home_is_another_day_under_the_same_sky() -> None:
    neighbour = SimulatedPoint("LU-2", ESCH, annual_kwh=4000, pv_kwp=6)

    (one,), (other,), (reseeded,) = (
        simulate(point, date(2026, 6, 1), 1, seed) for point, seed in ((HOME, 1), (neighbour, 1), (HOME, 2))
    )

    assert one.withdrawn_ukwh.tolist() != other.withdrawn_ukwh.tolist()
    assert one.injected_ukwh.tolist() != reseeded.injected_ukwh.tolist()
    assert pv_kwh(HOME, NEW_YEAR, 30, 1).tolist() == pv_kwh(neighbour, NEW_YEAR, 30, 1).tolist()


@pytest.mark.parametrize(("site", "low", "high"), [(ESCH, 900, 1100), (MODENA, 1130, 1400)])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_roof_that_faces_south_yields_what_roofs_there_do(site: Site, low: float, high: float, seed: int) -> None:
    kwh = pv_kwh(SimulatedPoint("roof", site, pv_kwp=1), NEW_YEAR, 365, seed)

    assert low < kwh.sum() < high
    assert kwh.max() < 0.3  # A quarter-hour at 1.2 times the rated power.


def test_panels_to_the_east_work_in_the_morning_and_to_the_west_in_the_evening() -> None:
    east, west = (
        pv_kwh(SimulatedPoint("roof", ESCH, pv_kwp=1, azimuth=azimuth), date(2026, 6, 1), 20, 1).reshape(20, 96)
        for azimuth in (90.0, 270.0)
    )

    assert east[:, :50].sum() > 1.3 * west[:, :50].sum()
    assert west[:, 60:].sum() > 1.3 * east[:, 60:].sum()


def test_the_load_is_about_the_annual_total() -> None:
    totals = [load_kwh(SimulatedPoint(f"LU-{n}", ESCH, annual_kwh=4000), NEW_YEAR, 365, 1).sum() for n in range(20)]

    assert np.mean(totals) == pytest.approx(4000, rel=0.03)
    assert all(total == pytest.approx(4000, rel=0.12) for total in totals)


def test_a_plant_only_injects_and_a_consumer_only_withdraws() -> None:
    plant = simulate(SimulatedPoint("IT-P", MODENA, pv_kwp=150), date(2026, 6, 1), 30, 1)
    consumer = simulate(SimulatedPoint("IT-C", MODENA, annual_kwh=2700), date(2026, 6, 1), 30, 1)

    assert sum(int(day.withdrawn_ukwh.sum()) for day in plant) == 0
    assert sum(int(day.injected_ukwh.sum()) for day in consumer) == 0
    assert 15_000 < sum(int(day.injected_ukwh.sum()) for day in plant) / 10**6 < 30_000
    assert 120 < sum(int(day.withdrawn_ukwh.sum()) for day in consumer) / 10**6 < 330


def test_the_sun_stands_where_almanacs_put_it() -> None:
    noon = np.array([1_782_043_200 - 5.98 / 360 * 86_400 + 1.9 * 60])  # 21 June 2026, true noon at Esch.
    midnight = noon + 43_200

    elevation = np.degrees(np.arcsin(sun(49.5, 5.98, noon.astype(np.int64))[2]))

    assert elevation == pytest.approx(90 - 49.5 + 23.44, abs=0.1)
    assert sun(49.5, 5.98, midnight.astype(np.int64))[2] < 0
    assert clear_sky_w(np.array([1.0, 0.5, 0.0, -0.5])).round().tolist() == [1035.0, 488.0, 0.0, 0.0]


def test_clouds_let_some_light_through_and_remember_the_day_before() -> None:
    index = clear_sky_index(Site("Esch", 49.5, 5.98, "UTC", 0.62), NEW_YEAR, 2000, 1)

    daily = index.reshape(2000, 96).mean(axis=1)
    assert 0.05 <= index.min() < index.max() <= 1
    assert daily.mean() == pytest.approx(0.62, abs=0.03)
    assert 0.4 < np.corrcoef(daily[1:], daily[:-1])[0, 1] < 0.7
