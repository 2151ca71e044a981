"""What workers and the relay carry out: modules that register job functions and periodic work when imported.

Job functions register with `api.jobs.work.job`, periodic work with `periodic`.
"""

import importlib
from collections.abc import Awaitable, Callable

from sqlalchemy.ext.asyncio import AsyncSession

MODULES = (
    "api.sharing.jobs",
    "api.market.clearing.jobs",
    "api.market.statements.jobs",
    "api.market.delivery.jobs",
    "api.grid.jobs",
    "api.audit.jobs",
    "api.market.rules.jobs",
    "api.market.prices.forecasts",
    "api.market.prices.alerts",
    "api.ledger.jobs",
    "api.notifications.jobs",
    "api.engagement.jobs",
    "api.processes.housekeeping",
)

Periodic = Callable[[AsyncSession], Awaitable[None]]
PERIODIC: list[Periodic] = []


def periodic(act: Periodic) -> Periodic:
    """Register work that looks, twice a second, whether something is due; it must be cheap and repeatable."""
    PERIODIC.append(act)
    return act


def load_jobs() -> None:
    """Import every module that registers something."""
    for name in MODULES:
        importlib.import_module(name)
