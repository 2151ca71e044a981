"""Files of GeoJSON features, plain or gzipped: how large they may be, and what makes one unreadable."""

import gzip
import io
import zlib
from dataclasses import dataclass
from typing import Any

import orjson

from domain.geography import geojson, geometry
from domain.geography.geometry import GeometryLimits
from domain.kernel.errors import DomainError

GZIP_MAGIC = b"\x1f\x8b"
# What operators and statistical offices publish: coasts, islands, whole countries.
PUBLISHED = GeometryLimits(positions=200_000, polygons=20_000, rings=50_000, area_km2=20_000_000)


@dataclass(frozen=True, slots=True)
class ImportLimits:
    """How much one file may hold."""

    unpacked_bytes: int = 128 * 2**20
    features: int = 50_000
    vertices: int = 5_000_000
    faults: int = 100  # Listed; all are counted.
    repairs: int = 100
    repair_vertices: int = 500  # For each repaired feature.
    geometry: GeometryLimits = PUBLISHED


ORDINARY = ImportLimits()


class FileRefused(DomainError):
    """The file cannot be read as a collection of features."""


def features_in(content: bytes, limits: ImportLimits) -> list[Any]:
    """The members of a FeatureCollection, not looked at yet. Raises FileRefused."""
    return _features(_unpacked(content, limits), limits)


def _unpacked(content: bytes, limits: ImportLimits) -> bytes:
    """The text of a file that may be gzipped; a bomb is noticed one byte after the limit."""
    if content.startswith(GZIP_MAGIC):
        try:
            with gzip.open(io.BytesIO(content)) as packed:
                content = packed.read(limits.unpacked_bytes + 1)
        except (OSError, EOFError, zlib.error) as error:
            raise FileRefused(f"The file is not whole gzip data: {error}.") from error
    if len(content) > limits.unpacked_bytes:
        raise FileRefused(f"The file is larger than {limits.unpacked_bytes:,} bytes.")
    return content


def _features(content: bytes, limits: ImportLimits) -> list[Any]:
    try:
        collection = orjson.loads(content)
    except orjson.JSONDecodeError as error:
        raise FileRefused(f"The file is not JSON: {error.msg}, line {error.lineno}, column {error.colno}.") from error
    if not isinstance(collection, dict) or collection.get("type") != "FeatureCollection":
        raise FileRefused("The file is not a GeoJSON FeatureCollection.")
    features = collection.get("features")
    if not isinstance(features, list) or not features:
        raise FileRefused("The collection has no features.")
    if len(features) > limits.features:
        raise FileRefused(f"The file has {len(features):,} features, at most {limits.features:,} are allowed.")
    try:
        geojson.check_reference_system(collection)
    except geometry.ReferenceSystemRefused as refusal:
        raise FileRefused(refusal.message) from refusal
    return features
