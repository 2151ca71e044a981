"""What a subscription's resolver follows, in each of the three ways in which it may be executed; see `shares`.

- alone, outside of the transport: what stands now, then events for ever;
- for one subscriber, who joins a share: what it has not seen, up to where the share takes over;
- for a share: events only, from where it began, each after asking for all its viewers.

Who asks is asked again before every event, so that a session that ended ends the stream.
"""

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from functools import partial
from typing import TYPE_CHECKING, Any

from api.resources.events import Seen
from api.transport.executing import shares
from api.transport.executing.shares import Share
from api.transport.executing.subscribers import Subscriber
from domain.events.tables import Event

if TYPE_CHECKING:
    from api.graphql.context import Context

# What stands before any event, and the number after which events follow; read in one transaction.
Standing = Callable[[], Awaitable[tuple[Sequence[Event], int]]]
Check = Callable[[], Awaitable[None]]
About = Callable[[dict[str, Any]], bool]


async def nothing() -> None:
    """Nothing is to be checked."""


def anything(payload: dict[str, Any]) -> bool:
    """Every event matters."""
    return True


async def events(
    context: "Context", stream: str, after: int | None, standing: Standing | None, check: Check
) -> AsyncGenerator[Event, None]:
    """Events of a stream after a number; without one what stands now, where that is told, and then new ones.

    `check` raises where the stream may not be followed. A share's execution makes it for all.
    """
    part = shares.current()
    if isinstance(part, Share):
        await check()
        async for event in _shared(context, stream, part, anything):
            yield event
        return
    if isinstance(after, Seen):
        await context.hub.check(stream, after)
    if part is not None and await part.join(partial(context.hub.position, stream)):
        context.refresh(part.viewer)
        async for event in _missed(context, stream, part, after, standing):
            yield event
        return
    await check()
    if after is None and standing is not None:
        stood, after = await standing()
        for event in stood:
            yield event
    async for event in _checked(context, context.hub.follow(stream, after)):
        yield event


async def _missed(
    context: "Context", stream: str, part: Subscriber, after: int | None, standing: Standing | None
) -> AsyncGenerator[Event, None]:
    if after is None and standing is not None:
        assert part.share is not None
        stood, after = await part.share.standing(standing)
        for event in stood:
            yield event
    number = part.until if after is None else after
    async for event in _checked(context, context.hub.follow(stream, number, lambda: part.until)):
        number = event.sequence
        yield event
    part.caught_up(number)


async def looks(context: "Context", stream: str, about: About) -> AsyncGenerator[Event | None, None]:
    """When to look at a state that a stream tells the changes of: now, and after each event that matters.

    A subscriber begins with the state its share showed last, which no event is older than.
    """
    part = shares.current()
    if isinstance(part, Share):
        yield None
        await part.hand_out()
        async for event in _shared(context, stream, part, about):
            yield event
        return
    if part is not None and await part.join(partial(context.hub.position, stream), replays=True):
        part.caught_up()
        return
    number = await context.hub.position(stream)  # Before the state is read, so that no change is missed.
    yield None
    async for event in _checked(context, context.hub.follow(stream, number), about):
        yield event


async def _shared(context: "Context", stream: str, share: Share, about: About) -> AsyncGenerator[Event, None]:
    """Events that are there together are given away together, after one look at who follows."""
    async with aclosing(context.hub.follow(stream, share.position)) as news:
        async for found in news:
            events = [event for event in found if about(event.payload)]
            if events:
                context.refresh(await share.admit())
            for event in events:
                share.position = event.sequence
                yield event
            await share.hand_out()


async def _checked(
    context: "Context", news: AsyncGenerator[list[Event], None], about: About = anything
) -> AsyncGenerator[Event, None]:
    async with aclosing(news):
        async for found in news:
            for event in found:
                if about(event.payload):
                    await context.check_again()
                    yield event
