"""Frameworks: the rules communities follow."""

from typing import Any

import strawberry

from api.engine.declarations import Node, entity
from api.engine.fields import column, many
from api.graphql.scalars import Date
from domain.communities import visibility
from domain.communities.tables import Framework as Table
from domain.communities.tables import FrameworkCode
from domain.kernel.intervals import METER_RESOLUTION, Resolution
from domain.sharing.tables import KeyKind


@strawberry.type(description="A limit that a framework sets.")
class FrameworkParameter:
    name: str = strawberry.field(description="What is limited, with its unit, such as plant_power_kw_max.")
    value: str = strawberry.field(description="The value as text: a number or a date.")


@entity(
    Table,
    visible=visibility.frameworks,
    carries={"minutes": Table.interval_minutes, "keys": Table.allowed_keys, "rules": Table.parameters},
)
class Framework(Node):
    """A rule set in force from a date, with its source. Visible to everybody."""

    code: FrameworkCode = column(Table.code, "The tradition.")
    name: str = column(Table.name, "Name, in English.")
    country: str | None = column(Table.country, "Where it holds, ISO 3166-1 alpha-2; null where any country will do.")
    needs_substation_area: bool = column(
        Table.needs_substation_area, "Whether all metering points must lie in one primary-substation area."
    )
    source: str = column(Table.source, "The law or agreement that says so.")
    valid_from: Date = column(Table.valid_from, "First day on which the rules hold.")
    valid_to: Date | None = column(Table.valid_to, "First day on which they no longer hold; null while they do.")

    @strawberry.field(description="Interval in which energy is shared.")
    def interval(self) -> Resolution:
        return METER_RESOLUTION[self.__dict__["minutes"]]

    @strawberry.field(description="Kinds of sharing keys that are allowed.")
    def allowed_keys(self) -> list[KeyKind]:
        return [KeyKind(key) for key in self.__dict__["keys"]]

    @strawberry.field(description="Limits and dates, by name.")
    def parameters(self) -> list[FrameworkParameter]:
        rules: dict[str, Any] = self.__dict__["rules"]
        return [FrameworkParameter(name=name, value=str(value)) for name, value in sorted(rules.items())]


@strawberry.type
class FrameworkQueries:
    frameworks = many("Framework", "Frameworks, past and present.")
