"""The demo loads once, and its simulated meters and traders go on by themselves."""

import random
from datetime import UTC, datetime, timedelta

from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from api.database import connect
from api.demo.feeding import place_one, report_until
from api.demo.loading import load
from api.demo.story import DEPOSIT_UEUR, PLACES
from domain.identity.tables import User
from domain.intervals import floor_to
from domain.ledger import answers, payments
from domain.ledger.tables import Payment
from domain.market.tables import Order
from domain.metering.tables import Reading
from domain.quantities import format_micro
from tests.factories.ledger import an_answer

NUMBERS = range(24)  # Enough for orders of plants and of homes.


async def test_meters_report_what_was_missed_and_traders_place_orders(fresh_database: str) -> None:
    database = connect(fresh_database, role="commonwatt_app", pool=2, statement_seconds=None)
    try:
        assert await load(database)
        assert not await load(database)
        async with database.transaction() as session:
            history = await session.scalar(select(func.count()).select_from(Reading))
            for place in PLACES:
                await report_until(session, place, floor_to(datetime.now(UTC) + timedelta(days=1), 15))
            await _pay(session)
        async with database.transaction() as session:
            reported = await session.scalar(select(func.count()).select_from(Reading))
            for number in NUMBERS:
                await place_one(session, random.Random(number))
        async with database.transaction() as session:
            placed = await session.scalar(select(func.count()).select_from(Order))
            acts = await session.scalar(text("SELECT count(*) FROM audit_entry WHERE act = 'order.place'"))
    finally:
        await database.close()

    assert history
    assert reported is not None
    assert reported > history
    assert placed == acts
    assert placed is not None
    assert placed > len(NUMBERS) // 2


async def _pay(session: AsyncSession) -> None:
    """What the worker and the payment provider do in a running demo."""
    now = datetime.now(UTC)
    asked = list(await session.scalars(select(Payment.id)))
    assert len(asked) == await session.scalar(select(func.count()).select_from(User))
    for payment_id in asked:
        await payments.submit(session, payment_id, now=now)
        await answers.record(session, an_answer(payment_id, format_micro(DEPOSIT_UEUR)), now=now)
