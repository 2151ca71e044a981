"""What this context adds to the schema."""

import strawberry

from api.market.auctions.auctions import AuctionMutations, AuctionSubscriptions
from api.market.clearing.subscriptions import MarketSubscriptions as BookSubscriptions
from api.market.clearing.trades import TradeViewer
from api.market.delivery.certificates import CertificateMutations, CertificateViewer
from api.market.orders import refusals
from api.market.orders.orders import OrderMutations, OrderViewer
from api.market.places.charges import ChargeMutations
from api.market.places.links import LinkMutations, LinkQueries
from api.market.places.markets import MarketListMutations, MarketListQueries
from api.market.prices.alerts import PriceAlertMutations, PriceAlertViewer
from api.market.prices.models import PriceModelMutations
from api.market.prices.tariffs import GridTariffMutations
from api.market.rules.mutations import RuleMutations
from api.market.rules.rules import RuleViewer
from api.market.statements.statements import StatementMutations, StatementViewer
from api.market.view.history import HistoryViewer


@strawberry.type
class MarketQueries(MarketListQueries, LinkQueries):
    pass


@strawberry.type
class MarketMutations(
    MarketListMutations,
    ChargeMutations,
    AuctionMutations,
    CertificateMutations,
    StatementMutations,
    LinkMutations,
    OrderMutations,
    PriceModelMutations,
    GridTariffMutations,
    PriceAlertMutations,
    RuleMutations,
):
    pass


@strawberry.type
class MarketViewer(
    OrderViewer, TradeViewer, PriceAlertViewer, RuleViewer, HistoryViewer, StatementViewer, CertificateViewer
):
    pass


@strawberry.type
class MarketSubscriptions(BookSubscriptions, AuctionSubscriptions):
    pass


__all__ = ["MarketMutations", "MarketQueries", "MarketSubscriptions", "MarketViewer", "refusals"]
