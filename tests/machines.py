"""State machines over a database: every run in a transaction of its own, which is rolled back."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, run_state_machine_as_test
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine
from sqlalchemy.pool import NullPool

from tests.conftest import AS_THE_APPLICATION


class DatabaseMachine(RuleBasedStateMachine):
    """A machine whose rules call `self.run(coroutine)` on `self.session`; `_begin` makes its world."""

    run: Callable[[Coroutine[Any, Any, Any]], Any]
    engine: AsyncEngine
    session: AsyncSession

    @initialize()
    def begin(self) -> None:
        self.run(self._open())

    async def _open(self) -> None:
        self.connection = await self.engine.connect()
        self.session = AsyncSession(self.connection, join_transaction_mode="create_savepoint", expire_on_commit=False)
        await self._begin()

    async def _begin(self) -> None:
        """Make what the rules act on."""

    async def _check(self) -> None:
        """Look at the whole when a run has ended."""

    def teardown(self) -> None:
        if hasattr(self, "connection"):
            self.run(self._end())

    async def _end(self) -> None:
        try:
            await self._check()
        finally:
            await self.session.close()
            await self.connection.rollback()
            await self.connection.close()


def run_machine(machine: type[DatabaseMachine], database_url: str, *, examples: int, steps: int) -> None:
    """Try a machine's rules in many orders."""
    with asyncio.Runner() as runner:
        engine = create_async_engine(database_url, poolclass=NullPool, connect_args=AS_THE_APPLICATION)
        bound = type(machine.__name__, (machine,), {"run": staticmethod(runner.run), "engine": engine})
        how = settings(max_examples=examples, stateful_step_count=steps, deadline=None)
        run_state_machine_as_test(bound, settings=how)
        runner.run(engine.dispose())
