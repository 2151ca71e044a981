"""GeoJSON features read into records, with every fault named; nothing is stored here."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import shapely
from shapely import MultiPolygon

from domain.geography import geojson, geometry
from domain.geography.feature_files import ORDINARY, FileRefused, ImportLimits, features_in
from domain.geography.geometry import GeometryInvalid, GeometryTooComplex, LonLat
from domain.geography.properties import (
    CODE_LENGTH_MAX,
    NAME_LENGTH_MAX,
    Fields,
    Unfit,
    country_of,
    text_of,
    value_of,
    whole_of,
)
from domain.kernel.errors import DomainError


class Repair(StrEnum):
    """How an import may mend invalid geometry: rings kept as shells and holes, collapsed parts dropped."""

    STRUCTURE = "structure"


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a file is refused: which feature (from 0; None: the file itself), its code, and where (lon, lat) if known."""

    feature: int | None
    code: str | None
    reason: str
    position: LonLat | None = None

    def __str__(self) -> str:
        place = "" if self.position is None else " at {}, {}".format(*self.position)
        named = "" if self.code is None else f" ({self.code})"
        return (
            f"{self.reason}{place}" if self.feature is None else f"feature {self.feature}{named}: {self.reason}{place}"
        )


@dataclass(frozen=True, slots=True)
class Repaired:
    """An invalid boundary that was mended, and what had been wrong with it."""

    feature: int
    code: str
    reason: str
    position: LonLat | None


@dataclass(frozen=True, slots=True)
class Record:
    """One area as it will be stored."""

    feature: int
    code: str
    name: str
    country: str
    population: int | None
    population_year: int | None
    boundary: MultiPolygon


@dataclass(slots=True)
class Reading:
    """What a file holds."""

    features: int = 0
    vertices: int = 0
    records: list[Record] = field(default_factory=list)
    repaired: list[Repaired] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)


def read_features(
    content: bytes, fields: Fields, repair: Repair | None = None, limits: ImportLimits = ORDINARY
) -> Reading:
    """Read a FeatureCollection, plain or gzipped. Pure and slow: 2,000 areas of 250 vertices take half a second.

    Raises FileRefused where no feature can be read; faults of features are listed in the result.
    """
    reading = Reading()
    for feature, value in enumerate(features_in(content, limits)):
        reading.features += 1
        try:
            record = _record(feature, value, fields, repair, reading, limits)
        except (Unfit, GeometryInvalid, GeometryTooComplex) as refusal:
            reading.faults.append(_fault(feature, value, fields, refusal))
            continue
        reading.records.append(record)
        reading.vertices += int(shapely.get_num_coordinates(record.boundary))
        if reading.vertices > limits.vertices:
            raise FileRefused(f"The file has more than {limits.vertices:,} vertices.")
    return reading


def _record(
    feature: int, value: Any, fields: Fields, repair: Repair | None, reading: Reading, limits: ImportLimits
) -> Record:
    if not isinstance(value, Mapping) or value.get("type") != "Feature":
        raise Unfit("it is not a Feature")
    geojson.check_reference_system(value)
    properties = value.get("properties")
    if not isinstance(properties, Mapping):
        raise Unfit("it has no properties")
    code = text_of(properties, fields.code, CODE_LENGTH_MAX)
    return Record(
        feature=feature,
        code=code,
        name=text_of(properties, fields.name, NAME_LENGTH_MAX),
        country=country_of(properties, fields.country),
        population=whole_of(properties, fields.population, 0, 2**31 - 1),
        population_year=whole_of(properties, fields.population_year, 1800, 2200),
        boundary=_boundary(feature, code, value, repair, reading, limits),
    )


def _boundary(
    feature: int, code: str, value: Any, repair: Repair | None, reading: Reading, limits: ImportLimits
) -> MultiPolygon:
    if value.get("geometry") is None:
        raise Unfit("it has no geometry")
    drawn = geojson.read_unchecked(value["geometry"], limits.geometry)
    try:
        return geometry.checked(drawn, limits.geometry)
    except GeometryInvalid as refusal:
        if repair is None:
            raise
        if len(reading.repaired) == limits.repairs:
            raise GeometryInvalid(
                f"{refusal.reason}; no more than {limits.repairs} are repaired", refusal.location
            ) from refusal
        reading.repaired.append(Repaired(feature, code, refusal.reason, refusal.location))
        return geometry.checked(_mended(drawn, refusal, limits), limits.geometry)


def _mended(drawn: MultiPolygon, refusal: GeometryInvalid, limits: ImportLimits) -> MultiPolygon:
    try:
        return geometry.repaired(drawn, limits.repair_vertices)
    except GeometryTooComplex as too_large:
        reason = f"{refusal.reason}; {too_large.value} vertices are too many to repair (at most {too_large.maximum})"
        raise GeometryInvalid(reason, refusal.location) from too_large


def _fault(feature: int, value: Any, fields: Fields, refusal: DomainError) -> Fault:
    reason = refusal.reason if isinstance(refusal, GeometryInvalid) else refusal.message
    location = refusal.location if isinstance(refusal, GeometryInvalid) else None
    return Fault(feature, _code_if_any(value, fields), reason, location)


def _code_if_any(value: Any, fields: Fields) -> str | None:
    """The code to name a refused feature by, if it has one."""
    properties = value.get("properties") if isinstance(value, Mapping) else None
    if not isinstance(properties, Mapping):
        return None
    try:
        code = value_of(properties, fields.code)
    except Unfit:
        return None
    return code[:CODE_LENGTH_MAX] if isinstance(code, str) else None
