"""Clearings and prices are public; trades are for who is signed in as a person or may read for one."""

from tests.api.authorization.decisions import EVER, SILENT, Followed, WhoSees, leads_to_nothing_hidden, told_to_all
from tests.api.authorization.people import BOB, EVERYBODY, GUS, NOBODY, PUBLIC


def told_of_trades(role: str, is_seen: bool) -> str:
    """Trades are left out of the stream of who may not see them."""
    return SILENT if role == "meter gateway" else told_to_all(role, is_seen)


WHO_SEES = WhoSees(
    expected={
        "Clearing": PUBLIC,
        "Trade": {"gus to bob": EVERYBODY - {"nobody", "meter gateway"}},
        "Job": {"nobody's": NOBODY},
    },
    narrower={"Viewer.trades": {"gus to bob": BOB | GUS}},
    computed={
        "TradeEvent.trade": leads_to_nothing_hidden,
        "FillExplanation.clearing": leads_to_nothing_hidden,  # Clearings are public.
    },
    reviewed=frozenset(
        {
            "Order.explanation",  # Of an order that the viewer may see; it names prices, never others.
            "Market.orderBook",  # Prices are public.
            "Market.prices",
            "Clearing.classPrices",
            "Clearing.parameters",
        }
    ),
    filters={("Viewer.trades", "delivery"): (lambda id_of: EVER, {"gus to bob"})},
    subscriptions={
        "trades": Followed(
            "Market",
            lambda id, start_of: (
                f'subscription {{ trades(marketId: "{id}", after: "{start_of("trades")}") {{ trade {{ id }} }} }}'
            ),
            told_of_trades,
        ),
        "priceTicks": Followed(
            "Market",
            lambda id, start_of: (
                f'subscription {{ priceTicks(marketId: "{id}", after: "{start_of("prices")}") {{ price }} }}'
            ),
        ),
        "orderBook": Followed(
            "Market",
            lambda id, start_of: (
                f'subscription {{ orderBook(marketId: "{id}", deliveryStart: "2100-01-01T00:00:00Z")'
                " { deliveryStart } }"
            ),
        ),
    },
)
