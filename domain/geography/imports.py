"""Import municipalities, substation areas and market zones from GeoJSON: all of a file, or nothing.

Areas are known by their code: a known one is updated where something differs, a new one created, none is removed.
Areas that share land with others are reported, not refused: published boundaries do.
"""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice
from typing import Any
from uuid import UUID

from geoalchemy2 import functions as st
from sqlalchemy import Integer, LargeBinary, Text, Uuid, bindparam, column, func, literal_column, or_, select
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.ext.asyncio import AsyncSession

from domain.audit import entries
from domain.geography import areas, tables
from domain.geography.areas import AreaTable, Overlap
from domain.geography.feature_files import ORDINARY, FileRefused, ImportLimits
from domain.geography.features import Fault, Reading, Record, Repair, Repaired, read_features
from domain.geography.geometry import SRID
from domain.geography.properties import Fields
from domain.kernel.database import new_id
from domain.kernel.errors import DomainError

ROWS_AT_ONCE = 500
OVERLAPS_LISTED_MAX = 100


class AreaKind(StrEnum):
    """What the features of a file are."""

    MUNICIPALITIES = "municipalities"
    SUBSTATION_AREAS = "substation-areas"
    MARKET_ZONES = "market-zones"


@dataclass(frozen=True, slots=True)
class _Shape:
    """How a kind is stored: what identifies a row, and what else a file says of it besides its boundary."""

    table: AreaTable
    key: tuple[str, ...]
    facts: tuple[str, ...]


SHAPES = {
    AreaKind.MUNICIPALITIES: _Shape(
        tables.Municipality, ("country", "code"), ("name", "population", "population_year")
    ),
    AreaKind.SUBSTATION_AREAS: _Shape(tables.SubstationArea, ("code",), ("name", "country")),
    AreaKind.MARKET_ZONES: _Shape(tables.MarketZone, ("code",), ("name", "country")),
}
TYPES: dict[str, Any] = {"population": Integer, "population_year": Integer}


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What became of a file. With faults nothing was stored; overlaps and repairs are notices."""

    kind: AreaKind
    digest: str  # SHA-256 of the file as it came
    features: int = 0
    vertices: int = 0
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    repaired: tuple[Repaired, ...] = ()
    overlap_count: int = 0
    overlaps: tuple[Overlap, ...] = ()  # The largest ones.
    fault_count: int = 0
    faults: tuple[Fault, ...] = ()


class ImportRefused(DomainError):
    """Nothing was stored; the report lists why."""

    def __init__(self, report: ImportReport) -> None:
        super().__init__(f"Nothing was imported, {report.fault_count} faults. The first: {report.faults[0]}")
        self.report = report


@dataclass(frozen=True, slots=True)
class AreaFile:
    """A file that was read without a fault."""

    kind: AreaKind
    digest: str
    reading: Reading


async def import_areas(
    session: AsyncSession, content: bytes, *, actor: str, kind: AreaKind, fields: Fields, **options: Any
) -> ImportReport:
    """Read and store a file, with the options of `read`. Raises ImportRefused, and has then changed nothing."""
    return await store(session, await read(content, kind=kind, fields=fields, **options), actor=actor)


async def read(
    content: bytes,
    *,
    kind: AreaKind,
    fields: Fields,
    repair: Repair | None = None,
    limits: ImportLimits = ORDINARY,
    run: Callable[..., Awaitable[Reading]] = asyncio.to_thread,
) -> AreaFile:
    """The areas of a file, read where `run` calls a function. Raises ImportRefused."""
    digest = hashlib.sha256(content).hexdigest()
    try:
        reading = await run(read_features, content, fields, repair, limits)
    except FileRefused as refusal:
        fault = Fault(None, None, refusal.message)
        raise ImportRefused(ImportReport(kind, digest, fault_count=1, faults=(fault,))) from refusal
    faults = [*reading.faults, *_repeated(reading.records, SHAPES[kind].key)]
    if faults:
        raise ImportRefused(_refusal(kind, digest, reading, faults, limits))
    return AreaFile(kind, digest, reading)


async def store(session: AsyncSession, file: AreaFile, *, actor: str) -> ImportReport:
    """Store the areas of a file in the caller's transaction."""
    shape, reading = SHAPES[file.kind], file.reading
    created, updated = await _store(session, shape, reading.records)
    found = await areas.overlaps(session, shape.table, await _ids(session, shape.table, reading.records))
    report = ImportReport(
        kind=file.kind,
        digest=file.digest,
        features=reading.features,
        vertices=reading.vertices,
        created=created,
        updated=updated,
        unchanged=len(reading.records) - created - updated,
        repaired=tuple(reading.repaired),
        overlap_count=len(found),
        overlaps=tuple(found[:OVERLAPS_LISTED_MAX]),
    )
    await _record_import(session, report, actor)
    return report


def _refusal(kind: AreaKind, digest: str, reading: Reading, faults: list[Fault], limits: ImportLimits) -> ImportReport:
    in_order = sorted(faults, key=lambda fault: fault.feature or 0)
    return ImportReport(
        kind,
        digest,
        features=reading.features,
        vertices=reading.vertices,
        fault_count=len(in_order),
        faults=tuple(in_order[: limits.faults]),
    )


def _repeated(records: Sequence[Record], key: tuple[str, ...]) -> Iterator[Fault]:
    """Features whose code an earlier one has."""
    first: dict[tuple[str, ...], int] = {}
    for record in records:
        feature = first.setdefault(tuple(getattr(record, name) for name in key), record.feature)
        if feature != record.feature:
            yield Fault(record.feature, record.code, f"its code is that of feature {feature}")


async def _store(session: AsyncSession, shape: _Shape, records: Sequence[Record]) -> tuple[int, int]:
    """How many rows were created and how many updated."""
    # Two imports that meet wait for each other instead of locking each other out.
    in_order = iter(sorted(records, key=lambda record: (record.country, record.code)))
    created = updated = 0
    while batch := list(islice(in_order, ROWS_AT_ONCE)):
        is_new = list(await session.scalars(_upsert(shape, batch)))
        created += is_new.count(True)
        updated += is_new.count(False)
    return created, updated


def _upsert(shape: _Shape, records: Sequence[Record]) -> Any:
    """Insert rows or update those that differ; returns for each row written whether it is new."""
    names = (*shape.key, *shape.facts)
    arrays: dict[str, tuple[Any, list[Any]]] = {
        "id": (Uuid, [new_id() for _ in records]),
        **{name: (TYPES.get(name, Text), [getattr(record, name) for record in records]) for name in names},
        "wkb": (LargeBinary, [record.boundary.wkb for record in records]),
    }
    given = (
        func.unnest(*(bindparam(f"given_{name}", values, type_=ARRAY(kind)) for name, (kind, values) in arrays.items()))
        .table_valued(*(column(name, kind) for name, (kind, _) in arrays.items()))
        .render_derived()
    )
    row = select(given.c.id, *(given.c[name] for name in names), st.ST_GeomFromWKB(given.c.wkb, SRID))
    insertion = insert(shape.table).from_select(["id", *names, "boundary"], row)
    compared = (*shape.facts, "boundary")
    columns = shape.table.__table__.c
    return insertion.on_conflict_do_update(
        index_elements=list(shape.key),
        set_={name: insertion.excluded[name] for name in compared},
        where=or_(*(columns[name].is_distinct_from(insertion.excluded[name]) for name in compared)),
    ).returning(literal_column("xmax = 0"))  # A row version that was inserted has no predecessor.


async def _ids(session: AsyncSession, table: AreaTable, records: Sequence[Record]) -> list[UUID]:
    codes = bindparam("codes", [record.code for record in records], type_=ARRAY(Text))
    countries = bindparam("countries", sorted({record.country for record in records}), type_=ARRAY(Text))
    query = select(table.id).where(table.code == func.any(codes), table.country == func.any(countries))
    return list(await session.scalars(query))


async def _record_import(session: AsyncSession, report: ImportReport, actor: str) -> None:
    facts = {
        "digest": report.digest,
        "features": report.features,
        "created": report.created,
        "updated": report.updated,
        "unchanged": report.unchanged,
        "repaired": [repaired.code for repaired in report.repaired],
        "overlaps": report.overlap_count,
    }
    subject = SHAPES[report.kind].table.__name__
    await entries.record(
        session, f"import_{report.kind.name.lower()}", actor=actor, subject=(subject, None), facts=facts
    )
