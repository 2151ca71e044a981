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

from starlette.requests import Request
from starlette.routing import BaseRoute

from api.resources import apart
from api.resources.apart import TookTooMuch
from api.resources.database import Database
from api.rest import acts
from api.transport.http.bodies import BodyLimit
from api.transport.terms.errors import BadUserInput, Forbidden
from api.transport.terms.identity import Authenticate
from domain.geography import imports
from domain.geography.feature_files import ORDINARY
from domain.geography.features import Repair
from domain.geography.imports import AreaKind, ImportRefused, ImportReport
from domain.geography.properties import Fields
from domain.identity.viewers import Viewer

PATH = "/v1/imports/areas"
BODY_LIMIT = BodyLimit(bytes_max=64 * 2**20, seconds_max=120)
POINTS = 1_000
# A crossing ring of 500 vertices takes a second to repair: more than a few belong to the command line.
LIMITS = dataclasses.replace(ORDINARY, repairs=20)
PARAMETER_LENGTH_MAX = 200
PARAMETERS = frozenset({"kind", "code", "name", "country", "population", "populationYear", "repair"})

Choice = TypeVar("Choice", bound=StrEnum)


def routes(database: Database, authenticate: Authenticate) -> list[BaseRoute]:
    """The upload route; put `{PATH: BODY_LIMIT}` into the body limits of the transport."""

    async def upload(request: Request) -> dict[str, Any]:
        return report_as_json(await _import(request, database, authenticate))

    refusals: acts.Refusals = {
        ImportRefused: lambda error: report_as_json(error.report),
        TookTooMuch: lambda error: {"message": error.message},
    }
    return [acts.post(PATH, upload, refusals)]


def report_as_json(report: ImportReport) -> dict[str, Any]:
    """The report as clients see it, in camelCase; positions are [longitude, latitude]."""
    shown: dict[str, Any] = _camel_case(dataclasses.asdict(report))
    return shown


async def _import(request: Request, database: Database, authenticate: Authenticate) -> ImportReport:
    viewer = await _administrator(request, authenticate)
    given = _parameters(request.query_params)
    kind, fields = _choice(AreaKind, given, "kind"), _fields(given)
    repair = _choice(Repair, given, "repair") if "repair" in given else None
    async with apart.alone(viewer.key):
        content, _ = await acts.file_of(request, BODY_LIMIT.bytes_max)
        reading = await imports.read(content, kind=kind, fields=fields, repair=repair, limits=LIMITS, run=apart.run)
        async with database.transaction() as session:
            return await imports.store(session, reading, actor=viewer.key)


async def _administrator(request: Request, authenticate: Authenticate) -> Viewer:
    """Whoever asks must administer the platform."""
    viewer = await acts.signed_in(request, authenticate)
    if not viewer.is_admin:
        raise Forbidden("Areas are imported by administrators.")
    return viewer


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


def _camel_case(value: Any) -> Any:
    if isinstance(value, dict):
        return {_camel(name): _camel_case(inner) for name, inner in value.items()}
    return [_camel_case(inner) for inner in value] if isinstance(value, list | tuple) else value


def _camel(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(word.title() for word in others)
