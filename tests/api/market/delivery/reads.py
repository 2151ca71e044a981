"""How the compiled path and random operations read this room."""

from tests.api.engine.declared import IN_PYTHON, NARROWER, Reads

READS = Reads(
    not_compiled={
        "Certificate.cancellations": IN_PYTHON,
        "Certificate.carbon": IN_PYTHON,
        "Certificate.carbonUnknownBecause": IN_PYTHON,
        "Certificate.isCancelled": IN_PYTHON,
        "Certificate.number": IN_PYTHON,
        "Market.deliveryTotals": IN_PYTHON,
        "TradeDelivery.amount": IN_PYTHON,
        "TradeDelivery.lines": IN_PYTHON,
        "TradeDelivery.trade": NARROWER,
    },
    kept=frozenset(
        {
            "certificate_holding.owned_wh",  # So are Wh.
            "certificate_holding.cancelled_wh",
        }
    ),
)
