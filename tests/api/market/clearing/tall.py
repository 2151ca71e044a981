"""Five and twenty trades in a clearing, a thousand of a trader."""

from tests.api.engine.declared import Tall

TALL = Tall(
    below={"trade.clearing_id": 25, "trade.buyer_id": 1_000, "trade.seller_id": 1_000},
    cost_max={
        "Market.trades": 4_000  # The planner cannot know that few trades pass between markets.
    },
    # With all pages there, and every twentieth row of the market asked for, the planner rather reads the newest rows
    # of all markets in the order they were written. That is cheap, but for a market in which little is traded.
    walked_when_whole=frozenset({"Market.trades", "Market.clearings"}),
)
