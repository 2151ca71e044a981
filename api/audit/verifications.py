"""Verifications over GraphQL: run all checks of the invariants as a job, and see what they found."""

import strawberry

from api.engine.declarations import Node, entity, leading
from api.engine.fields import column, edge, many
from api.graphql.context import Info
from api.graphql.mutations import Payload, mutation
from api.graphql.scalars import DateTime
from domain.audit import entries, tables
from domain.grid.operators import checked_reason
from domain.identity import visibility
from domain.jobs import queue
from domain.jobs.words import VERIFY
from domain.kernel.errors import NotAllowed

TIME_LIMIT_S = 3_600


@strawberry.type(description="A row that breaks an invariant.")
class VerificationBreach:
    check: str = strawberry.field(description="The check that found it.")
    message: str = strawberry.field(description="What is wrong, and where.")


@entity(tables.Verification, visible=visibility.platform, carries={"found": tables.Verification.breaches})
class Verification(Node):
    """A run of the checks of the invariants over the whole database. Visible to administrators of the platform."""

    started_at: DateTime = column(tables.Verification.started_at, "When it began.")
    finished_at: DateTime = column(tables.Verification.finished_at, "When it ended.")
    checks: list[str] = column(tables.Verification.checks, "What was checked.")
    breach_count: int = column(tables.Verification.breaches_count, "How many breaches were found.")
    is_intact: bool = column(tables.Verification.breaches_count == 0, "Whether nothing was found.")

    @strawberry.field(description="The breaches, at most the first 1000.")
    def breaches(self) -> list[VerificationBreach]:
        return [VerificationBreach(check=each["check"], message=each["message"]) for each in self.__dict__["found"]]


@strawberry.input(description="A run of all checks.")
class StartVerificationInput:
    reason: str = strawberry.field(description="Why, 1 to 500 characters, for the audit log.")


@strawberry.type(description="The job that runs the checks.")
class StartVerificationPayload(Payload):
    job = edge(None, "Job", "The job; its result is a Verification. Where one is running, it is that one.")


@strawberry.type
class VerificationQueries:
    verifications = many("Verification", "Runs of the checks, oldest first; for administrators of the platform.")


@strawberry.type
class VerificationMutations:
    @mutation("Check all invariants over the whole database, as a job; administrators of the platform only.")
    async def start_verification(self, info: Info, input: StartVerificationInput) -> StartVerificationPayload:
        viewer = info.context.caller
        if not viewer.is_admin:
            raise NotAllowed("verify the platform")
        async with info.context.transaction() as session:
            job_id = await queue.enqueue_again(
                session, VERIFY, "verify", {}, owner_id=viewer.user_id, time_limit_s=TIME_LIMIT_S
            )
            facts = {"reason": checked_reason(input.reason)}
            await entries.record(
                session, "platform.start_verification", actor=viewer.key, subject=("Job", job_id), facts=facts
            )
        return leading(StartVerificationPayload(), job=job_id)
