"""`commonwatt import areas` and `commonwatt import municipalities`: GeoJSON files into the database."""

import argparse
import asyncio
import sys
from pathlib import Path
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from api.resources.database import Database
from domain.geography import imports
from domain.geography.features import Repair
from domain.geography.imports import AreaKind, ImportRefused, ImportReport
from domain.geography.properties import Fields

ACTOR = "command-line"
FILE_BYTES_MAX = 256 * 2**20
SHOWN_MAX = 20


async def import_areas(
    session: AsyncSession,
    path: Path,
    *,
    kind: AreaKind,
    fields: Fields,
    actor: str = ACTOR,
    repair: Repair | None = None,
) -> ImportReport:
    """Import a GeoJSON file, plain or gzipped. Raises ImportRefused, OSError."""
    content = await asyncio.to_thread(_read, path)
    return await imports.import_areas(session, content, kind=kind, fields=fields, actor=actor, repair=repair)


async def import_municipalities(
    session: AsyncSession, path: Path, *, fields: Fields, actor: str = ACTOR, repair: Repair | None = None
) -> ImportReport:
    """Import a GeoJSON file of municipalities. Raises ImportRefused, OSError."""
    return await import_areas(session, path, kind=AreaKind.MUNICIPALITIES, fields=fields, actor=actor, repair=repair)


def add_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """The subcommands `areas` and `municipalities` of `commonwatt import`."""
    areas = commands.add_parser("areas", help="substation areas or market zones from GeoJSON (.geojson, .gz)")
    areas.add_argument(
        "--kind",
        choices=[AreaKind.SUBSTATION_AREAS, AreaKind.MARKET_ZONES],
        type=AreaKind,
        default=AreaKind.SUBSTATION_AREAS,
        help="what the features are (default: %(default)s)",
    )
    _add_common(areas)
    municipalities = commands.add_parser("municipalities", help="municipalities from GeoJSON (.geojson, .gz)")
    _add_common(municipalities)
    municipalities.add_argument("--population", metavar="PROPERTY", help="property with the inhabitants")
    municipalities.add_argument("--population-year", metavar="PROPERTY", help="their year, such as =2011")
    municipalities.set_defaults(kind=AreaKind.MUNICIPALITIES)


def _add_common(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "All of the file is stored, or nothing. Each PROPERTY is the name of a property of the features, alternatives "
        "parted by |, or =VALUE for one value in the whole file."
    )
    parser.add_argument("path", type=Path, help="the file")
    parser.add_argument("--code", required=True, metavar="PROPERTY", help="property with the code")
    parser.add_argument("--name", required=True, metavar="PROPERTY", help="property with the name, such as 'name|code'")
    parser.add_argument("--country", required=True, metavar="PROPERTY", help="ISO 3166-1 alpha-2, such as =IT")
    parser.add_argument("--repair", choices=list(Repair), type=Repair, help="mend invalid boundaries and report which")
    parser.set_defaults(act=_run, population=None, population_year=None)


async def _run(connected: Database, arguments: argparse.Namespace) -> int:
    fields = Fields(arguments.code, arguments.name, arguments.country, arguments.population, arguments.population_year)
    try:
        async with connected.transaction() as session:
            report = await import_areas(
                session, arguments.path, kind=arguments.kind, fields=fields, repair=arguments.repair
            )
    except ImportRefused as refusal:
        _tell([f"Nothing was imported from {arguments.path}:", *_listed(refusal.report.faults)], sys.stderr)
        return 1
    except OSError as error:
        _tell([f"{arguments.path} cannot be read: {error.strerror or error}"], sys.stderr)
        return 1
    _tell(_summary(report), sys.stdout)
    return 0


def _summary(report: ImportReport) -> list[str]:
    overlaps = [f"{one.code} and {one.other_code} share {one.shared_m2:,.0f} m²" for one in report.overlaps]
    repaired = [f"{one.code}: {one.reason}" for one in report.repaired]
    return [
        f"{report.features} {report.kind}, {report.vertices:,} vertices: "
        f"{report.created} created, {report.updated} updated, {report.unchanged} unchanged.",
        *([f"Repaired {len(repaired)}:", *_listed(repaired)] if repaired else []),
        *([f"{report.overlap_count} pairs overlap:", *_listed(overlaps)] if overlaps else []),
    ]


def _listed(things: Any) -> list[str]:
    more = len(things) - SHOWN_MAX
    return [f"  {thing}" for thing in things[:SHOWN_MAX]] + ([f"  and {more} more"] if more > 0 else [])


def _tell(lines: list[str], stream: Any) -> None:
    stream.write("\n".join(lines) + "\n")


def _read(path: Path) -> bytes:
    with path.open("rb") as file:
        content = file.read(FILE_BYTES_MAX + 1)
    if len(content) > FILE_BYTES_MAX:
        raise OSError(f"larger than {FILE_BYTES_MAX:,} bytes")
    return content
