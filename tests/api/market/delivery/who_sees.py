"""Deliveries are for both sides of a trade, certificates for who owns some of one."""

from tests.api.authorization.decisions import Given, WhoSees
from tests.api.authorization.people import BOB, GUS, NOBODY, Seen

CERTIFICATES: Seen = {"bob's": BOB, "gus's": NOBODY}  # Gus sold all of it.
WHO_SEES = WhoSees(
    expected={"TradeDelivery": {"gus to bob": BOB | GUS}, "Certificate": CERTIFICATES},
    narrower={"Viewer.certificates": CERTIFICATES},
    reviewed=frozenset(
        {
            "Market.deliveryTotals",  # For who operates the zone: test_deliveries.py
            "TradeDelivery.lines",  # Those of the viewer's side: test_deliveries.py
            "TradeDelivery.amount",
            "Certificate.number",  # Of a certificate that the viewer owns.
            "Certificate.isCancelled",
            "Certificate.cancellations",
            "Certificate.carbon",
            "Certificate.carbonUnknownBecause",
        }
    ),
    mutations={"cancelCertificate": Given(lambda id: {"id": id("Certificate")}, {"Certificate": "bob's"})},
)
