"""What workers and the relay carry out: the `jobs.py` of rooms register it when imported (`api.house.load_jobs`).

Job functions register with `api.jobs.work.job`, periodic work with `periodic`.
"""

from collections.abc import Awaitable, Callable

from sqlalchemy.ext.asyncio import AsyncSession

Periodic = Callable[[AsyncSession], Awaitable[None]]
PERIODIC: list[Periodic] = []


def periodic(act: Periodic) -> Periodic:
    """Register work that looks, twice a second, whether something is due; it must be cheap and repeatable."""
    PERIODIC.append(act)
    return act
