"""What this room adds to the house."""

from api.graphql.rooms import Room
from api.market.prices.alerts import PriceAlertMutations, PriceAlertViewer
from api.market.prices.forecasts import ForecastOfMarket
from api.market.prices.models import PriceModelMutations
from api.market.prices.tariffs import GridTariffMutations
from domain.market.prices import words

ROOM = Room(
    mutations=(PriceAlertMutations, PriceModelMutations, GridTariffMutations),
    viewer=(PriceAlertViewer,),
    types=(ForecastOfMarket,),
    jobs=(words.FORECAST_PRICES,),
    notices=(words.PRICE_ALERT,),
)
