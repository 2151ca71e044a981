"""What this context adds to the schema."""

import strawberry

from api.market import refusals
from api.market.auctions import AuctionMutations, AuctionSubscriptions
from api.market.certificates import CertificateMutations, CertificateViewer
from api.market.charges import ChargeMutations
from api.market.grid_tariffs import GridTariffMutations
from api.market.history import HistoryViewer
from api.market.links import LinkMutations, LinkQueries
from api.market.markets import MarketListMutations, MarketListQueries
from api.market.orders import OrderMutations, OrderViewer
from api.market.price_alerts import PriceAlertMutations, PriceAlertViewer
from api.market.price_models import PriceModelMutations
from api.market.rule_mutations import RuleMutations
from api.market.rules import RuleViewer
from api.market.statements import StatementMutations, StatementViewer
from api.market.subscriptions import MarketSubscriptions as BookSubscriptions
from api.market.trades import TradeViewer


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
