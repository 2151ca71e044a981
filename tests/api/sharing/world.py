"""A sharing key of each community, runs of them for many and for few, and jobs that made those runs or did not."""

from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from domain.aggregates.tables import Audience, PublishedSet, SetKind
from domain.jobs.tables import Job, JobStatus
from domain.kernel.suppression import Suppression
from domain.metering.tables import Direction
from domain.sharing import tables
from domain.sharing.words import ALLOCATE_PERIOD
from tests.api.authorization.world import HALS_DAY, PERIOD, World


async def add_rows(session: AsyncSession, world: World) -> None:
    """Keys, runs and jobs."""
    await _keys(session, world)
    await _run(session, world, "six of A", 6, ("bob in A", "fred in A", "hal in A"))
    await _run(session, world, "three of A", 3, ("cyn in A",))
    await _run(session, world, "three of B", 3, ("fred in B", "gus in B"))
    await _jobs(session, world)


async def _keys(session: AsyncSession, world: World) -> None:
    keys_of = {"A": ("bob in A", "fred in A", "ivy in A"), "B": ("fred in B", "gus in B")}
    for where, names in keys_of.items():
        kind = tables.KeyKind.STATIC
        facts = {"kind": kind, "production_kind": tables.KeyKind.PRO_RATA}
        key = tables.SharingKey(community_id=world.rows["Community"][where], valid_from=PERIOD[1], **facts)
        await world.store(session, "SharingKey", where, key)
        for name in names:
            share = tables.KeyShare(
                key_id=key.id,
                community_id=key.community_id,
                metering_point_id=world.rows["MeteringPoint"]["house" if name == "ivy in A" else name.split()[0]],
                direction=Direction.WITHDRAWN,
                share_ppm=200_000,
            )
            await world.store(session, "KeyShare", name, share)


async def _run(session: AsyncSession, world: World, name: str, version: int, whose: tuple[str, ...]) -> None:
    where = name[-1]
    energies = {"injected_ukwh": 3_000_000, "withdrawn_ukwh": 5_000_000}
    run = tables.AllocationRun(
        community_id=world.rows["Community"][where],
        period_start=PERIOD[0],
        period_end=PERIOD[1],
        version=version,
        key_id=world.rows["SharingKey"][where],
        interval_minutes=15,
        input_digest=name,
        shared_ukwh=2_000_000,
        **energies,
    )
    await world.store(session, "AllocationRun", name, run)
    for direction in Direction:
        session.add(_told(run, direction, None if version == 6 else Suppression.FEWER_THAN_FIVE))
    for each in whose:
        await _of_member(session, world, run, each)


def _told(run: tables.AllocationRun, direction: Direction, withheld: Suppression | None) -> PublishedSet:
    """Whether members are told the sums of a run."""
    return PublishedSet(
        kind=SetKind.RUN,
        subject_id=run.id,
        direction=direction,
        audience=Audience.MEMBERS,
        first_day=HALS_DAY,
        end_day=HALS_DAY + timedelta(days=1),
        points=[],
        persons=[],
        factors_ppm=[],
        withheld=withheld,
    )


async def _of_member(session: AsyncSession, world: World, run: tables.AllocationRun, name: str) -> None:
    who = name.split(maxsplit=1)[0]
    common = {"run_id": run.id, "member_id": world.rows["Member"][who]}
    point_id = world.rows["MeteringPoint"]["house" if who == "hal" else who]
    total = {"injected_ukwh": 0, "withdrawn_ukwh": 960_000, "shared_out_ukwh": 0, "shared_in_ukwh": 480_000}
    allocation = tables.MemberAllocation(community_id=run.community_id, **common, **total)
    await world.store(session, "MemberAllocation", name, allocation)
    difference = tables.AllocationDifference(
        community_id=run.community_id,
        metering_point_id=point_id,
        direction=Direction.WITHDRAWN,
        interval_start=PERIOD[0],
        ours_ukwh=5_000,
        operator_ukwh=6_000,
        **common,
    )
    await world.store(session, "AllocationDifference", name, difference)
    day = tables.AllocationDay(
        metering_point_id=point_id,
        direction=Direction.WITHDRAWN,
        day=HALS_DAY,
        metered_ukwh=[10_000] * 96,
        shared_ukwh=[5_000] * 96,
        **common,
    )
    session.add(day)


async def _jobs(session: AsyncSession, world: World) -> None:
    a, b = world.rows["Community"]["A"], world.rows["Community"]["B"]
    made = {"result_type": "AllocationRun", "result_id": world.rows["AllocationRun"]["three of A"]}
    for name, owner, community, result in (
        ("ada's in A", "ada", a, made),
        ("bob's in A", "bob", a, made),
        ("eve's in B", "eve", b, {}),
        ("gus's", "gus", None, {}),
    ):
        job = Job(
            kind=ALLOCATE_PERIOD,
            key=name,
            arguments={},
            status=JobStatus.SUCCEEDED,
            owner_id=world.rows["User"][owner],
            community_id=community,
            **result,
        )
        await world.store(session, "Job", name, job)
