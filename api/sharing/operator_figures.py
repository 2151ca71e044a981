"""The grid operator's own allocation arrives: `POST /v1/imports/operator-figures?community=<id>` by upload.

The body is the file itself, CSV or XLSX, and the parameters in the query are those of a meter file
(`api.metering.parameters`): WITHDRAWN columns hold what the operator let a point receive, INJECTED ones what it took.
Administrators of the community and of the platform import it. 200 with the report when all of it is stored as the
newest statement of its days; 400 for parameters; 422 with faults by row and column when nothing was.
"""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, select, true
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.requests import Request
from starlette.routing import BaseRoute

from api.graphql.scalars import key_of
from api.metering.imports import REFUSALS, UnknownPoints, report_as_json
from api.metering.parameters import import_format, is_gross
from api.resources import apart
from api.resources.database import Database
from api.rest import acts
from api.transport.http.bodies import BodyLimit
from api.transport.terms.errors import BadUserInput, Forbidden
from api.transport.terms.identity import Authenticate
from domain.communities import frameworks, visibility
from domain.communities.tables import Community
from domain.identity.viewers import Viewer
from domain.kernel.errors import InvalidValue, NotFound
from domain.metering import points
from domain.metering.imports import ImportedReadings, ImportFormat, ImportReport, Limits, parse
from domain.sharing import operators
from domain.sharing.operators import FigureDay

PATH = "/v1/imports/operator-figures"
BODY_LIMIT = BodyLimit(bytes_max=20 * 2**20, seconds_max=60)
POINTS = 1_000
UPLOAD = Limits(bytes_max=BODY_LIMIT.bytes_max, uncompressed_bytes_max=128 * 2**20)
COMMUNITY = "community"


async def import_figures(
    database: Database,
    community_id: UUID,
    file: bytes | Path,
    given: Mapping[str, str],
    *,
    actor: str,
    limits: Limits | None = None,
    visible: ColumnElement[bool] | None = None,
) -> tuple[ImportReport, int]:
    """Store an operator's file for a community, all of it or nothing; gives the report and the number of days.

    Raises ImportRefused, UnknownPoints, NotFound, InvalidValue.
    """
    format = _format(given)
    read = asyncio.to_thread if visible is None else apart.run
    found = await read(parse, file, format, limits or Limits())
    async with database.transaction() as session:
        await _check_comparable(session, community_id, format)
        codes = sorted({series.point_code for series in found.series})
        known = await points.by_code(session, codes, true() if visible is None else visible)
        days = _days(found, codes, {code: row.id for code, row in known.items()})
        minutes = format.resolution.minutes
        return found.report, await operators.record_figures(session, community_id, minutes, days, actor=actor)


def _format(given: Mapping[str, str]) -> ImportFormat:
    if is_gross(given):
        raise InvalidValue(("gross",), "An operator's figures are what was shared; there is nothing to net.")
    return import_format(given)


async def _check_comparable(session: AsyncSession, community_id: UUID, format: ImportFormat) -> None:
    """Figures of other days or intervals than ours would never be compared. Raises NotFound, InvalidValue."""
    query = select(Community.timezone, Community.framework_code).where(Community.id == community_id)
    community = (await session.execute(query)).one_or_none()
    if community is None:
        raise NotFound("community", community_id)
    if community.timezone != format.timezone:
        raise InvalidValue(("timezone",), f"The days of this community are those of {community.timezone}.")
    minutes = (await frameworks.rules(session, community.framework_code)).interval_minutes
    if minutes != format.resolution.minutes:
        raise InvalidValue(("resolution",), f"This community shares in intervals of {minutes} minutes.")


def _days(found: ImportedReadings, codes: list[str], ids: Mapping[str, UUID]) -> list[FigureDay]:
    unknown = [code for code in codes if code not in ids]
    if unknown:
        raise UnknownPoints(unknown)
    return [
        FigureDay(ids[series.point_code], series.direction, day.day, tuple(day.energy_ukwh.tolist()))
        for series in found.series
        for day in series.days
    ]


def routes(database: Database, authenticate: Authenticate) -> list[BaseRoute]:
    """The upload route; put `{PATH: BODY_LIMIT}` into the body limits of the transport."""

    async def upload(request: Request) -> dict[str, Any]:
        report, days = await _upload(request, database, authenticate)
        return report_as_json(report) | {"days": days}

    return [acts.post(PATH, upload, REFUSALS)]


async def _upload(request: Request, database: Database, authenticate: Authenticate) -> tuple[ImportReport, int]:
    viewer = await acts.signed_in(request, authenticate)
    given = dict(request.query_params)
    community_id = key_of(given.pop(COMMUNITY, ""), "Community", COMMUNITY)  # type: ignore[arg-type]
    await _check_administers(database, viewer, community_id)
    async with apart.alone(viewer.key):
        content, fields = await acts.file_of(request, BODY_LIMIT.bytes_max)
        return await import_figures(
            database,
            community_id,
            content,
            given | fields,
            actor=viewer.key,
            limits=UPLOAD,
            visible=visibility.metering_points(viewer),
        )


async def _check_administers(database: Database, viewer: Viewer, community_id: UUID) -> None:
    """Raises BadUserInput where the viewer sees no such community, Forbidden where it does not administer it."""
    seen = select(Community.id).where(Community.id == community_id, visibility.communities(viewer))
    async with database.reading() as connection:
        if (await connection.execute(seen)).first() is None:
            raise BadUserInput("There is no such community.", argument=COMMUNITY)
    if viewer.api_key_id is not None or not viewer.may_administer(community_id):
        raise Forbidden("An operator's figures are imported by administrators of the community.")
