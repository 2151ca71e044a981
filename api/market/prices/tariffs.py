"""Grid tariffs over GraphQL: what the grid takes and pays per kWh in a zone, and how its operator sets that."""

import strawberry

from api.graphql.context import Info
from api.graphql.mutations import INVALID_INPUT, Payload, UserError, mutation, refusal
from api.graphql.scalars import Date, DateTime, Micro, key_of
from api.graphql.words import describe
from api.market.prices import calendars
from api.market.prices.calendars import Tier, TierInput
from api.resources import clock
from domain.market.prices import tariffs
from domain.market.prices.tables import GridDirection

describe(
    GridDirection,
    "Whether energy comes from the grid or goes to it, seen by a member.",
    IMPORT="What a kWh from the grid costs.",
    EXPORT="What a kWh to the grid earns.",
)
TIMEZONE = 'Time zone of its calendar, such as "Europe/Rome".'


@strawberry.type(description="What a kWh from the grid costs in a zone, or one to it earns. Visible to everybody.")
class GridTariff:
    direction: GridDirection = strawberry.field(description="From the grid or to it.")
    price_ueur_per_kwh: Micro = strawberry.field(name="price", description="Price where no tier holds, EUR/kWh.")
    tiers: list[Tier] = strawberry.field(
        description="Prices of some hours instead, EUR/kWh; the first tier that holds counts. At most 24."
    )
    timezone: str = strawberry.field(description=TIMEZONE)
    holidays: list[Date] = strawberry.field(description="Local days that count as holidays, at most 200.")
    valid_from: DateTime = strawberry.field(description="From when it holds, until a later one does.")


def shown(tariff: tariffs.Tariff) -> GridTariff:
    """A tariff as clients see it."""
    return GridTariff(
        direction=tariff.direction,
        price_ueur_per_kwh=Micro(tariff.price_ueur_per_kwh),
        tiers=calendars.shown(tariff.tiers),
        timezone=tariff.calendar.timezone,
        holidays=calendars.holidays_of(tariff.calendar),
        valid_from=DateTime(tariff.valid_from),
    )


@strawberry.type(description="What was is not changed: it may begin now or later, within three years.")
class BeginsOutOfRange(UserError):
    earliest: DateTime = strawberry.field(description="The first instant from which it may hold.")
    latest: DateTime = strawberry.field(description="The last instant from which it may hold.")


@refusal(tariffs.BeginsOutOfRange)
def _begins_out_of_range(error: tariffs.BeginsOutOfRange) -> UserError:
    return BeginsOutOfRange(
        code=INVALID_INPUT,
        message=error.message,
        path=["validFrom"],
        earliest=DateTime(error.earliest),
        latest=DateTime(error.latest),
    )


@strawberry.input(description="What the grid takes or pays per kWh in a zone from an instant on.")
class SetGridTariffInput:
    zone_id: strawberry.ID = strawberry.field(description="Id of the market zone.")
    direction: GridDirection = strawberry.field(description="From the grid or to it.")
    price_ueur_per_kwh: Micro = strawberry.field(
        name="price", description="Price where no tier holds, -4 to 4 EUR/kWh."
    )
    tiers: list[TierInput] = strawberry.field(
        default_factory=list,
        description="Prices of some hours instead, EUR/kWh; the first that holds counts. At most 24.",
    )
    timezone: str = strawberry.field(default="UTC", description=TIMEZONE)
    holidays: list[Date] = strawberry.field(
        default_factory=list, description="Local days that count as holidays, at most 200."
    )
    valid_from: DateTime | None = strawberry.field(
        default=None, description="From when it holds, within three years; at once where it is left out."
    )


@strawberry.type(description="A grid tariff that was set.")
class SetGridTariffPayload(Payload):
    grid_tariff: GridTariff | None = strawberry.field(default=None, description="The tariff.")


@strawberry.type
class GridTariffMutations:
    @mutation("Set what the grid takes or pays in a zone; for administrators and the operator of the zone.")
    async def set_grid_tariff(self, info: Info, input: SetGridTariffInput) -> SetGridTariffPayload:
        zone_id = key_of(input.zone_id, "MarketZone", "zoneId")
        async with info.context.transaction() as session:
            tariff = await tariffs.set_tariff(
                session,
                info.context.caller,
                zone_id=zone_id,
                direction=input.direction,
                price_ueur_per_kwh=input.price_ueur_per_kwh,
                calendar=calendars.calendar_of(input.timezone, input.holidays),
                tiers=calendars.tiers_of(input.tiers),
                valid_from=input.valid_from,
                now=clock.now(),
            )
        return SetGridTariffPayload(grid_tariff=shown(tariff))
