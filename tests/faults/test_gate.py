"""The gate itself: where keys are forgotten, one lost answer is enough for the checks to fail."""

from uuid import UUID

from api.resources import database
from domain.market.orders import placing
from tests.factories.market import a_market, a_proposal, a_trader, now
from tests.faults import facts, world
from tests.faults.checks import Run, broken
from tests.faults.journal import Act, Asked, Journal, Told


async def order_placed_twice(url: str) -> Run:
    """A client that did not hear the answer places its order again, with the same key."""
    connected = database.connect(url, role="commonwatt_app", pool=1)
    try:
        async with connected.transaction() as session:
            trader, market = await a_trader(session), await a_market(session)
        told: list[UUID] = []
        for _ in range(2):
            async with connected.transaction() as session:
                told.append(await placing.place(session, trader, "a key", a_proposal(market), now=now()))
        assert trader.user_id is not None
        asked = Asked("a key", Act.PLACE, trader.user_id, "token", {}, mark=1_000_000)
        journal = Journal({"a key": asked}, {"a key": Told(id=told[-1])})
        return Run(journal, await facts.read(connected, now()))
    finally:
        await connected.close()


async def test_with_keys_an_order_that_is_placed_again_is_one(fresh_database: str) -> None:
    run = await order_placed_twice(fresh_database)

    assert not any(broken(run).values())


async def test_without_keys_an_order_that_is_placed_again_is_found_twice(fresh_database: str) -> None:
    await world.forget_keys(fresh_database)

    run = await order_placed_twice(fresh_database)

    found = {name for name, faults in broken(run).items() if faults}
    assert found == {"nothing is there twice", "nothing was made that nobody was told of"}
