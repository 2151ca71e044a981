"""From what owners decided beforehand to the solver's rules, and from its offers to decisions and fills."""

from collections.abc import Sequence

from domain.market.places.tables import OrderSide
from domain.market.rules.runs import Decision
from domain.market.rules.simulations import Simulated, SimulatedFill
from domain.market.rules.situations import ActingReserve, Situation
from solver.market import rules


def decide(situation: Situation) -> list[Decision]:
    """What the rules of an owner offer."""
    acting = [
        rules.Rule(
            is_sale=rule.side is OrderSide.SELL,
            price_ueur_per_kwh=rule.row.price_ueur_per_kwh or 0,
            days=rule.days,
            covers=rule.covers,
            daily_ukwh_max=rule.row.daily_ukwh_max,
            used_ukwh=rule.used_ukwh,
        )
        for rule in situation.rules
    ]
    outlook = rules.Outlook(
        situation.injected_ukwh, situation.withdrawn_ukwh, situation.sold_ukwh, situation.bought_ukwh
    )
    offers = rules.offers(acting, _reserves(situation.reserves), outlook)
    return [
        Decision(
            rule.row.id,
            situation.starts[offer.interval],
            offer.energy_ukwh,
            offer.forecast_ukwh,
            offer.bound_ukwh,
            offer.kept_ukwh,
            offer.left_on_day_ukwh,
        )
        for rule, of_rule in zip(situation.rules, offers, strict=True)
        for offer in of_rule
    ]


def simulate(simulated: Simulated) -> list[SimulatedFill]:
    """What a rule would have got."""
    rule = rules.Rule(
        is_sale=simulated.side is OrderSide.SELL,
        price_ueur_per_kwh=simulated.rule.price_ueur_per_kwh or 0,
        days=simulated.days,
        covers=simulated.covers,
        daily_ukwh_max=simulated.rule.daily_ukwh_max,
    )
    free = [0] * len(simulated.starts)
    outlook = rules.Outlook(simulated.injected_ukwh, simulated.withdrawn_ukwh, free, free)
    past = rules.Past(simulated.price_ueur_per_kwh, simulated.traded_ukwh, simulated.metered_ukwh)
    fills = rules.simulate(rule, _reserves(simulated.reserves), outlook, past)
    return [
        SimulatedFill(
            fill.offer.interval, fill.offer.energy_ukwh, fill.price_ueur_per_kwh, fill.filled_ukwh, fill.delivered_ukwh
        )
        for fill in fills
    ]


def _reserves(reserves: Sequence[ActingReserve]) -> list[rules.Reserve]:
    return [rules.Reserve(reserve.energy_ukwh, reserve.days, reserve.covers) for reserve in reserves]
