"""What this room adds to the house."""

from api.graphql.rooms import Room
from api.market.clearing.book import BookOfMarket
from api.market.clearing.clearings import Clearing, ClearingsOfMarket
from api.market.clearing.explanations import ExplanationOfOrder
from api.market.clearing.subscriptions import MarketSubscriptions
from api.market.clearing.ticks import PricesOfMarket
from api.market.clearing.trades import TradeViewer
from domain.market.clearing import words

ROOM = Room(
    viewer=(TradeViewer,),
    subscriptions=(MarketSubscriptions,),
    types=(BookOfMarket, Clearing, ClearingsOfMarket, ExplanationOfOrder, PricesOfMarket),
    jobs=(words.CLEAR_MARKET,),
    notices=(words.ORDER_FILLED,),
)
