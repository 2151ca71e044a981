"""The invariants as queries: a room keeps in `verification.py` what must hold of its rows; all are run together.

Such a module has GUARDS, what its check is called (rooms that guard the same thing share a name), and
`breaches(session)`, every row that breaks a rule.
"""

from collections.abc import AsyncIterator, Callable, Mapping
from types import ModuleType

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from domain.kernel.rooms import modules_named

Check = Callable[[AsyncSession], AsyncIterator[str]]


async def broken(session: AsyncSession, rules: Mapping[str, str]) -> AsyncIterator[str]:
    """Rows that break a rule, with the rule: each query gives the rows for which its sentence does not hold."""
    for rule, query in rules.items():
        async for row in await session.stream(text(query)):
            facts = ", ".join(f"{name} {value}" for name, value in row._mapping.items())
            yield f"{rule}: {facts}"


def checks() -> dict[str, Check]:
    """What each check is called and how it is made, over all rooms of the domain."""
    guarding: dict[str, list[ModuleType]] = {}
    for module in modules_named("verification", beside="GUARDS"):
        guarding.setdefault(module.GUARDS, []).append(module)
    return {guards: _together(modules) for guards, modules in sorted(guarding.items())}


def _together(modules: list[ModuleType]) -> Check:
    async def check(session: AsyncSession) -> AsyncIterator[str]:
        for module in modules:
            async for breach in module.breaches(session):
                yield breach

    return check
