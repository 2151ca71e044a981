"""What a community injects and withdraws together, over GraphQL."""

from collections.abc import Iterable
from typing import Annotated, Any

import numpy as np
import strawberry

from api.engine.declarations import extends
from api.graphql.context import Context, Info
from api.graphql.periods import PeriodInput, series
from api.graphql.scalars import DateTime
from api.metering.series import Suppressed, refused_as_input, suppressed
from domain.aggregates import balance
from domain.aggregates.balance import Asked, Balance
from domain.kernel.intervals import Resolution
from domain.metering.series import Kwh
from domain.metering.tables import Direction

OF_BOTH = {"surplusKwh", "deficitKwh"}


@strawberry.type(
    description="What a community injects and withdraws together, packed: one number per interval, null where the "
    "viewer is not told it; `suppressed` says why."
)
class BalanceSeries:
    start: DateTime = strawberry.field(description="Start of the first interval.")
    resolution: Resolution = strawberry.field(description="Length of an interval.")
    injected_kwh: list[float | None] = strawberry.field(
        description="Energy into the grid, kWh, by participation factor."
    )
    withdrawn_kwh: list[float | None] = strawberry.field(
        description="Energy out of the grid, kWh, by participation factor."
    )
    surplus_kwh: list[float | None] = strawberry.field(
        description="max(0, injected - withdrawn) of each quarter-hour (or of what readings are there), added up, kWh."
    )
    deficit_kwh: list[float | None] = strawberry.field(
        description="max(0, withdrawn - injected) of each quarter-hour (or of what readings are there), added up, kWh."
    )
    missing: list[int] = strawberry.field(
        description="Indices, from 0, of intervals in which readings are missing. Administrators of the community get "
        "what has arrived of them, others null."
    )
    suppressed: list[Suppressed] = strawberry.field(description="Which values are withheld from the viewer, and why.")


@extends("Community")
class BalanceOfCommunity:
    @strawberry.field(
        metadata=series(),
        description="What it injects and withdraws in a period of at most 10000 intervals. Its administrators are told "
        "all; members what at least five others stand behind, each with a point of that direction, and others the "
        "same of five by the hour or coarser; never what would tell of fewer beside other sums that are shown.",
    )
    async def balance(
        self,
        info: Info,
        period: Annotated[
            PeriodInput, strawberry.argument(description="Whole intervals; for DAY and MONTH in the community's zone.")
        ],
        resolution: Annotated[
            Resolution, strawberry.argument(description="Length of an interval; not finer than the readings.")
        ],
    ) -> BalanceSeries:
        info.context.take_series()
        span = period.span()
        with refused_as_input():
            async with info.context.database.reading() as connection:
                community_id, timezone = self.__dict__["id"], self.__dict__["zone"]
                asked = await balance.asked(
                    connection, community_id, timezone, span, resolution, by=info.context.viewer
                )
            found = await _read(info.context, asked, with_excess=_selects(info.selected_fields, OF_BOTH))
        return _shown(asked, found)


async def _read(context: Context, asked: Asked, *, with_excess: bool) -> Balance:
    """A balance, once it is decided what of it may be told."""
    async with context.database.reading() as connection:
        found = await balance.read(connection, asked, with_excess=with_excess)
    if not found.is_undecided:
        return found
    async with context.database.transaction() as session:
        await balance.decide(session, asked)
    async with context.database.reading() as connection:
        return await balance.read(connection, asked, with_excess=with_excess)


def _shown(asked: Asked, found: Balance) -> BalanceSeries:
    injected, withdrawn = ([reason is None for reason in found.withheld[way]] for way in Direction)
    both = [a and b for a, b in zip(injected, withdrawn, strict=True)]
    surplus, deficit = found.excess_kwh or ((), ())
    end = asked.intervals.period.end
    return BalanceSeries(
        start=DateTime(asked.intervals.period.start),
        resolution=asked.intervals.resolution,
        injected_kwh=_told(found.injected_kwh, injected),
        withdrawn_kwh=_told(found.withdrawn_kwh, withdrawn),
        surplus_kwh=_told(surplus, both),
        deficit_kwh=_told(deficit, both),
        missing=list(found.missing),
        suppressed=suppressed(found.starts, end, found.withheld),
    )


def _told(kwh: Kwh | tuple[()], is_told: list[bool]) -> list[float | None]:
    """Numbers with null where they are not told."""
    return [value if told else None for value, told in zip(np.asarray(kwh).tolist(), is_told, strict=False)]


def _selects(selections: Iterable[Any], names: set[str]) -> bool:
    """Whether any field of these names is selected, in a fragment or outside."""
    return any(getattr(each, "name", None) in names or _selects(each.selections, names) for each in selections)
