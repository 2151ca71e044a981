"""Allocation runs, their members and series, and where the operator disagrees."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import strawberry
from sqlalchemy import Row, select, text

from api.engine.declarations import Node, entity, extends, leading
from api.engine.fields import column, edge, many, part
from api.graphql.context import Info
from api.graphql.mutations import ErrorCode, Payload, UserError, mutation, refusal
from api.graphql.periods import Period, PeriodInput, series
from api.graphql.scalars import DateTime, Micro, key_of
from api.sharing.keys import administered
from api.transport.terms.errors import BadUserInput
from domain.aggregates import visibility as visible
from domain.jobs import queue
from domain.kernel.database import by_turns
from domain.kernel.intervals import METER_RESOLUTION, Resolution
from domain.kernel.intervals import Period as Span
from domain.kernel.quantities import UKWH_PER_KWH
from domain.kernel.suppression import Suppression
from domain.metering import matrices
from domain.metering.tables import Direction
from domain.sharing import inputs, tables, visibility
from domain.sharing.words import ALLOCATE_PERIOD

READINGS_MISSING = ErrorCode("READINGS_MISSING", "Some points have no complete readings in the period.")

POINTS_MAX = 10_000
INJECTED, WITHDRAWN = Direction.INJECTED, Direction.WITHDRAWN
RUN = tables.AllocationRun


def _told(expression: Any, description: str, name: str, *directions: Direction) -> Any:
    """A sum over people of the directions, for who is told it."""
    return column(expression, description, name=name, shown=visible.sums_of_run(*directions))


@strawberry.type(description="One member's shared energy and what is left, per interval: packed columns of kWh.")
class AllocationSeries:
    start: DateTime = strawberry.field(description="Start of the first interval.")
    resolution: Resolution = strawberry.field(description="Length of each interval.")
    withdrawn_kwh: list[float] = strawberry.field(description="Energy withdrawn that takes part in the community, kWh.")
    traded_in_kwh: list[float] = strawberry.field(description="Energy of it that was bought in the market, kWh.")
    shared_in_kwh: list[float] = strawberry.field(description="Energy received from the community, kWh.")
    injected_kwh: list[float] = strawberry.field(description="Energy injected that takes part in the community, kWh.")
    traded_out_kwh: list[float] = strawberry.field(description="Energy of it that was sold in the market, kWh.")
    shared_out_kwh: list[float] = strawberry.field(description="Energy given to the community, kWh.")


@entity(tables.MemberAllocation, visible=visibility.member_allocations)
class MemberAllocation(Node):
    """A run's totals of one member. Visible to the member and to administrators of the community."""

    member = edge(tables.MemberAllocation.member_id, "Member", "The member.", is_optional=True)
    run = edge(
        tables.MemberAllocation.run_id,
        "AllocationRun",
        "The run; null where its totals are not for the viewer.",
        is_optional=True,
    )
    withdrawn_ukwh: Micro = column(
        tables.MemberAllocation.withdrawn_ukwh,
        "Energy withdrawn that takes part in the community, kWh.",
        name="withdrawnKwh",
    )
    injected_ukwh: Micro = column(
        tables.MemberAllocation.injected_ukwh,
        "Energy injected that takes part in the community, kWh.",
        name="injectedKwh",
    )
    shared_in_ukwh: Micro = column(
        tables.MemberAllocation.shared_in_ukwh, "Energy received from the community, kWh.", name="sharedInKwh"
    )
    shared_out_ukwh: Micro = column(
        tables.MemberAllocation.shared_out_ukwh, "Energy given to the community, kWh.", name="sharedOutKwh"
    )
    traded_in_ukwh: Micro = column(
        tables.MemberAllocation.traded_in_ukwh, "Energy of it that was bought in the market, kWh.", name="tradedInKwh"
    )
    traded_out_ukwh: Micro = column(
        tables.MemberAllocation.traded_out_ukwh, "Energy of it that was sold in the market, kWh.", name="tradedOutKwh"
    )
    from_supplier_ukwh: Micro = column(
        tables.MemberAllocation.withdrawn_ukwh
        - tables.MemberAllocation.traded_in_ukwh
        - tables.MemberAllocation.shared_in_ukwh,
        "Energy that the supplier delivers, kWh: withdrawn less bought and received.",
        name="fromSupplierKwh",
    )
    to_grid_ukwh: Micro = column(
        tables.MemberAllocation.injected_ukwh
        - tables.MemberAllocation.traded_out_ukwh
        - tables.MemberAllocation.shared_out_ukwh,
        "Energy that goes to the grid, kWh: injected less sold and given.",
        name="toGridKwh",
    )


@entity(tables.AllocationDifference, visible=visibility.differences)
class AllocationDifference(Node):
    """An interval in which our allocation and the grid operator's differ by more than 0.000001 kWh.

    Visible to who holds the point and to administrators of the community.
    """

    direction: Direction = column(tables.AllocationDifference.direction, "Side of the metering point.")
    interval_start: DateTime = column(tables.AllocationDifference.interval_start, "Start of the interval.")
    ours_ukwh: Micro = column(tables.AllocationDifference.ours_ukwh, "Energy by our computation, kWh.", name="oursKwh")
    operator_ukwh: Micro = column(
        tables.AllocationDifference.operator_ukwh, "Energy as the operator states it, kWh.", name="operatorKwh"
    )
    metering_point = edge(
        tables.AllocationDifference.metering_point_id, "MeteringPoint", "The metering point.", is_optional=True
    )


@entity(
    tables.AllocationRun,
    visible=visibility.allocation_runs,
    carries={
        "community_id": tables.AllocationRun.community_id,
        "period_start": tables.AllocationRun.period_start,
        "period_end": tables.AllocationRun.period_end,
        "interval_minutes": tables.AllocationRun.interval_minutes,
    },
)
class AllocationRun(Node):
    """One computed allocation of a community and period; corrected readings make a new version beside it.

    Visible to members and administrators of the community. Members are told a sum where on every day at least five
    other persons have a point of that direction, and where it tells of no fewer beside other sums.
    """

    community = edge(tables.AllocationRun.community_id, "Community", "The community.", is_optional=True)
    version: int = column(tables.AllocationRun.version, "1 for the first computation of the period, and so on.")
    key = edge(tables.AllocationRun.key_id, "SharingKey", "The key by which energy was shared.", is_optional=True)
    input_digest: str | None = column(
        tables.AllocationRun.input_digest,
        "SHA-256 of all inputs: equal inputs, equal results. Null where a sum is withheld.",
        shown=visible.sums_of_run(*Direction),
    )
    injected_ukwh: Micro | None = _told(
        RUN.injected_ukwh, "Energy injected that takes part in the community, kWh.", "injectedKwh", INJECTED
    )
    withdrawn_ukwh: Micro | None = _told(
        RUN.withdrawn_ukwh, "Energy withdrawn that takes part in the community, kWh.", "withdrawnKwh", WITHDRAWN
    )
    traded_out_ukwh: Micro | None = _told(
        RUN.traded_out_ukwh, "Energy of it that members sold in the market, kWh.", "tradedOutKwh", INJECTED
    )
    traded_in_ukwh: Micro | None = _told(
        RUN.traded_in_ukwh, "Energy of it that members bought in the market, kWh.", "tradedInKwh", WITHDRAWN
    )
    shared_ukwh: Micro | None = _told(RUN.shared_ukwh, "Energy shared, kWh.", "sharedKwh", *Direction)
    injected_suppressed: Suppression | None = column(
        visible.withheld_of_run(INJECTED),
        "Why sums of what was injected are withheld from the viewer, who is a member; null where they are not.",
        shown=visible.not_told,
    )
    withdrawn_suppressed: Suppression | None = column(
        visible.withheld_of_run(WITHDRAWN),
        "Why sums of what was withdrawn are withheld from the viewer, who is a member; null where they are not.",
        shown=visible.not_told,
    )
    created_at: DateTime = column(tables.AllocationRun.created_at, "When it was computed.")
    period: Period = part(
        Period,
        "The period, half-open.",
        start=tables.AllocationRun.period_start,
        end=tables.AllocationRun.period_end,
    )
    members = many(
        "MemberAllocation", "Totals of the members that the viewer may see.", on=tables.MemberAllocation.run_id
    )
    differences = many(
        "AllocationDifference",
        "Intervals in which the grid operator's figures differ, as far as the viewer may see.",
        on=tables.AllocationDifference.run_id,
    )

    @strawberry.field(
        metadata=series(POINTS_MAX),
        description="Shared energy of one member per interval; at most 10000 intervals a request.",
    )
    async def series(
        self,
        info: Info,
        member_id: Annotated[strawberry.ID, strawberry.argument(description="A member the viewer may see.")],
        period: Annotated[
            PeriodInput | None, strawberry.argument(description="Part of the run's period; all of it by default.")
        ] = None,
    ) -> AllocationSeries:
        info.context.take_series()
        member_key = key_of(member_id, "Member", "memberId")
        if not await self._tells_of(info, member_key):
            raise BadUserInput("There is no such member in this run.", argument="memberId")
        minutes: int = self.__dict__["interval_minutes"]
        span = Span(self.__dict__["period_start"], self.__dict__["period_end"])
        wanted = span if period is None else period.span()
        if wanted.start < span.start or wanted.end > span.end or not wanted.is_aligned(minutes):
            raise BadUserInput(
                "The period must lie in the run's and start and end on its intervals.", argument="period"
            )
        if wanted.intervals(minutes) > POINTS_MAX:
            raise BadUserInput(
                f"{wanted.intervals(minutes)} intervals are more than {POINTS_MAX}: ask for a part of the period.",
                argument="period",
                maximum=POINTS_MAX,
            )
        async with info.context.database.reading() as connection:
            parameters = {"run": self.__dict__["id"], "member": member_key, "minutes": minutes}
            rows = await connection.execute(SERIES, {**parameters, "start": wanted.start, "end": wanted.end})
            return await _packed(wanted, minutes, rows.all())

    async def _tells_of(self, info: Info, member_id: UUID) -> bool:
        """Whether the viewer may see the totals of a member in this run: its series tells more of the same."""
        totals = tables.MemberAllocation
        seen = select(totals.id).where(
            totals.run_id == self.__dict__["id"],
            totals.member_id == member_id,
            visibility.member_allocations(info.context.viewer),
        )
        async with info.context.database.reading() as connection:
            return await connection.scalar(seen) is not None


# A member's intervals over all its points; days are clipped to the wanted part.
SERIES = text("""
SELECT at, sum(metered) FILTER (WHERE direction = 'WITHDRAWN') AS withdrawn,
       sum(traded) FILTER (WHERE direction = 'WITHDRAWN') AS traded_in,
       sum(traded) FILTER (WHERE direction = 'INJECTED') AS traded_out,
       sum(shared) FILTER (WHERE direction = 'WITHDRAWN') AS shared_in,
       sum(metered) FILTER (WHERE direction = 'INJECTED') AS injected,
       sum(shared) FILTER (WHERE direction = 'INJECTED') AS shared_out
FROM (
  SELECT d.direction, v.metered, v.traded, v.shared,
         (d.day::timestamp AT TIME ZONE c.timezone) + (v.n - 1) * :minutes * interval '1 minute' AS at
  FROM allocation_day d
  JOIN allocation_run r ON r.id = d.run_id
  JOIN community c ON c.id = r.community_id
  CROSS JOIN LATERAL unnest(d.metered_ukwh, d.traded_ukwh, d.shared_ukwh)
       WITH ORDINALITY AS v (metered, traded, shared, n)
  WHERE d.run_id = :run AND d.member_id = :member
    AND d.day BETWEEN (:start AT TIME ZONE c.timezone)::date AND (:end AT TIME ZONE c.timezone)::date
) AS values
WHERE at >= :start AND at < :end
GROUP BY at ORDER BY at
""")


PACKED = ("withdrawn", "traded_in", "shared_in", "injected", "traded_out", "shared_out")


async def _packed(wanted: Span, minutes: int, rows: Sequence[Row[Any]]) -> AllocationSeries:
    count = wanted.intervals(minutes)
    columns = {name: [0.0] * count for name in PACKED}
    async for row in by_turns(rows):
        number = int((row.at - wanted.start).total_seconds()) // (minutes * 60)
        for name, values in columns.items():
            values[number] = (getattr(row, name) or 0) / UKWH_PER_KWH
    return AllocationSeries(
        start=DateTime(wanted.start),
        resolution=METER_RESOLUTION[minutes],
        **{f"{name}_kwh": values for name, values in columns.items()},
    )


@strawberry.type(description="A metering point has no complete readings on a day of the period.")
class ReadingsMissing(UserError):
    count: int = strawberry.field(description="How many days of points are missing.")


@refusal(matrices.ReadingsMissing)
def _missing(error: matrices.ReadingsMissing) -> UserError:
    return ReadingsMissing(code=READINGS_MISSING, message=error.message, path=["period"], count=error.count)


@strawberry.input(description="What to allocate.")
class AllocatePeriodInput:
    community_id: strawberry.ID = strawberry.field(description="A community that the caller administers.")
    period: PeriodInput = strawberry.field(description="Whole local days of the community, in the past; at most 400.")


@strawberry.type(description="The job that allocates; its result is an AllocationRun.")
class AllocatePeriodPayload(Payload):
    job = edge(None, "Job", "The job, to be followed.")


@strawberry.type
class AllocationViewer:
    allocations = many(
        "MemberAllocation",
        "What the viewer gave and received, in communities of any size; oldest first.",
        visible=visibility.own_allocations,
    )


@extends("Community")
class AllocationsOfCommunity:
    allocation_runs = many(
        "AllocationRun",
        "Allocations of its energy, oldest first; for its members and administrators.",
        on=tables.AllocationRun.community_id,
    )


@strawberry.type
class AllocationMutations:
    @mutation(
        "Allocate a community's shared energy in a period; for its administrators. Equal inputs give the same run."
    )
    async def allocate_period(self, info: Info, input: AllocatePeriodInput) -> AllocatePeriodPayload:
        community_id = await administered(info, input.community_id, "allocate its energy")
        viewer, span = info.context.caller, input.period.span()
        async with info.context.database.reading() as connection:
            await inputs.check_period(connection, community_id, span)
        async with info.context.transaction() as session:
            job_id = await queue.enqueue_again(
                session,
                ALLOCATE_PERIOD,
                f"allocate:{community_id}:{span.start.isoformat()}:{span.end.isoformat()}",
                _arguments(community_id, span, viewer.key),
                owner_id=viewer.user_id,
                community_id=community_id,
                time_limit_s=900,
            )
        return leading(AllocatePeriodPayload(), job=job_id)


def _arguments(community_id: UUID, span: Span, actor: str) -> dict[str, str]:
    ends: dict[str, datetime] = {"start": span.start, "end": span.end}
    return {"community_id": str(community_id), "actor": actor, **{name: at.isoformat() for name, at in ends.items()}}
