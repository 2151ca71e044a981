"""Areas come from GeoJSON files, all of a file or nothing, and every fault is named (`domain.geography.imports`)."""

import gzip
import json
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from domain.audit.tables import AuditEntry
from domain.geography import feature_files, imports, tables
from domain.geography.feature_files import ImportLimits
from domain.geography.features import Fault, Repair, Repaired
from domain.geography.geometry import GeometryLimits
from domain.geography.imports import AreaKind, ImportRefused, ImportReport
from domain.geography.properties import Fields

AREA_FIELDS = Fields(code="code", name="name", country="=IT")
MUNICIPALITY_FIELDS = Fields("istat", "name", "=IT", population="people", population_year="=2011")


def square(lon: float = 10.9, lat: float = 44.6, size: float = 0.1) -> list[list[float]]:
    """Clockwise, as statistical offices publish."""
    west, south, east, north = (round(v, 6) for v in (lon, lat, lon + size, lat + size))
    return [[west, south], [west, north], [east, north], [east, south], [west, south]]


BOWTIE = [[10.9, 44.6], [11.0, 44.7], [11.0, 44.6], [10.9, 44.7], [10.9, 44.6]]


def feature(code: Any = "AC1", name: Any = "San Damaso", ring: Any = None, **properties: Any) -> dict[str, Any]:
    return {
        "type": "Feature",
        "properties": {"code": code, "name": name} | properties,
        "geometry": {"type": "Polygon", "coordinates": [ring or square()]},
    }


def a_file(*features: Any, **members: Any) -> bytes:
    return json.dumps({"type": "FeatureCollection", "features": list(features)} | members).encode()


async def import_areas(session: AsyncSession, content: bytes, **overrides: Any) -> ImportReport:
    arguments: dict[str, Any] = {"kind": AreaKind.SUBSTATION_AREAS, "fields": AREA_FIELDS, "actor": "test"}
    return await imports.import_areas(session, content, **(arguments | overrides))


async def stored_count(session: AsyncSession) -> int:
    kinds = (tables.SubstationArea, tables.Municipality, tables.MarketZone, AuditEntry)
    return sum([await session.scalar(select(func.count()).select_from(kind)) or 0 for kind in kinds])


async def refusal_of(session: AsyncSession, content: bytes, **overrides: Any) -> ImportReport:
    """The report of a refused file, which must have left nothing behind."""
    before = await stored_count(session)
    with pytest.raises(ImportRefused) as refusal:
        await import_areas(session, content, **overrides)
    assert await stored_count(session) == before
    assert refusal.value.report.fault_count >= 1
    return refusal.value.report


async def test_areas_are_stored_counter_clockwise_with_what_the_database_makes_of_them(session: AsyncSession) -> None:
    report = await import_areas(session, a_file(feature("AC001E00001", " San Damaso ")))

    area = (await session.scalars(select(tables.SubstationArea))).one()
    assert (report.created, report.updated, report.unchanged, report.features, report.vertices) == (1, 0, 0, 1, 5)
    assert (area.code, area.name, area.country) == ("AC001E00001", "San Damaso", "IT")
    assert json.loads(area.boundary_geojson) == {
        "type": "MultiPolygon",
        "coordinates": [[[[10.9, 44.6], [11.0, 44.6], [11.0, 44.7], [10.9, 44.7], [10.9, 44.6]]]],
    }
    assert area.area_m2 == pytest.approx(88.2e6, rel=0.01)


async def test_municipalities_carry_their_population_and_its_year(session: AsyncSession) -> None:
    content = a_file(feature(istat="036023", name="Modena", people=179_149))

    await import_areas(session, content, kind=AreaKind.MUNICIPALITIES, fields=MUNICIPALITY_FIELDS)

    found = (await session.scalars(select(tables.Municipality))).one()
    assert (found.country, found.code, found.name) == ("IT", "036023", "Modena")
    assert (found.population, found.population_year) == (179_149, 2011)


async def test_market_zones_are_imported_too(session: AsyncSession) -> None:
    report = await import_areas(session, a_file(feature("NORD", "Nord")), kind=AreaKind.MARKET_ZONES)

    assert report.created == 1
    assert (await session.scalars(select(tables.MarketZone.code))).all() == ["NORD"]


async def test_a_known_code_is_updated_where_something_differs(session: AsyncSession) -> None:
    first = a_file(feature("A"), feature("B", ring=square(11)), feature("C", ring=square(11.1)))
    await import_areas(session, first)
    ids = dict((await session.execute(select(tables.SubstationArea.code, tables.SubstationArea.id))).all())

    report = await import_areas(
        session,
        a_file(
            feature("A"),
            feature("B", name="Carpi", ring=square(11)),
            feature("C", ring=square(11.1, 44.61)),
            feature("D", ring=square(11.3)),
        ),
    )

    assert (report.created, report.updated, report.unchanged) == (1, 2, 1)
    rows = await session.execute(
        select(tables.SubstationArea.code, tables.SubstationArea.id, tables.SubstationArea.name)
    )
    stored = {code: (id, name) for code, id, name in rows}
    assert {code: id for code, (id, _) in stored.items() if code != "D"} == ids
    assert stored["B"][1] == "Carpi"


async def test_importing_a_file_again_changes_nothing(session: AsyncSession) -> None:
    content = a_file(*(feature(f"A{i}", ring=square(10 + i / 10)) for i in range(9)))
    await import_areas(session, content)

    report = await import_areas(session, content)

    assert (report.created, report.updated, report.unchanged) == (0, 0, 9)


async def test_a_gzipped_file_is_read_like_a_plain_one(session: AsyncSession) -> None:
    assert (await import_areas(session, gzip.compress(a_file(feature())))).created == 1


async def test_an_import_is_audited_with_its_digest(session: AsyncSession) -> None:
    report = await import_areas(session, a_file(feature()), actor="user:7")

    entry = (await session.scalars(select(AuditEntry))).one()
    assert (entry.act, entry.actor, entry.subject_type) == ("import_substation_areas", "user:7", "SubstationArea")
    assert entry.facts["digest"] == report.digest
    assert entry.facts["created"] == 1


async def test_all_faults_of_a_file_are_named_and_nothing_is_stored(session: AsyncSession) -> None:
    content = a_file(
        feature("A"),
        feature("B", ring=BOWTIE),
        feature(36023),
        feature("D", ring=[[lat, lon] for lon, lat in square()]),
        feature("A", ring=square(12)),
        {"type": "Feature", "properties": {"code": "F", "name": "F"}, "geometry": None},
    )

    report = await refusal_of(session, content)

    assert report.faults == (
        Fault(1, "B", "self-intersection", (10.95, 44.65)),
        Fault(2, None, "property 'code' must be text, not another kind of value"),
        Fault(3, "D", "coordinates look like lat,lon; GeoJSON has the longitude first", (44.6, 10.9)),
        Fault(4, "A", "its code is that of feature 0"),
        Fault(5, "F", "it has no geometry"),
    )
    assert (report.fault_count, report.features, report.created) == (5, 6, 0)


async def test_a_fault_reads_as_a_sentence(session: AsyncSession) -> None:
    with pytest.raises(ImportRefused) as refusal:
        await import_areas(session, a_file(feature("B", ring=BOWTIE)))

    expected = "Nothing was imported, 1 faults. The first: feature 0 (B): self-intersection at 10.95, 44.65"
    assert refusal.value.message == expected


async def test_invalid_boundaries_are_repaired_only_when_asked_and_reported(session: AsyncSession) -> None:
    content = a_file(feature("A", ring=square(12)), feature("B", ring=BOWTIE))

    report = await import_areas(session, content, repair=Repair.STRUCTURE)

    assert report.created == 2
    assert report.repaired == (Repaired(1, "B", "self-intersection", (10.95, 44.65)),)
    mended = (await session.scalars(select(tables.SubstationArea).where(tables.SubstationArea.code == "B"))).one()
    assert len(json.loads(mended.boundary_geojson)["coordinates"]) == 2


async def test_repair_has_its_bounds(session: AsyncSession) -> None:
    content = a_file(feature("A", ring=BOWTIE), feature("B", ring=BOWTIE))

    by_vertices = await refusal_of(session, content, repair=Repair.STRUCTURE, limits=ImportLimits(repair_vertices=4))
    by_number = await refusal_of(session, content, repair=Repair.STRUCTURE, limits=ImportLimits(repairs=1))

    assert by_vertices.faults[0].reason == "self-intersection; 5 vertices are too many to repair (at most 4)"
    assert by_number.faults == (Fault(1, "B", "self-intersection; no more than 1 are repaired", (10.95, 44.65)),)


async def test_overlapping_areas_are_noticed_touching_ones_are_not(session: AsyncSession) -> None:
    await import_areas(session, a_file(feature("OLD", ring=square(11.05))))

    report = await import_areas(session, a_file(feature("A"), feature("B", ring=square(11.0))))

    assert [(pair.code, pair.other_code) for pair in report.overlaps] == [("B", "OLD")]
    assert report.overlap_count == 1
    assert report.overlaps[0].shared_m2 == pytest.approx(44.1e6, rel=0.01)


async def test_only_the_first_faults_are_listed_but_all_are_counted(session: AsyncSession) -> None:
    content = a_file(*(feature(i) for i in range(7)))

    report = await refusal_of(session, content, limits=ImportLimits(faults=3))

    assert (len(report.faults), report.fault_count) == (3, 7)


UNREADABLE = {
    "nothing": (b"", "The file is not JSON"),
    "no JSON": (b'{"type": "FeatureCollection", "features": [', "The file is not JSON"),
    "a table": (b"code;name\nA;B\n", "The file is not JSON"),
    "broken gzip": (gzip.compress(a_file(feature()))[:-20], "The file is not whole gzip data"),
    "wrong gzip": (b"\x1f\x8b\x08garbage", "The file is not whole gzip data"),
    "an array": (b"[]", "The file is not a GeoJSON FeatureCollection"),
    "a feature": (json.dumps(feature()).encode(), "The file is not a GeoJSON FeatureCollection"),
    "no features": (a_file(), "The collection has no features"),
    "features of another kind": (a_file(features={}), "The collection has no features"),
    "60,000 arrays in each other": (b"[" * 60_000 + b"]" * 60_000, "The file is not JSON"),
    "another reference system": (
        a_file(feature(), crs={"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::32632"}}),
        "coordinates must be in EPSG:4326",
    ),
}


@pytest.mark.parametrize("case", UNREADABLE)
async def test_a_file_that_cannot_be_read_is_refused_as_a_whole(session: AsyncSession, case: str) -> None:
    content, reason = UNREADABLE[case]

    report = await refusal_of(session, content)

    [fault] = report.faults
    assert fault.feature is None
    assert reason in fault.reason


REFUSED_FEATURES = {
    "no object": (7, "it is not a Feature"),
    "a geometry": ({"type": "Polygon", "coordinates": [square()]}, "it is not a Feature"),
    "no properties": ({"type": "Feature", "geometry": None, "properties": None}, "it has no properties"),
    "no code": ({"type": "Feature", "geometry": None, "properties": {"name": "A"}}, "property 'code' is missing"),
    "an empty code": (feature(" "), "property 'code' must have 1 to 64 characters"),
    "a long code": (feature("A" * 65), "property 'code' must have 1 to 64 characters"),
    "a code with NUL": (feature("A\x00B"), "property 'code' has control characters"),
    "a name that is null": (feature(name=None), "property 'name' must be text, not null"),
    "a population in words": (feature(istat="1", people="many"), "property 'people' must be a whole number"),
    "half a person": (feature(istat="1", people=0.5), "property 'people' must be a whole number"),
    "a negative population": (feature(istat="1", people=-1), "property 'people' must lie in 0..2147483647"),
    "true people": (feature(istat="1", people=True), "property 'people' must be a whole number"),
    "an empty collection": (
        feature() | {"geometry": {"type": "GeometryCollection", "geometries": []}},
        "its type must be Polygon or MultiPolygon, not 'GeometryCollection'",
    ),
    "a point": (feature() | {"geometry": {"type": "Point", "coordinates": [11, 44]}}, "not 'Point'"),
    "an open ring": (feature(ring=square()[:-1]), "ring 0 is open"),
}


@pytest.mark.parametrize("case", REFUSED_FEATURES)
async def test_a_feature_that_is_no_area_refuses_the_file(session: AsyncSession, case: str) -> None:
    value, reason = REFUSED_FEATURES[case]
    has_people = isinstance(value, dict) and "people" in (value.get("properties") or {})
    kind = {"kind": AreaKind.MUNICIPALITIES, "fields": MUNICIPALITY_FIELDS} if has_people else {}

    report = await refusal_of(session, a_file(value), **kind)

    [fault] = report.faults
    assert fault.feature == 0
    assert reason in fault.reason


async def test_a_refused_feature_is_named_by_the_alternative_that_holds_its_code(session: AsyncSession) -> None:
    report = await refusal_of(session, a_file(feature("A", ring=BOWTIE)), fields=Fields("id|code", "name", "=IT"))

    assert report.faults[0].code == "A"


async def test_a_year_of_five_thousand_digits_is_refused(session: AsyncSession) -> None:
    fields = Fields("code", "name", "=IT", population_year="=" + "1" * 5_000)

    report = await refusal_of(session, a_file(feature()), fields=fields, kind=AreaKind.MUNICIPALITIES)

    assert "must be a whole number" in report.faults[0].reason


async def test_a_country_must_be_two_capitals(session: AsyncSession) -> None:
    report = await refusal_of(session, a_file(feature()), fields=Fields("code", "name", "=Italy"))

    assert report.faults[0].reason == "country 'Italy' must be two capital letters, such as IT"


async def test_the_first_alternative_that_is_there_and_not_null_counts(session: AsyncSession) -> None:
    content = a_file(feature("A", None), feature("B", "Carpi", ring=square(11)))

    await import_areas(session, content, fields=Fields("id|code", "label|name|code", "=IT"))

    rows = await session.execute(select(tables.SubstationArea.code, tables.SubstationArea.name))
    assert dict(rows.all()) == {"A": "A", "B": "Carpi"}


async def test_one_code_in_two_countries_is_twice_the_same_area_but_two_municipalities(session: AsyncSession) -> None:
    content = a_file(feature("0101", country="LU"), feature("0101", ring=square(9), country="IT"))
    fields = Fields("code", "name", "country")

    report = await refusal_of(session, content, fields=fields)
    municipalities = await import_areas(session, content, fields=fields, kind=AreaKind.MUNICIPALITIES)

    assert report.faults == (Fault(1, "0101", "its code is that of feature 0"),)
    assert municipalities.created == 2


@pytest.mark.parametrize(
    ("limits", "reason"),
    [
        (ImportLimits(unpacked_bytes=100), "The file is larger than 100 bytes."),
        (ImportLimits(features=1), "The file has 2 features, at most 1 are allowed."),
        (ImportLimits(vertices=9), "The file has more than 9 vertices."),
        (ImportLimits(geometry=GeometryLimits(positions=4)), "positions is 5, at most 4 are allowed."),
    ],
)
async def test_limits_are_those_of_the_import(session: AsyncSession, limits: ImportLimits, reason: str) -> None:
    report = await refusal_of(session, a_file(feature("A"), feature("B", ring=square(12))), limits=limits)

    assert reason in report.faults[0].reason


async def test_a_bomb_is_not_unpacked() -> None:
    bomb = gzip.compress(bytes(200 * 2**20), compresslevel=1)

    with pytest.raises(feature_files.FileRefused, match="larger than"):
        feature_files.features_in(bomb, ImportLimits())
