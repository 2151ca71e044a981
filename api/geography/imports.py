"""`POST /v1/imports/areas?kind=...`: an administrator uploads a GeoJSON file of areas and gets a report.

The body is the file itself (plain or gzipped), or multipart/form-data with one part named `file`. Parameters say what
the file holds: kind; code, name, country, population, populationYear (see `domain.geography.properties.Fields`); and
repair=structure to mend invalid boundaries. 200 with the report when it was stored, 422 with the report when it was
refused and nothing was stored.
"""

import dataclasses
from collections.abc import Mapping
from enum import StrEnum
from typing import Any, TypeVar

import orjson
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from api.database import Database
from api.transport import errors, identity, responses
from api.transport.bodies import BodyLimit
from api.transport.errors import BadUserInput, CodedError, Forbidden, PayloadTooLarge, Unauthenticated
from api.transport.identity import Authenticate
from api.transport.media_types import MediaType
from domain.geography import imports
from domain.geography.feature_files import ORDINARY
from domain.geography.features import Repair
from domain.geography.imports import AreaKind, ImportRefused, ImportReport
from domain.geography.properties import Fields
from domain.identity.viewers import Viewer

PATH = "/v1/imports/areas"
BODY_LIMIT = BodyLimit(bytes_max=64 * 2**20, seconds_max=120)
# A crossing ring of 500 vertices takes a second to repair: more than a few belong to the command line.
LIMITS = dataclasses.replace(ORDINARY, repairs=20)
PARAMETER_LENGTH_MAX = 200
PARAMETERS = frozenset({"kind", "code", "name", "country", "population", "populationYear", "repair"})

Choice = TypeVar("Choice", bound=StrEnum)


def routes(database: Database, authenticate: Authenticate) -> list[BaseRoute]:
    """The upload route; put `{PATH: BODY_LIMIT}` into the body limits of the transport."""

    async def upload(request: Request) -> Response:
        try:
            report = await _import(request, database, authenticate)
        except ImportRefused as refusal:
            return _answer(refusal.report, 422)
        except CodedError as error:
            return responses.refusal(error, MediaType.JSON)
        except Exception as error:  # Coded like every failure: logged under an id, nothing shown.
            return responses.refusal(errors.refused(error), MediaType.JSON)
        return _answer(report, 200)

    return [Route(PATH, upload, methods=["POST"])]


def report_as_json(report: ImportReport) -> dict[str, Any]:
    """The report as clients see it, in camelCase; positions are [longitude, latitude]."""
    shown: dict[str, Any] = _camel_case(dataclasses.asdict(report))
    return shown


async def _import(request: Request, database: Database, authenticate: Authenticate) -> ImportReport:
    viewer = await _administrator(request, authenticate)
    given = _parameters(request.query_params)
    kind, fields = _choice(AreaKind, given, "kind"), _fields(given)
    repair = _choice(Repair, given, "repair") if "repair" in given else None
    content = await _content(request)
    async with database.transaction() as session:
        return await imports.import_areas(
            session, content, kind=kind, fields=fields, actor=viewer.key, repair=repair, limits=LIMITS
        )


async def _administrator(request: Request, authenticate: Authenticate) -> Viewer:
    """Whoever asks must administer the platform, which is known before the body is read."""
    token = identity.bearer_token(request.headers.get("authorization"))
    viewer: Any = await authenticate(token, identity.address_of(request))
    if viewer.is_anonymous:
        raise Unauthenticated("Sign in first.")
    if not viewer.is_admin:
        raise Forbidden("Areas are imported by administrators.")
    return viewer  # type: ignore[no-any-return]


def _parameters(given: Mapping[str, str]) -> Mapping[str, str]:
    unknown = sorted(set(given) - PARAMETERS)
    if unknown:
        raise BadUserInput(f"There is no parameter {unknown[0][:40]!r}.", argument=unknown[0][:40])
    for name, value in given.items():
        if len(value) > PARAMETER_LENGTH_MAX:
            raise BadUserInput(f"{name} has more than {PARAMETER_LENGTH_MAX} characters.", argument=name)
    return given


def _fields(given: Mapping[str, str]) -> Fields:
    return Fields(
        code=_required(given, "code"),
        name=_required(given, "name"),
        country=_required(given, "country"),
        population=given.get("population"),
        population_year=given.get("populationYear"),
    )


def _required(given: Mapping[str, str], name: str) -> str:
    if not given.get(name):
        raise BadUserInput(f"{name} is missing: the name of a property, or =value.", argument=name)
    return given[name]


def _choice(kind: type[Choice], given: Mapping[str, str], name: str) -> Choice:
    try:
        return kind(given.get(name, ""))
    except ValueError as error:
        raise BadUserInput(f"{name} must be one of {', '.join(kind)}.", argument=name) from error


async def _content(request: Request) -> bytes:
    """The file, as the body or as the part `file` of a form. Raises BadUserInput, PayloadTooLarge."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "multipart/form-data":
        return await _body(request)
    try:
        async with request.form(max_files=1, max_fields=0) as form:
            part = form.get("file")
            if part is None or isinstance(part, str):
                raise BadUserInput("The form needs one part named file, with a file name.", argument="file")
            return await part.read()
    except HTTPException as error:  # Starlette's word for a form it cannot read.
        raise BadUserInput(f"The form cannot be read: {error.detail}", argument="file") from error


async def _body(request: Request) -> bytes:
    """The body, counted while it comes: this route must hold without the transport's own limit, too."""
    content = bytearray()
    async for chunk in request.stream():
        content += chunk
        if len(content) > BODY_LIMIT.bytes_max:
            raise PayloadTooLarge(f"The file is larger than {BODY_LIMIT.bytes_max} bytes.", limit=BODY_LIMIT.bytes_max)
    return bytes(content)


def _answer(report: ImportReport, status: int) -> Response:
    return Response(
        orjson.dumps(report_as_json(report)), status, responses.STEADY_HEADERS, media_type="application/json"
    )


def _camel_case(value: Any) -> Any:
    if isinstance(value, dict):
        return {_camel(name): _camel_case(inner) for name, inner in value.items()}
    return [_camel_case(inner) for inner in value] if isinstance(value, list | tuple) else value


def _camel(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(word.title() for word in others)
