"""Where sold energy comes from: what the seller's registered plants are, and not what the seller says."""

from sqlalchemy.ext.asyncio import AsyncSession

from domain.communities.tables import AssetKind
from tests.api.conftest import Execute
from tests.api.market.orders.test_orders import PLACE, an_input
from tests.factories.communities import own_plant
from tests.factories.market import a_market, a_trader


async def test_a_source_is_what_the_plants_are(session: AsyncSession, execute: Execute) -> None:
    trader, market = await a_trader(session), await a_market(session)
    assert trader.user_id is not None
    await own_plant(session, trader.user_id, AssetKind.PV)

    wind = await execute(PLACE, trader, input=an_input(market, source="WIND"))
    unsaid = await execute(PLACE, trader, input=an_input(market, idempotencyKey="another"))
    nobodys = await execute(PLACE, await a_trader(session), input=an_input(market, source="SOLAR"))

    assert [(each["code"], each["path"]) for each in wind.refusals("placeOrder") + nobodys.refusals("placeOrder")] == [
        ("SOURCE_NOT_OWNED", ["source"])
    ] * 2
    assert unsaid.data["placeOrder"]["order"]["source"] == "SOLAR"


async def test_plants_of_several_sources_and_storage_name_none(session: AsyncSession, execute: Execute) -> None:
    market = await a_market(session)
    for kinds in ((AssetKind.PV, AssetKind.WIND), (AssetKind.PV, AssetKind.STORAGE), (AssetKind.STORAGE,), ()):
        trader = await a_trader(session)
        assert trader.user_id is not None
        for kind in kinds:
            await own_plant(session, trader.user_id, kind)

        placed = await execute(PLACE, trader, input=an_input(market))

        assert placed.data["placeOrder"]["order"]["source"] is None
