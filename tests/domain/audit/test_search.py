from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from domain.audit import entries, search
from domain.audit.search import Criteria, Place
from domain.kernel.database import new_id
from domain.kernel.intervals import Period


async def found(session: AsyncSession, criteria: Criteria, **page: Any) -> list[tuple[str, int]]:
    given = {"size": 100, "beyond": None, "is_backward": False} | page
    rows = await search.page(await session.connection(), criteria, given.pop("size"), **given)
    return [(row.chain, row.sequence) for row in rows]


async def test_entries_are_found_by_all_that_is_known_of_them(session: AsyncSession) -> None:
    scope, order, began = new_id(), new_id(), datetime.now(UTC)
    for act, actor, subject in (
        ("order.place", "user:a", ("Order", order)),
        ("order.cancel", "user:b", ("Order", order)),
        ("ordering", "user:a", ("Other", order)),
    ):
        await entries.record(session, act, actor=actor, subject=subject, scope_id=scope)
    await entries.record(session, "platform.verify", actor="user:a", subject=("Job", None))
    chain = str(scope)
    ahead = Period(datetime.now(UTC) + timedelta(hours=1), datetime.now(UTC) + timedelta(hours=2))

    assert await found(session, Criteria(chain=chain)) == [(chain, 1), (chain, 2), (chain, 3)]
    assert await found(session, Criteria(actor="user:a")) == [(chain, 1), (chain, 3), ("platform", 1)]
    assert await found(session, Criteria(act="order.")) == [(chain, 1), (chain, 2)]
    assert await found(session, Criteria(act="ordering")) == [(chain, 3)]
    assert await found(session, Criteria(act="order_place")) == []
    assert await found(session, Criteria(subject=("Order", order))) == [(chain, 1), (chain, 2)]
    assert await found(session, Criteria(chain=chain, actor="user:b", act="order.cancel")) == [(chain, 2)]
    assert len(await found(session, Criteria(period=Period(began, ahead.start)))) == 4
    assert await found(session, Criteria(period=ahead)) == []
    assert await search.count(await session.connection(), Criteria(actor="user:a")) == 3


async def test_pages_go_both_ways_within_a_chain_and_over_all(session: AsyncSession) -> None:
    scope = new_id()
    for number in range(5):
        await entries.record(session, f"act{number}", actor="x", subject=("X", None), scope_id=scope)
    chain = str(scope)
    rows = await search.page(await session.connection(), Criteria(), 9, beyond=None, is_backward=False)
    third = Place(rows[2].at, chain, 3)

    for criteria in (Criteria(chain=chain), Criteria()):
        assert await found(session, criteria, beyond=third, size=1) == [(chain, 4)]
        assert await found(session, criteria, beyond=third) == [(chain, 4), (chain, 5)]
        assert await found(session, criteria, beyond=third, is_backward=True) == [(chain, 2), (chain, 1)]
        assert await found(session, criteria, is_backward=True, size=2) == [(chain, 5), (chain, 4)]
