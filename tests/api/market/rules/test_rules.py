"""Trading rules over GraphQL, from a draft to the orders that the job places."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from api import house
from api.graphql.context import Context
from api.jobs import registry, work
from api.jobs.work import carry_out
from api.market.rules import jobs
from domain.communities import sight
from domain.identity.viewers import Viewer
from domain.jobs.tables import Job, JobStatus
from domain.kernel.idempotency import IdempotencyInProgress
from domain.kernel.intervals import day_start
from domain.market.orders.tables import Order
from domain.market.rules import rules, runs
from domain.market.rules.tables import RuleKind, RuleStatus, TradingRule
from domain.market.rules.words import RUN_TRADING_RULES, SIMULATE_TRADING_RULE
from domain.metering.tables import Direction
from tests.api.conftest import Answer, Execute
from tests.api.market.conftest import Live
from tests.factories.identity import a_viewer
from tests.factories.market import a_market, a_trader
from tests.factories.rules import ZONE, a_rule, an_owner, days_before, metered, the_terms

TERMS = {"name": "My surplus", "timezone": ZONE, "price": "0.1", "lookaheadHours": 1}
SHOWN = """
id kind status name price reserveKwh reserveShare dailyMaxKwh source timezone hours weekdays lookaheadHours version
decidedUntil stoppedReason market { id } orders { totalCount } runs { totalCount } simulations { totalCount }
"""
ERRORS = (
    "errors { code message path ... on TradingRuleInOtherStatus { status } ... on StaleVersion { currentVersion } }"
)


def document(name: str) -> str:
    kind = f"{name[0].upper()}{name[1:]}Input"
    return f"mutation ($input: {kind}!) {{ {name}(input: $input) {{ rule {{ {SHOWN} }} {ERRORS} }} }}"


async def drafted(execute: Execute, owner: Viewer, market: UUID, **terms: Any) -> Any:
    given = {"marketId": f"Market:{market}", "kind": "SELL_SURPLUS_ABOVE", "terms": TERMS | terms}
    answer = await execute(document("createTradingRule"), owner, input=given)
    assert answer.errors == []
    return answer.data["createTradingRule"]


async def done(execute: Execute, name: str, owner: Viewer, rule: Any, **more: Any) -> Answer:
    return await execute(document(name), owner, input={"id": rule["id"], "expectedVersion": rule["version"], **more})


async def test_a_rule_is_drafted_changed_activated_paused_and_ended(session: AsyncSession, execute: Execute) -> None:
    owner, market = await a_trader(session), await a_market(session)

    made = await drafted(execute, owner, market, hours=[9, 10], weekdays=["MONDAY"], dailyMaxKwh="2.5", source="SOLAR")
    rule = made["rule"]
    changed = await done(execute, "updateTradingRule", owner, rule, terms=TERMS | {"price": "0.25"})
    versions = [rule["version"]]
    for name, status in (("activate", "ACTIVE"), ("pause", "PAUSED"), ("activate", "ACTIVE"), ("end", "ENDED")):
        current = {"id": rule["id"], "version": len(versions) + 1}
        answer = await done(execute, f"{name}TradingRule", owner, current)
        shown = answer.data[f"{name}TradingRule"]["rule"]
        assert (shown["status"], answer.refusals(f"{name}TradingRule")) == (status, [])
        versions.append(shown["version"])

    assert made["errors"] == []
    assert rule == {
        "id": rule["id"],
        "kind": "SELL_SURPLUS_ABOVE",
        "status": "DRAFT",
        "name": "My surplus",
        "price": "0.1",
        "reserveKwh": None,
        "reserveShare": None,
        "dailyMaxKwh": "2.5",
        "source": "SOLAR",
        "timezone": ZONE,
        "hours": [9, 10],
        "weekdays": ["MONDAY"],
        "lookaheadHours": 1,
        "version": 1,
        "decidedUntil": None,
        "stoppedReason": None,
        "market": {"id": f"Market:{market}"},
        "orders": {"totalCount": 0},
        "runs": {"totalCount": 0},
        "simulations": {"totalCount": 0},
    }
    all_again = changed.data["updateTradingRule"]["rule"]
    assert (all_again["price"], all_again["hours"], all_again["source"]) == ("0.25", list(range(24)), None)
    assert versions == [1, 3, 4, 5, 6]


async def test_a_reserve_is_a_share_or_an_energy(session: AsyncSession, execute: Execute) -> None:
    owner, market = await a_trader(session), await a_market(session)
    terms = {"name": "Night", "timezone": ZONE, "reserveShare": "0.3"}
    given = {"marketId": f"Market:{market}", "kind": "KEEP_BATTERY_RESERVE", "terms": terms}

    answer = await execute(document("createTradingRule"), owner, input=given)

    rule = answer.data["createTradingRule"]["rule"]
    assert (rule["reserveShare"], rule["reserveKwh"], rule["price"]) == ("0.3", None, None)


async def test_refusals_tell_what_is_wrong_and_change_nothing(session: AsyncSession, execute: Execute) -> None:
    owner, market = await a_trader(session), await a_market(session)
    rule = (await drafted(execute, owner, market))["rule"]

    wrong = await drafted(execute, owner, market, price="0.10001")
    stale = await done(execute, "activateTradingRule", owner, {**rule, "version": 7})
    status = await done(execute, "pauseTradingRule", owner, rule)
    hidden = await done(execute, "endTradingRule", a_viewer(), rule)

    assert (wrong["rule"], wrong["errors"]) == (
        None,
        [
            {
                "code": "INVALID_INPUT",
                "message": "The price must be a multiple of 0.0001 EUR/kWh.",
                "path": ["terms", "price"],
            }
        ],
    )
    [refused] = stale.refusals("activateTradingRule")
    assert (refused["code"], refused["currentVersion"]) == ("STALE_VERSION", 1)
    [refused] = status.refusals("pauseTradingRule")
    assert (refused["code"], refused["status"]) == ("TRADING_RULE_STATUS", "DRAFT")
    assert hidden.refusals("endTradingRule")[0]["code"] == "NOT_FOUND"
    [stored] = await session.scalars(select(TradingRule))
    assert (stored.status, stored.version) == (RuleStatus.DRAFT, 1)


async def test_rules_are_listed_by_status(session: AsyncSession, execute: Execute) -> None:
    owner, market = await a_trader(session), await a_market(session)
    first, second = [(await drafted(execute, owner, market))["rule"] for _ in range(2)]
    await done(execute, "activateTradingRule", owner, second)

    filters: list[Any] = [None, {"status": ["DRAFT"]}, {"status": ["ACTIVE", "PAUSED"]}, {"status": []}]
    listed = "query ($f: TradingRuleFilter) { viewer { tradingRules(filter: $f) { edges { node { id } } } } }"
    found = [
        [edge["node"]["id"] for edge in (await execute(listed, owner, f=f)).data["viewer"]["tradingRules"]["edges"]]
        for f in filters
    ]

    assert found == [[first["id"], second["id"]], [first["id"]], [second["id"]], []]


async def a_running_rule(session: AsyncSession, owner: Viewer, market: UUID) -> UUID:
    rule_id = await rules.create(session, owner, market, RuleKind.SELL_SURPLUS_ABOVE, the_terms())
    await rules.activate(session, owner, rule_id, expected_version=1, now=datetime.now(UTC))
    return rule_id


def test_rules_are_looked_after_by_the_relay_and_workers() -> None:
    house.load_jobs()

    assert jobs.schedule_rules in registry.PERIODIC
    assert {RUN_TRADING_RULES, SIMULATE_TRADING_RULE} <= set(work.FUNCTIONS)


RUNS = """
query ($id: ID!) { node(id: $id) { ... on TradingRule {
  orders { edges { node { status side energyKwh limitPrice rule { id } } } }
  runs { edges { node { ordersCount refusedCount offeredKwh ruleVersion rule { id }
    decisions { energyKwh forecastKwh boundKwh keptKwh leftOnDayKwh refusal message order { id } }
  } } }
} } }
"""


async def test_the_job_places_orders_that_name_their_rule(live: Live) -> None:
    async with live.database.transaction() as session:
        owner, point = await an_owner(session)
        today = datetime.now(UTC).date()
        await metered(session, point, Direction.INJECTED, days_before(today - timedelta(days=1), 7), "1")
        rule_id = await a_running_rule(session, owner, await a_market(session))
    async with live.database.transaction() as session:
        await jobs.schedule_rules(session)
    async with live.database.transaction() as session:
        job_id = (await session.scalars(select(Job.id))).one()

    await carry_out(live.database, job_id)

    async with live.database.transaction() as session:
        assert (await session.get_one(Job, job_id)).status is JobStatus.SUCCEEDED
        count = (await session.execute(select(func.count()).where(Order.rule_id == rule_id))).scalar_one()
    assert owner.user_id is not None
    async with live.database.reading() as connection:
        viewer = await sight.viewer_for(connection, owner.user_id)
    answer = await live.schema.execute(
        RUNS,
        variable_values={"id": f"TradingRule:{rule_id}"},
        context_value=Context(live.database, live.hub, viewer),
    )
    assert answer.errors is None
    assert answer.data is not None
    shown: Any = answer.data["node"]
    assert count in {4, 5}
    named: dict[str, Any] = {"status": "OPEN", "side": "SELL", "energyKwh": "1", "limitPrice": "0.1"}
    named |= {"rule": {"id": f"TradingRule:{rule_id}"}}
    assert [edge["node"] for edge in shown["orders"]["edges"]] == [named] * count
    [run] = [edge["node"] for edge in shown["runs"]["edges"]]
    assert (run["ordersCount"], run["refusedCount"], run["ruleVersion"]) == (count, 0, 2)
    assert [each["order"] is not None for each in run["decisions"]] == [True] * count


async def test_what_fails_for_one_owner_does_not_keep_others_from_trading(
    live: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    today = datetime.now(UTC).date()
    rule_ids = []
    async with live.database.transaction() as session:
        market = await a_market(session)
        for _ in range(3):
            owner, point = await an_owner(session)
            await metered(session, point, Direction.INJECTED, days_before(today - timedelta(days=1), 7), "1")
            rule_ids.append(await a_running_rule(session, owner, market))
    async with live.database.transaction() as session:
        await jobs.schedule_rules(session)
    async with live.database.transaction() as session:
        job_id = (await session.scalars(select(Job.id))).one()
    record = runs.record

    async def fails_for_the_second(session: AsyncSession, decided: Any, **given: Any) -> Any:
        if any(rule.row.id == rule_ids[1] for situation, _ in decided for rule in situation.rules):
            raise IdempotencyInProgress("of the second")
        return await record(session, decided, **given)

    monkeypatch.setattr(runs, "record", fails_for_the_second)
    await carry_out(live.database, job_id)

    async with live.database.transaction() as session:
        assert (await session.get_one(Job, job_id)).status is JobStatus.SUCCEEDED
        placed = set(await session.scalars(select(Order.rule_id)))
        assert placed == {rule_ids[0], rule_ids[2]}
        put_off = (await session.get_one(TradingRule, rule_ids[1])).next_run_at
        assert put_off is not None
        assert put_off > datetime.now(UTC) + timedelta(minutes=10)


SIMULATE = """
mutation ($input: SimulateTradingRuleInput!) { simulateTradingRule(input: $input) { job { id kind }
  errors { code path } } }
"""
SIMULATION = """
query ($id: ID!) { node(id: $id) { ... on Job { status result { ... on TradingRuleSimulation {
  ordersCount offeredKwh filledKwh deliveredKwh amount gridAmount gain ruleVersion period { start end } rule { name }
  days { day ordersCount offeredKwh filledKwh deliveredKwh amount gridAmount }
  orders { deliveryStarts offeredKwh price filledKwh deliveredKwh }
} } } } }
"""


async def test_a_draft_is_simulated_before_it_is_activated(live: Live) -> None:
    zone = ZoneInfo(ZONE)
    today = datetime.now(UTC).astimezone(zone).date()
    yesterday = today - timedelta(days=1)
    async with live.database.transaction() as session:
        owner, point = await an_owner(session)
        await metered(session, point, Direction.INJECTED, days_before(today, 8), "1")
        rule_id = await a_rule(session, owner, await a_market(session), is_active=False, hours=(12,))
    assert owner.user_id is not None
    async with live.database.reading() as connection:
        viewer = await sight.viewer_for(connection, owner.user_id)

    async def ask(text: str, **variables: Any) -> Any:
        context = Context(live.database, live.hub, viewer)
        answer = await live.schema.execute(text, variable_values=variables, context_value=context)
        assert answer.errors is None, answer.errors
        return answer.data

    period = {"start": day_start(yesterday, zone).isoformat(), "end": day_start(today, zone).isoformat()}
    given = {"id": f"TradingRule:{rule_id}", "period": period, "gridExportPrice": "0.06"}
    asked = (await ask(SIMULATE, input=given))["simulateTradingRule"]
    job_id = asked["job"]["id"]
    await carry_out(live.database, UUID(job_id.partition(":")[2]))
    job = (await ask(SIMULATION, id=job_id))["node"]

    assert (asked["errors"], asked["job"]["kind"], job["status"]) == ([], "SIMULATE_TRADING_RULE", "SUCCEEDED")
    made = job["result"]
    sums = {"ordersCount": 4, "offeredKwh": "4", "filledKwh": "0", "deliveredKwh": "0", "amount": "0"}
    sums |= {"gridAmount": "0"}
    assert {name: made[name] for name in sums} == sums
    assert (made["gain"], made["ruleVersion"], made["rule"]) == ("0", 1, {"name": "My surplus"})
    assert made["days"] == [{"day": yesterday.isoformat()} | sums]
    assert (made["orders"]["offeredKwh"], made["orders"]["price"]) == ([1.0] * 4, [None] * 4)


@pytest.mark.parametrize("scopes", [{"trade"}, {"read"}])
async def test_applications_need_the_scope_trade(session: AsyncSession, execute: Execute, scopes: set[str]) -> None:
    owner, market = await a_trader(session), await a_market(session)
    application = Viewer(user_id=owner.user_id, api_key_id=market, scopes=frozenset(scopes))
    given = {"marketId": f"Market:{market}", "kind": "BUY_BELOW", "terms": TERMS}

    answer = await execute(document("createTradingRule"), application, input=given)

    codes = [error["code"] for error in answer.errors]
    assert codes == ([] if scopes == {"trade"} else ["FORBIDDEN"])
    count = (await session.execute(select(func.count(TradingRule.id)))).scalar_one()
    assert count == (1 if scopes == {"trade"} else 0)
