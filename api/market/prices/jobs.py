"""Price forecasts every hour, read, solved and recorded; and the look whether a price crossed what somebody watches."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from api.jobs.registry import periodic
from api.jobs.work import Work, job
from api.market.prices import bridge
from api.resources import clock
from domain.market.prices import alerts, forecasts
from domain.market.prices.words import FORECAST_PRICES
from solver.market import forecasting


@periodic
async def schedule_forecasts(session: AsyncSession) -> None:
    """Ask for the forecasts of the hour."""
    await forecasts.schedule(session, now=clock.now())


@job(FORECAST_PRICES)
async def forecast_prices(work: Work) -> None:
    """Forecast the prices of a market from what was known at an instant."""
    market_id, at = UUID(work.arguments["market_id"]), datetime.fromisoformat(work.arguments["at"])
    async with work.database.reading() as connection:
        known = await forecasts.known(connection, market_id, at, forecasting.HISTORY_DAYS)
    forecast = await work.solve(bridge.forecast_prices_of, known)
    async with work.recording() as recording:
        await forecasts.record(recording.session, forecast)


@periodic
async def fire_price_alerts(session: AsyncSession) -> None:
    """Compare new price ticks with the alerts that wait for them."""
    await alerts.fire(session, now=clock.now())
