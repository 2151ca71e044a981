"""Nobody asks for a hundred days of twenty communities at once, twelve times: what members ask stays quick."""

import asyncio
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.attacks.site import Outcome, Site, compare

ATTACKERS = 12
SERIES = 20
DAYS = 100
COMMUNITY = "query Listed { communities(first: 1) { edges { node { id } } } }"
OWN = "query Own { viewer { user { id name } } }"
WALLET = "query Wallet { viewer { wallet { available } } }"


def heavy(community: str) -> str:
    """A document of many series."""
    end = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    period = f'{{start: "{(end - timedelta(days=DAYS)).isoformat()}", end: "{end.isoformat()}"}}'
    series = " ".join(
        f"s{number}: balance(period: {period}, resolution: QUARTER_HOUR) {{ injectedKwh withdrawnKwh }}"
        for number in range(SERIES)
    )
    return f'query Heavy {{ node(id: "{community}") {{ ... on Community {{ {series} }} }} }}'


async def attack(site: Site) -> Outcome:
    """Light requests of a member while nobody asks heavy ones."""
    outcome, answered = Outcome(), Counter[int]()
    token = site.stack.logins()["member_token"]
    listed = await site.data(COMMUNITY)
    document = heavy(listed["communities"]["edges"][0]["node"]["id"])

    async def go_on() -> None:
        while True:
            answer = await site.ask(document)
            answered[answer.status_code] += 1
            await asyncio.sleep(0.01)

    def light(query: str) -> Any:
        return lambda: site.data(query, token=token)

    await compare(
        outcome, {"own account": light(OWN), "wallet": light(WALLET)}, lambda: [go_on() for _ in range(ATTACKERS)]
    )
    outcome.figures.append(f"heavy requests by status: {dict(answered)}")
    return outcome
