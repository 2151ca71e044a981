"""Files of readings, good ones and bad ones."""

import io
import zipfile
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from openpyxl import Workbook

from tests.api.hostile.rows import ADMINISTRATOR, IdOf, Sent

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
