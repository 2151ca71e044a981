"""The factor by which avoided carbon was counted, as it is shown."""

from typing import Any

import strawberry

from api.graphql.scalars import Micro
from domain.market.delivery.emissions import Factor


@strawberry.type(description="What a kWh from the grid of a country emits, by which avoided carbon is counted.")
class EmissionBasis:
    factor_mg_per_kwh: Micro = strawberry.field(
        name="factorKgPerKwh", description="What a kWh from the grid emits, kg of CO2 equivalent."
    )
    country: str = strawberry.field(description="Country of the grid, ISO 3166-1 alpha-2.")
    year: int = strawberry.field(description="Year of the factor: the newest that is not after the energy's.")
    method: str = strawberry.field(description="How it was counted: LOCATION_BASED is the mean of the country's grid.")
    source: str = strawberry.field(description="Who published the factor.")
    is_example: bool = strawberry.field(
        description="Whether the factor is an old one that only shows the calculation, and not to be quoted."
    )


def facts_of(factor: Factor) -> dict[str, Any]:
    """The fields of a basis."""
    return {
        "factor_mg_per_kwh": Micro(factor.mg_per_kwh),
        "country": factor.country,
        "year": factor.year,
        "method": factor.method,
        "source": factor.source,
        "is_example": factor.is_example,
    }


def emission_basis(factor: Factor | None) -> EmissionBasis | None:
    """A factor as it is shown."""
    return None if factor is None else EmissionBasis(**facts_of(factor))
