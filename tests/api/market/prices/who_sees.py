"""Prices are public, and what somebody waits for is theirs alone."""

from tests.api.authorization.decisions import Given, WhoSees
from tests.api.authorization.people import ADA, BOB

WHO_SEES = WhoSees(
    expected={"PriceAlert": {"bob's": BOB, "ada's": ADA}},
    not_even_root=frozenset({"PriceAlert"}),
    reviewed=frozenset(
        {"Market.priceModel", "Market.gridTariffs", "Market.modelPrice", "Market.modelPrices", "Market.forecast"}
    ),
    mutations={
        "setPriceModel": Given(),
        "setGridTariff": Given(),
        "createPriceAlert": Given(),
        "updatePriceAlert": Given(
            lambda id: {"id": id("PriceAlert"), "expectedVersion": 7, "threshold": "0.1", "direction": "ABOVE"},
            {"PriceAlert": "bob's"},
        ),
        "removePriceAlert": Given(lambda id: {"id": id("PriceAlert")}, {"PriceAlert": "bob's"}),
    },
)
