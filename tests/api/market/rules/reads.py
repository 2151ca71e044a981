"""How the compiled path and random operations read this room."""

from tests.api.engine.declared import IN_PYTHON, NARROWER, Reads

READS = Reads(
    not_compiled={
        "TradingRule.hours": IN_PYTHON,
        "TradingRuleRun.decisions": IN_PYTHON,
        "TradingRuleRun.rule": NARROWER,
        "TradingRuleSimulation.days": IN_PYTHON,
        "TradingRuleSimulation.orders": IN_PYTHON,
        "TradingRuleSimulation.rule": NARROWER,
    },
    kept=frozenset(
        {
            "trading_rule.hours",
            "trading_rule.weekdays",
            "trading_rule_simulation.amount_ueur",  # What was gained is a difference of both.
            "trading_rule_simulation.grid_amount_ueur",
        }
    ),
)
