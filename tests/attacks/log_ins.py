"""Guesses at passwords, however they are spelled and wherever they say they come from: few are looked at, and the owner
is let in.
"""

from typing import Any

import httpx2

from tests.attacks.site import Outcome, Site

GUESSES = 40
LOOKED_AT_MAX = 10  # By one address and account.
LITERAL = 'mutation {{ logIn(input: {{email: "{email}", password: "wrong"}}) {{ accessToken }} }}'
DEFAULT = (
    'mutation M($i: LogInInput! = {{email: "{email}", password: "wrong"}}) {{ logIn(input: $i) {{ accessToken }} }}'
)
INSIDE = 'mutation M($e: String! = "{email}") {{ logIn(input: {{email: $e, password: "wrong"}}) {{ accessToken }} }}'
OWNER = "mutation M($i: LogInInput!) { logIn(input: $i) { accessToken } }"


async def attack(site: Site) -> Outcome:
    """Each spelling from an address of its own, against an account of its own."""
    outcome = Outcome()
    logins = [login for login in site.stack.logins()["logins"] if login.get("password")]
    for number, (spelling, document) in enumerate([("literals", LITERAL), ("a default", DEFAULT), ("inside", INSIDE)]):
        email, password = logins[number]["email"], logins[number]["password"]
        async with site.elsewhere(10 + number) as owner:
            first = await owner.ask(OWNER, {"i": {"email": email, "password": password}})
            async with site.elsewhere(20 + number) as stranger:
                looked_at = await _looked_at(stranger, document.format(email=email))
                outcome.tell(f"guesses looked at, spelled by {spelling}", looked_at, LOOKED_AT_MAX, "guesses")
            again = await owner.ask(OWNER, {"i": {"email": email, "password": password}})
        is_out = not (_has_token(first) and _has_token(again))
        outcome.tell(f"the owner is kept out after guesses by {spelling}", is_out, 0, "owners")
    return outcome


async def _looked_at(stranger: Site, document: str) -> int:
    """Of some guesses, each of which says that it comes from elsewhere."""
    count = 0
    for number in range(GUESSES):
        answer = await stranger.http.post(
            f"{stranger.stack.url}/graphql",
            json={"query": document},
            headers={"x-forwarded-for": f"198.51.100.{number}"},
        )
        count += answer.status_code != 429
    return count


def _has_token(answer: httpx2.Response) -> bool:
    data: Any = answer.json().get("data") or {}
    return bool((data.get("logIn") or {}).get("accessToken"))
