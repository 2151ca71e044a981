"""`commonwatt import areas|municipalities`: what is stored, what is said, how it ends."""

import argparse
import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from api.geography import command
from api.resources.database import Database
from domain.audit.tables import AuditEntry
from domain.geography.tables import MarketZone, Municipality, SubstationArea

BOWTIE = [[10.9, 44.6], [11.0, 44.7], [11.0, 44.6], [10.9, 44.7], [10.9, 44.6]]
SQUARE = [[10.9, 44.6], [11.0, 44.6], [11.0, 44.7], [10.9, 44.7], [10.9, 44.6]]
AREAS = ["--code", "code", "--name", "name|code", "--country", "=IT"]


def a_file(path: Path, ring: Any = SQUARE) -> str:
    feature = {
        "type": "Feature",
        "properties": {"code": "A", "name": None, "people": 100},
        "geometry": {"type": "Polygon", "coordinates": [ring]},
    }
    content = json.dumps({"type": "FeatureCollection", "features": [feature]}).encode()
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    return str(path)


async def run(database: Database, *arguments: str) -> int:
    parser = argparse.ArgumentParser(prog="commonwatt")
    command.add_commands(parser.add_subparsers(required=True))
    parsed = parser.parse_args(arguments)
    status: int = await parsed.act(database, parsed)
    return status


async def count(database: Database, table: Any) -> int:
    async with database.reading() as connection:
        return (await connection.execute(select(func.count()).select_from(table))).scalar_one()


async def test_substation_areas_are_imported(
    rolled_back: Database, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status = await run(rolled_back, "areas", a_file(tmp_path / "areas.geojson"), *AREAS)

    assert status == 0
    assert capsys.readouterr().out == "1 substation-areas, 5 vertices: 1 created, 0 updated, 0 unchanged.\n"
    assert await count(rolled_back, SubstationArea) == 1


async def test_market_zones_are_imported_from_a_gzipped_file(rolled_back: Database, tmp_path: Path) -> None:
    status = await run(rolled_back, "areas", a_file(tmp_path / "zones.geojson.gz"), *AREAS, "--kind", "market-zones")

    assert status == 0
    assert await count(rolled_back, MarketZone) == 1


async def test_municipalities_are_imported_with_their_people(rolled_back: Database, tmp_path: Path) -> None:
    people = ["--population", "people", "--population-year", "=2011"]

    status = await run(rolled_back, "municipalities", a_file(tmp_path / "m.geojson"), *AREAS, *people)

    assert status == 0
    async with rolled_back.reading() as connection:
        row = (await connection.execute(select(Municipality.population, Municipality.population_year))).one()
    assert row == (100, 2011)


async def test_a_refused_file_is_explained_and_leaves_nothing(
    rolled_back: Database, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = a_file(tmp_path / "areas.geojson", BOWTIE)

    status = await run(rolled_back, "areas", path, *AREAS)

    assert status == 1
    said = f"Nothing was imported from {path}:\n  feature 0 (A): self-intersection at 10.95, 44.65\n"
    assert capsys.readouterr().err == said
    assert await count(rolled_back, SubstationArea) == await count(rolled_back, AuditEntry) == 0


async def test_what_was_repaired_is_said(
    rolled_back: Database, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = a_file(tmp_path / "areas.geojson", BOWTIE)

    status = await run(rolled_back, "areas", path, *AREAS, "--repair", "structure")

    assert status == 0
    assert "Repaired 1:\n  A: self-intersection\n" in capsys.readouterr().out


async def test_a_file_that_is_not_there_is_said(
    rolled_back: Database, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status = await run(rolled_back, "areas", str(tmp_path / "no.geojson"), *AREAS)

    assert status == 1
    assert "cannot be read: No such file or directory" in capsys.readouterr().err
