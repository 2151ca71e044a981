"""Ten rules of an owner, a thousand runs of each."""

from tests.api.engine.declared import Tall

TALL = Tall(
    values={
        "trading_rule.price_ueur_per_kwh": "100",
        "trading_rule.reserve_ukwh": "NULL",
        "trading_rule.reserve_ppm": "NULL",
        "trading_rule.hours": "'{0}'",
        "trading_rule.weekdays": "'{MONDAY}'",
    },
    below={"trading_rule.owner_id": 10, "trading_rule_run.rule_id": 1_000, "trading_rule_simulation.rule_id": 5},
)
