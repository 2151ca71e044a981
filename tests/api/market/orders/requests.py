"""An order that is taken, and requests that change something of it."""

from datetime import UTC, datetime, timedelta
from typing import Any

from tests.api.hostile.rows import done, of, period

NEXT_HOUR = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) + timedelta(hours=2)


def at(hours: float, minutes: int = 15, start: datetime = NEXT_HOUR) -> dict[str, str]:
    begins = start + timedelta(hours=hours)
    return period(begins.isoformat(), (begins + timedelta(minutes=minutes)).isoformat())


AN_ORDER = {"side": "BUY", "energyKwh": "1", "limitPrice": "0.1", "delivery": at(0), "idempotencyKey": "hostile"}


def placed(role: str = "member", market: str = "north", **changes: Any) -> Any:
    return done("placeOrder", lambda id_of: {"marketId": id_of("Market", market), **AN_ORDER, **changes}, role)


def amended(order: str = "bob's that is open", role: str = "member", **changes: Any) -> Any:
    return done("amendOrder", of("Order", order, idempotencyKey="hostile amendment", **changes), role)
