"""What every operation gets: a deadline, fresh state for each event, and its cost in the answer."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

from strawberry.extensions import SchemaExtension
from strawberry.types import StreamExecutionResult

from api.transport.terms import operations
from api.transport.terms.operations import Operation

# Called with an operation's context: forget what was loaded.
Refresh = Callable[[Any], None]


class Lifecycle(SchemaExtension):
    """The context is fresh for each operation; between the events of a stream `refresh` makes it so again."""

    def __init__(self, seconds_max: float, refresh: Refresh) -> None:
        self.seconds_max = seconds_max
        self.refresh = refresh

    async def on_execute(self) -> AsyncIterator[None]:
        """Queries and mutations end in time, and so does starting a subscription; its events may take for ever."""
        async with asyncio.timeout(self.seconds_max):
            yield

    def on_stream_result(self, result: StreamExecutionResult) -> Iterator[None]:
        yield
        self.refresh(self.execution_context.context)  # The next event must not see what this one loaded.

    def get_results(self) -> dict[str, Any]:
        operation = operations.current()
        return {} if operation is None or operation.results > 0 else first_extensions(operation)


def first_extensions(operation: Operation) -> dict[str, Any]:
    """What is told with an operation's first result: its cost, where one was charged."""
    return {} if operation.budget is None else {"cost": operation.cost}
