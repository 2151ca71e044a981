"""Everything of this context that can be read."""

import strawberry

from api.geography.market_zones import MarketZoneQueries
from api.geography.municipalities import MunicipalityQueries
from api.geography.substation_areas import SubstationAreaQueries


@strawberry.type
class GeographyQueries(SubstationAreaQueries, MunicipalityQueries, MarketZoneQueries):
    pass
