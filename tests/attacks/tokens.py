"""Tokens that nobody has, on every door, from one address: few reach the database, and members are served as ever."""

import asyncio
import itertools
import secrets
from collections import Counter
from functools import partial

from tests.attacks.series import LIGHT
from tests.attacks.site import Outcome, Site, compare

ATTACKERS = 12
DOORS = (
    "/graphql",
    "/v1/statements?number=1&format=pdf",
    "/v1/exports/trading",
    "/graphiql/access",
    "/readyz",
    "/metrics",
)


async def attack(site: Site) -> Outcome:
    """Light requests of a member while a stranger guesses at tokens."""
    outcome, answered = Outcome(), Counter[str]()
    token = site.stack.logins()["member_token"]
    doors = itertools.cycle(DOORS)

    async def go_on(stranger: Site) -> None:
        while True:
            path, guess = next(doors), f"cwa_{secrets.token_hex(16)}"
            method, content = ("POST", {"query": "{ __typename }"}) if path == "/graphql" else ("GET", None)
            headers = {"authorization": f"Bearer {guess}"}
            answer = await stranger.http.request(method, f"{site.stack.url}{path}", json=content, headers=headers)
            answered[f"{path.partition('?')[0]} {answer.status_code}"] += 1
            await asyncio.sleep(0.02)

    async with site.elsewhere(66) as stranger:
        light = {name: partial(site.data, query, token=token) for name, query in LIGHT.items()}
        await compare(outcome, light, lambda: [go_on(stranger) for _ in range(ATTACKERS)])
    outcome.figures.append(f"guesses: {dict(sorted(answered.items()))}")
    for path in DOORS:
        if not answered[f"{path.partition('?')[0]} 429"]:
            outcome.broken.append(f"{path} answers strangers without end")
    return outcome
