"""Bob and Ada wait for prices, and the north has all that its prices are watched by."""

from datetime import UTC, datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from domain.identity.viewers import Viewer
from domain.market.prices import alerts, forecasts
from domain.market.prices.alerts import Watch
from domain.market.prices.tables import AlertDirection
from tests.api.authorization.world import World
from tests.domain.market.prices.test_forecasts import a_forecast
from tests.factories.prices import a_price_model, grid_prices


async def add_rows(session: AsyncSession, world: World) -> None:
    """Alerts, a model, tariffs and a forecast."""
    market_id, now = world.rows["Market"]["north"], datetime.now(UTC)
    for name in ("bob", "ada"):
        watch = Watch(500_000, AlertDirection.ABOVE)
        alert_id = await alerts.create(session, Viewer(user_id=world.rows["User"][name]), market_id, watch)
        world.keep("PriceAlert", f"{name}'s", alert_id)
    await a_price_model(session, market_id, now)
    await grid_prices(session, market_id, "0.3", "0.08", now)
    await forecasts.record(session, a_forecast(market_id, made_at=now - timedelta(minutes=30)))
