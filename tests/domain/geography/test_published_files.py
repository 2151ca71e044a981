"""Published boundary files, when they lie beside the checkout: what offices and operators really send."""

import json
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from domain.geography import areas, imports, tables
from domain.geography.features import Fault, Repair
from domain.geography.imports import AreaKind, ImportRefused, ImportReport
from domain.geography.properties import Fields

DATA = Path(__file__).resolve().parents[4] / "shared/data"
pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason="there are no published files in ../shared/data")

ISTAT = Fields("istat_code", "name", "=IT", population="population_2011", population_year="=2011")
LU = Fields("lau2", "name", "=LU", population="population_2024_est", population_year="=2024")
OSM = Fields("code", "name|code", "=IT")  # A few substations have no name.


async def import_file(
    session: AsyncSession, path: str, kind: AreaKind, fields: Fields, repair: Repair | None = None
) -> ImportReport:
    content = (DATA / path).read_bytes()
    return await imports.import_areas(session, content, kind=kind, fields=fields, actor="test", repair=repair)


@pytest.mark.parametrize(
    ("path", "fields", "count", "people"),
    [
        ("it-municipalities/municipalities_036_modena.geojson", ISTAT, 47, 685_777),
        ("it-municipalities/municipalities_022_trento.geojson", ISTAT, 166, 524_832),
    ],
)
async def test_municipalities_and_their_people_are_complete(
    session: AsyncSession, path: str, fields: Fields, count: int, people: int
) -> None:
    report = await import_file(session, path, AreaKind.MUNICIPALITIES, fields)

    assert (report.created, report.overlap_count, report.repaired) == (count, 0, ())
    assert await session.scalar(select(func.sum(tables.Municipality.population))) == people


async def test_the_one_commune_whose_ring_touches_itself_is_refused_or_repaired(session: AsyncSession) -> None:
    """Bech is drawn around its enclave by one ring that meets itself in a point: RFC 7946 wants a hole."""
    path = "lu-communes/communes.geojson"
    with pytest.raises(ImportRefused) as refusal:
        await import_file(session, path, AreaKind.MUNICIPALITIES, LU)

    report = await import_file(session, path, AreaKind.MUNICIPALITIES, LU, Repair.STRUCTURE)

    fault = Fault(79, "1002", "ring self-intersection", (6.37843, 49.768712))
    assert refusal.value.report.faults == (fault,)
    assert [(repaired.code, repaired.position) for repaired in report.repaired] == [("1002", fault.position)]
    assert (report.created, report.overlap_count) == (100, 0)
    bech = select(tables.Municipality.area_m2).where(tables.Municipality.code == "1002")
    assert await session.scalar(bech) == pytest.approx(23.4215e6, rel=1e-4)
    assert await session.scalar(select(func.sum(tables.Municipality.population))) == 673_804


async def test_clockwise_rings_of_full_precision_become_the_published_boundaries(session: AsyncSession) -> None:
    """The raw file and the prepared one hold the same six municipalities: only the start of the ring may differ."""
    raw = Fields("com_istat_code", "name", "=IT")
    await import_file(session, "it-municipalities/raw_clockwise_6.geojson", AreaKind.MUNICIPALITIES, raw)
    area = select(tables.Municipality.code, tables.Municipality.area_m2)
    raw_area = dict((await session.execute(area)).all())
    boundaries = list(await session.scalars(select(tables.Municipality.boundary_geojson)))

    await import_file(session, "it-municipalities/municipalities_036_modena.geojson", AreaKind.MUNICIPALITIES, ISTAT)

    prepared_area = {code: m2 for code, m2 in await session.execute(area) if code in raw_area}
    assert len(raw_area) == 6
    assert prepared_area == pytest.approx(raw_area, rel=1e-9)
    assert all(_turns_left(ring) for text in boundaries for [ring, *_] in json.loads(text)["coordinates"])


def _turns_left(ring: Any) -> bool:
    doubled = sum(x * next_y - next_x * y for (x, y), (next_x, next_y) in pairwise(ring))
    return bool(doubled > 0)


@pytest.mark.parametrize(("province", "count"), [("036_modena", 35), ("022_trento", 43)])
async def test_every_substation_lies_in_its_own_area(session: AsyncSession, province: str, count: int) -> None:
    report = await import_file(
        session, f"substations-osm/areas_voronoi_{province}.geojson", AreaKind.SUBSTATION_AREAS, OSM
    )
    stations = json.loads((DATA / f"substations-osm/substations_{province}.geojson").read_text())["features"]
    points = {tuple(station["geometry"]["coordinates"]): station["properties"]["code"] for station in stations}

    found = await areas.areas_of_points(session, tables.SubstationArea, list(points))

    rows = await session.execute(select(tables.SubstationArea.id, tables.SubstationArea.code))
    codes = dict(rows.all())
    assert (report.created, report.overlap_count) == (count, 0)
    assert [codes[area] for area in found if area] == list(points.values())


async def test_an_operators_file_is_refused_with_its_six_crossings_and_repeated_codes(session: AsyncSession) -> None:
    path, fields = "gb-gsp-regions/gsp_regions_4326_20250109_simplified.geojson", Fields("GSPs", "GSPs", "=GB")
    crossing = {"DEWP", "SHRU", "NEWX_6", "GOVA", "WHAM_1", "CROO"}

    with pytest.raises(ImportRefused) as as_published:
        await import_file(session, path, AreaKind.SUBSTATION_AREAS, fields)
    with pytest.raises(ImportRefused) as repaired:
        await import_file(session, path, AreaKind.SUBSTATION_AREAS, fields, Repair.STRUCTURE)

    invalid = [fault for fault in as_published.value.report.faults if fault.reason == "self-intersection"]
    assert {fault.code for fault in invalid} == crossing
    assert all(fault.position is not None for fault in invalid)
    assert as_published.value.report.fault_count == 6 + 16
    assert {fault.code for fault in repaired.value.report.faults}.isdisjoint(crossing)
    assert repaired.value.report.fault_count == 16
    assert await session.scalar(select(func.count()).select_from(tables.SubstationArea)) == 0


async def test_touching_regions_of_an_operator_do_not_overlap(session: AsyncSession, tmp_path: Path) -> None:
    """Once codes are made unique, the repaired file is taken; 907 pairs touch, none shares land."""
    path = DATA / "gb-gsp-regions/gsp_regions_4326_20250109_simplified.geojson"
    collection = json.loads(path.read_text())
    for index, feature in enumerate(collection["features"]):
        feature["properties"]["code"] = f"{feature['properties']['GSPs']}/{index}"

    report = await imports.import_areas(
        session,
        json.dumps(collection).encode(),
        kind=AreaKind.SUBSTATION_AREAS,
        fields=Fields("code", "GSPs", "=GB"),
        actor="test",
        repair=Repair.STRUCTURE,
    )

    assert (report.created, len(report.repaired)) == (349, 6)
    assert [overlap for overlap in report.overlaps if overlap.shared_m2 > 10_000] == []


async def test_two_thousand_areas_are_imported_in_seconds(session: AsyncSession) -> None:
    fields = Fields("code", "code", "=IT")
    started = time.perf_counter()

    report = await import_file(session, "it-area-proxy-2000/areas_2000.geojson.gz", AreaKind.SUBSTATION_AREAS, fields)

    assert (report.created, report.features) == (2_000, 2_000)
    assert report.vertices > 500_000
    assert report.overlap_count == 0
    assert time.perf_counter() - started < 20
