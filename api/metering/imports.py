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

import orjson
from sqlalchemy import ColumnElement, true
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import Message, Receive

from api.database import Database
from api.metering.parameters import import_format, is_gross
from api.metering.posting import community_of, shown
from api.transport import errors, identity, responses
from api.transport.bodies import BodyLimit
from api.transport.errors import BadUserInput, CodedError, Forbidden, PayloadTooLarge, Unauthenticated
from api.transport.identity import Authenticate
from api.transport.media_types import MediaType
from domain.communities import visibility
from domain.errors import DomainError, InvalidValue
from domain.identity.viewers import Viewer
from domain.metering import points, readings
from domain.metering.days import DayBlock, ReadingDay, blocks_of
from domain.metering.imports import ImportedReadings, ImportFormat, ImportRefused, ImportReport, Limits, netted, parse

PATH = "/v1/imports/readings"
BODY_LIMIT = BodyLimit(bytes_max=20 * 2**20, seconds_max=60)
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
    visible: ColumnElement[bool] | None = None,
) -> tuple[ImportReport, readings.Recorded]:
    """Store a meter file, all of it or nothing; `visible` says which points the sender may fill, default all.

    Raises ImportRefused, UnknownPoints, InvalidValue and the refusals of `record_days`.
    """
    found = await asyncio.to_thread(_parsed, file, format, gross, limits or Limits())
    async with database.transaction() as session:
        codes = sorted({series.point_code for series in found.series})
        known = await points.by_code(session, codes, true() if visible is None else visible)
        blocks = await asyncio.to_thread(_blocks, found, codes, known)
        scope_id = await community_of(session, [row.id for row in known.values()])
        recorded = await readings.record_days(session, blocks, source="import", sender=sender, scope_id=scope_id)
    return found.report, recorded


def _parsed(file: bytes | Path, format: ImportFormat, gross: bool, limits: Limits) -> ImportedReadings:
    found = parse(file, format, limits)
    return netted(found) if gross else found


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

    async def upload(request: Request) -> Response:
        try:
            report, recorded = await _upload(request, database, authenticate)
        except Exception as error:  # What is not foreseen is coded like every failure: logged, nothing shown.
            return _refused(error)
        return _answer(200, report_as_json(report) | shown(recorded))

    return [Route(PATH, upload, methods=["POST"])]


def _refused(error: Exception) -> Response:
    match error:
        case ImportRefused():
            return _answer(422, report_as_json(error.report) | {"message": error.message})
        case UnknownPoints():
            return _answer(422, {"message": error.message, "unknownPoints": error.codes})
        case InvalidValue():
            return responses.refusal(BadUserInput(error.message, argument=".".join(error.path)), MediaType.JSON)
        case DomainError():
            return _answer(422, {"message": error.message})
        case CodedError():
            return responses.refusal(error, MediaType.JSON)
    return responses.refusal(errors.refused(error), MediaType.JSON)


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


async def _upload(
    request: Request, database: Database, authenticate: Authenticate
) -> tuple[ImportReport, readings.Recorded]:
    viewer = await _administrator(request, authenticate)
    content, given = await _content(Request(request.scope, _counted(request.receive)))
    return await import_file(
        database,
        content,
        import_format(given),
        sender=viewer.key,
        gross=is_gross(given),
        limits=UPLOAD,
        # Also of points that are its own: only those of communities that it administers.
        visible=visibility.metering_points(dataclasses.replace(viewer, member_ids=frozenset())),
    )


async def _administrator(request: Request, authenticate: Authenticate) -> Viewer:
    """Whoever asks must administer something, which is known before the body is read."""
    token = identity.bearer_token(request.headers.get("authorization"))
    viewer: Any = await authenticate(token, identity.address_of(request))
    if viewer.is_anonymous:
        raise Unauthenticated("Sign in first.")
    if viewer.api_key_id is not None or not (viewer.is_admin or viewer.administered_ids):
        raise Forbidden("Meter files are imported by administrators of communities.")
    return viewer  # type: ignore[no-any-return]


async def _content(request: Request) -> tuple[bytes, dict[str, str]]:
    """The file and the parameters. Raises BadUserInput."""
    given = dict(request.query_params)
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "multipart/form-data":
        return await request.body(), given
    try:
        async with request.form(max_files=1, max_fields=50) as form:
            part = form.get("file")
            given |= {name: value for name, value in form.items() if isinstance(value, str)}
            if part is None or isinstance(part, str):
                raise BadUserInput("The form needs one part named file, with a file name.", argument="file")
            return await part.read(), given
    except HTTPException as error:  # Starlette's word for a form it cannot read.
        raise BadUserInput(f"The form cannot be read: {error.detail}", argument="file") from error


def _counted(receive: Receive) -> Receive:
    """The body, counted while it comes: this route must hold without the transport's own limit, too."""
    arrived = 0

    async def counted() -> Message:
        nonlocal arrived
        message = await receive()
        arrived += len(message.get("body", b""))
        if arrived > BODY_LIMIT.bytes_max:
            raise PayloadTooLarge(f"The file is larger than {BODY_LIMIT.bytes_max} bytes.", limit=BODY_LIMIT.bytes_max)
        return message

    return counted


def _answer(status: int, body: dict[str, Any]) -> Response:
    return Response(orjson.dumps(body), status, responses.STEADY_HEADERS, media_type="application/json")
