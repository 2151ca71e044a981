"""`POST /v1/imports/readings`: an administrator of communities uploads a meter file and gets a report.

The body is the file itself, CSV or XLSX, with parameters in the query; or multipart/form-data with one part named
`file` and parameters as fields or in the query. Parameters are those of `parameters.PARAMETERS`; nothing is guessed.
200 with the report when all was stored; 400 for parameters; 422 with faults by row and column when nothing was.
"""

import asyncio
import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import true
from starlette.requests import Request
from starlette.routing import BaseRoute

from api.metering.parameters import import_format, is_gross
from api.metering.posting import community_of, shown
from api.resources import apart
from api.resources.database import Database
from api.rest import acts
from api.transport.http.bodies import BodyLimit
from api.transport.terms.errors import Forbidden
from api.transport.terms.identity import Authenticate
from domain.communities import filling, visibility
from domain.identity.viewers import Viewer
from domain.kernel.errors import DomainError, InvalidValue
from domain.metering import points, readings
from domain.metering.days import DayBlock, ReadingDay, blocks_of
from domain.metering.imports import (
    ImportedReadings,
    ImportFormat,
    ImportRefused,
    ImportReport,
    Limits,
    parse,
    parse_netted,
)

PATH = "/v1/imports/readings"
BODY_LIMIT = BodyLimit(bytes_max=20 * 2**20, seconds_max=60)
POINTS = 1_000
UPLOAD = Limits(bytes_max=BODY_LIMIT.bytes_max, uncompressed_bytes_max=128 * 2**20)
NAMED_MAX = 100


class UnknownPoints(DomainError):
    """The file names metering points that are not the sender's to fill; the first hundred are named."""

    def __init__(self, codes: list[str]) -> None:
        super().__init__(f"{len(codes)} metering points are unknown or not yours to fill, such as {codes[0][:40]!r}.")
        self.codes = codes[:NAMED_MAX]


async def import_file(
    database: Database,
    file: bytes | Path,
    format: ImportFormat,
    *,
    sender: str,
    gross: bool = False,
    limits: Limits | None = None,
    by: Viewer | None = None,
) -> tuple[ImportReport, readings.Recorded]:
    """Store a meter file, all of it or nothing; `by` may fill points it sees on days they take part, None may all.

    What somebody has sent is read in a process of its own.
    Raises TookTooMuch, ImportRefused, UnknownPoints, InvalidValue, NotTakingPart and the refusals of `record_days`.
    """
    act = parse_netted if gross else parse
    found = await (apart.run if by else asyncio.to_thread)(act, file, format, limits or Limits())
    async with database.transaction() as session:
        codes = sorted({series.point_code for series in found.series})
        known = await points.by_code(session, codes, true() if by is None else visibility.metering_points(by))
        blocks = await asyncio.to_thread(_blocks, found, codes, known)
        if by is not None:
            await filling.check_days(session, blocks, by=by)
        scope_id = await community_of(session, [row.id for row in known.values()])
        gate = await filling.gate_for(session, [row.id for row in known.values()], sender)
        recorded = await readings.record_days(
            session, blocks, source="import", sender=sender, scope_id=scope_id, gate=gate
        )
    return found.report, recorded


def _blocks(found: ImportedReadings, codes: list[str], known: Mapping[str, Any]) -> list[DayBlock]:
    """The readings with their metering points. Raises UnknownPoints, InvalidValue."""
    unknown = [code for code in codes if code not in known]
    if unknown:
        raise UnknownPoints(unknown)
    elsewhere = sorted({row.timezone for row in known.values()} - {found.timezone})
    if elsewhere:
        raise InvalidValue(("timezone",), f"The metering points keep the days of {elsewhere[0]}.")
    ids: dict[str, UUID] = {code: row.id for code, row in known.items()}
    return blocks_of(
        ReadingDay(ids[series.point_code], series.direction, day.day, day.quality, day.energy_ukwh)
        for series in found.series
        for day in series.days
    )


def routes(database: Database, authenticate: Authenticate) -> list[BaseRoute]:
    """The upload route; put `{PATH: BODY_LIMIT}` into the body limits of the transport."""

    async def upload(request: Request) -> dict[str, Any]:
        report, recorded = await _upload(request, database, authenticate)
        return report_as_json(report) | shown(recorded)

    return [acts.post(PATH, upload, REFUSALS)]


def report_as_json(report: ImportReport) -> dict[str, Any]:
    """The report as clients see it."""
    skipped = [
        {
            "point": one.point_code,
            "direction": one.direction,
            "firstDay": one.first_day,
            "lastDay": one.last_day,
            "missingIntervals": one.missing_intervals,
        }
        for one in report.skipped
    ]
    return {
        "rows": report.rows,
        "values": report.values,
        "duplicates": report.duplicates,
        "rounded": report.rounded,
        "faults": [dataclasses.asdict(fault) for fault in report.faults],
        "faultCount": report.fault_count,
        "skipped": skipped,
    }


# A file that is refused is answered with what is wrong in it; the form of a parameter is BAD_USER_INPUT.
REFUSALS: acts.Refusals = {
    ImportRefused: lambda error: report_as_json(error.report) | {"message": error.message},
    UnknownPoints: lambda error: {"message": error.message, "unknownPoints": error.codes},
    DomainError: lambda error: {"message": error.message},
}


async def _upload(
    request: Request, database: Database, authenticate: Authenticate
) -> tuple[ImportReport, readings.Recorded]:
    viewer = await _administrator(request, authenticate)
    async with apart.alone(viewer.key):
        content, fields = await acts.file_of(request, BODY_LIMIT.bytes_max)
        given = dict(request.query_params) | fields
        return await import_file(
            database,
            content,
            import_format(given),
            sender=viewer.key,
            gross=is_gross(given),
            limits=UPLOAD,
            # Also of points that are its own: only those of communities that it administers.
            by=dataclasses.replace(viewer, member_ids=frozenset()),
        )


async def _administrator(request: Request, authenticate: Authenticate) -> Viewer:
    """Whoever asks must administer something."""
    viewer = await acts.signed_in(request, authenticate)
    if viewer.api_key_id is not None or not (viewer.is_admin or viewer.administered_ids):
        raise Forbidden("Meter files are imported by administrators of communities.")
    return viewer
