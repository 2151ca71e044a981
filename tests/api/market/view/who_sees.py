"""What the market as a whole shows is public, and what was traded is told to who traded."""

from tests.api.authorization.decisions import WhoSees, leads_to_nothing_hidden
from tests.api.authorization.people import EVERYBODY

WHO_SEES = WhoSees(
    computed={"LinkFlow.link": leads_to_nothing_hidden},  # Links are public.
    reviewed=frozenset({"Market.view", "MarketZone.analytics"}),
    let_in={("/v1/exports/trading", None): EVERYBODY - {"nobody", "meter gateway"}},
    read=frozenset({"/v1/exports/trading"}),
)
