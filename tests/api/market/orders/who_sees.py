"""Orders are their owner's alone."""

from tests.api.authorization.decisions import EVER, Given, WhoSees
from tests.api.authorization.people import ADA, BOB, GUS, TRADES_FOR_ADA, Seen

ORDERS: Seen = {"bob's": BOB, "gus's": GUS, "ada's": ADA | TRADES_FOR_ADA}
WHO_SEES = WhoSees(
    expected={"Order": ORDERS},
    narrower={"Viewer.orders": ORDERS, "Market.orders": ORDERS},
    filters={
        ("Viewer.orders", "status"): (lambda id_of: "[OPEN, FILLED]", {"bob's", "gus's", "ada's"}),
        ("Viewer.orders", "side"): (lambda id_of: "BUY", {"bob's", "ada's"}),
        ("Viewer.orders", "delivery"): (lambda id_of: EVER, {"bob's", "gus's", "ada's"}),
    },
    mutations={
        "placeOrder": Given(),
        "amendOrder": Given(lambda id: {"id": id("Order"), "idempotencyKey": "k"}, {"Order": "gus's"}),
        "cancelOrder": Given(lambda id: {"id": id("Order")}, {"Order": "gus's"}),
    },
)
