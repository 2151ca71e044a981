"""Jobs over GraphQL: look, cancel, follow."""

from collections.abc import AsyncIterator
from typing import Annotated

import strawberry

from api.engine.declarations import ENTITIES, Node, entity, leading
from api.engine.fields import column, edge, many
from api.graphql.context import Info
from api.graphql.mutations import REFUSED, ErrorCode, Payload, UserError, mutation, refusal
from api.graphql.scalars import DateTime, key_of
from api.graphql.words import offer
from api.transport.terms.errors import BadUserInput
from domain.jobs import queue, tables, visibility
from domain.kernel.errors import NotFound

offer(tables.JobKind, "What a job does.")

JOB_FINISHED = ErrorCode("JOB_FINISHED", "The job has already ended.")


@strawberry.type(description="Why a job failed; `message` says it in a sentence.")
class JobFailed(UserError):
    reason: str = strawberry.field(description="The refusal's own name, such as ReadingsMissing.")


@strawberry.type(description="The job has already ended.")
class JobFinished(UserError):
    status: tables.JobStatus = strawberry.field(description="How it ended.")


@refusal(queue.JobFinished)
def _finished(error: queue.JobFinished) -> UserError:
    return JobFinished(code=JOB_FINISHED, message=error.message, path=["id"], status=error.status)


OUTCOME = {
    "result_type": tables.Job.result_type,
    "result_id": tables.Job.result_id,
    "error_code": tables.Job.error_code,
    "error_message": tables.Job.error_message,
}


@entity(tables.Job, visible=visibility.jobs, carries=OUTCOME)
class Job(Node):
    """Long work, to be followed. Visible to who asked for it and to administrators of its community."""

    kind: tables.JobKind = column(tables.Job.kind, "What it does.")
    status: tables.JobStatus = column(tables.Job.status, "Where it stands.")
    progress: float = column(tables.Job.progress, "How far it is, 0 to 1.")
    message: str | None = column(tables.Job.message, "What it is doing, in a sentence.")
    created_at: DateTime = column(tables.Job.created_at, "When it was asked for.")
    started_at: DateTime | None = column(tables.Job.started_at, "When a worker first took it.")
    finished_at: DateTime | None = column(tables.Job.finished_at, "When it ended.")
    attempts: int = column(tables.Job.attempts, "How often a worker has taken it; more than once after a crash.")

    @strawberry.field(description="What it made, once it succeeded; null where the viewer may not see that.")
    async def result(self, info: Info) -> Node | None:
        kind, key = self.__dict__["result_type"], self.__dict__["result_id"]
        node: Node | None = await info.context.loaders.node(kind, key) if kind in ENTITIES else None
        return node

    @strawberry.field(description="Why it failed, where it did.")
    def error(self) -> UserError | None:
        reason, message = self.__dict__["error_code"], self.__dict__["error_message"]
        return JobFailed(code=REFUSED, message=message, path=None, reason=reason) if reason else None


@strawberry.input(description="The job to stop.")
class CancelJobInput:
    id: strawberry.ID = strawberry.field(description="Id of a job that the caller may see.")


@strawberry.type(description="A job that was asked to stop; one that runs ends at its next report.")
class CancelJobPayload(Payload):
    job = edge(None, "Job", "The job.")


@strawberry.type
class JobViewer:
    jobs = many("Job", "Jobs that the viewer may see, oldest first.")


@strawberry.type
class JobMutations:
    @mutation("Ask a job to stop.")
    async def cancel_job(self, info: Info, input: CancelJobInput) -> CancelJobPayload:
        viewer = info.context.caller
        job_id = key_of(input.id, "Job", "id")
        if await info.context.loaders.node("Job", job_id) is None:
            raise NotFound("job", input.id)
        async with info.context.transaction() as session:
            await queue.cancel(session, job_id, actor=viewer.key)
        return leading(CancelJobPayload(), job=job_id)


@strawberry.type
class JobSubscriptions:
    @strawberry.subscription(description="A job whenever it changes, from how it stands now until it has ended.")
    async def job_progress(
        self, info: Info, id: Annotated[strawberry.ID, strawberry.argument(description="Id of the job.")]
    ) -> AsyncIterator[Job]:
        job_id = key_of(id, "Job", "id")
        is_known = False
        async for _ in info.context.watch(queue.stream_of(job_id)):
            job = await info.context.loaders.node("Job", job_id)
            if job is None and not is_known:
                raise BadUserInput("There is no such job.", argument="id")
            if job is None:
                return
            yield job
            if job.status in queue.FINAL:
                return
            is_known = True
