"""Run trading rules: find out what is due, and place the orders that were decided on.

A rule decides once on each delivery (`situations` says when). The rules of an owner decide together, oldest first,
so that no energy is offered twice.

Decision, 2026-11-21: what is due is read, decided and placed in one transaction per handful of owners, though jobs
otherwise solve outside of one: to decide is a subtraction per interval, and rules and orders that changed in between
would have to be looked at again. Runners wait for each other, and hold the rules they decide for. A rule that has
decided on a delivery says so in its row (`decided_until`), a run of it cannot be stored twice, and an order is placed
under a key made of rule and delivery: three reasons why running twice places once.

Decision, 2026-11-21: runs are stored in which an order was placed or refused; a rule that found nothing to offer, at
night for example, leaves none.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from domain.audit import entries
from domain.audit.entries import Act
from domain.events import notices
from domain.events.notices import NewNotice
from domain.identity.viewers import Viewer
from domain.jobs import queue
from domain.jobs.tables import Job, JobStatus
from domain.kernel.database import new_id
from domain.kernel.errors import DomainError
from domain.kernel.intervals import Period
from domain.market.orders import placing
from domain.market.orders.orders import Proposal
from domain.market.orders.placements import Request
from domain.market.orders.placing import PlacingOutcome
from domain.market.rules.situations import SIDES, ActingRule, Situation
from domain.market.rules.tables import RuleStatus, TradingRule, TradingRuleRun
from domain.market.rules.words import RUN_TRADING_RULES, TRADING_RULE

TIME_LIMIT_S = 600


@dataclass(frozen=True, slots=True)
class Decision:
    """What a rule offers for a delivery, and why: forecast - bound - kept, within what its day leaves. micro-kWh."""

    rule_id: UUID
    delivery_start: datetime
    energy_ukwh: int
    forecast_ukwh: int
    bound_ukwh: int
    kept_ukwh: int
    left_on_day_ukwh: int | None

    @property
    def facts(self) -> dict[str, Any]:
        """As a run stores it."""
        return {
            "delivery_start": self.delivery_start.isoformat(),
            "energy_ukwh": self.energy_ukwh,
            "forecast_ukwh": self.forecast_ukwh,
            "bound_ukwh": self.bound_ukwh,
            "kept_ukwh": self.kept_ukwh,
            "left_on_day_ukwh": self.left_on_day_ukwh,
        }


async def schedule(session: AsyncSession, *, now: datetime) -> UUID | None:
    """Ask for a run when a rule is due and none is on its way; gives the id of the job."""
    due = select(TradingRule.id).where(TradingRule.status == RuleStatus.ACTIVE, TradingRule.next_run_at <= now)
    if (await session.execute(due.limit(1))).first() is None:
        return None
    running = Job.status.in_([JobStatus.QUEUED, JobStatus.RUNNING])
    on_its_way = select(Job.id).where(running, Job.kind == RUN_TRADING_RULES)
    if (await session.execute(on_its_way.limit(1))).first() is not None:
        return None
    key = f"rules:{new_id()}"  # Two at a time would do no harm: runners wait for each other.
    return await queue.enqueue(session, RUN_TRADING_RULES, key, {}, time_limit_s=TIME_LIMIT_S)


async def record(
    session: AsyncSession,
    decided: Sequence[tuple[Situation, Sequence[Decision]]],
    *,
    now: datetime,
    job_id: UUID | None = None,
) -> list[UUID]:
    """Place what was decided, and store what came of it; gives the ids of the runs. A refusal is part of a run."""
    asked = [
        (situation, rule.row, decision)
        for situation, decisions in decided
        for rule in situation.rules
        for decision in decisions
        if decision.rule_id == rule.row.id and decision.energy_ukwh
    ]
    requests = [_request(rule, decision, situation.minutes) for situation, rule, decision in asked]
    outcomes = await placing.place_many(session, requests, now=now) if requests else []
    came: dict[tuple[UUID, datetime], PlacingOutcome] = {
        (decision.rule_id, decision.delivery_start): outcome
        for (_, _, decision), outcome in zip(asked, outcomes, strict=True)
    }
    runs, acts, told = [], [], []
    for situation, decisions in decided:
        for rule in situation.rules:
            run = _run(rule, [each for each in decisions if each.rule_id == rule.row.id], came, job_id)
            rule.row.decided_until, rule.row.next_run_at = rule.window.until, rule.window.next_run_at
            if run is not None:
                runs.append(run)
                acts.append(_act(rule.row, run))
                told += _refused_today(rule.row, run, now)
    session.add_all(runs)
    await session.flush()
    await entries.record_many(session, acts)
    await notices.tell(session, told)
    return [run.id for run in runs]


def _request(rule: TradingRule, decision: Decision, minutes: int) -> Request:
    assert rule.price_ueur_per_kwh is not None
    start = decision.delivery_start
    proposal = Proposal(
        market_id=rule.market_id,
        side=SIDES[rule.kind],
        energy_ukwh=decision.energy_ukwh,
        limit_price_ueur_per_kwh=rule.price_ueur_per_kwh,
        delivery=Period(start, start + timedelta(minutes=minutes)),
        source=rule.source,
        rule_id=rule.id,
    )
    return Request(Viewer(user_id=rule.owner_id), f"rule:{rule.id}:{start.isoformat()}", proposal)


def _run(
    rule: ActingRule,
    decisions: Sequence[Decision],
    came: Mapping[tuple[UUID, datetime], PlacingOutcome],
    job_id: UUID | None,
) -> TradingRuleRun | None:
    """What a rule did; None where it neither placed an order nor was refused one."""
    asked = [(each, came[each.rule_id, each.delivery_start]) for each in decisions if each.energy_ukwh]
    if not asked:
        return None
    placed = [decision for decision, outcome in asked if not isinstance(outcome, DomainError)]
    return TradingRuleRun(
        id=new_id(),
        rule_id=rule.row.id,
        owner_id=rule.row.owner_id,
        rule_version=rule.row.version,
        delivery_start=rule.window.begins,
        delivery_end=rule.window.until,
        orders_count=len(placed),
        refused_count=len(asked) - len(placed),
        offered_ukwh=sum(decision.energy_ukwh for decision in placed),
        decisions=[decision.facts | _came(outcome) for decision, outcome in asked],
        job_id=job_id,
    )


def _came(outcome: PlacingOutcome) -> dict[str, Any]:
    if isinstance(outcome, DomainError):
        return {"order_id": None, "refusal": type(outcome).__name__, "message": outcome.message}
    return {"order_id": str(outcome), "refusal": None, "message": None}


def _refused_today(rule: TradingRule, run: TradingRuleRun, now: datetime) -> list[NewNotice]:
    """A notice of the first refusal of a local day."""
    today = now.astimezone(ZoneInfo(rule.timezone)).date()
    if not run.refused_count or rule.refused_on == today:
        return []
    rule.refused_on = today
    first = next(each for each in run.decisions if each["refusal"])
    facts = {
        "rule_id": rule.id,
        "market_id": rule.market_id,
        "run_id": run.id,
        "event": "REFUSED",
        "refusal": first["refusal"],
        "reason": first["message"],
        "delivery_start": first["delivery_start"],
    }
    return [NewNotice(rule.owner_id, TRADING_RULE, facts)]


def _act(rule: TradingRule, run: TradingRuleRun) -> Act:
    facts = {
        "run_id": run.id,
        "version": run.rule_version,
        "delivery": [run.delivery_start.isoformat(), run.delivery_end.isoformat()],
        "orders": run.orders_count,
        "refused": run.refused_count,
        "offered_ukwh": run.offered_ukwh,
    }
    return Act("trading_rule.run", "clock", ("TradingRule", rule.id), rule.market_id, facts)
