"""Markets are public."""

from tests.api.authorization.decisions import Given, WhoSees
from tests.api.authorization.people import PUBLIC

WHO_SEES = WhoSees(
    expected={"Market": PUBLIC, "ZoneLink": PUBLIC, "MarketCharge": PUBLIC},
    mutations={"createMarket": Given(), "setMarketCharge": Given(), "linkZones": Given()},
)
