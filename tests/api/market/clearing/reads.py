"""How the compiled path and random operations read this room."""

from tests.api.engine.declared import IN_PYTHON, Reads

READS = Reads(
    not_compiled={
        "Clearing.classPrices": IN_PYTHON,
        "Clearing.parameters": IN_PYTHON,
        "Market.orderBook": IN_PYTHON,
        "Market.prices": IN_PYTHON,
        "Order.explanation": IN_PYTHON,
    },
    kept=frozenset(
        {
            "clearing.batch",  # Shown as an instant.
            "clearing.bought_ukwh",  # Prices add them up: 64 bits hold any energy there is.
            "clearing.sold_ukwh",
            "clearing.price_low_ueur_per_kwh",  # Explanations of orders add the cost of a link, and turn limits round.
            "clearing.price_high_ueur_per_kwh",
        }
    ),
    choices={"depth": (1, 3, 100, 0, 101)},
    seldom=frozenset({"Market.prices", "Market.orderBook"}),
)
