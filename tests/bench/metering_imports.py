"""How fast meter files are read: values per second of clean and of faulty files, each the best of five.

Run: python -m tests.bench.metering_imports [--part 0.1]
"""

import argparse
import time
from collections.abc import Callable
from datetime import date
from decimal import Decimal

import numpy as np

from domain.kernel.intervals import Resolution
from domain.metering.imports import (
    UTC_CLOCK,
    Csv,
    ImportFormat,
    ImportRefused,
    IntervalLabel,
    Limits,
    Long,
    Unit,
    Wide,
    WideColumn,
    parse,
)
from domain.metering.profiles import ProfileKind, load_profile_ukwh
from domain.metering.simulation import SimulatedPoint, Site, simulate
from domain.metering.tables import Direction

FIRST = np.datetime64("2026-01-01T00:00")


def labels(count: int, minutes: int) -> list[str]:
    texts: list[str] = np.datetime_as_string(FIRST + np.arange(count) * minutes, unit="m").tolist()
    return texts


def wide_file(points: int, count: int, minutes: int) -> tuple[bytes, ImportFormat]:
    chance = np.random.default_rng(1)
    values = chance.integers(0, 5_000_000, (count, points)) / 10_000
    rows = (
        f"{label}," + ",".join(map(repr, row))
        for label, row in zip(labels(count, minutes), values.tolist(), strict=True)
    )
    names = [f"c{number}" for number in range(points)]
    content = "\n".join([",".join(["t", *names]), *rows]).encode()
    columns = tuple(WideColumn(name, name, Direction.WITHDRAWN) for name in names)
    return content, a_format(Wide("t", columns), minutes)


def long_file(points: int, count: int, minutes: int) -> tuple[bytes, ImportFormat]:
    """Time by time, so the rows of a point lie apart."""
    values = (np.random.default_rng(1).integers(0, 5_000_000, (count, points)) / 10_000).tolist()
    codes = [f"IT001E{number:08d}" for number in range(points)]
    rows = (
        f"{code},{label},{value!r}"
        for label, row in zip(labels(count, minutes), values, strict=True)
        for code, value in zip(codes, row, strict=True)
    )
    return "\n".join(["p,t,v", *rows]).encode(), a_format(Long("p", "t", "v", Direction.WITHDRAWN), minutes)


def a_format(layout: Wide | Long, minutes: int) -> ImportFormat:
    resolution = {15: Resolution.QUARTER_HOUR, 60: Resolution.HOUR}[minutes]
    return ImportFormat(layout, Unit.KWH, resolution, IntervalLabel.START, UTC_CLOCK, "UTC", "%Y-%m-%dT%H:%M", Csv())


def best_of_five(work: Callable[[], object]) -> float:
    times = []
    for _ in range(5):
        begin = time.perf_counter()
        work()
        times.append(time.perf_counter() - begin)
    return min(times)


def read(content: bytes, format: ImportFormat) -> int:
    """Values read, or faults found."""
    try:
        return parse(content, format, Limits(bytes_max=2**30)).report.values
    except ImportRefused as refusal:
        return refusal.report.fault_count


def report(name: str, content: bytes, format: ImportFormat, values: int) -> None:
    found = read(content, format)
    seconds = best_of_five(lambda: read(content, format))
    size, rate = len(content) / 1e6, values / seconds / 1e6
    print(
        f"{name:44} {size:4.1f} MB {values:9,} values {found:9,} found {seconds * 1e3:6.0f} ms {rate:5.2f} M values/s"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--part", type=float, default=1.0, help="of the intervals of each file")
    part = parser.parse_args().part
    year, quarters, month = int(8760 * part), int(35_040 * part), int(2_976 * part)
    days = max(int(90 * part), 1)
    content, format = wide_file(24, year, 60)
    report("wide, 24 columns x 8,760 h", content, format, 24 * year)
    faulty = content.replace(b",1", b",x")
    report("the same with faults", faulty, format, 24 * year)
    report("the same with quotes", content.replace(b"2026-01-01T00:00", b'"2026-01-01T00:00"'), format, 24 * year)
    noisy = content.replace(b".5", b".50000000000000001")
    report("the same with binary noise in the decimals", noisy, format, 24 * year)
    content, format = wide_file(100, quarters, 15)
    report("wide, 100 columns x 35,040 quarter-hours", content, format, 100 * quarters)
    content, format = long_file(500, month, 15)
    report("long, 500 points x a month of quarter-hours", content, format, 500 * month)
    site = Site("Esch", 49.5, 5.98, "Europe/Luxembourg")
    homes = [SimulatedPoint(f"LU-{number}", site, annual_kwh=3000, pv_kwp=5) for number in range(24)]
    begin = time.perf_counter()
    for home in homes:
        simulate(home, date(2026, 8, 1), days, seed=1)
    print(f"simulate 24 homes x {days} days, cold: {time.perf_counter() - begin:.3f} s")
    seconds = best_of_five(
        lambda: load_profile_ukwh(ProfileKind.H25, Decimal(3500), date(2026, 1, 1), 365, "Europe/Luxembourg")
    )
    print(f"profile of a year: {seconds * 1e3:.1f} ms")


if __name__ == "__main__":
    main()
