"""Fields of an entity that a higher room declares, in whichever order the classes are imported."""

from collections.abc import Iterator

import pytest
import strawberry
from sqlalchemy import true

from api.engine.declarations import ENTITIES, WAITING, Node, entity, extends
from api.engine.fields import column, edge, many
from domain.geography.tables import MarketZone as ZoneTable


@pytest.fixture(autouse=True)
def _forgotten() -> Iterator[None]:
    """What these tests declare is not part of the schema."""
    yield
    ENTITIES.pop("Place", None)
    WAITING.pop("Place", None)


def declare_place() -> None:
    @entity(ZoneTable, visible=lambda viewer: true())
    class Place(Node):
        """A place."""

        name: str = column(ZoneTable.name, "Name.")


def extend_place() -> None:
    @extends("Place")
    class OfPlace:
        code: str = column(ZoneTable.code, "Code.")
        next = edge(ZoneTable.id, "Place", "The next one.", is_optional=True)
        others = many("Place", "Others.", on=ZoneTable.id)

        @strawberry.field(description="Its key, computed.")
        def key(self) -> str:
            return str(self.__dict__["id"])


def sdl() -> str:
    @strawberry.type
    class Query:
        places = many("Place", "Places.")

    return strawberry.Schema(query=Query).as_str()


def test_fields_of_a_higher_room_are_the_entitys_in_either_order() -> None:
    declare_place()
    extend_place()
    first = sdl()
    ENTITIES.pop("Place")
    extend_place()
    declare_place()

    place = ENTITIES["Place"]
    assert sdl() == first
    assert "  next: Place\n" in first
    assert (list(place.columns), list(place.edges), list(place.manys)) == (["name", "code"], ["next"], ["others"])
    assert WAITING.get("Place") is None


def test_a_computed_field_gets_the_record_as_self() -> None:
    declare_place()
    extend_place()

    record = ENTITIES["Place"].record({"id": 7, "name": "x"})
    (key,) = [each for each in ENTITIES["Place"].type.__strawberry_definition__.fields if each.python_name == "key"]
    assert key.base_resolver.wrapped_func(record) == "7"


def test_a_field_is_declared_once() -> None:
    declare_place()
    extend_place()

    with pytest.raises(AssertionError, match="Place has code, key, next, others already"):
        extend_place()


def test_an_edge_to_what_nobody_declares_fails_by_its_name() -> None:
    @strawberry.type
    class Query:
        places = many("Plaice", "A slip of the pen.")

    with pytest.raises(TypeError, match="Plaice"):
        strawberry.Schema(query=Query)
