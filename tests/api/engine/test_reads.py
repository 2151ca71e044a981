"""The loaders of the ordinary path."""

import asyncio
from typing import Any, cast

import pytest

from api.engine.reads import Loaders, Reading
from domain.identity.viewers import ANONYMOUS


async def test_a_reader_that_is_cancelled_takes_nothing_from_the_others() -> None:
    """graphql-core cancels the fields beside one that failed; others may wait for the same key."""
    goes_on = asyncio.Event()

    async def load(keys: list[Any]) -> list[Any]:
        await goes_on.wait()
        return [key * 2 for key in keys]

    loader = Loaders(cast(Reading, None), ANONYMOUS).loader("doubles", load)

    async def read(key: int) -> Any:
        return await loader.load(key)

    one, other = asyncio.create_task(read(21)), asyncio.create_task(read(21))
    await asyncio.sleep(0)
    one.cancel()
    with pytest.raises(asyncio.CancelledError):
        await one
    goes_on.set()

    assert await other == 42
