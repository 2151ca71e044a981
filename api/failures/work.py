"""Work that failed for good or waits to be announced, over GraphQL; for administrators of the platform alone.

It is no node: its id names the job, delivery, web hook, notice or event stream that it is.
"""

from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

import strawberry

from api.engine.connections import Connection
from api.engine.declarations import global_id
from api.graphql import lists
from api.graphql.context import Context, Info
from api.graphql.lists import AFTER, BEFORE, FIRST, LAST, plain
from api.graphql.mutations import Payload, mutation
from api.graphql.scalars import DateTime, key_of
from api.graphql.words import describe
from api.resources import clock
from domain.failures import retrying, work
from domain.failures.retrying import NotRetried
from domain.failures.sorts import SORTS, WorkSort
from domain.failures.work import Criteria, Place, is_key
from domain.grid.operators import checked_reason
from domain.identity.viewers import Viewer
from domain.kernel.errors import NotAllowed

TEXT_MAX = 200

describe(
    NotRetried,
    "Why work was not started again.",
    NOT_FOUND="There is no such work.",
    NOT_FAILED="It did not fail: it waits or runs, has ended well, was cancelled, or was retried already.",
    RECEIVER_ENDED="Nobody is to get it any more: the web hook is disabled or removed, or the account has ended.",
)


@strawberry.type(description="Work that failed for good, or waits to be announced.")
class FailedWork:
    id: strawberry.ID = strawberry.field(description="What it is; for `retryWork`.")
    kind: str = strawberry.field(
        description="Kind of job or of notification; TEST for a web hook's test, WEBHOOK for a web hook, EVENTS for an "
        "event stream."
    )
    community_id: strawberry.ID | None = strawberry.field(description="The community it is about, where it tells one.")
    reason: str = strawberry.field(description="Why, as a code: the refusal's own name, or what came of the last try.")
    attempts: int = strawberry.field(description="How often it was tried.")
    at: DateTime = strawberry.field(
        description="When it failed or, of what is delivered or waits, when it was asked for."
    )


@strawberry.input(description="Which work; all the given conditions must hold.")
class FailedWorkFilter:
    kind: str | None = strawberry.field(default=None, description="That of this kind.")
    community_id: strawberry.ID | None = strawberry.field(default=None, description="That about this community.")
    since: DateTime | None = strawberry.field(default=None, description="That from this instant on.")
    reason: str | None = strawberry.field(default=None, description="That which failed for this reason.")


FILTER = Annotated[
    FailedWorkFilter | None, strawberry.argument(description="Only what matches all the given conditions.")
]


def _list(sort: WorkSort) -> object:
    """A field that lists work of a sort."""

    async def resolve(
        info: Info,
        filter: FILTER = None,
        first: FIRST = None,
        after: AFTER = None,
        last: LAST = None,
        before: BEFORE = None,
    ) -> Connection[FailedWork]:
        page = lists.asked(first, after, last, before, _place)
        return await _page(info.context, sort, _criteria(filter or FailedWorkFilter()), page)

    return strawberry.field(resolver=resolve, description=f"{SORTS[sort].about} The newest first. At most 100 a page.")


@strawberry.type(description="What administrators of the platform look after.")
class Platform:
    failed_jobs = _list(WorkSort.JOB)
    failed_messages = _list(WorkSort.MESSAGE)
    failed_deliveries = _list(WorkSort.DELIVERY)
    disabled_webhooks = _list(WorkSort.WEBHOOK)
    outbox = _list(WorkSort.OUTBOX)


@strawberry.type
class PlatformQueries:
    @strawberry.field(description="The platform itself; null for all but its administrators.")
    def platform(self, info: Info) -> Platform | None:
        return Platform() if info.context.viewer.is_admin else None


@strawberry.input(description="Work to be done again.")
class RetryWorkInput:
    ids: list[strawberry.ID] = strawberry.field(description="Ids of 1 to 100 pieces of work.")
    reason: str = strawberry.field(description="Why, 1 to 500 characters, for the audit log.")


@strawberry.type(description="Work that was left alone.")
class WorkNotRetried:
    work_id: strawberry.ID = strawberry.field(description="What it is.")
    reason: NotRetried = strawberry.field(description="Why.")


@strawberry.type(description="What will be done again, under the ids and keys that it had.")
class RetryWorkPayload(Payload):
    retried_ids: list[strawberry.ID] | None = strawberry.field(
        default=None, description="What will be done again, at most 100."
    )
    not_retried: list[WorkNotRetried] | None = strawberry.field(
        default=None, description="What was left alone, at most 100."
    )


@strawberry.type
class FailedWorkMutations:
    @mutation(
        "Have work done again that failed for good; administrators of the platform only. Asking twice does it once: "
        "what runs, has succeeded or was retried already is left alone."
    )
    async def retry_work(self, info: Info, input: RetryWorkInput) -> RetryWorkPayload:
        viewer: Viewer = info.context.caller
        if not viewer.is_admin:
            raise NotAllowed("repeat work of the platform")
        why = checked_reason(input.reason)
        async with info.context.transaction() as session:
            told = await retrying.retry(session, input.ids, actor=viewer.key, why=why, now=clock.now())
        return RetryWorkPayload(
            retried_ids=[strawberry.ID(each.id) for each in told if each.refused is None],
            not_retried=[
                WorkNotRetried(work_id=strawberry.ID(each.id), reason=each.refused) for each in told if each.refused
            ],
        )


async def _page(
    context: Context, sort: WorkSort, criteria: Criteria, page: lists.Asked[Place]
) -> Connection[FailedWork]:
    async with context.database.reading() as connection:
        rows = await work.page(connection, sort, criteria, page.size + 1, page.beyond, is_backward=page.is_backward)

    async def count() -> int:
        async with context.database.reading() as connection:
            return await work.count(connection, sort, criteria)

    return lists.connection(page, rows, _cursor, _shown, count)


def _criteria(given: FailedWorkFilter) -> Criteria:
    community_id = None if given.community_id is None else key_of(given.community_id, "Community", "communityId")
    return Criteria(
        plain(given.kind, "kind", TEXT_MAX), community_id, given.since, plain(given.reason, "reason", TEXT_MAX)
    )


def _cursor(row: work.FailedWork) -> str:
    return f"WORK:{row.at.astimezone(UTC).isoformat()}|{row.id}"


def _place(cursor: str) -> Place:
    """Raises ValueError."""
    at, _, id = cursor.removeprefix("WORK:").partition("|")
    place = Place(datetime.fromisoformat(at), id)
    if not cursor.startswith("WORK:") or "\x00" in id or place.at.tzinfo is None:
        raise ValueError(cursor)
    return place


def _shown(row: work.FailedWork) -> FailedWork:
    community = row.community if row.community and is_key(row.community) else None
    return FailedWork(
        id=strawberry.ID(row.id),
        kind=row.kind,
        community_id=None if community is None else global_id("Community", UUID(community)),
        reason=row.reason,
        attempts=row.attempts,
        at=DateTime(row.at),
    )
