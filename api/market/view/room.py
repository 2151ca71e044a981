"""What this room adds to the house."""

from api.graphql.rooms import Room
from api.market.view import routes
from api.market.view.analytics import AnalyticsOfZone
from api.market.view.history import HistoryViewer
from api.market.view.market_view import ViewOfMarket

ROOM = Room(
    viewer=(HistoryViewer,),
    types=(AnalyticsOfZone, ViewOfMarket),
    routes=(routes,),
)
