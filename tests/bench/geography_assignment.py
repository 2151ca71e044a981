"""How long a million stored points take to find their areas among two thousand.

    python -m tests.bench.geography_assignment [--points 1000000] [--limit-s 6]

Uses the 2,000 Italian areas of ../shared/data/it-area-proxy-2000 where they are, else 2,000 made-up areas with as many
vertices. Points are scattered by population and stored in random order in the metering points' own table, on a
throw-away PostGIS with the settings of `bin/up`. Measured is `domain.geography.areas.assign_points`; every point must
be assigned to the area it was put into. Exit status 1 above the limit.

With a quarter of those shared buffers the points' table no longer fits, and it takes twice as long.
"""

import argparse
import asyncio
import gzip
import math
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson
import shapely
from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine

from bin.devstack import migrated, postgres
from bin.devstack.installation import require_postgis
from domain.geography import areas, imports
from domain.geography.imports import AreaKind
from domain.geography.properties import Fields
from domain.geography.tables import SubstationArea
from domain.metering.tables import MeteringPoint

PUBLISHED = Path(__file__).resolve().parents[3] / "shared/data/it-area-proxy-2000/areas_2000.geojson.gz"
MADE_UP = 2_000
FIELDS = Fields("code", "code", "=IT")
Coordinates = npt.NDArray[np.float64]


def the_areas() -> tuple[str, bytes]:
    """Where the areas come from, and their GeoJSON."""
    if PUBLISHED.exists():
        return "it-area-proxy-2000", gzip.decompress(PUBLISHED.read_bytes())
    return "made-up areas", orjson.dumps(
        {"type": "FeatureCollection", "features": [_made_up(i) for i in range(MADE_UP)]}
    )


def _made_up(index: int) -> dict[str, Any]:
    """A wavy disc of 253 vertices on a grid of 50 x 40."""
    lon, lat = 7 + index % 50 * 0.2, 38 + index // 50 * 0.2
    turns = [2 * math.pi * i / 252 for i in range(252)]
    ring = [[lon + r * math.cos(t), lat + r * math.sin(t)] for t in turns for r in [0.08 + 0.015 * math.sin(9 * t)]]
    return {
        "type": "Feature",
        "properties": {"code": f"MADE{index:05d}", "population": 1_000 + index % 7 * 3_000},
        "geometry": {"type": "Polygon", "coordinates": [[*ring, ring[0]]]},
    }


def scatter(features: list[Any], count: int) -> tuple[Coordinates, npt.NDArray[np.int64]]:
    """Points by population, in random order: positions (count, 2) and the index of the area each lies in."""
    rng = np.random.default_rng(20261120)
    people = np.array([feature["properties"]["population"] for feature in features], dtype=float)
    owner = np.sort(rng.choice(len(features), count, p=people / people.sum()))
    parts = [
        _within(shapely.from_geojson(orjson.dumps(features[index]["geometry"])), int(wanted), rng)
        for index, wanted in zip(*np.unique(owner, return_counts=True), strict=True)
    ]
    order = rng.permutation(count)
    return np.concatenate(parts)[order], owner[order]


def _within(boundary: Any, wanted: int, rng: np.random.Generator) -> Coordinates:
    shapely.prepare(boundary)
    west, south, east, north = boundary.bounds
    found = np.empty((0, 2))
    while len(found) < wanted:
        tried = rng.uniform((west, south), (east, north), (3 * wanted + 8, 2))
        found = np.concatenate([found, tried[shapely.contains_xy(boundary, tried)]])
    return found[:wanted]


async def fill(engine: AsyncEngine, content: bytes, features: list[Any], count: int) -> None:
    """Store areas by the import, points by one statement; the point's code ends in its area's code."""
    points, owner = await asyncio.to_thread(scatter, features, count)
    owners = np.array([feature["properties"]["code"] for feature in features])[owner].tolist()
    async with AsyncSession(engine) as session, session.begin():
        started = time.perf_counter()
        report = await imports.import_areas(
            session, content, kind=AreaKind.SUBSTATION_AREAS, fields=FIELDS, actor="bench"
        )
        print(f"imported {report.created:,} areas, {report.vertices:,} vertices: {time.perf_counter() - started:.1f} s")
        await session.execute(
            text(
                "INSERT INTO metering_point (id, code, code_kind, directions, timezone, location)"
                " SELECT gen_random_uuid(), i || '/' || owner, 'GENERIC', '{WITHDRAWN}', 'Europe/Rome',"
                " ST_SetSRID(ST_MakePoint(lon, lat), 4326)"
                " FROM unnest(CAST(:owners AS text[]), CAST(:lons AS float8[]), CAST(:lats AS float8[]))"
                " WITH ORDINALITY AS p (owner, lon, lat, i)"
            ),
            {"owners": owners, "lons": points[:, 0].tolist(), "lats": points[:, 1].tolist()},
        )
    async with engine.connect() as connection:
        autocommit = await connection.execution_options(isolation_level="AUTOCOMMIT")
        await autocommit.execute(text("VACUUM (ANALYZE) metering_point, substation_area"))


async def measure(session: AsyncSession) -> tuple[float, int, int]:
    """Seconds; points assigned; points assigned to another area than the one they were put into."""
    started = time.perf_counter()
    found = await areas.assign_points(session, SubstationArea, key=MeteringPoint.id, location=MeteringPoint.location)
    seconds = time.perf_counter() - started
    is_wrong = func.split_part(MeteringPoint.code, "/", 2) != SubstationArea.code
    query = (
        select(func.count(), func.count().filter(is_wrong))
        .select_from(found)
        .join(MeteringPoint, MeteringPoint.id == found.c.point_id)
        .join(SubstationArea, SubstationArea.id == found.c.area_id)
    )
    assigned, wrong = (await session.execute(query)).one()
    return seconds, assigned, wrong


async def bench(url: str, count: int, limit_s: float) -> int:
    source, content = the_areas()
    features = orjson.loads(content)["features"]
    engine = create_async_engine(url)
    await fill(engine, content, features, count)
    async with AsyncSession(engine) as session:
        seconds, assigned, wrong = await measure(session)
    await engine.dispose()
    print(f"{source}: {assigned:,} of {count:,} points in {len(features):,} areas: {seconds:.2f} s, {wrong} wrong")
    if wrong or assigned != count or seconds > limit_s:
        print(f"FAILED: every point must be assigned rightly within {limit_s:g} s")
        return 1
    return 0


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--points", type=int, default=1_000_000)
    parser.add_argument("--limit-s", type=float, default=6.0)
    arguments = parser.parse_args()
    installation = require_postgis()
    with migrated.socket_directory() as sockets:
        data = sockets / "data"
        migrated.copy_migrated_cluster(data, installation)
        with postgres.running(installation, data, postgres.DURABLE, sockets):
            return asyncio.run(bench(migrated.url_on_socket(sockets), arguments.points, arguments.limit_s))


if __name__ == "__main__":
    sys.exit(main())
