"""Trading rules as jobs: look what is due, decide and place; run a rule over the past."""

import logging
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from api.jobs.registry import periodic
from api.jobs.work import Work, job
from api.market.orders.placing import OF_ONE
from api.resources import clock
from domain.kernel.errors import DomainError
from domain.kernel.intervals import Period
from domain.market.places.tables import OrderSide
from domain.market.rules import runs, simulations
from domain.market.rules import situations as rule_situations
from domain.market.rules.runs import Decision
from domain.market.rules.simulations import GridPrices, Simulated, SimulatedFill
from domain.market.rules.situations import ActingReserve, Situation
from domain.market.rules.words import RUN_TRADING_RULES, SIMULATE_TRADING_RULE
from solver.market import rules

logger = logging.getLogger("commonwatt.rules")


@periodic
async def schedule_rules(session: AsyncSession) -> None:
    """Ask for a run of trading rules when one is due."""
    await runs.schedule(session, now=clock.now())


@job(RUN_TRADING_RULES)
async def run_trading_rules(work: Work) -> None:
    """Decide and place for some owners at a time, until nothing is due; `rule_runs` says what one transaction does."""
    while await _run_next(work):
        pass
    async with work.recording():
        pass


async def _run_next(work: Work) -> bool:
    """Whether more may be due. What fails for some owners is tried for the first alone, who has to wait if it fails."""
    now = clock.now()
    try:
        return await _run_some(work, now, rule_situations.OWNERS_TOGETHER)
    except (DomainError, DBAPIError) as error:
        _raise_outage(error)
        logger.warning("trading rules failed together", exc_info=True)
    try:
        return await _run_some(work, now, 1)
    except (DomainError, DBAPIError) as error:
        _raise_outage(error)
        logger.exception("trading rules of one owner failed")
    async with work.database.transaction() as session:
        await rule_situations.put_off(session, now=now)
    return True


def _raise_outage(error: DomainError | DBAPIError) -> None:
    """Raise what has nothing to do with any owner: the job is given back, and tried again later."""
    if isinstance(error, DBAPIError) and not str(getattr(error.orig, "sqlstate", "")).startswith(OF_ONE):
        raise error


async def _run_some(work: Work, now: datetime, owners_max: int) -> bool:
    async with work.database.transaction() as session:
        situations = await rule_situations.take(session, now=now, owners_max=owners_max)
        if situations is None:
            return False
        decided = [(situation, decide(situation)) for situation in situations]
        await runs.record(session, decided, now=now, job_id=work.id)
    return True


@job(SIMULATE_TRADING_RULE)
async def simulate_trading_rule(work: Work) -> None:
    """Read what was known and what came of it, run the rule over it, and record what it would have brought."""
    rule_id = UUID(work.arguments["rule_id"])
    start, end = (datetime.fromisoformat(at) for at in work.arguments["period"])
    async with work.database.transaction() as session:
        simulated = await simulations.read(session, rule_id, Period(start, end), GridPrices(*work.arguments["grid"]))
    fills = await work.solve(simulate, simulated)
    async with work.recording("TradingRuleSimulation") as recording:
        recording.result_id = await simulations.record(
            recording.session, simulated, fills, actor=work.arguments["actor"], job_id=work.id
        )


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
