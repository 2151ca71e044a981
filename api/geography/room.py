"""What this room adds to the house."""

from api.geography import imports
from api.geography.geojson import GEOMETRY_INVALID, GEOMETRY_TOO_COMPLEX
from api.geography.market_zones import MarketZoneQueries
from api.geography.municipalities import MunicipalityQueries
from api.geography.substation_areas import SubstationAreaQueries
from api.graphql.rooms import Room

ROOM = Room(
    queries=(SubstationAreaQueries, MunicipalityQueries, MarketZoneQueries),
    refusals=(GEOMETRY_INVALID, GEOMETRY_TOO_COMPLEX),
    routes=(imports,),
)
