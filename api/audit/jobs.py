"""Verify the platform: all checks of `domain.kernel.verification`."""

from sqlalchemy import text

from api.jobs.work import Work, job
from api.resources import clock
from domain.audit import entries
from domain.audit.tables import Verification
from domain.jobs.words import VERIFY
from domain.kernel import verification

KEPT = 1_000  # Breaches that are kept; one fault can make as many as there are rows.


@job(VERIFY)
async def verify_platform(work: Work) -> None:
    """Run every check and keep what it finds."""
    started_at = clock.now()
    found: list[dict[str, str]] = []
    count = 0
    checks = verification.checks()
    for done, (name, check) in enumerate(checks.items()):
        await work.report(done / len(checks), f"Checking {name}.")
        async with work.database.transaction() as session:
            await session.execute(text("SET LOCAL statement_timeout = 0"))  # A check reads whole tables.
            async for message in check(session):
                count += 1
                if len(found) < KEPT:
                    found.append({"check": name, "message": message})
    async with work.recording("Verification") as recording:
        row = Verification(
            started_at=started_at,
            finished_at=clock.now(),
            checks=list(checks),
            breaches_count=count,
            breaches=found,
        )
        recording.session.add(row)
        await recording.session.flush()
        recording.result_id = row.id
        subject = ("Verification", row.id)
        actor = f"job:{work.id}"
        await entries.record(
            recording.session, "platform.verify", actor=actor, subject=subject, facts={"breaches": count}
        )
