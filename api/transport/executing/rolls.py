"""Who still stands, asked for many viewers at once."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

# The same viewers as of now, in order; None for each whose session or key has ended.
AskStanding = Callable[[Sequence[Any]], Awaitable[Sequence[Any]]]


class Roll:
    """Collects those who are asked for while one statement runs, and asks for all of them by the next."""

    def __init__(self, ask: AskStanding) -> None:
        self._ask = ask
        self._waiting: dict[Any, asyncio.Future[Any]] = {}
        self._asking: asyncio.Task[None] | None = None

    async def standing(self, viewer: Any) -> Any:
        """The viewer as of now; None when the session or key has ended."""
        answer = self._waiting.get(viewer)
        if answer is None:
            answer = self._waiting[viewer] = asyncio.get_running_loop().create_future()
        if self._asking is None:
            self._asking = asyncio.create_task(self._ask_all())
        return await asyncio.shield(answer)

    async def _ask_all(self) -> None:
        while self._waiting:
            asked, self._waiting = self._waiting, {}
            try:
                answers = await self._ask(list(asked))
            except Exception as error:
                for answer in asked.values():
                    answer.set_exception(error)
            else:
                for answer, current in zip(asked.values(), answers, strict=True):
                    answer.set_result(current)
        self._asking = None
