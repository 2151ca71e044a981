"""Meter files that may not be stored."""

import io
import zipfile
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from openpyxl import Workbook

from tests.api.hostile.readings import ADMINISTRATOR, METER
from tests.api.hostile.rows import IdOf, Row, Sent

FORMAT = {
    "layout": "LONG",
    "unit": "KWH",
    "resolution": "PT1H",
    "intervalLabel": "START",
    "clock": "Europe/Luxembourg",
    "timezone": "Europe/Luxembourg",
    "timeFormat": "%Y-%m-%d %H:%M",
    "fileKind": "CSV",
    "pointColumn": "point",
    "timeColumn": "time",
    "valueColumn": "kwh",
    "direction": "WITHDRAWN",
}


def a_day(day: str = "2026-01-15", point: str = "POINT-bob", hours: range = range(24)) -> list[list[str]]:
    return [[point, f"{day} {hour:02}:00", "0.5"] for hour in hours]


def csv(rows: list[list[str]], header: str = "point,time,kwh") -> bytes:
    return "\n".join([header, *(",".join(row) for row in rows), ""]).encode()


GOOD = csv(a_day())


def uploaded(content: bytes = GOOD, role: str = ADMINISTRATOR, **parameters: str | None) -> Callable[[IdOf], Sent]:
    """A meter file with its parameters; None leaves one out."""
    given = {name: value for name, value in (FORMAT | parameters).items() if value is not None}
    return lambda id_of: Sent(
        content, {"content-type": "text/csv"}, f"/v1/imports/readings?{urlencode(given)}", role=role
    )


def book(rows: list[list[Any]], part: str | None = None, text: bytes = b"") -> bytes:
    """A workbook; `part` adds a file of this text to its archive."""
    made = Workbook()
    for row in [["point", "time", "kwh"], *rows]:
        made.active.append(row)  # type: ignore[union-attr]
    buffer = io.BytesIO()
    made.save(buffer)
    if part:
        with zipfile.ZipFile(buffer, "a", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(part, text)
    return buffer.getvalue()


def zip_bomb() -> bytes:
    """A workbook whose sheet unpacks to 200 MiB."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(book([]))) as source, zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as made:
        for name in source.namelist():
            with made.open(name, "w") as part:
                if name.endswith("sheet1.xml"):
                    for _ in range(200):
                        part.write(b" " * 2**20)
                else:
                    part.write(source.read(name))
    return buffer.getvalue()


def formulas() -> bytes:
    return book([[*row[:2], "=1+1"] for row in a_day()])


def with_entity() -> bytes:
    """A workbook whose sheet names a file of the machine as an XML entity."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(book([]))) as source, zipfile.ZipFile(buffer, "w") as made:
        for name in source.namelist():
            text = source.read(name)
            if name.endswith("sheet1.xml"):
                entity = b'<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><x>&a;</x>'
                text = entity
            made.writestr(name, text)
    return buffer.getvalue()


def figures(community: str, content: bytes = GOOD, role: str = ADMINISTRATOR) -> Callable[[IdOf], Sent]:
    """A grid operator's figures for a community."""

    def sent(id_of: IdOf) -> Sent:
        place = community if ":" in community else id_of("Community", community)
        path = f"/v1/imports/operator-figures?{urlencode(FORMAT | {'community': place})}"
        return Sent(content, {"content-type": "text/csv"}, path, role=role)

    return sent


CLOCKS_BACK = csv(a_day("2025-10-26"))
CLOCKS_ON = csv(a_day("2026-03-29"))
FILES = (
    Row("a meter file by nobody", uploaded(role="nobody"), 401, "UNAUTHENTICATED", "Sign in first."),
    Row(
        "a meter file by a member",
        uploaded(role="member"),
        403,
        "FORBIDDEN",
        "Meter files are imported by administrators of communities.",
    ),
    Row(
        "a meter file by a gateway",
        uploaded(role=METER),
        403,
        "FORBIDDEN",
        "Meter files are imported by administrators of communities.",
    ),
    Row(
        "a meter file for another community's point",
        uploaded(csv(a_day(point="POINT-gus"))),
        422,
        "",
        "1 metering points are unknown or not yours to fill, such as 'POINT-gus'.",
    ),
    Row("an empty file", uploaded(b""), 422, "BAD_FILE", "there is no header [row 1]"),
    Row(
        "a meter file of 21 MiB",
        uploaded(b"x" * (21 * 2**20)),
        413,
        "PAYLOAD_TOO_LARGE",
        "The body is larger than the 20971520 bytes allowed here.",
    ),
    Row(
        "a parameter that is not there",
        uploaded(format="best"),
        400,
        "BAD_USER_INPUT",
        "There is no parameter 'format'. [format]",
    ),
    Row("a unit left out", uploaded(unit=None), 400, "BAD_USER_INPUT", "unit is missing: W, KW, WH or KWH. [unit]"),
    Row(
        "a clock left out",
        uploaded(clock=None),
        400,
        "BAD_USER_INPUT",
        "clock is missing: what labels show: UTC, an offset such as +01:00, STATED",
    ),
    Row(
        "a clock that is a path", uploaded(clock="../../etc/passwd"), 400, "BAD_USER_INPUT", "not an IANA zone [clock]"
    ),
    Row("a clock of 99 hours", uploaded(clock="+99:99"), 400, "BAD_USER_INPUT", "beyond 18 hours [clock]"),
    Row(
        "a resolution of a day",
        uploaded(resolution="P1D"),
        400,
        "BAD_USER_INPUT",
        "resolution is one of PT15M, PT30M, PT1H. [resolution]",
    ),
    Row(
        "a delimiter of two characters",
        uploaded(delimiter="::"),
        400,
        "BAD_USER_INPUT",
        "is one of , ; | or a tab [delimiter]",
    ),
    Row(
        "a delimiter that is the decimal sign",
        uploaded(decimalSeparator=","),
        400,
        "BAD_USER_INPUT",
        "is one of , ; | or a tab [delimiter]",
    ),
    Row(
        "a time format of nonsense",
        uploaded(timeFormat="%Q%"),
        400,
        "BAD_USER_INPUT",
        "needs %Y %m %d %H %M [timeFormat]",
    ),
    Row("header row zero", uploaded(headerRow="0"), 400, "BAD_USER_INPUT", "data follow the header [firstDataRow]"),
    Row(
        "qualities that are not JSON",
        uploaded(qualityColumn="q", qualityCodes="{"),
        400,
        "BAD_USER_INPUT",
        "qualityCodes is not JSON. [qualityCodes]",
    ),
    Row(
        "columns of the wrong shape",
        uploaded(layout="WIDE", columns="[1]"),
        400,
        "BAD_USER_INPUT",
        "A column has the texts name, point, direction and perhaps qualityColumn. [columns]",
    ),
    Row(
        "a column that is not in the file",
        uploaded(valueColumn="kW"),
        422,
        "MISSING_COLUMN",
        "the header has no columns named 'kW' [column kW]",
    ),
    Row(
        "a file in UTF-16",
        uploaded(GOOD.decode().encode("utf-16")),
        422,
        "BAD_ENCODING",
        "the file is UTF-16; save it as UTF-8",
    ),
    Row(
        "a byte that is not UTF-8",
        uploaded(GOOD.replace(b"0.5", b"\xff", 1)),
        422,
        "BAD_ENCODING",
        "byte 0xff is not UTF-8 [row 2]",
    ),
    Row("a NUL in a cell", uploaded(GOOD.replace(b"0.5", b"0\x00", 1)), 422, "CONTROL_CHARACTER", "a NUL byte [row 2]"),
    Row(
        "text for a number",
        uploaded(GOOD.replace(b"0.5", b"much", 1)),
        422,
        "NOT_A_NUMBER",
        "'much' is not a decimal number [row 2, column kwh]",
    ),
    Row(
        "NaN in a cell",
        uploaded(GOOD.replace(b"0.5", b"NaN", 1)),
        422,
        "NOT_A_NUMBER",
        "'NaN' is not a decimal number [row 2, column kwh]",
    ),
    Row(
        "a negative value",
        uploaded(GOOD.replace(b"0.5", b"-1", 1)),
        422,
        "NEGATIVE",
        "'-1' is negative; injected and withdrawn are kept apart [row 2, column kwh]",
    ),
    Row(
        "a value of 1e300",
        uploaded(GOOD.replace(b"0.5", b"1e300", 1)),
        422,
        "VALUE_TOO_LARGE",
        "'1e300' is more than 1000000 kWh in an interval [row 2, column kwh]",
    ),
    Row(
        "an empty cell",
        uploaded(GOOD.replace(b"0.5", b"", 1)),
        422,
        "EMPTY_CELL",
        "'' is empty where a value is expected [row 2, column kwh]",
    ),
    Row(
        "a formula in a text file",
        uploaded(GOOD.replace(b"0.5", b"=1+1", 1)),
        422,
        "FORMULA",
        "'=1+1' is a formula, not a value [row 2, column kwh]",
    ),
    Row(
        "a cell of 200,000 characters",
        uploaded(GOOD.replace(b"0.5", b"5" * 200_000, 1)),
        422,
        "CELL_TOO_LONG",
        "a cell of 200000 bytes [row 2, column kwh]",
    ),
    Row("a row cut off", uploaded(GOOD[:-6]), 422, "WRONG_CELL_COUNT", "2 cells where the header has 3 [row 25]"),
    Row(
        "a quoted cell without end",
        uploaded(GOOD.replace(b"0.5", b'"0.5', 1)),
        422,
        "BAD_FILE",
        "not valid CSV: unexpected end of data [row 2]",
    ),
    Row(
        "a row twice with two values",
        uploaded(GOOD + b"POINT-bob,2026-01-15 00:00,0.7\n"),
        422,
        "DUPLICATE",
        "'POINT-bob' withdrawn: another value for the interval of row 2 [row 26, column kwh]",
    ),
    Row(
        "an hour that is missing",
        uploaded(csv(a_day(hours=range(23)))),
        422,
        "GAP",
        "'POINT-bob' withdrawn: no value from",
    ),
    Row(
        "hours and quarter-hours mixed",
        uploaded(csv([*a_day(), ["POINT-bob", "2026-01-16 00:15", "1"]])),
        422,
        "OFF_GRID_TIME",
        "the interval from",
    ),
    Row(
        "the hour that the clocks skip",
        uploaded(CLOCKS_ON),
        422,
        "UNKNOWN_TIME",
        "this local time does not exist: the clocks go forward [row 4, column time]",
    ),
    Row(
        "24 hours of a day that has 25",
        uploaded(CLOCKS_BACK),
        422,
        "AMBIGUOUS_TIME",
        "on a day in time order [row 4, column time]",
    ),
    Row(
        "the 30th of February in a file",
        uploaded(csv(a_day("2026-02-30"))),
        422,
        "NOT_A_TIME",
        "'2026-02-30 00:00' is not a time of the form %Y-%m-%d %H:%M [row 2, column time]",
    ),
    Row(
        "a day in the year 1",
        uploaded(csv(a_day("0001-01-01"))),
        422,
        "NOT_A_TIME",
        "'0001-01-01 00:00' is not a time of the form %Y-%m-%d %H:%M [row 2, column time]",
    ),
    Row(
        "a day in the future",
        uploaded(csv(a_day("2099-01-15"))),
        400,
        "BAD_USER_INPUT",
        "Readings are of days from 2000-01-01 to today, not of 2099-01-15 to 2099-01-15. [day]",
    ),
    Row(
        "a workbook that is none",
        uploaded(b"PK\x03\x04 and more", fileKind="XLSX"),
        422,
        "BAD_FILE",
        "not a readable workbook (damaged archive)",
    ),
    Row(
        "a workbook cut off",
        uploaded(book(a_day())[:-40], fileKind="XLSX"),
        422,
        "BAD_FILE",
        "not a readable workbook (damaged archive)",
    ),
    Row(
        "a workbook of formulas",
        uploaded(formulas(), fileKind="XLSX"),
        422,
        "FORMULA",
        "'=1+1' is a formula, not a value [row 2, column kwh]",
    ),
    Row(
        "a workbook that unpacks to 200 MiB",
        uploaded(zip_bomb(), fileKind="XLSX"),
        422,
        "TOO_LARGE",
        "unpacks to over 134217728 bytes",
    ),
    Row(
        "a workbook with an XML entity",
        uploaded(with_entity(), fileKind="XLSX"),
        422,
        "BAD_FILE",
        "the workbook's XML has a document type or is not UTF-8",
    ),
    Row(
        "a sheet that is not there",
        uploaded(book(a_day()), sheet="Nowhere", fileKind="XLSX"),
        422,
        "BAD_FILE",
        "there is no sheet named 'Nowhere'",
    ),
    Row(
        "a text file as workbook",
        uploaded(fileKind="XLSX"),
        422,
        "BAD_FILE",
        "not a readable workbook (damaged archive)",
    ),
    Row("a workbook as text file", uploaded(book(a_day())), 422, "CONTROL_CHARACTER", "a NUL byte [row 1]"),
    Row(
        "figures by a member",
        figures("A", role="member"),
        403,
        "FORBIDDEN",
        "An operator's figures are imported by administrators of the community.",
    ),
    Row(
        "figures for a hidden community",
        figures("B", role="outsider"),
        400,
        "BAD_USER_INPUT",
        "There is no such community. [community]",
    ),
    Row(
        "figures for what is no community",
        figures("Community:1"),
        400,
        "BAD_USER_INPUT",
        "community is not the id of a Community. [community]",
    ),
    Row(
        "figures that are not numbers",
        figures("A", GOOD.replace(b"0.5", b"much", 1)),
        422,
        "NOT_A_NUMBER",
        "'much' is not a decimal number [row 2, column kwh]",
    ),
    Row(
        "figures by the hour for a community of quarter-hours",
        figures("A"),
        400,
        "BAD_USER_INPUT",
        "This community shares in intervals of 15 minutes. [resolution]",
    ),
    Row(
        "readings of days on which a point took part elsewhere",
        uploaded(csv(a_day("2024-01-15"))),
        422,
        "",
        "On 2024-01-15 the metering point POINT-bob took part in no community of yours.",
    ),
)
