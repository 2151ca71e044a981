"""What the ids in notices lead to, and by whose clock it is told."""

from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from domain.events.tables import Notice
from domain.identity.tables import Language
from domain.kernel.database import new_id
from domain.notifications.telling import circumstances
from domain.notifications.telling.circumstances import Reader
from domain.notifications.telling.formats import Format
from tests.factories.communities import a_community, a_member, a_membership
from tests.factories.identity import a_user
from tests.factories.market import BUY, a_market, a_trader, an_order, first_delivery
from tests.factories.notifications import NOW


@pytest.mark.parametrize(
    ("joined", "facts", "timezone"),
    [
        ("Europe/Luxembourg", {"country": "IT"}, "Europe/Luxembourg"),
        (None, {"country": "IT"}, "Europe/Rome"),
        (None, {"country": "ES"}, "Europe/Madrid"),
        (None, {"country": "PT"}, "Europe/Lisbon"),
        ("Europe/Luxembourg", {"country": "IT", "timezone": "Europe/Paris"}, "Europe/Paris"),
        (None, {"country": "XX"}, "UTC"),
        (None, {}, "UTC"),
    ],
)
def test_time_is_that_of_the_community_or_else_of_the_country(
    joined: str | None, facts: dict[str, Any], timezone: str
) -> None:
    assert circumstances.format_for(Reader(new_id(), "FR", joined), facts) == Format(Language.FR, timezone)


async def test_a_reader_has_the_clock_of_the_community_joined_first(session: AsyncSession) -> None:
    user, other, gone = await a_user(session), await a_user(session), await a_user(session, disabled_at=NOW)
    member = await a_member(session, user)
    for timezone in ("Europe/Rome", "Europe/Luxembourg"):
        await a_membership(session, await a_community(session, timezone=timezone), member)

    found = await circumstances.readers(session, {user.id, other.id, gone.id})

    assert {id: tuple(reader) for id, reader in found.items()} == {
        user.id: (user.id, "EN", "Europe/Rome"),
        other.id: (other.id, "EN", None),
    }


async def test_an_order_leads_to_its_market_and_zone(session: AsyncSession) -> None:
    order = await an_order(session, await a_trader(session), await a_market(session), BUY, "3", "0.25")
    leading = {"order_id": str(order), "side": "AS TOLD", "reason": None, "market_id": "no key"}
    notices = [Notice(id=new_id(), facts=facts) for facts in (leading, {"order_id": 7, "zone_id": str(new_id())})]

    told, odd = [(await circumstances.of(session, notices))[notice.id] for notice in notices]

    assert (told["side"], told["order_ukwh"], told["limit_price_ueur_per_kwh"]) == ("AS TOLD", 3_000_000, 250_000)
    assert (told["order_delivery_start"], told["is_in_each_interval"]) == (first_delivery(), False)
    assert "reason" not in told
    assert odd.keys() == {"order_id", "zone_id"}


async def test_a_delivery_that_is_told_by_its_start_ends_with_its_interval(session: AsyncSession) -> None:
    facts = {"market_id": str(await a_market(session)), "delivery_start": "2026-11-21T13:00:00+00:00"}
    notice = Notice(id=new_id(), facts=facts)

    told = (await circumstances.of(session, [notice]))[notice.id]

    end = datetime(2026, 11, 21, 13, 15, tzinfo=UTC)
    assert (told["zone"], told["country"], told["delivery_end"]) == ("A zone", "IT", end)
