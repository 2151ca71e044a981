"""Nobody asks for a hundred days of a community, over and over, from many addresses: members are served as ever."""

import asyncio
import itertools
from collections import Counter
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from functools import partial

from tests.attacks.site import Outcome, Site, compare

ATTACKERS = 12
ADDRESSES = range(2, 42)
DAYS = 100
LISTED = "query Listed { communities(first: 1) { edges { node { id } } } }"
LIGHT = {
    "own account": "query Own { viewer { user { id name } } }",
    "own wallet": "query Wallet { viewer { wallet { available } } }",
    "a page": "query Page { communities(first: 10) { edges { node { name kind } } } }",
}


def heavy(community: str, series: int) -> str:
    """A document of so many series."""
    end = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    period = f'{{start: "{(end - timedelta(days=DAYS)).isoformat()}", end: "{end.isoformat()}"}}'
    fields = " ".join(
        f"s{number}: balance(period: {period}, resolution: QUARTER_HOUR) {{ injectedKwh withdrawnKwh }}"
        for number in range(series)
    )
    return f'query Heavy {{ node(id: "{community}") {{ ... on Community {{ {fields} }} }} }}'


async def attack(site: Site) -> Outcome:
    """Light requests of a member while nobody asks heavy ones."""
    outcome, answered = Outcome(), Counter[str]()
    token = site.stack.logins()["member_token"]
    community = (await site.data(LISTED))["communities"]["edges"][0]["node"]["id"]
    many = (await site.ask(heavy(community, 20))).json()
    if many.get("data"):
        outcome.broken.append("nobody may read 20 series at once")
    async with AsyncExitStack() as closing:
        sites = [await closing.enter_async_context(site.elsewhere(number)) for number in ADDRESSES]
        turns = itertools.cycle(sites)

        async def go_on() -> None:
            while True:
                answer = await next(turns).ask(heavy(community, 4))
                answered[f"{answer.status_code}"] += 1
                await asyncio.sleep(0.01)

        light = {name: partial(site.data, query, token=token) for name, query in LIGHT.items()}
        await compare(outcome, light, lambda: [go_on() for _ in range(ATTACKERS)])
    outcome.figures.append(f"heavy requests by status: {dict(answered)}")
    return outcome
