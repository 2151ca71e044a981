"""Rules, and what came of them, are their owner's alone."""

from tests.api.authorization.decisions import PERIOD, Given, WhoSees, leads_to_nothing_hidden
from tests.api.authorization.people import ADA, BOB, GUS, TRADES_FOR_ADA, Seen

OWN: Seen = {"bob's": BOB, "gus's": GUS, "ada's": ADA | TRADES_FOR_ADA}
RULE = {"TradingRule": "gus's"}
WHO_SEES = WhoSees(
    expected={"TradingRule": OWN, "TradingRuleRun": OWN, "TradingRuleSimulation": OWN},
    narrower={"Viewer.tradingRules": OWN},
    # test_decisions_of_a_rule_lead_to_orders_of_its_owner
    computed={"TradingRuleDecision.order": leads_to_nothing_hidden},
    reviewed=frozenset(
        {
            "TradingRule.hours",
            "TradingRuleRun.decisions",  # Of a run that the viewer may see.
            "TradingRuleSimulation.days",
            "TradingRuleSimulation.orders",
        }
    ),
    filters={("Viewer.tradingRules", "status"): (lambda id_of: "[DRAFT, ACTIVE]", {"bob's", "gus's", "ada's"})},
    mutations={
        "createTradingRule": Given(),
        "updateTradingRule": Given(
            lambda id: {"id": id("TradingRule"), "expectedVersion": 7, "terms": {"name": "x", "timezone": "UTC"}}, RULE
        ),
        "activateTradingRule": Given(lambda id: {"id": id("TradingRule"), "expectedVersion": 7}, RULE),
        "pauseTradingRule": Given(lambda id: {"id": id("TradingRule"), "expectedVersion": 7}, RULE),
        "endTradingRule": Given(lambda id: {"id": id("TradingRule"), "expectedVersion": 7}, RULE),
        "simulateTradingRule": Given(lambda id: {"id": id("TradingRule"), "period": PERIOD}, RULE),
    },
)
