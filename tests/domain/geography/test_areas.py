"""Which area a point lies in, where areas overlap, and how far things are."""

from uuid import UUID

import numpy as np
import pytest
import shapely
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from domain.geography import areas, proximity
from domain.geography.tables import Municipality, SubstationArea
from domain.metering.tables import CodeKind, MeteringPoint
from tests.factories import geography


async def a_row_of_three(session: AsyncSession) -> tuple[UUID, UUID, UUID]:
    """Squares B, A, C from west to east, each 0.1 degrees wide, neighbours sharing an edge."""
    b, a, c = [
        await geography.a_substation_area(session, code, geography.a_square(10 + i / 10, 44))
        for i, code in enumerate("BAC")
    ]
    return b.id, a.id, c.id


async def metering_points(session: AsyncSession, *positions: tuple[float, float] | None) -> list[UUID]:
    points = [
        MeteringPoint(
            code=f"P{index:06d}",
            code_kind=CodeKind.GENERIC,
            directions=["WITHDRAWN"],
            timezone="Europe/Rome",
            location=position and geography.a_point(*position),
        )
        for index, position in enumerate(positions)
    ]
    session.add_all(points)
    await session.flush()
    return [point.id for point in points]


@pytest.mark.parametrize(
    ("lon", "index"),
    [(10.05, 0), (10.15, 1), (10.1, 1), (10.2, 1), (10.3, 2), (10.0, 0), (10.31, None)],
    ids=["inside B", "inside A", "edge of B and A", "edge of A and C", "outer edge of C", "outer edge of B", "outside"],
)
async def test_a_point_belongs_to_the_covering_area_of_the_smallest_code(
    session: AsyncSession, lon: float, index: int | None
) -> None:
    squares = await a_row_of_three(session)

    found = await areas.area_of_point(session, SubstationArea, lon, 44.05)

    assert found == (None if index is None else squares[index])


async def test_points_that_are_not_stored_are_found_in_their_order(session: AsyncSession) -> None:
    b, a, c = await a_row_of_three(session)

    found = await areas.areas_of_points(
        session, SubstationArea, [(10.25, 44.05), (11, 44.05), (10.1, 44.05), (10.05, 44.05), (10.25, 44.05)]
    )

    assert found == [c, None, a, b, c]


async def test_no_points_have_no_areas(session: AsyncSession) -> None:
    assert await areas.areas_of_points(session, SubstationArea, []) == []


async def test_stored_points_are_assigned_once_each(session: AsyncSession) -> None:
    b, a, c = await a_row_of_three(session)
    inside_b, shared, inside_c, outside, nowhere = await metering_points(
        session, (10.05, 44.05), (10.1, 44.05), (10.25, 44.05), (12, 44.05), None
    )

    found = await areas.assign_points(session, SubstationArea, key=MeteringPoint.id, location=MeteringPoint.location)

    rows = (await session.execute(select(found.c.point_id, found.c.area_id))).all()
    assert dict(rows) == {inside_b: b, shared: a, inside_c: c}
    assert len(rows) == 3
    assert {outside, nowhere}.isdisjoint(point for point, _ in rows)


async def test_assigning_again_in_one_transaction_sees_what_changed(session: AsyncSession) -> None:
    [point] = await metering_points(session, (10.05, 44.05))
    before = await areas.assign_points(session, SubstationArea, key=MeteringPoint.id, location=MeteringPoint.location)
    assert (await session.execute(select(before.c.area_id))).all() == []
    b, _, _ = await a_row_of_three(session)

    after = await areas.assign_points(session, SubstationArea, key=MeteringPoint.id, location=MeteringPoint.location)

    assert (await session.execute(select(after.c.point_id, after.c.area_id))).all() == [(point, b)]


async def test_all_ways_of_finding_an_area_agree(session: AsyncSession) -> None:
    """Random points, many on edges and corners, against shapely."""
    grid = {f"{x}{y}": geography.a_square(10 + x / 10, 44 + y / 10) for x in range(4) for y in range(4)}
    stored = {code: (await geography.a_substation_area(session, code, square)).id for code, square in grid.items()}
    rng = np.random.default_rng(7)
    points = [(10 + lon / 20, 44 + lat / 20) for lon, lat in rng.integers(-1, 10, (300, 2)).tolist()]
    ids = await metering_points(session, *points)
    expected = [
        next((stored[code] for code in sorted(grid) if shapely.intersects_xy(grid[code], *point)), None)
        for point in points
    ]

    table = await areas.assign_points(session, SubstationArea, key=MeteringPoint.id, location=MeteringPoint.location)

    assigned = dict((await session.execute(select(table.c.point_id, table.c.area_id))).all())
    assert [assigned.get(id) for id in ids] == expected
    assert await areas.areas_of_points(session, SubstationArea, points) == expected
    assert [await areas.area_of_point(session, SubstationArea, *point) for point in points[:40]] == expected[:40]


async def test_the_assignment_loops_over_areas_and_finds_points_by_their_index(session: AsyncSession) -> None:
    """The other direction took four times as long for a million points."""
    for i in range(100):
        await geography.a_substation_area(session, f"{i:03d}", geography.a_square(10 + i % 10 / 10, 44 + i // 10 / 10))
    await session.execute(
        text(
            "INSERT INTO metering_point (id, code, code_kind, directions, timezone, location)"
            " SELECT gen_random_uuid(), i::text, 'GENERIC', '{WITHDRAWN}', 'UTC',"
            " ST_SetSRID(ST_MakePoint(10 + random(), 44 + random()), 4326) FROM generate_series(1, 20000) i"
        )
    )
    statement = areas.in_full(areas.assignment(SubstationArea, MeteringPoint.id, MeteringPoint.location))

    plan = "\n".join(await session.scalars(text(f"EXPLAIN {statement}")))

    assert "ix_metering_point_location" in plan
    assert "idx_substation_area_boundary" not in plan


async def test_touching_is_not_overlapping(session: AsyncSession) -> None:
    await a_row_of_three(session)

    assert await areas.overlaps(session, SubstationArea) == []


async def test_shared_land_is_reported_with_its_size_largest_first(session: AsyncSession) -> None:
    for code, lon in (("A", 10.0), ("B", 10.05), ("C", 10.14)):
        await geography.a_substation_area(session, code, geography.a_square(lon, 44))

    found = await areas.overlaps(session, SubstationArea)

    assert [(pair.code, pair.other_code) for pair in found] == [("A", "B"), ("B", "C")]
    degree_m2 = 111_320 * np.cos(np.radians(44.05)) * 111_120
    assert found[0].shared_m2 == pytest.approx(0.05 * 0.1 * degree_m2, rel=0.01)
    assert found[1].shared_m2 == pytest.approx(0.01 * 0.1 * degree_m2, rel=0.01)


async def test_slivers_below_the_threshold_are_not_overlaps(session: AsyncSession) -> None:
    await geography.a_substation_area(session, "A", geography.a_square(10, 44))
    await geography.a_substation_area(session, "B", geography.a_square(10.099999, 44))  # 0.08 m x 11 km

    assert await areas.overlaps(session, SubstationArea, above_m2=1_000) == []
    assert len(await areas.overlaps(session, SubstationArea)) == 1


async def test_overlaps_of_given_areas_only(session: AsyncSession) -> None:
    stored = {
        code: (await geography.a_substation_area(session, code, geography.a_square(lon, 44))).id
        for code, lon in (("A", 10.0), ("B", 10.05), ("C", 10.14))
    }

    of_c = await areas.overlaps(session, SubstationArea, [stored["C"]])
    of_both = await areas.overlaps(session, SubstationArea, [stored["B"], stored["C"]])

    assert [(pair.code, pair.other_code) for pair in of_c] == [("C", "B")]
    assert {(pair.code, pair.other_code) for pair in of_both} == {("B", "A"), ("B", "C")}


async def test_copies_of_one_area_do_not_occupy_the_database(session: AsyncSession) -> None:
    for index in range(8):
        await geography.a_substation_area(session, f"A{index}")

    assert len(await areas.overlaps(session, SubstationArea)) == 28
    assert len(await areas.overlaps(session, SubstationArea, pairs_max=5)) == 5


async def test_distances_are_taken_on_the_spheroid(session: AsyncSession) -> None:
    """A degree of latitude from the equator is 110,574 m on WGS84, one of longitude 111,320 m."""
    assert await proximity.distance_between_m(session, (0, 0), (0, 1)) == pytest.approx(110_574.39, abs=0.01)
    assert await proximity.distance_between_m(session, (0, 0), (1, 0)) == pytest.approx(111_319.49, abs=0.01)


@pytest.mark.parametrize(("lon", "lat"), [(10.9, 44.6), (25.0, 70.0), (0.0, 0.1)])
@pytest.mark.parametrize("metres", [50.0, 20_000.0])
async def test_what_lies_within_a_distance_is_found_whatever_the_latitude(
    session: AsyncSession, lon: float, lat: float, metres: float
) -> None:
    rng = np.random.default_rng(3)
    spread = metres / 50_000
    points = [
        (lon + dx / np.cos(np.radians(lat)), lat + dy) for dx, dy in rng.uniform(-spread, spread, (200, 2)).tolist()
    ]
    ids = await metering_points(session, *points)

    near = set(
        await session.scalars(
            select(MeteringPoint.id).where(proximity.is_within(MeteringPoint.location, lon, lat, metres))
        )
    )

    distance = proximity.distance_m(MeteringPoint.location, lon, lat)
    measured = dict((await session.execute(select(MeteringPoint.id, distance))).all())
    assert near == {id for id in ids if measured[id] <= metres}
    assert 0 < len(near) < len(ids)


async def test_municipalities_are_found_like_areas(session: AsyncSession) -> None:
    modena = await geography.a_municipality(session)

    assert await areas.area_of_point(session, Municipality, *geography.MODENA) == modena.id
    assert await areas.area_of_point(session, SubstationArea, *geography.MODENA) is None
