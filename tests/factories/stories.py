"""What brings notices about: an act for each kind, with what its people must then read."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from api.engine.declarations import global_id
from api.market.rules.bridge import decide
from domain.geography.tables import MarketZone
from domain.identity import accounts, sessions, users
from domain.identity.tables import PlatformRole, Session
from domain.kernel.database import new_id
from domain.kernel.quantities import parse_micro
from domain.ledger import answers
from domain.ledger.answers import PaymentOutcome
from domain.ledger.tables import PaymentKind
from domain.market.auctions import auctions, bids
from domain.market.auctions.auctions import Clock, Descent
from domain.market.clearing import ticks
from domain.market.clearing.ticks import Tick, TickKind
from domain.market.delivery import certificates, news
from domain.market.orders import halting
from domain.market.places.tables import EnergySource
from domain.market.prices import alerts
from domain.market.rules import runs, situations
from domain.market.rules.tables import RuleKind
from domain.market.statements import billing
from domain.metering import points
from domain.metering.tables import CodeKind, Direction
from domain.notifications import webhooks
from domain.notifications.tables import WebhookDisabledReason
from tests.api.conftest import Execute
from tests.domain.market.clearing.batches import clear
from tests.factories.communities import a_community, a_member, a_membership, a_participation
from tests.factories.deliveries import AFTER, NOON, a_party, a_trade, injected, look, withdrew
from tests.factories.geography import a_substation_area
from tests.factories.grid import an_operator
from tests.factories.identity import a_user
from tests.factories.ledger import a_submitted_payment, an_answer
from tests.factories.market import BUY, SELL, a_delivery, a_market, a_trader, an_order, first_delivery, now
from tests.factories.metering import a_metering_point
from tests.factories.notifications import a_webhook
from tests.factories.rules import NOW, a_rule, an_owner, days_before, metered
from tests.factories.rules import TODAY as DAY_OF_RULES

ZONE = "Val di Sole"


@dataclass(frozen=True)
class Read:
    """What somebody must read of a kind: parts of title and body in English, and the type of its subject."""

    reader: UUID | None
    kind: str
    title: str
    body: Sequence[str]
    subject: str


Story = Callable[[AsyncSession, Execute], Awaitable[list[Read]]]


async def a_place(session: AsyncSession, **market: Any) -> tuple[UUID, UUID]:
    """A market in a zone that has a name, and the zone."""
    zone = MarketZone(code=f"Z{new_id()}", name=ZONE, country="IT")
    session.add(zone)
    await session.flush()
    return await a_market(session, zone.id, **market), zone.id


def local(instant: datetime, zone: str = "Europe/Rome") -> str:
    """Date and time as English messages tell them."""
    there = instant.astimezone(ZoneInfo(zone))
    return f"{there.day} {there:%b %Y, %H:%M}"


async def an_alert(session: AsyncSession, execute: Execute) -> list[Read]:
    _, zone = await a_place(session)
    area = await a_substation_area(session, str(new_id()), market_zone_id=zone)
    person = await a_user(session)
    membership = await a_membership(session, await a_community(session), await a_member(session, person))
    await a_participation(session, membership, await a_metering_point(session, substation_area_id=area.id))
    starts_at = datetime(2027, 1, 5, 6, 30, tzinfo=UTC)
    given = {"kind": "OUTAGE", "severity": "CRITICAL", "title": "Works on line 4", "text": "No power in the valley."}
    given |= {"zoneId": global_id("MarketZone", zone), "startsAt": starts_at.isoformat()}
    document = "mutation ($input: IssueGridAlertInput!) { issueGridAlert(input: $input) { errors { message } } }"
    answer = await execute(document, await an_operator(session, zone), input=given)
    assert answer.refusals("issueGridAlert") == []
    body = ["No power in the valley.", "5 Jan 2027, 07:30 (CET)", "critical"]
    return [Read(person.id, "GRID_ALERT", f"Power cut in {ZONE}: Works on line 4", body, "GridAlert")]


async def a_halt(session: AsyncSession, execute: Execute) -> list[Read]:
    market, zone = await a_place(session)
    trader, operator = await a_trader(session), await an_operator(session, zone)
    for price in ("0.1", "0.2"):
        await an_order(session, trader, market, BUY, price=price)
    until = (now() + timedelta(hours=1)).replace(microsecond=0)
    for field, given in (
        ("haltZone", {"reason": "A transformer burns", "expiresAt": until.isoformat()}),
        ("resumeZone", {"reason": "The fire is out"}),
    ):
        kind = f"{field[0].upper()}{field[1:]}Input"
        document = f"mutation ($input: {kind}!) {{ {field}(input: $input) {{ errors {{ message }} }} }}"
        answer = await execute(document, operator, input=given | {"zoneId": global_id("MarketZone", zone)})
        assert answer.refusals(field) == []
    begun = ["A transformer burns", local(until), "2 orders of yours"]
    await halting.halt(session, operator, zone, reason="Tests", expires_at=until, now=now())
    await halting.resume_expired(session, now=until)
    again = ["Tests", local(until), "2 orders of yours"]
    return [
        Read(trader.user_id, "GRID_ALERT", f"Trading in {ZONE} is halted", again, "ZoneHalt"),
        Read(trader.user_id, "GRID_ALERT", f"{ZONE} goes on again", ["has ended as announced"], "ZoneHalt"),
        Read(trader.user_id, "GRID_ALERT", f"Trading in {ZONE} is halted", begun, "ZoneHalt"),
        Read(trader.user_id, "GRID_ALERT", f"Trading in {ZONE} goes on again", ["The fire is out"], "ZoneHalt"),
    ]


async def a_rejection(session: AsyncSession, execute: Execute) -> list[Read]:
    market, zone = await a_place(session)
    trader = await a_trader(session)
    await an_order(session, trader, market, BUY, "3", "0.25")
    given = {"zoneId": global_id("MarketZone", zone), "kind": "PER_ORDER", "energyKwh": "2", "reason": "A weak line"}
    document = "mutation ($input: SetZoneLimitInput!) { setZoneLimit(input: $input) { errors { message } } }"
    answer = await execute(document, await an_operator(session, zone), input=given)
    assert answer.refusals("setZoneLimit") == []
    body = ["of 2 kWh at most", "A weak line", "buy 3 kWh", "€0.25/kWh", local(first_delivery())]
    return [Read(trader.user_id, "ORDER_CLOSED", f"Your order to buy in {ZONE} was rejected", body, "Order")]


async def a_fill(session: AsyncSession, execute: Execute) -> list[Read]:
    market, _ = await a_place(session)
    seller, buyer = await a_trader(session), await a_trader(session)
    await an_order(session, seller, market, SELL, "1.5", "0.2")
    await an_order(session, buyer, market, BUY, "2", "0.2")
    await clear(session, market)
    delivery = f"{local(first_delivery())}–"
    bought = ["1.5 kWh", "€0.20/kWh", delivery, "-€0.30", "buy 2 kWh at no more than"]
    sold = ["1.5 kWh", "€0.20/kWh", delivery, "+€0.30", "sell 1.5 kWh at no less than"]
    return [
        Read(buyer.user_id, "ORDER_FILLED", f"Bought: 1.5 kWh in {ZONE}", bought, "Order"),
        Read(seller.user_id, "ORDER_FILLED", f"Sold: 1.5 kWh in {ZONE}", sold, "Order"),
    ]


async def a_settlement(session: AsyncSession, execute: Execute) -> list[Read]:
    market, _ = await a_place(session)
    seller, buyer = await a_party(session), await a_party(session)
    await injected(session, seller, "1")
    await withdrew(session, buyer, "1")
    await a_trade(session, market, seller, buyer, "1", "0.2", source=EnergySource.SOLAR)
    await look(session)
    await news.tell(session, now=AFTER)
    await certificates.certify(session, NOON, actor="test", now=AFTER)
    settled = [f"1 trade in {ZONE} was settled", "10 Nov 2026, 12:00–12:15 (CET)", "Delivered: 1 kWh"]
    certified = ["1,000 Wh of solar energy", "10 Nov 2026, 12:00–12:15 (CET)"]
    return [
        Read(seller.user_id, "TRADE_SETTLED", "+€0.20", [*settled, "+€0.20"], "Trade"),
        Read(buyer.user_id, "TRADE_SETTLED", "-€0.20", [*settled, "-€0.20"], "Trade"),
        Read(buyer.user_id, "CERTIFICATE", "1,000 Wh of solar energy", certified, "Certificate"),
    ]


async def some_payments(session: AsyncSession, execute: Execute) -> list[Read]:
    payer = await a_trader(session)
    deposit, failing = [await a_submitted_payment(session, payer, PaymentKind.DEPOSIT, kwh) for kwh in ("25", "30")]
    withdrawal = await a_submitted_payment(session, payer, PaymentKind.WITHDRAWAL, "10")
    await answers.record(session, an_answer(deposit, "25"), now=now())
    await answers.record(session, an_answer(withdrawal, "10"), now=now())
    failed = an_answer(failing, "30", outcome=PaymentOutcome.FAILED, reason="DECLINED")
    await answers.record(session, failed, now=now())
    return [
        Read(payer.user_id, "PAYMENT", "Deposit received: +€25.00", ["deposit of €25.00 has arrived"], "Payment"),
        Read(payer.user_id, "PAYMENT", "Withdrawal paid out: -€10.00", ["was paid out"], "Payment"),
        Read(payer.user_id, "PAYMENT", "deposit of €30.00 failed", ["provider declined it"], "Payment"),
    ]


async def a_statement(session: AsyncSession, execute: Execute) -> list[Read]:
    market, _ = await a_place(session)
    seller, buyer = await a_party(session), await a_party(session)
    await a_trade(session, market, seller, buyer, "1", "0.25")
    await injected(session, seller, "1")
    await withdrew(session, buyer, "1")
    await look(session)
    over, ids = datetime(2026, 12, 2, tzinfo=UTC), [seller.user_id, buyer.user_id]
    await billing.make(session, date(2026, 11, 1), "Europe/Luxembourg", ids, actor="test", now=over)
    await withdrew(session, buyer, "0.5")
    await injected(session, seller, "0.5")
    await look(session, now=over)
    await billing.make(session, date(2026, 11, 1), "Europe/Luxembourg", ids, actor="test", now=over)
    kind, subject = "STATEMENT_READY", "AccountStatement"
    paid, got = "-€0.25, which was paid from your wallet", "+€0.25, which was paid to your wallet"
    return [
        Read(buyer.user_id, kind, "statement for November 2026 is ready: -€0.25", [paid], subject),
        Read(seller.user_id, kind, "statement for November 2026 is ready: +€0.25", [got], subject),
        Read(buyer.user_id, kind, "Credit note for November 2026: +", ["corrects your statement"], subject),
    ]


async def a_crossing(session: AsyncSession, execute: Execute) -> list[Read]:
    market, _ = await a_place(session)
    owner = await a_trader(session)
    given = {"marketId": global_id("Market", market), "threshold": "0.2", "direction": "BELOW"}
    document = "mutation ($input: CreatePriceAlertInput!) { createPriceAlert(input: $input) { errors { message } } }"
    assert (await execute(document, owner, input=given)).refusals("createPriceAlert") == []
    await ticks.announce(session, market, [Tick(first_delivery(), 150_000, TickKind.CLEARED)])
    await alerts.fire(session, now=now())
    title = f"The price in {ZONE} is at or below your threshold: €0.15/kWh"
    return [Read(owner.user_id, "PRICE_ALERT", title, [f"{local(first_delivery())}–", "€0.20/kWh"], "PriceAlert")]


async def a_refused_rule(session: AsyncSession, execute: Execute) -> list[Read]:
    owner, point = await an_owner(session, eur="0.01")
    for direction, kwh in ((Direction.WITHDRAWN, "0.5"), (Direction.INJECTED, "1")):
        await metered(session, point, direction, days_before(DAY_OF_RULES, 7), kwh)
    market, _ = await a_place(session)
    await a_rule(session, owner, market, RuleKind.BUY_BELOW, name="Cheap nights")
    found = await situations.take(session, now=NOW)
    await runs.record(session, [(each, decide(each)) for each in found or []], now=NOW)
    title = "Your trading rule “Cheap nights” could not place an order"
    body = [ZONE, "20 Jun 2026, 11:15–11:30 (CEST)", "the money available in your wallet does not cover it"]
    return [Read(owner.user_id, "TRADING_RULE", title, body, "TradingRule")]


async def an_auction(session: AsyncSession, execute: Execute) -> list[Read]:
    market, _ = await a_place(session)
    seller, buyer = await a_trader(session), await a_trader(session)
    opened = now().replace(microsecond=0)
    clock = Clock(parse_micro("0.3"), parse_micro("0.1"), parse_micro("0.05"), 60, opened)
    descent = Descent(**{field.name: getattr(clock, field.name) for field in fields(Descent)})
    terms = (market, parse_micro("2"), a_delivery(0, 2), descent)
    auction = await auctions.open_auction(session, seller, "a key", *terms, opens_at=opened, now=opened)
    taken = bids.NewBid(auction, parse_micro("2"), parse_micro("1"))
    await bids.bid(session, buyer, "b", taken, now=opened)
    delivery = f"{local(first_delivery())}–"
    return [
        Read(buyer.user_id, "AUCTION", f"Bought at auction in {ZONE}: 4 kWh", [delivery, "-€1.20"], "DutchAuction"),
        Read(seller.user_id, "AUCTION", f"Sold at auction in {ZONE}: 4 kWh", [delivery, "+€1.20"], "DutchAuction"),
        Read(seller.user_id, "AUCTION", f"Your auction in {ZONE} is sold out", ["4 kWh"], "DutchAuction"),
    ]


async def a_dead_web_hook(session: AsyncSession, execute: Execute) -> list[Read]:
    owner = await a_user(session)
    webhook_id, _ = await a_webhook(session, owner.id)
    await webhooks.disable(session, webhook_id, WebhookDisabledReason.UNANSWERED, now=now())
    title, body = "Your web hook at hooks.example.org was disabled", ["acknowledged nothing for three days"]
    return [Read(owner.id, "WEBHOOK_DISABLED", title, body, "Webhook")]


async def some_guesses(session: AsyncSession, execute: Execute) -> list[Read]:
    user = await a_user(session)
    await sessions.tell_of_guesses(session, user.email, 10)
    return [Read(user.id, "PASSWORD_GUESSED", "guess your password", ["At least 10 wrong passwords"], "User")]


async def a_new_password(session: AsyncSession, execute: Execute) -> list[Read]:
    user = await a_user(session)
    tokens = await sessions.open_session(session, user.id)
    session_id = await session.scalar(select(Session.id).where(Session.user_id == tokens.user_id))
    assert session_id is not None
    await accounts.change_password(session, user.id, "hashed", session_id=session_id)
    return [Read(user.id, "PASSWORD_CHANGED", "password was changed", ["sign in again"], "User")]


async def a_contested_code(session: AsyncSession, execute: Execute) -> list[Read]:
    admin, code = await a_user(session), "IT001E12345678"
    await users.grant_role(session, admin.id, PlatformRole.ADMIN, actor="test")
    given: dict[str, Any] = {"code": code, "code_kind": CodeKind.IT_POD, "directions": [Direction.WITHDRAWN]}
    for _ in range(2):
        await points.create_point(session, **given, timezone="Europe/Rome", location=None)
    return [Read(admin.id, "CODE_CONTESTED", code, [f"Two metering points have the code {code}"], "MeteringPoint")]


STORIES: Sequence[Story] = (
    *(an_alert, a_halt, a_rejection, a_fill, a_settlement, some_payments, a_statement, a_crossing),
    *(a_refused_rule, an_auction, a_dead_web_hook, some_guesses, a_new_password, a_contested_code),
)
