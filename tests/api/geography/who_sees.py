"""Places are public; who may send them in is not everybody."""

from tests.api.authorization.decisions import WhoSees
from tests.api.authorization.people import PUBLIC, ROOT

WHO_SEES = WhoSees(
    expected={"MarketZone": PUBLIC, "Municipality": PUBLIC, "SubstationArea": PUBLIC},
    let_in={("/v1/imports/areas", None): ROOT},
)
