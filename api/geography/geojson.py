"""GeoJSON scalars, and how a geometry that is refused is shown."""

from typing import Any, NewType

import orjson
import strawberry

from api.graphql.mutations import ErrorCode, UserError, refusal
from api.graphql.scalars import SCALARS
from api.transport.terms.errors import BadUserInput
from domain.geography.geometry import GeometryInvalid, GeometryTooComplex, LonLat

GEOMETRY_INVALID = ErrorCode("GEOMETRY_INVALID", "The geometry is not valid; the message says why and where.")
GEOMETRY_TOO_COMPLEX = ErrorCode(
    "GEOMETRY_TOO_COMPLEX", "The geometry has more positions, rings or parts than allowed."
)

RFC7946 = "https://www.rfc-editor.org/rfc/rfc7946"
SHARED = (
    "A GeoJSON object (RFC 7946), not text: longitude before latitude, EPSG:4326, at most six decimals. "
    "Answers have exterior rings counter-clockwise; input may run either way, must be closed and valid, and is refused "
    "with GEOMETRY_INVALID or GEOMETRY_TOO_COMPLEX otherwise."
)

# Python values: on the way in the decoded object, on the way out GeoJSON text.
GeoJSONPoint = NewType("GeoJSONPoint", object)
GeoJSONPolygon = NewType("GeoJSONPolygon", object)
GeoJSONMultiPolygon = NewType("GeoJSONMultiPolygon", object)


def _serialize(text: str) -> orjson.Fragment:
    """The stored text goes out as it is."""
    return orjson.Fragment(text)


def _scalar(name: str, kinds: tuple[str, ...], about: str) -> Any:
    def parse(value: Any) -> dict[str, Any]:
        """The object as it came; the operation that stores it checks all the rest."""
        if not isinstance(value, dict) or value.get("type") not in kinds:
            raise BadUserInput(f"A {name} is a GeoJSON object whose type is {' or '.join(kinds)}.")
        return value

    return strawberry.scalar(
        name=name, description=f"{about} {SHARED}", specified_by_url=RFC7946, serialize=_serialize, parse_value=parse
    )


SCALARS.update(
    {
        GeoJSONPoint: _scalar("GeoJSONPoint", ("Point",), "A position."),
        GeoJSONPolygon: _scalar("GeoJSONPolygon", ("Polygon",), "An area in one piece."),
        GeoJSONMultiPolygon: _scalar(
            "GeoJSONMultiPolygon",
            ("MultiPolygon", "Polygon"),
            "An area in one or more pieces; a Polygon is taken as one piece.",
        ),
    }
)


@strawberry.type(description="A place in degrees, EPSG:4326.")
class Position:
    longitude: float = strawberry.field(description="Degrees east, -180 to 180.")
    latitude: float = strawberry.field(description="Degrees north, -90 to 90.")


@strawberry.type(description="The geometry may not be stored as it is.")
class InvalidGeometry(UserError):
    reason: str = strawberry.field(description="What is wrong, such as self-intersection.")
    location: Position | None = strawberry.field(description="Where, when the fault has a place.")


@strawberry.type(description="The geometry is larger than allowed.")
class TooComplexGeometry(UserError):
    limit: str = strawberry.field(description="What there is too much of: positions, rings, polygons, depth, area_km2.")
    value: float = strawberry.field(description="How much there is.")
    maximum: float = strawberry.field(description="How much is allowed.")


@refusal(GeometryInvalid)
def _invalid(error: GeometryInvalid) -> UserError:
    return InvalidGeometry(
        code=GEOMETRY_INVALID,
        message=error.message,
        path=None,
        reason=error.reason,
        location=position_of(error.location),
    )


@refusal(GeometryTooComplex)
def _too_complex(error: GeometryTooComplex) -> UserError:
    return TooComplexGeometry(
        code=GEOMETRY_TOO_COMPLEX,
        message=error.message,
        path=None,
        limit=error.limit,
        value=error.value,
        maximum=error.maximum,
    )


def position_of(location: LonLat | None) -> Position | None:
    """A place as clients see it."""
    return None if location is None else Position(longitude=location[0], latitude=location[1])
