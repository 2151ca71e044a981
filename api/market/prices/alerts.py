"""Price alerts over GraphQL: one's own, to make, change and remove; and the look whether a tick crossed one."""

import strawberry

from api.engine.declarations import Node, entity, leading
from api.engine.fields import column, edge, many
from api.graphql.context import Info
from api.graphql.mutations import REFUSED, Payload, UserError, mutation, refusal
from api.graphql.scalars import DateTime, Micro, key_of
from api.graphql.words import describe
from domain.market.prices import alerts, visibility
from domain.market.prices.alerts import Watch
from domain.market.prices.tables import AlertDirection
from domain.market.prices.tables import PriceAlert as PriceAlertTable

describe(
    AlertDirection,
    "From which side a price reaches the threshold of an alert.",
    ABOVE="Tell when a price is at the threshold or above it.",
    BELOW="Tell when a price is at the threshold or below it.",
)
COOL_DOWN = "After telling it is silent for so many minutes, 1 to 10080; it tells once where this is null."


@entity(PriceAlertTable, visible=visibility.own_price_alerts)
class PriceAlert(Node):
    """A price that its owner wants to hear of. Visible to its owner alone.

    A tick of the market, cleared or indicative, crosses where it is at the threshold or beyond and the tick before it,
    of the same delivery interval, was not, or where it is the interval's first. Each crossing is told once at most.
    """

    market = edge(PriceAlertTable.market_id, "Market", "The market whose prices it watches.")
    direction: AlertDirection = column(PriceAlertTable.direction, "From which side the threshold is reached.")
    threshold_ueur_per_kwh: Micro = column(
        PriceAlertTable.threshold_ueur_per_kwh, "The price it waits for, EUR/kWh.", name="threshold"
    )
    cool_down_minutes: int | None = column(PriceAlertTable.cool_down_minutes, COOL_DOWN)
    is_active: bool = column(PriceAlertTable.is_active, "Whether it waits; an alert that tells once is done then.")
    times_fired: int = column(PriceAlertTable.times_fired, "How often it has told.")
    last_fired_at: DateTime | None = column(
        PriceAlertTable.last_fired_at, "When the tick came that it told of last; null where there was none."
    )
    version: int = column(PriceAlertTable.version, "Counts the changes of its owner; needed to change it.")
    created_at: DateTime = column(PriceAlertTable.created_at, "When it was made.")


@strawberry.type(description="No more price alerts are possible.")
class TooManyPriceAlerts(UserError):
    limit: int = strawberry.field(description="How many a user may have.")


@refusal(alerts.TooManyPriceAlerts)
def _too_many(error: alerts.TooManyPriceAlerts) -> UserError:
    return TooManyPriceAlerts(code=REFUSED, message=error.message, path=None, limit=error.limit)


@strawberry.input(description="A price to be told of.")
class CreatePriceAlertInput:
    market_id: strawberry.ID = strawberry.field(description="Id of the market.")
    threshold_ueur_per_kwh: Micro = strawberry.field(name="threshold", description="The price, -4 to 4 EUR/kWh.")
    direction: AlertDirection = strawberry.field(description="From which side it is reached.")
    cool_down_minutes: int | None = strawberry.field(default=None, description=COOL_DOWN)


@strawberry.type(description="A price alert that was made.")
class CreatePriceAlertPayload(Payload):
    price_alert = edge(None, "PriceAlert", "The alert.")


@strawberry.input(description="A price alert as it shall be; it waits anew, for ticks from now on.")
class UpdatePriceAlertInput:
    id: strawberry.ID = strawberry.field(description="Id of an alert of the caller's.")
    expected_version: int = strawberry.field(description="Version that the caller read.")
    threshold_ueur_per_kwh: Micro = strawberry.field(name="threshold", description="The price, -4 to 4 EUR/kWh.")
    direction: AlertDirection = strawberry.field(description="From which side it is reached.")
    cool_down_minutes: int | None = strawberry.field(default=None, description=COOL_DOWN)
    is_active: bool = strawberry.field(default=True, description="Whether it waits.")


@strawberry.type(description="A price alert that was changed.")
class UpdatePriceAlertPayload(Payload):
    price_alert = edge(None, "PriceAlert", "The alert.")


@strawberry.input(description="The price alert to forget.")
class RemovePriceAlertInput:
    id: strawberry.ID = strawberry.field(description="Id of an alert of the caller's.")


@strawberry.type(description="A price alert that was forgotten.")
class RemovePriceAlertPayload(Payload):
    removed_id: strawberry.ID | None = strawberry.field(default=None, description="The id that it had.")


@strawberry.type
class PriceAlertViewer:
    price_alerts = many("PriceAlert", "Price alerts of the viewer, oldest first.")


@strawberry.type
class PriceAlertMutations:
    @mutation("Ask to be told when a price of a market crosses a threshold; at most 50 a user.")
    async def create_price_alert(self, info: Info, input: CreatePriceAlertInput) -> CreatePriceAlertPayload:
        market_id = key_of(input.market_id, "Market", "marketId")
        async with info.context.transaction() as session:
            alert_id = await alerts.create(session, info.context.caller, market_id, _watch(input))
        return leading(CreatePriceAlertPayload(), price_alert=alert_id)

    @mutation("Change a price alert, or let one that has told wait again.")
    async def update_price_alert(self, info: Info, input: UpdatePriceAlertInput) -> UpdatePriceAlertPayload:
        alert_id = key_of(input.id, "PriceAlert", "id")
        async with info.context.transaction() as session:
            await alerts.change(
                session,
                info.context.caller,
                alert_id,
                _watch(input),
                is_active=input.is_active,
                expected_version=input.expected_version,
            )
        return leading(UpdatePriceAlertPayload(), price_alert=alert_id)

    @mutation("Forget a price alert.")
    async def remove_price_alert(self, info: Info, input: RemovePriceAlertInput) -> RemovePriceAlertPayload:
        alert_id = key_of(input.id, "PriceAlert", "id")
        async with info.context.transaction() as session:
            await alerts.remove(session, info.context.caller, alert_id)
        return RemovePriceAlertPayload(removed_id=input.id)


def _watch(given: CreatePriceAlertInput | UpdatePriceAlertInput) -> Watch:
    return Watch(given.threshold_ueur_per_kwh, given.direction, given.cool_down_minutes)
