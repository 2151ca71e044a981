"""What a meter file must declare before it is read: layout, unit, resolution, label, clock, separators."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from domain.kernel.errors import InvalidValue
from domain.kernel.intervals import METER_RESOLUTION, Resolution
from domain.metering.imports.labels import directives
from domain.metering.tables import Direction, Quality


class Unit(StrEnum):
    """Unit of a value: energy of the interval, or mean power over it."""

    W = "W"
    KW = "KW"
    WH = "WH"
    KWH = "KWH"


class IntervalLabel(StrEnum):
    """Which end of its interval a time label names."""

    START = "START"
    END = "END"


class Gaps(StrEnum):
    """What becomes of a local day that misses an interval."""

    REFUSE = "REFUSE"
    SKIP_DAYS = "SKIP_DAYS"


class EmptyCells(StrEnum):
    """What an empty value cell means: a fault, or that there is no reading."""

    REFUSE = "REFUSE"
    NO_READING = "NO_READING"


@dataclass(frozen=True, slots=True)
class FixedOffset:
    """Labels run at a fixed distance from UTC, minutes east; 0 is UTC itself."""

    minutes: int = 0


@dataclass(frozen=True, slots=True)
class ZoneClock:
    """Labels show the local time of an IANA zone and follow its clock changes."""

    name: str


@dataclass(frozen=True, slots=True)
class StatedOffset:
    """Each label carries its own offset, read by `%z`."""


Clock = FixedOffset | ZoneClock | StatedOffset
UTC_CLOCK = FixedOffset(0)


@dataclass(frozen=True, slots=True)
class Long:
    """One row per point and interval.

    `direction` is either the one direction of the whole file, or a mapping of the texts in `direction_column`.
    `step_column`, where the file has one, must read `step_text` on every row.
    """

    point_column: str
    time_column: str
    value_column: str
    direction: Direction | Mapping[str, Direction]
    direction_column: str | None = None
    quality_column: str | None = None
    step_column: str | None = None
    step_text: str | None = None


@dataclass(frozen=True, slots=True)
class WideColumn:
    """One value column of a wide file: whose energy it is, and the column that tells its quality."""

    name: str
    point_code: str
    direction: Direction
    quality_column: str | None = None


@dataclass(frozen=True, slots=True)
class Wide:
    """One row per interval and one column per point and direction; columns not named here are ignored."""

    time_column: str
    value_columns: tuple[WideColumn, ...]


@dataclass(frozen=True, slots=True)
class Template:
    """One typical day, `Time,Production,Consommation`, laid over `days` local days from `first_day`.

    Wall time decides: the hour that a spring change leaves out is dropped, the hour that an autumn change repeats is
    taken twice. With `annual_ukwh` of a direction its column is only a shape: the calendar years touched are filled in
    proportion to it and each adds up exactly, by largest remainder. The clock of the file plays no part.
    """

    point_code: str
    first_day: date
    days: int
    time_column: str = "Time"
    production_column: str | None = "Production"
    consumption_column: str | None = "Consommation"
    annual_ukwh: Mapping[Direction, int] = field(default_factory=dict)

    @property
    def columns(self) -> dict[Direction, str]:
        """The value columns by direction."""
        named = {Direction.INJECTED: self.production_column, Direction.WITHDRAWN: self.consumption_column}
        return {direction: name for direction, name in named.items() if name is not None}


Layout = Long | Wide | Template


@dataclass(frozen=True, slots=True)
class Csv:
    """UTF-8 text, with or without byte-order mark."""

    delimiter: str = ","
    decimal_separator: str = "."


@dataclass(frozen=True, slots=True)
class Xlsx:
    """An Office Open XML workbook; `sheet` None is the first. Text cells follow the decimal separator."""

    sheet: str | None = None
    decimal_separator: str = "."


@dataclass(frozen=True, slots=True)
class Limits:
    """How much a file may hold before it is refused as TOO_LARGE (a value as VALUE_TOO_LARGE)."""

    bytes_max: int = 64 * 2**20
    uncompressed_bytes_max: int = 256 * 2**20
    rows_max: int = 2_000_000
    columns_max: int = 10_000
    cells_max: int = 10_000_000
    cell_bytes_max: int = 128
    series_max: int = 20_000
    value_kwh_max: int = 1_000_000
    faults_max: int = 1_000


@dataclass(frozen=True, slots=True)
class ImportFormat:
    """Every parameter of a meter file.

    `time_format` has the directives %Y %m %d %H %M and, where the labels have them, %S and %z; all else stands for
    itself. `timezone` is the IANA zone whose local days the readings are stored by; `clock` is what the labels show.
    `quality` holds for every value unless a quality column says otherwise; a day has the worst quality of its values.
    `header_row` and `first_data_row` count from 1; without the latter data follow the header.
    """

    layout: Layout
    unit: Unit
    resolution: Resolution
    interval_label: IntervalLabel
    clock: Clock
    timezone: str
    time_format: str
    file: Csv | Xlsx
    gaps: Gaps = Gaps.REFUSE
    empty_cells: EmptyCells = EmptyCells.REFUSE
    quality: Quality = Quality.MEASURED
    quality_codes: Mapping[str, Quality] = field(default_factory=dict)
    header_row: int = 1
    first_data_row: int | None = None

    def __post_init__(self) -> None:
        for holds, path, reason in self._rules():
            if not holds:
                raise InvalidValue((path,), reason)

    @property
    def data_row(self) -> int:
        """Number of the first row that holds readings, counted from 1."""
        return self.first_data_row or self.header_row + 1

    def _rules(self) -> list[tuple[bool, str, str]]:
        given = directives(self.time_format)
        needed = "HM" if isinstance(self.layout, Template) else "YmdHM"
        stated = isinstance(self.clock, StatedOffset)
        return [
            (self.resolution in METER_RESOLUTION.values(), "resolution", "meters report every 15, 30 or 60 minutes"),
            (
                given is not None and set(needed) <= set(given),
                "timeFormat",
                f"needs {' '.join(f'%{d}' for d in needed)}",
            ),
            (given is None or ("z" in given) is stated, "timeFormat", "%z and a stated offset go together"),
            (_is_zone(self.timezone), "timezone", f"{self.timezone[:40]!r} is not an IANA zone"),
            (not isinstance(self.clock, ZoneClock) or _is_zone(self.clock.name), "clock", "not an IANA zone"),
            (not isinstance(self.clock, FixedOffset) or abs(self.clock.minutes) <= 18 * 60, "clock", "beyond 18 hours"),
            (self.file.decimal_separator in (".", ","), "decimalSeparator", "is a point or a comma"),
            (not isinstance(self.file, Csv) or _separates(self.file), "delimiter", "is one of , ; | or a tab"),
            (self.header_row >= 1 and self.data_row > self.header_row, "firstDataRow", "data follow the header"),
            *_layout_rules(self.layout),
        ]


def _layout_rules(layout: Layout) -> list[tuple[bool, str, str]]:
    match layout:
        case Long():
            mapped = isinstance(layout.direction, Mapping)
            return [
                (mapped == (layout.direction_column is not None), "direction", "a mapping goes with a column"),
                ((layout.step_column is None) == (layout.step_text is None), "stepText", "goes with a step column"),
            ]
        case Wide():
            keys = [(column.point_code, column.direction) for column in layout.value_columns]
            names = {column.name for column in layout.value_columns}
            return [
                (len(names) == len(keys), "columns", "one column for two points or directions"),
                (bool(keys), "columns", "at least one value column"),
                (len(set(keys)) == len(keys), "columns", "two columns for one point and direction"),
            ]
        case Template():
            return [
                (1990 <= layout.first_day.year <= 2100, "firstDay", "between 1990 and 2100"),
                (1 <= layout.days <= 3660, "days", "between 1 and 3660 days"),
                (bool(layout.columns), "columns", "at least one value column"),
                (set(layout.annual_ukwh) <= set(layout.columns), "annualKwh", "a total without a column"),
                (all(0 <= total <= 10**15 for total in layout.annual_ukwh.values()), "annualKwh", "out of range"),
            ]


def _separates(file: Csv) -> bool:
    return file.delimiter in (",", ";", "|", "\t") and file.delimiter != file.decimal_separator


def _is_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True
