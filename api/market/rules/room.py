"""What this room adds to the house."""

from api.graphql.rooms import Room
from api.market.rules.mutations import TOO_MANY_TRADING_RULES, TRADING_RULE_STATUS, RuleMutations
from api.market.rules.outcomes import TradingRuleRun, TradingRuleSimulation
from api.market.rules.rules import RuleViewer
from domain.market.rules import words

ROOM = Room(
    mutations=(RuleMutations,),
    viewer=(RuleViewer,),
    types=(TradingRuleRun, TradingRuleSimulation),
    refusals=(TRADING_RULE_STATUS, TOO_MANY_TRADING_RULES),
    jobs=(words.RUN_TRADING_RULES, words.SIMULATE_TRADING_RULE),
    notices=(words.TRADING_RULE,),
)
