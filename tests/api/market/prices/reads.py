"""How the compiled path and random operations read this room."""

from tests.api.engine.declared import IN_PYTHON, Reads

READS = Reads(
    not_compiled={
        "Market.forecast": IN_PYTHON,
        "Market.gridTariffs": IN_PYTHON,
        "Market.modelPrice": IN_PYTHON,
        "Market.modelPrices": IN_PYTHON,
        "Market.priceModel": IN_PYTHON,
    }
)
