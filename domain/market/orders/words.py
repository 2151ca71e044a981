"""Words that this room declares: kinds of notice, and what is said of an order in any of them."""

from domain.events.notices import NoticeKind, Wording, when

THE_ORDER = (
    when(
        "Your order: buy {order_ukwh} in each delivery interval at no more than {limit_price_ueur_per_kwh}, "
        "delivery {order_delivery}.",
        side="BUY",
        is_in_each_interval=True,
    ),
    when(
        "Your order: sell {order_ukwh} in each delivery interval at no less than {limit_price_ueur_per_kwh}, "
        "delivery {order_delivery}.",
        side="SELL",
        is_in_each_interval=True,
    ),
    when(
        "Your order: buy {order_ukwh} at no more than {limit_price_ueur_per_kwh}, delivery {order_delivery}.",
        side="BUY",
    ),
    when(
        "Your order: sell {order_ukwh} at no less than {limit_price_ueur_per_kwh}, delivery {order_delivery}.",
        side="SELL",
    ),
    "",
)
ORDER_CLOSED = NoticeKind(
    "ORDER_CLOSED",
    "An order was closed by something else than its owner.",
    wording=Wording(
        (
            when("Your order to buy in {zone} was rejected", side="BUY", status="REJECTED"),
            when("Your order to sell in {zone} was rejected", side="SELL", status="REJECTED"),
            when("Your order was rejected", status="REJECTED"),
            "Your order was closed",
        ),
        [
            (
                when("Your order was rejected; what had not been traded of it is closed.", status="REJECTED"),
                "Your order was closed.",
            ),
            (
                when("Reason: orders in this zone may now be of {limit_ukwh} at most.", reason="ZONE_LIMIT"),
                when("Reason: it exceeds a limit of this zone.", reason="ZONE_LIMIT"),
                "",
            ),
            ("The grid operator says: {said}.", ""),
            THE_ORDER,
        ],
    ),
    about=(("order_id", "Order"),),
)
