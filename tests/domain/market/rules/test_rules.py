"""Trading rules: what they may say, who may change them, and what may become of them."""

from typing import Any

import pytest
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from domain.audit.tables import AuditEntry
from domain.identity.viewers import Viewer
from domain.kernel.database import new_id
from domain.kernel.errors import DomainError, InvalidValue, NotAllowed, NotFound, StaleVersion
from domain.market.orders.tables import Order, OrderStatus
from domain.market.places.tables import EnergySource
from domain.market.rules import rules
from domain.market.rules.rules import TRANSITIONS, RuleInOtherStatus, RuleTerms, TooManyRules
from domain.market.rules.tables import RuleKind, RuleStatus, TradingRule, Weekday
from domain.metering.tables import Direction
from tests.domain.market.rules.test_runs import run
from tests.factories.identity import a_viewer, an_admin
from tests.factories.market import a_market, a_trader
from tests.factories.rules import NOW, TODAY, a_rule, an_owner, days_before, metered, the_reserve, the_terms

SELLS, BUYS, KEEPS = RuleKind.SELL_SURPLUS_ABOVE, RuleKind.BUY_BELOW, RuleKind.KEEP_BATTERY_RESERVE


async def stored(session: AsyncSession) -> list[Any]:
    tables = ("trading_rule", "market_order", "audit_entry", "notice")
    return [
        row
        for table in tables
        for row in (await session.execute(text(f"SELECT t::text FROM {table} AS t ORDER BY 1"))).all()
    ]


async def test_a_rule_is_drafted_with_what_it_says(session: AsyncSession) -> None:
    owner, market = await a_trader(session), await a_market(session)
    terms = the_terms(
        name=" Evenings ",
        hours=(20, 19, 19),
        weekdays=(Weekday.SUNDAY, Weekday.MONDAY),
        daily_ukwh_max=5_000_000,
        source=EnergySource.SOLAR,
    )

    rule_id = await rules.create(session, owner, market, SELLS, terms)

    rule = await session.get_one(TradingRule, rule_id, populate_existing=True)
    said = (rule.name, rule.hours, rule.weekdays, rule.price_ueur_per_kwh, rule.daily_ukwh_max, rule.source)
    assert said == ("Evenings", [19, 20], ["MONDAY", "SUNDAY"], 100_000, 5_000_000, EnergySource.SOLAR)
    assert (rule.status, rule.version, rule.next_run_at) == (RuleStatus.DRAFT, 1, None)
    entry = await session.scalar(select(AuditEntry).where(AuditEntry.subject_id == rule_id))
    assert entry is not None
    assert (entry.act, entry.actor, entry.chain) == ("trading_rule.create", owner.key, str(market))


WRONG: list[tuple[str, RuleKind, RuleTerms, str]] = [
    ("no name", SELLS, the_terms(name=" "), "name"),
    ("a long name", SELLS, the_terms(name="n" * 121), "name"),
    ("a name with NUL", SELLS, the_terms(name="a\x00"), "name"),
    ("no such zone", SELLS, the_terms(timezone="Mars/Olympus"), "timezone"),
    ("no price", SELLS, the_terms(price_ueur_per_kwh=None), "price"),
    ("a price off the tick", BUYS, the_terms(price_ueur_per_kwh=150), "price"),
    ("a price beyond the market's", BUYS, the_terms(price_ueur_per_kwh=4_000_100), "price"),
    ("a reserve with a price", KEEPS, the_reserve(price_ueur_per_kwh=100), "price"),
    ("a reserve of nothing", KEEPS, the_reserve(reserve_ppm=0), "reserveShare"),
    ("a reserve of more than all", KEEPS, the_reserve(reserve_ppm=1_000_001), "reserveShare"),
    ("a reserve of negative energy", KEEPS, the_reserve(reserve_ppm=None, reserve_ukwh=-1), "reserveKwh"),
    ("two reserves", KEEPS, the_reserve(reserve_ukwh=1_000), "reserveKwh"),
    ("no reserve", KEEPS, the_reserve(reserve_ppm=None), "reserveKwh"),
    ("a reserve of a rule that sells", SELLS, the_terms(reserve_ukwh=1_000), "reserveKwh"),
    ("a share of a rule that buys", BUYS, the_terms(reserve_ppm=1_000), "reserveShare"),
    ("no energy a day", SELLS, the_terms(daily_ukwh_max=0), "dailyMaxKwh"),
    ("half a watt-hour a day", SELLS, the_terms(daily_ukwh_max=500), "dailyMaxKwh"),
    ("9 TWh a day", SELLS, the_terms(daily_ukwh_max=9 * 10**15), "dailyMaxKwh"),
    ("a source of a rule that buys", BUYS, the_terms(source=EnergySource.WIND), "source"),
    ("no hours", SELLS, the_terms(hours=()), "hours"),
    ("hour 24", SELLS, the_terms(hours=(24,)), "hours"),
    ("no days", SELLS, the_terms(weekdays=()), "weekdays"),
    ("no lookahead", SELLS, the_terms(lookahead_hours=0), "lookaheadHours"),
    ("a lookahead of nine days", SELLS, the_terms(lookahead_hours=216), "lookaheadHours"),
]


@pytest.mark.parametrize(("kind", "terms", "field"), [row[1:] for row in WRONG], ids=[row[0] for row in WRONG])
async def test_what_a_rule_may_not_say(session: AsyncSession, kind: RuleKind, terms: RuleTerms, field: str) -> None:
    owner, market = await a_trader(session), await a_market(session)
    before = await stored(session)

    with pytest.raises(InvalidValue) as refused:
        await rules.create(session, owner, market, kind, terms)

    assert refused.value.path == ("terms", field)
    assert await stored(session) == before


async def test_a_rule_trades_in_a_market_that_is_there(session: AsyncSession) -> None:
    with pytest.raises(NotFound):
        await rules.create(session, await a_trader(session), new_id(), SELLS, the_terms())


async def test_there_are_only_so_many_rules(session: AsyncSession, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "RULES_MAX", 2)
    owner, market = await a_trader(session), await a_market(session)
    first = await rules.create(session, owner, market, SELLS, the_terms())
    await rules.create(session, owner, market, SELLS, the_terms())
    before = await stored(session)

    with pytest.raises(TooManyRules):
        await rules.create(session, owner, market, SELLS, the_terms())

    assert await stored(session) == before
    await rules.end(session, owner, first, expected_version=1, now=NOW)
    await rules.create(session, owner, market, SELLS, the_terms())


async def test_a_change_replaces_what_a_rule_says_and_is_due_at_once(session: AsyncSession) -> None:
    owner, market = await a_trader(session), await a_market(session)
    rule_id = await a_rule(session, owner, market)

    changed = the_terms(price_ueur_per_kwh=200_000, lookahead_hours=12)
    await rules.change(session, owner, rule_id, changed, expected_version=2, now=NOW)

    rule = await session.get_one(TradingRule, rule_id)
    said = (rule.price_ueur_per_kwh, rule.lookahead_hours, rule.version, rule.next_run_at)
    assert said == (200_000, 12, 3, NOW)


@pytest.mark.parametrize("status", list(RuleStatus))
@pytest.mark.parametrize("following", [RuleStatus.ACTIVE, RuleStatus.PAUSED, RuleStatus.ENDED])
async def test_rules_move_as_the_table_says(session: AsyncSession, status: RuleStatus, following: RuleStatus) -> None:
    owner, market = await a_trader(session), await a_market(session)
    rule_id = await _in_status(session, owner, market, status)
    version = (await session.get_one(TradingRule, rule_id)).version
    before = await stored(session)

    refused: DomainError | None = None
    try:
        await _move(session, owner, rule_id, following, version)
    except RuleInOtherStatus as error:
        refused = error

    rule = await session.get_one(TradingRule, rule_id, populate_existing=True)
    if following in TRANSITIONS[status]:
        due = NOW if following is RuleStatus.ACTIVE else None
        assert (refused, rule.status, rule.version, rule.next_run_at) == (None, following, version + 1, due)
    else:
        assert refused is not None
        assert (rule.status, await stored(session)) == (status, before)


async def _in_status(session: AsyncSession, owner: Viewer, market: Any, status: RuleStatus) -> Any:
    rule_id = await a_rule(session, owner, market, is_active=status is not RuleStatus.DRAFT)
    if status in {RuleStatus.PAUSED, RuleStatus.ENDED}:
        await _move(session, owner, rule_id, status, 2)
    return rule_id


async def _move(session: AsyncSession, owner: Viewer, rule_id: Any, following: RuleStatus, version: int) -> None:
    moves: dict[RuleStatus, Any] = {
        RuleStatus.ACTIVE: rules.activate,
        RuleStatus.PAUSED: rules.pause,
        RuleStatus.ENDED: rules.end,
    }
    await moves[following](session, owner, rule_id, expected_version=version, now=NOW)


async def test_what_has_ended_is_not_changed(session: AsyncSession) -> None:
    owner, market = await a_trader(session), await a_market(session)
    rule_id = await _in_status(session, owner, market, RuleStatus.ENDED)
    before = await stored(session)

    with pytest.raises(RuleInOtherStatus):
        await rules.change(session, owner, rule_id, the_terms(), expected_version=3, now=NOW)

    assert await stored(session) == before


async def test_a_reserve_is_never_due(session: AsyncSession) -> None:
    owner, market = await a_trader(session), await a_market(session)

    rule_id = await a_rule(session, owner, market, KEEPS)

    rule = await session.get_one(TradingRule, rule_id)
    assert (rule.status, rule.next_run_at) == (RuleStatus.ACTIVE, None)


@pytest.mark.parametrize("who", ["another", "an administrator", "an application that reads", "nobody there"])
async def test_only_the_owner_changes_a_rule(session: AsyncSession, who: str) -> None:
    owner, market = await a_trader(session), await a_market(session)
    rule_id = await a_rule(session, owner, market)
    reads = Viewer(user_id=owner.user_id, api_key_id=new_id(), scopes=frozenset({"read"}))
    viewer, expected = {
        "another": (a_viewer(), NotFound),
        "an administrator": (an_admin(), NotAllowed),
        "an application that reads": (reads, NotAllowed),
        "nobody there": (owner, NotFound),
    }[who]
    asked = new_id() if who == "nobody there" else rule_id
    before = await stored(session)

    for act in (rules.activate, rules.pause, rules.end):
        with pytest.raises(expected):
            await act(session, viewer, asked, expected_version=2, now=NOW)
    with pytest.raises(expected):
        await rules.change(session, viewer, asked, the_terms(), expected_version=2, now=NOW)

    assert await stored(session) == before


async def test_a_change_of_what_others_changed_is_refused(session: AsyncSession) -> None:
    owner, market = await a_trader(session), await a_market(session)
    rule_id = await a_rule(session, owner, market)
    before = await stored(session)

    with pytest.raises(StaleVersion) as refused:
        await rules.pause(session, owner, rule_id, expected_version=1, now=NOW)

    assert refused.value.current == 2
    assert await stored(session) == before


@pytest.mark.parametrize("cancel_orders", [False, True])
async def test_orders_stand_when_a_rule_is_paused_unless_they_are_to_be_withdrawn(
    session: AsyncSession, cancel_orders: bool
) -> None:
    owner, point = await an_owner(session)
    await metered(session, point, Direction.INJECTED, days_before(TODAY, 7), "1")
    rule_id = await a_rule(session, owner, await a_market(session))
    await run(session)

    await rules.pause(session, owner, rule_id, expected_version=2, now=NOW, cancel_orders=cancel_orders)

    statuses = set(await session.scalars(select(Order.status).where(Order.rule_id == rule_id)))
    assert statuses == {OrderStatus.CANCELLED if cancel_orders else OrderStatus.OPEN}
