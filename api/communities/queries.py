"""Lists of communities."""

from enum import Enum
from typing import Any

import strawberry
from sqlalchemy import ColumnElement

from api.communities.frameworks import FrameworkQueries
from api.engine.declarations import Order
from api.engine.fields import many
from api.graphql.scalars import key_of
from api.graphql.words import describe
from api.transport.terms.errors import BadUserInput
from domain.communities import tables
from domain.communities.tables import CommunityKind, CommunityStatus, FrameworkCode

TEXT_MAX = 200


class CommunityOrder(Enum):
    """The first one is the default."""

    FOUNDED = Order()
    NAME = Order(tables.Community.name)


describe(CommunityOrder, "Order of a list of communities.", FOUNDED="Oldest first.", NAME="By name.")


@strawberry.input(description="Which communities; all the given conditions must hold.")
class CommunityFilter:
    framework: FrameworkCode | None = strawberry.field(default=None, description="Those under a framework.")
    kind: CommunityKind | None = strawberry.field(default=None, description="Those of a kind.")
    status: CommunityStatus | None = strawberry.field(default=None, description="Those that stand so.")
    country: str | None = strawberry.field(default=None, description="Those of a country, ISO 3166-1 alpha-2.")
    name: str | None = strawberry.field(default=None, description="Those with this in their name, in any case.")
    substation_area_id: strawberry.ID | None = strawberry.field(
        default=None, description="Those bounded by a primary-substation area."
    )


def conditions(given: CommunityFilter) -> list[ColumnElement[bool]]:
    """The filter as SQL. Raises BadUserInput."""
    table = tables.Community
    area_id = given.substation_area_id
    pairs: list[tuple[Any, Any]] = [
        (table.framework_code, given.framework),
        (table.kind, given.kind),
        (table.status, given.status),
        (table.country, _plain(given.country, "country")),
        (table.substation_area_id, None if area_id is None else key_of(area_id, "SubstationArea", "substationAreaId")),
    ]
    found: list[ColumnElement[bool]] = [column == value for column, value in pairs if value is not None]
    name = _plain(given.name, "name")
    return found if name is None else [*found, table.name.icontains(name, autoescape=True)]


def _plain(text: str | None, argument: str) -> str | None:
    if text is not None and (len(text) > TEXT_MAX or not text.isprintable()):
        raise BadUserInput(f"{argument} has at most {TEXT_MAX} printable characters.", argument=argument)
    return text


@strawberry.type
class CommunityQueries(FrameworkQueries):
    communities = many(
        "Community",
        "Communities that the viewer may see.",
        filter=CommunityFilter,
        where=conditions,
        orders=CommunityOrder,
    )
