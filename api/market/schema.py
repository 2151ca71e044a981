"""What this context adds to the schema."""

import strawberry

from api.market import refusals
from api.market.grid_tariffs import GridTariffMutations
from api.market.links import LinkMutations, LinkQueries
from api.market.markets import MarketListMutations, MarketListQueries
from api.market.orders import OrderMutations, OrderViewer
from api.market.price_alerts import PriceAlertMutations, PriceAlertViewer
from api.market.price_models import PriceModelMutations
from api.market.rule_mutations import RuleMutations
from api.market.rules import RuleViewer
from api.market.subscriptions import MarketSubscriptions
from api.market.trades import TradeViewer


@strawberry.type
class MarketQueries(MarketListQueries, LinkQueries):
    pass


@strawberry.type
class MarketMutations(
    MarketListMutations,
    LinkMutations,
    OrderMutations,
    RuleMutations,
    PriceModelMutations,
    GridTariffMutations,
    PriceAlertMutations,
):
    pass


@strawberry.type
class MarketViewer(OrderViewer, TradeViewer, RuleViewer, PriceAlertViewer):
    pass


__all__ = ["MarketMutations", "MarketQueries", "MarketSubscriptions", "MarketViewer", "refusals"]
