"""Workbooks that unpack to hundreds of times their size: they are refused, and what others ask stays quick."""

import asyncio
import io
import zipfile
from collections import Counter
from functools import partial

from openpyxl import Workbook

from tests.attacks.series import LIGHT
from tests.attacks.site import Outcome, Site, compare

SENDERS = 6
CELL = b'<c r="A2" t="n"><v>1</v></c>'
SIZES = (60_000_000, 7_000_000)  # The second is within what a small file may unpack to.
READ_S_MAX = 20.0
FORMAT = {
    "layout": "WIDE",
    "unit": "KWH",
    "resolution": "PT1H",
    "intervalLabel": "START",
    "clock": "UTC",
    "timezone": "Europe/Luxembourg",
    "timeFormat": "%Y-%m-%d %H:%M",
    "fileKind": "XLSX",
    "timeColumn": "time",
    "columns": '[{"name": "load", "point": "HOME-1", "direction": "WITHDRAWN"}]',
}


async def attack(site: Site) -> Outcome:
    """Light requests of a member and log-ins while an administrator sends bombs, six at a time."""
    outcome, answered = Outcome(), Counter[str]()
    logins = site.stack.logins()
    bombs = [bomb(size) for size in SIZES]

    async def go_on(number: int) -> None:
        while True:
            given = bombs[number % len(bombs)]
            answer = await site.http.post(
                f"{site.stack.url}/v1/imports/readings",
                params=FORMAT,
                content=given,
                headers={"authorization": f"Bearer {logins['admin_token']}"},
                timeout=120,
            )
            answered[f"{answer.status_code} for {len(given) // 1000} kB"] += 1
            await asyncio.sleep(0.2)

    light = {name: partial(site.data, query, token=logins["member_token"]) for name, query in LIGHT.items()}
    await compare(outcome, light, lambda: [go_on(number) for number in range(SENDERS)])
    outcome.figures.append(f"uploads by status: {dict(sorted(answered.items()))}")
    began = asyncio.get_running_loop().time()
    async with asyncio.TaskGroup() as group:
        for number in range(SENDERS):
            group.create_task(_once(site, bombs[number % 2], logins["admin_token"]))
    took = asyncio.get_running_loop().time() - began
    outcome.tell(f"{SENDERS} uploads at once took", took, READ_S_MAX, "s")
    return outcome


async def _once(site: Site, content: bytes, token: str) -> None:
    headers = {"authorization": f"Bearer {token}"}
    url = f"{site.stack.url}/v1/imports/readings"
    await site.http.post(url, params=FORMAT, content=content, headers=headers, timeout=300)


def bomb(size: int) -> bytes:
    """A workbook with one cell, repeated to so many bytes."""
    plain, packed = io.BytesIO(), io.BytesIO()
    Workbook().save(plain)
    with zipfile.ZipFile(plain) as source, zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as made:
        for name in source.namelist():
            if not name.endswith("sheet1.xml"):
                made.writestr(name, source.read(name))
        head = b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData><row r="1">'
        cells = b'<c r="A1" t="inlineStr"><is><t>time</t></is></c></row><row r="2">' + CELL * (size // len(CELL))
        made.writestr("xl/worksheets/sheet1.xml", head + cells + b"</row></sheetData></worksheet>")
    return packed.getvalue()
