"""Parameters of a meter file as flat text, one vocabulary for uploads (`intervalLabel=END`) and the command line
(`--interval-label END`). Nothing is guessed: what a layout needs and is not given is refused by name."""

from collections.abc import Callable, Mapping
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType
from typing import Any, TypeVar

from domain.kernel.errors import InvalidValue
from domain.kernel.grammars import Malformed, day_of, exact_json, offset_minutes_of, whole_number_of
from domain.kernel.intervals import METER_RESOLUTION
from domain.kernel.quantities import NotAQuantity, parse_micro
from domain.metering.imports import (
    Csv,
    EmptyCells,
    FixedOffset,
    Gaps,
    ImportFormat,
    IntervalLabel,
    Long,
    StatedOffset,
    Template,
    Unit,
    Wide,
    WideColumn,
    Xlsx,
    ZoneClock,
)
from domain.metering.imports.formats import Clock, Layout
from domain.metering.tables import Direction, Quality

NUMBER_MAX = 999_999_999
Given = Mapping[str, str]
Choice = TypeVar("Choice", bound=StrEnum)
Value = TypeVar("Value")

PARAMETERS: Mapping[str, str] = MappingProxyType(
    {
        "layout": "LONG (a row per point and interval), WIDE (a column per point) or TEMPLATE (one typical day)",
        "unit": "W, KW, WH or KWH",
        "resolution": "PT15M, PT30M or PT1H",
        "intervalLabel": "whether a time label names the START or the END of its interval",
        "clock": "what labels show: UTC, an offset such as +01:00, STATED (each label has its own) or an IANA zone",
        "timezone": "IANA zone of the local days, the one of the metering points",
        "timeFormat": "such as %Y-%m-%d %H:%M",
        "fileKind": "CSV or XLSX",
        "delimiter": "CSV: one of , ; | or a tab (default ,)",
        "decimalSeparator": ". (default) or ,",
        "sheet": "XLSX: name of the sheet (default: the first)",
        "gaps": "REFUSE (default) or SKIP_DAYS that miss an interval",
        "emptyCells": "REFUSE (default) or NO_READING",
        "quality": "MEASURED (default), ESTIMATED, SUBSTITUTED or SIMULATED",
        "qualityCodes": 'JSON: what texts in quality columns mean, such as {"L1": "MEASURED"}',
        "headerRow": "row of the header, from 1 (default 1)",
        "firstDataRow": "first row with readings (default: after the header)",
        "timeColumn": "header of the time column",
        "pointColumn": "LONG: header of the column of point codes",
        "valueColumn": "LONG: header of the value column",
        "direction": "LONG: INJECTED or WITHDRAWN for the whole file",
        "directionColumn": "LONG: header of the column that tells the direction",
        "directions": 'LONG: JSON, what its texts mean, such as {"IN": "WITHDRAWN"}',
        "qualityColumn": "LONG: header of the quality column",
        "stepColumn": "LONG: header of a column that must read stepText on every row",
        "stepText": "LONG: what stepColumn reads",
        "columns": 'WIDE: JSON list of {"name", "point", "direction", "qualityColumn"}',
        "point": "TEMPLATE: code of the metering point",
        "firstDay": "TEMPLATE: first local day, such as 2026-01-01",
        "days": "TEMPLATE: how many days",
        "productionColumn": "TEMPLATE: header (default Production; empty for none)",
        "consumptionColumn": "TEMPLATE: header (default Consommation; empty for none)",
        "annualKwh": 'TEMPLATE: JSON, totals of a year by direction, such as {"WITHDRAWN": "3500"}',
        "gross": "true where the file holds gross generation and load, to be netted per interval (default false)",
    }
)


def is_gross(given: Given) -> bool:
    """Whether generation and load are to be set off against each other. Raises InvalidValue."""
    text = given.get("gross", "false")
    if text not in ("true", "false"):
        raise InvalidValue(("gross",), "gross is true or false.")
    return text == "true"


def import_format(given: Given) -> ImportFormat:
    """The format that parameters describe. Raises InvalidValue naming the parameter."""
    for name in given:
        if name not in PARAMETERS:
            raise InvalidValue((name[:40],), f"There is no parameter {name[:40]!r}.")
    minutes = {resolution.value: resolution for resolution in METER_RESOLUTION.values()}
    if _required(given, "resolution") not in minutes:
        raise InvalidValue(("resolution",), f"resolution is one of {', '.join(minutes)}.")
    return ImportFormat(
        layout=_layout(given),
        unit=_choice(Unit, given, "unit"),
        resolution=minutes[given["resolution"]],
        interval_label=_choice(IntervalLabel, given, "intervalLabel"),
        clock=_clock(_required(given, "clock")),
        timezone=_required(given, "timezone"),
        time_format=_required(given, "timeFormat"),
        file=_file(given),
        gaps=_choice(Gaps, given, "gaps", Gaps.REFUSE),
        empty_cells=_choice(EmptyCells, given, "emptyCells", EmptyCells.REFUSE),
        quality=_choice(Quality, given, "quality", Quality.MEASURED),
        quality_codes=_mapping(given, "qualityCodes", Quality),
        header_row=1 if "headerRow" not in given else _number(given, "headerRow") or 0,
        first_data_row=_number(given, "firstDataRow"),
    )


def _layout(given: Given) -> Layout:
    makers: dict[str, Callable[[Given], Layout]] = {"LONG": _long, "WIDE": _wide, "TEMPLATE": _template}
    name = _required(given, "layout")
    if name not in makers:
        raise InvalidValue(("layout",), f"layout is one of {', '.join(makers)}.")
    return makers[name](given)


def _long(given: Given) -> Long:
    column = given.get("directionColumn")
    return Long(
        point_column=_required(given, "pointColumn"),
        time_column=_required(given, "timeColumn"),
        value_column=_required(given, "valueColumn"),
        direction=_mapping(given, "directions", Direction) if column else _choice(Direction, given, "direction"),
        direction_column=column,
        quality_column=given.get("qualityColumn"),
        step_column=given.get("stepColumn"),
        step_text=given.get("stepText"),
    )


def _wide(given: Given) -> Wide:
    columns = _json(given, "columns", list)
    return Wide(_required(given, "timeColumn"), tuple(_wide_column(column) for column in columns))


def _wide_column(column: Any) -> WideColumn:
    texts = column if isinstance(column, dict) else {}
    name, point, quality = (texts.get(key) for key in ("name", "point", "qualityColumn"))
    if not isinstance(name, str) or not isinstance(point, str) or not isinstance(quality, str | None):
        raise InvalidValue(("columns",), "A column has the texts name, point, direction and perhaps qualityColumn.")
    return WideColumn(name, point, _choice(Direction, {"columns": str(texts.get("direction"))}, "columns"), quality)


def _template(given: Given) -> Template:
    annual = _json(given, "annualKwh", dict) if "annualKwh" in given else {}
    try:
        first_day = day_of(_required(given, "firstDay"))
    except Malformed as error:
        raise InvalidValue(("firstDay",), f"firstDay: {error}.") from error
    try:
        annual_ukwh = {Direction(name): _annual_ukwh(kwh) for name, kwh in annual.items()}
    except ValueError as error:
        reason = error if isinstance(error, NotAQuantity) else "totals are by INJECTED and WITHDRAWN"
        raise InvalidValue(("annualKwh",), f"annualKwh: {reason}.") from error
    return Template(
        point_code=_required(given, "point"),
        first_day=first_day,
        days=_number(given, "days") or 0,
        time_column=given.get("timeColumn", "Time"),
        production_column=given.get("productionColumn", "Production") or None,
        consumption_column=given.get("consumptionColumn", "Consommation") or None,
        annual_ukwh=annual_ukwh,
    )


def _annual_ukwh(kwh: Any) -> int:
    if not isinstance(kwh, str | int | Decimal) or isinstance(kwh, bool):
        raise NotAQuantity("a total is a number or text")
    return parse_micro(kwh)


def _file(given: Given) -> Csv | Xlsx:
    kind, decimal = _required(given, "fileKind"), given.get("decimalSeparator", ".")
    if kind == "CSV":
        return Csv(given.get("delimiter", ","), decimal)
    if kind == "XLSX":
        return Xlsx(given.get("sheet"), decimal)
    raise InvalidValue(("fileKind",), "fileKind is CSV or XLSX.")


def _clock(text: str) -> Clock:
    if text == "UTC":
        return FixedOffset(0)
    if text == "STATED":
        return StatedOffset()
    minutes = offset_minutes_of(text)
    return ZoneClock(text) if minutes is None else FixedOffset(minutes)


def _required(given: Given, name: str) -> str:
    if not given.get(name):
        raise InvalidValue((name,), f"{name} is missing: {PARAMETERS[name]}.")
    return given[name]


def _choice(kind: type[Choice], given: Given, name: str, default: Choice | None = None) -> Choice:
    if default is not None and name not in given:
        return default
    try:
        return kind(_required(given, name))
    except ValueError as error:
        raise InvalidValue((name,), f"{name} is one of {', '.join(kind)}.") from error


def _number(given: Given, name: str) -> int | None:
    text = given.get(name)
    if text is None:
        return None
    try:
        return whole_number_of(text, NUMBER_MAX)
    except Malformed as error:
        raise InvalidValue((name,), f"{name} is a whole number.") from error


def _mapping(given: Given, name: str, kind: type[Choice]) -> dict[str, Choice]:
    texts = _json(given, name, dict) if name in given else {}
    return {text: _choice(kind, {name: str(value)}, name) for text, value in texts.items()}


def _json(given: Given, name: str, kind: type[Value]) -> Value:
    try:
        value = exact_json(_required(given, name))
    except Malformed as error:
        raise InvalidValue((name,), f"{name} is not JSON.") from error
    if not isinstance(value, kind):
        raise InvalidValue((name,), f"{name} is a JSON {'list' if kind is list else 'object'}.")
    return value
