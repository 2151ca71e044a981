"""Which area a point lies in, and where areas overlap.

A point belongs to the area that covers it, edges included; where several do, to the one with the smallest code. Areas
overlap where they share land; neighbours that only touch do not.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from geoalchemy2 import Geography
from geoalchemy2 import functions as st
from sqlalchemy import (
    ColumnElement,
    Float,
    Select,
    Uuid,
    and_,
    bindparam,
    cast,
    column,
    func,
    or_,
    select,
    table,
    text,
    tuple_,
)
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute, aliased
from sqlalchemy.sql.expression import TableClause

from domain.geography import tables
from domain.geography.geometry import SRID, LonLat

AreaTable = type[tables.Municipality] | type[tables.SubstationArea] | type[tables.MarketZone]

OVERLAP_M2_MIN = 100.0  # Boundaries drawn by different hands share slivers below this.
PAIRS_MAX = 10_000  # A file of copies of one area must not occupy the database.
ASSIGNED = table("assigned_area", column("point_id"), column("area_id"))


@dataclass(frozen=True, slots=True)
class Overlap:
    """Two areas that share land, in order of their codes; the shared area is measured on the spheroid."""

    code: str
    other_code: str
    shared_m2: float


def place(lon: float, lat: float) -> ColumnElement[Any]:
    """A point in degrees as an SQL expression."""
    return st.ST_SetSRID(st.ST_MakePoint(lon, lat), SRID)


def covers(areas: AreaTable, lon: float, lat: float) -> ColumnElement[bool]:
    """Whether an area covers a point; by the spatial index."""
    covering: ColumnElement[bool] = st.ST_Intersects(areas.boundary, place(lon, lat))
    return covering


async def area_of_point(session: AsyncSession, areas: AreaTable, lon: float, lat: float) -> UUID | None:
    """The area a point belongs to, or None when it lies in none."""
    query = select(areas.id).where(covers(areas, lon, lat)).order_by(areas.code).limit(1)
    return await session.scalar(query)


async def areas_of_points(session: AsyncSession, areas: AreaTable, points: Sequence[LonLat]) -> list[UUID | None]:
    """The area of each of a few thousand points that are not stored, in their order; 20 microseconds a point.

    For stored points in any number, see `assign_points`.
    """
    lons, lats = ([float(point[axis]) for point in points] for axis in (0, 1))
    given = (
        func.unnest(bindparam("lons", lons, type_=ARRAY(Float)), bindparam("lats", lats, type_=ARRAY(Float)))
        .table_valued(column("lon", Float), column("lat", Float), with_ordinality="position")
        .render_derived()
    )
    at = st.ST_SetSRID(st.ST_MakePoint(given.c.lon, given.c.lat), SRID)
    owner = select(areas.id).where(st.ST_Intersects(areas.boundary, at)).order_by(areas.code).limit(1)
    each = select(owner.correlate(given).scalar_subquery()).select_from(given).order_by(given.c.position)
    found = await session.scalars(each)
    return list(found)


def assignment(
    areas: AreaTable, key: InstrumentedAttribute[UUID], location: InstrumentedAttribute[Any]
) -> Select[UUID, UUID]:
    """Every stored point that lies in an area, once: columns point_id, area_id.

    The loop must run over areas, each finding its points by their spatial index: the other way round takes four times
    as long. ST_SetSRID changes nothing; it hides the areas' own index, so that the planner cannot turn the loop round.
    """
    boundary = st.ST_SetSRID(areas.boundary, SRID)
    return (
        select(key.label("point_id"), areas.id.label("area_id"))
        .join_from(areas, key.class_, st.ST_Intersects(boundary, location))
        .ext(postgresql.distinct_on(key))
        .order_by(key, areas.code)
    )


def in_full(statement: Select[Any, Any]) -> str:
    """The text of a statement with its constants written out, for commands that take no parameters."""
    dialect = postgresql.dialect()  # type: ignore[no-untyped-call]
    return str(statement.compile(dialect=dialect, compile_kwargs={"literal_binds": True}))


async def assign_points(
    session: AsyncSession, areas: AreaTable, *, key: InstrumentedAttribute[UUID], location: InstrumentedAttribute[Any]
) -> TableClause:
    """Find the area of every stored point at once: a table (point_id, area_id) that lasts until the transaction ends.

    `key` and `location` are columns of one table with a spatial index on `location`. A temporary table rather than an
    update, because PostgreSQL searches with several processes for the one and not for the other.
    """
    found = in_full(assignment(areas, key, location))
    await session.execute(text("SELECT set_config('work_mem', '128MB', true)"))
    await session.execute(text(f"DROP TABLE IF EXISTS pg_temp.{ASSIGNED.name}"))
    await session.execute(text(f"CREATE TEMPORARY TABLE {ASSIGNED.name} ON COMMIT DROP AS {found}"))
    await session.execute(text(f"ANALYZE {ASSIGNED.name}"))
    return ASSIGNED


async def overlaps(
    session: AsyncSession,
    areas: AreaTable,
    ids: Sequence[UUID] | None = None,
    *,
    above_m2: float = OVERLAP_M2_MIN,
    pairs_max: int = PAIRS_MAX,
) -> list[Overlap]:
    """Pairs of areas that share more land than `above_m2`, largest first; with `ids`, pairs that hold one of them.

    No more than `pairs_max` pairs that share land are looked at, whichever are found first. Interiors are compared
    before anything is cut out: 5,500 pairs of neighbours that only touch cost a second.
    """
    one, other = aliased(areas), aliased(areas)
    pairs = (
        select(one.code.label("code"), other.code.label("other_code"), _shared_land(one, other).label("land"))
        .join(other, one.boundary.op("&&")(other.boundary))
        .where(func.ST_Relate(one.boundary, other.boundary, "2********"), _once(one, other, ids))
        .limit(pairs_max)
        .cte("pair")
        .prefix_with("MATERIALIZED")
    )
    shared_m2 = cast(func.ST_Area(cast(pairs.c.land, Geography)), Float)
    query = select(pairs.c.code, pairs.c.other_code, shared_m2).where(shared_m2 > above_m2)
    rows = await session.execute(query.order_by(shared_m2.desc(), pairs.c.code, pairs.c.other_code))
    return [Overlap(code, other_code, shared) for code, other_code, shared in rows]


def _shared_land(one: Any, other: Any) -> Any:
    """What lies in both; edges along which they only touch are left out."""
    return func.ST_CollectionExtract(func.ST_Intersection(one.boundary, other.boundary), 3)


def _once(one: Any, other: Any, ids: Sequence[UUID] | None) -> ColumnElement[bool]:
    """Each pair one way round: by code, or the given area first where the other is not given."""
    in_order: ColumnElement[bool] = tuple_(one.code, one.id) < tuple_(other.code, other.id)
    if ids is None:
        return in_order
    given = bindparam("ids", list(ids), type_=ARRAY(Uuid))
    return and_(one.id == func.any(given), or_(other.id != func.all(given), in_order))
