"""Trading rules as jobs: look what is due, decide and place; run a rule over the past."""

import logging
from datetime import datetime
from uuid import UUID

from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from api.jobs.registry import periodic
from api.jobs.work import Work, job
from api.market.orders.placing import OF_ONE
from api.market.rules import bridge
from api.resources import clock
from domain.kernel.errors import DomainError
from domain.kernel.intervals import Period
from domain.market.rules import runs, simulations
from domain.market.rules import situations as rule_situations
from domain.market.rules.simulations import GridPrices
from domain.market.rules.words import RUN_TRADING_RULES, SIMULATE_TRADING_RULE

logger = logging.getLogger("commonwatt.rules")


@periodic
async def schedule_rules(session: AsyncSession) -> None:
    """Ask for a run of trading rules when one is due."""
    await runs.schedule(session, now=clock.now())


@job(RUN_TRADING_RULES)
async def run_trading_rules(work: Work) -> None:
    """Decide and place for some owners at a time, until nothing is due; `runs` says what one transaction does."""
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
        decided = [(situation, bridge.decide(situation)) for situation in situations]
        await runs.record(session, decided, now=now, job_id=work.id)
    return True


@job(SIMULATE_TRADING_RULE)
async def simulate_trading_rule(work: Work) -> None:
    """Read what was known and what came of it, run the rule over it, and record what it would have brought."""
    rule_id = UUID(work.arguments["rule_id"])
    start, end = (datetime.fromisoformat(at) for at in work.arguments["period"])
    async with work.database.transaction() as session:
        simulated = await simulations.read(session, rule_id, Period(start, end), GridPrices(*work.arguments["grid"]))
    fills = await work.solve(bridge.simulate, simulated)
    async with work.recording("TradingRuleSimulation") as recording:
        recording.result_id = await simulations.record(
            recording.session, simulated, fills, actor=work.arguments["actor"], job_id=work.id
        )
