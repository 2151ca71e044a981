"""Does a running Commonwatt answer? The boot test of `bin/up --check`."""

import asyncio
import json
import os
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any

from bin.devstack.progress import say

# A proxy named in the environment is not meant for loopback.
DIRECTLY = urllib.request.build_opener(urllib.request.ProxyHandler({}))
READY_WITHIN_S = 300  # The relay may have to start first, on a slow machine; what ends meanwhile is noticed at once.
LOOK_AGAIN_S = 0.25
ANY_COMMUNITY = "{ communities(first: 1) { edges { node { id name } } } }"
ANYTHING = "{ __typename }"


class Unhealthy(Exception):
    """An answer was not what it must be."""


async def check(url: str, token: str | None) -> None:
    """Ask /healthz, /readyz, how the platform is, and GraphQL; with a demo token, for one of its communities.

    Raises Unhealthy.
    """
    await _expect_200(f"{url}/healthz", 0)
    await _expect_200(f"{url}/readyz", READY_WITHIN_S)
    await _expect_no_problems(f"{url}/healthz/platform")
    data = await asyncio.to_thread(_query, f"{url}/graphql", ANY_COMMUNITY if token else ANYTHING, token)
    if token and not data["communities"]["edges"]:
        raise Unhealthy("The demo's admin sees no community.")
    say(f"{url}/graphql answered {json.dumps(data)}")


def is_alive(url: str) -> bool:
    """Whether a Commonwatt answers there."""
    return _status_and_body(f"{url}/healthz", 2)[0] == 200


async def _expect_200(url: str, patience_s: float) -> None:
    deadline = time.monotonic() + patience_s
    while (found := await asyncio.to_thread(_status_and_body, url))[0] != 200:
        if time.monotonic() > deadline:
            raise Unhealthy(f"{url} answered {found[0]}: {found[1][:500]}")
        await asyncio.sleep(LOOK_AGAIN_S)
    say(f"{url} answered 200")


async def _expect_no_problems(url: str) -> None:
    """Soon, as a relay and a worker may be starting."""
    token = os.environ.get("COMMONWATT_METRICS_TOKEN")
    request = urllib.request.Request(url, headers={"authorization": f"Bearer {token}"} if token else {})
    deadline = time.monotonic() + READY_WITHIN_S
    while (found := await asyncio.to_thread(_status_and_body, request))[0] != 200 or json.loads(found[1])["problems"]:
        if time.monotonic() > deadline:
            raise Unhealthy(f"{url} answered {found[0]}: {found[1][:500]}")
        await asyncio.sleep(LOOK_AGAIN_S)
    say(f"{url} tells of no problems")


def _query(url: str, query: str, token: str | None) -> Mapping[str, Any]:
    headers = {"content-type": "application/json", "accept": "application/graphql-response+json"}
    if token:
        headers["authorization"] = f"Bearer {token}"
    request = urllib.request.Request(url, json.dumps({"query": query}).encode(), headers)
    status, body = _status_and_body(request)
    try:
        answer = json.loads(body)
        data: Mapping[str, Any] = answer["data"]
    except (ValueError, TypeError, KeyError):
        raise Unhealthy(f"{url} answered {status}: {body[:500]}") from None
    if status != 200 or "errors" in answer:
        raise Unhealthy(f"{url} answered {status}: {body[:500]}")
    return data


def _status_and_body(request: str | urllib.request.Request, timeout_s: float = 10) -> tuple[int, str]:
    try:
        with DIRECTLY.open(request, timeout=timeout_s) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as refusal:
        return refusal.code, refusal.read().decode(errors="replace")
    except OSError as reason:
        return 0, str(reason)
