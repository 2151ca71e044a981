"""Active rules place orders once for each delivery that comes into their sight, and go on where one is refused."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import insert, select, text, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from api.market.rules.bridge import decide
from domain.communities.tables import Participation
from domain.identity.tables import User
from domain.identity.viewers import Viewer
from domain.jobs.tables import Job, JobStatus
from domain.kernel import errors, idempotency
from domain.kernel.database import new_id
from domain.kernel.errors import DomainError
from domain.kernel.intervals import Period, floor_to
from domain.ledger import transfers
from domain.market.orders import placing, validation
from domain.market.orders.tables import Order
from domain.market.places.tables import EnergySource, OrderSide
from domain.market.rules import rules
from domain.market.rules import runs as rule_runs
from domain.market.rules import situations as rule_situations
from domain.market.rules.tables import RuleKind, RuleStatus, TradingRule, TradingRuleRun, Weekday
from domain.market.rules.words import REFUSED_FOR, RUN_TRADING_RULES, STOPPED_FOR, TRADING_RULE
from domain.metering.tables import Direction, MeteringPoint
from tests.factories.market import QUARTER, SELL, a_market, a_proposal
from tests.factories.rules import NOW, TODAY, a_rule, an_owner, days_before, metered

INJECTED, WITHDRAWN = Direction.INJECTED, Direction.WITHDRAWN
NEXT = floor_to(NOW, 15) + QUARTER
HOUR = timedelta(hours=1)


async def a_prosumer(session: AsyncSession, **overrides: Any) -> tuple[Viewer, MeteringPoint]:
    """Injects 1 kWh and withdraws 0.5 kWh in each quarter-hour."""
    owner, point = await an_owner(session, **overrides)
    await metered(session, point, INJECTED, days_before(TODAY, 7), "1")
    await metered(session, point, WITHDRAWN, days_before(TODAY, 7), "0.5")
    return owner, point


async def run(session: AsyncSession, now: datetime = NOW) -> list[UUID]:
    """One round of the job; gives the runs."""
    situations = await rule_situations.take(session, now=now)
    if situations is None:
        return []
    return await rule_runs.record(session, [(each, decide(each)) for each in situations], now=now)


async def orders_of(session: AsyncSession, rule_id: UUID) -> Sequence[Any]:
    wanted = (Order.side, Order.energy_ukwh, Order.limit_price_ueur_per_kwh, Order.delivery_start, Order.source)
    return (await session.execute(select(*wanted).where(Order.rule_id == rule_id).order_by(Order.delivery_start))).all()


async def told(session: AsyncSession, user_id: UUID | None) -> list[dict[str, Any]]:
    query = text("SELECT facts FROM notice WHERE user_id = :user AND kind = :kind ORDER BY id")
    return list(await session.scalars(query, {"user": user_id, "kind": TRADING_RULE.value}))


async def test_surplus_is_offered_for_each_delivery_within_the_lookahead(session: AsyncSession) -> None:
    owner, _ = await a_prosumer(session)
    market = await a_market(session)
    rule_id = await a_rule(session, owner, market, source=EnergySource.SOLAR)

    [run_id] = await run(session)

    starts = [NEXT + number * QUARTER for number in range(4)]
    placed = [(OrderSide.SELL, 1_000_000, 100_000, start, EnergySource.SOLAR) for start in starts]
    assert [tuple(row) for row in await orders_of(session, rule_id)] == placed
    made = await session.get_one(TradingRuleRun, run_id)
    assert (made.orders_count, made.refused_count, made.offered_ukwh) == (4, 0, 4_000_000)
    assert (made.delivery_start, made.delivery_end) == (NEXT, NEXT + HOUR)
    assert [each["forecast_ukwh"] for each in made.decisions] == [1_000_000] * 4
    rule = await session.get_one(TradingRule, rule_id)
    assert (rule.decided_until, rule.next_run_at) == (NEXT + HOUR, NEXT)


async def test_running_again_places_nothing_until_the_next_delivery_comes_into_sight(session: AsyncSession) -> None:
    owner, _ = await a_prosumer(session)
    rule_id = await a_rule(session, owner, await a_market(session))
    await run(session)

    nothing = await rule_situations.take(session, now=NEXT - timedelta(seconds=1))
    await run(session, NEXT)

    assert nothing is None
    starts = [row.delivery_start for row in await orders_of(session, rule_id)]
    assert starts == [NEXT + number * QUARTER for number in range(5)]


async def test_orders_of_a_rule_bear_keys_so_that_none_is_placed_twice(session: AsyncSession) -> None:
    """Even if a rule forgot what it has decided."""
    owner, _ = await a_prosumer(session)
    rule_id = await a_rule(session, owner, await a_market(session))
    situations = await rule_situations.take(session, now=NOW)
    assert situations is not None
    decided = [(each, decide(each)) for each in situations]
    [run_id] = await rule_runs.record(session, decided, now=NOW)
    first = (await session.get_one(TradingRuleRun, run_id)).decisions

    requests = [rule_runs._request(situations[0].rules[0].row, decision, 15) for decision in decided[0][1]]
    again = await placing.place_many(session, requests, now=NOW)

    assert [str(order_id) for order_id in again] == [each["order_id"] for each in first]
    assert len(await orders_of(session, rule_id)) == 4


async def test_a_run_is_stored_once(session: AsyncSession) -> None:
    owner, _ = await a_prosumer(session)
    await a_rule(session, owner, await a_market(session))
    [run_id] = await run(session)
    made = await session.get_one(TradingRuleRun, run_id)
    facts = {name: getattr(made, name) for name in TradingRuleRun.__table__.c.keys() if name != "id"}  # noqa: SIM118

    same = insert(TradingRuleRun).values(**facts, id=new_id())

    async with session.begin_nested() as savepoint:
        with pytest.raises(IntegrityError):
            await session.execute(same)
        await savepoint.rollback()


async def test_needs_are_bought(session: AsyncSession) -> None:
    owner, _ = await a_prosumer(session)
    rule_id = await a_rule(session, owner, await a_market(session), RuleKind.BUY_BELOW)

    await run(session)

    assert [(row.side, row.energy_ukwh) for row in await orders_of(session, rule_id)] == [(OrderSide.BUY, 500_000)] * 4


async def test_what_orders_have_bound_is_not_offered_again(session: AsyncSession) -> None:
    owner, _ = await a_prosumer(session)
    market = await a_market(session)
    by_hand = a_proposal(market, SELL, "0.4", "0.3", delivery=Period(NEXT, NEXT + 2 * QUARTER))
    await placing.place(session, owner, "by hand", by_hand, now=NOW)
    first = await a_rule(session, owner, market, daily_ukwh_max=1_000_000)
    second = await a_rule(session, owner, market, name="The rest")

    await run(session)

    assert [row.energy_ukwh for row in await orders_of(session, first)] == [600_000, 400_000]
    assert [row.energy_ukwh for row in await orders_of(session, second)] == [200_000, 1_000_000, 1_000_000]


async def test_the_daily_limit_counts_what_was_placed_before(session: AsyncSession) -> None:
    owner, _ = await a_prosumer(session)
    rule_id = await a_rule(session, owner, await a_market(session), daily_ukwh_max=4_500_000)
    await run(session)

    await run(session, NEXT)
    await run(session, NEXT + QUARTER)

    assert [row.energy_ukwh for row in await orders_of(session, rule_id)] == [*[1_000_000] * 4, 500_000]


async def test_a_share_of_the_storage_is_kept_of_the_first_surplus_of_the_day(session: AsyncSession) -> None:
    owner, _ = await a_prosumer(session, storage_kwh="5")
    market = await a_market(session)
    hours = tuple(range(11, 24))  # Since eleven: one quarter-hour has begun already.
    await a_rule(session, owner, market, RuleKind.KEEP_BATTERY_RESERVE, hours=hours, reserve_ppm=500_000)
    rule_id = await a_rule(session, owner, market)

    [run_id] = await run(session)

    made = await session.get_one(TradingRuleRun, run_id)
    assert [row.energy_ukwh for row in await orders_of(session, rule_id)] == [500_000, 1_000_000, 1_000_000]
    assert [each["kept_ukwh"] for each in made.decisions] == [500_000, 0, 0]
    assert made.decisions[0]["delivery_start"] == (NEXT + QUARTER).isoformat()


async def test_hours_and_days_of_the_week_are_local(session: AsyncSession) -> None:
    owner, _ = await a_prosumer(session)
    market = await a_market(session)
    noon = await a_rule(session, owner, market, hours=(12,), lookahead_hours=3)
    sunday = await a_rule(session, owner, market, weekdays=(Weekday.SUNDAY,), lookahead_hours=3)

    await run(session)

    local_noon = datetime(2026, 6, 20, 10, tzinfo=UTC)
    placed = [row.delivery_start for row in await orders_of(session, noon)]
    assert placed == [local_noon + number * QUARTER for number in range(4)]
    assert list(await orders_of(session, sunday)) == []
    assert (await session.get_one(TradingRule, sunday)).decided_until == NEXT + 3 * HOUR


async def test_a_long_lookahead_is_decided_piece_by_piece_within_the_horizon(session: AsyncSession) -> None:
    owner, _ = await a_prosumer(session)
    rule_id = await a_rule(session, owner, await a_market(session, horizon_hours=10), lookahead_hours=24)

    runs = [await run(session) for _ in range(3)]

    starts = [row.delivery_start for row in await orders_of(session, rule_id)]
    assert [len(each) for each in runs] == [1, 1, 0]
    assert starts == [NEXT + number * QUARTER for number in range(39)]  # The last one ends at the horizon.
    assert (await session.get_one(TradingRule, rule_id)).next_run_at == NEXT


async def test_a_refusal_is_part_of_the_run_and_the_rule_goes_on(session: AsyncSession) -> None:
    owner, _ = await a_prosumer(session, eur="0.12")
    rule_id = await a_rule(session, owner, await a_market(session), RuleKind.BUY_BELOW)

    [run_id] = await run(session)
    await run(session, NEXT)

    made = await session.get_one(TradingRuleRun, run_id)
    assert (made.orders_count, made.refused_count, made.offered_ukwh) == (2, 2, 1_000_000)
    assert [each["refusal"] for each in made.decisions] == [None, None, "InsufficientFunds", "InsufficientFunds"]
    assert (await session.get_one(TradingRule, rule_id)).status is RuleStatus.ACTIVE
    [facts] = await told(session, owner.user_id)  # Of the second refusal on that day nothing is told.
    assert (facts["event"], facts["refusal"]) == ("REFUSED", "InsufficientFunds")


async def test_nothing_to_offer_leaves_no_run(session: AsyncSession) -> None:
    owner, _ = await an_owner(session)
    rule_id = await a_rule(session, owner, await a_market(session))

    runs = await run(session)

    assert runs == []
    assert (await session.get_one(TradingRule, rule_id)).decided_until == NEXT + HOUR


async def test_rules_that_are_not_active_do_nothing(session: AsyncSession) -> None:
    owner, _ = await a_prosumer(session)
    market = await a_market(session)
    await a_rule(session, owner, market, is_active=False)
    paused, ended = await a_rule(session, owner, market), await a_rule(session, owner, market)
    await rules.pause(session, owner, paused, expected_version=2, now=NOW)
    await rules.end(session, owner, ended, expected_version=2, now=NOW)

    assert await rule_situations.take(session, now=NOW) is None


@pytest.mark.parametrize("reason", ["No metering point takes part any more.", "The account is disabled."])
async def test_a_rule_whose_owner_is_gone_is_paused_and_told(session: AsyncSession, reason: str) -> None:
    owner, point = await a_prosumer(session)
    rule_id = await a_rule(session, owner, await a_market(session))
    if "account" in reason:
        await session.execute(update(User).where(User.id == owner.user_id).values(disabled_at=NOW))
    else:
        left = update(Participation).where(Participation.metering_point_id == point.id)
        await session.execute(left.values(valid_to=TODAY))

    runs = await run(session)

    rule = await session.get_one(TradingRule, rule_id)
    assert (runs, rule.status, rule.stopped_reason, rule.version) == ([], RuleStatus.PAUSED, reason, 3)
    assert [facts["event"] for facts in await told(session, owner.user_id)] == ["STOPPED"]
    assert list(await orders_of(session, rule_id)) == []


async def test_owners_do_not_share_their_surplus(session: AsyncSession) -> None:
    market = await a_market(session)
    owners = [(await a_prosumer(session))[0] for _ in range(3)]
    placed = [await a_rule(session, owner, market) for owner in owners]

    runs = await run(session)

    assert len(runs) == 3
    assert [len(await orders_of(session, rule_id)) for rule_id in placed] == [4, 4, 4]


async def test_a_run_is_asked_for_when_a_rule_is_due_and_none_is_on_its_way(session: AsyncSession) -> None:
    owner, _ = await a_prosumer(session)
    nothing = await rule_runs.schedule(session, now=NOW)
    await a_rule(session, owner, await a_market(session))

    early = await rule_runs.schedule(session, now=NOW - QUARTER)
    asked = await rule_runs.schedule(session, now=NOW)
    again = await rule_runs.schedule(session, now=NOW + QUARTER)

    assert (nothing, early, again) == (None, None, None)
    assert asked is not None
    job = await session.get_one(Job, asked)
    assert (job.kind, job.status) == (RUN_TRADING_RULES, JobStatus.QUEUED)


def test_every_refusal_of_an_order_and_every_stop_is_named_for_its_owner() -> None:
    """Those that an order meets when it is placed: of its rules, of money, of keys, and those of all rooms."""
    of_an_order = (validation, transfers, idempotency, errors)
    refusals = {
        name
        for module in of_an_order
        for name, kind in vars(module).items()
        if isinstance(kind, type) and issubclass(kind, DomainError) and kind.__module__ == module.__name__
    }

    assert refusals - {"DomainError", "StaleVersion"} == set(REFUSED_FOR)
    assert set(rule_situations.STOPPED) == set(STOPPED_FOR)
