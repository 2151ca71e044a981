"""Carbon avoided by certified energy: its kWh x what the grid of its country emits, by a stated factor and method.

    avoided_g = energy_kWh x factor_g_per_kWh (`regulation.md` section 6), rounded half-even to the milligram

Counted by the national location-based factor of the newest year that is not after the energy's own; the residual mix is
the right one where a market-based figure is asked for, and none is stored. Without a factor there is no figure, and the
reason says so.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.kernel.database import among
from domain.kernel.quantities import round_half_even
from domain.market.delivery.tables import EmissionFactor

WH_PER_KWH = 1_000
LOCATION_BASED = "LOCATION_BASED"


@dataclass(frozen=True, slots=True)
class Factor:
    """What a kWh from a country's grid emits, mg of CO2 equivalent, and where the figure comes from."""

    country: str
    year: int
    mg_per_kwh: int
    method: str
    source: str
    is_example: bool

    def avoided_mg(self, energy_wh: int) -> int:
        """What energy in Wh avoids, mg."""
        return round_half_even(energy_wh * self.mg_per_kwh, WH_PER_KWH)


async def factors(connection: AsyncConnection, countries: Collection[str]) -> list[Factor]:
    """Location-based factors of countries, the newest year first."""
    query = (
        select(
            EmissionFactor.country,
            EmissionFactor.year,
            EmissionFactor.mg_per_kwh,
            EmissionFactor.method,
            EmissionFactor.source,
            EmissionFactor.is_example,
        )
        .where(among(EmissionFactor.country, sorted(countries)), EmissionFactor.method == LOCATION_BASED)
        .order_by(EmissionFactor.country, EmissionFactor.year.desc())
    )
    return [Factor(*row) for row in await connection.execute(query)]


def factor_for(known: Collection[Factor], country: str, at: datetime) -> Factor | None:
    """The factor for energy delivered in a country at an instant: of the newest year that is not after it."""
    fitting = [factor for factor in known if factor.country == country and factor.year <= at.year]
    return max(fitting, key=lambda factor: factor.year, default=None)
