"""Ask for an allocation and follow it to its end, as a front end does."""

import asyncio
from collections.abc import Mapping
from typing import Any

from tests.acceptance.stack import live
from tests.acceptance.stack.clients import Client

SECONDS = 60.0
FOLLOW = """subscription($id: ID!) { jobProgress(id: $id) {
    status progress message error { message } result { id ... on AllocationRun { version } } } }"""


async def allocate(client: Client, community_id: str, period: Mapping[str, str]) -> list[Any]:
    """Allocate a period; the job as it stood at each event, the last one when it had succeeded."""
    payload = client.change("allocatePeriod", "job { id }", communityId=community_id, period=period)
    async with (
        asyncio.timeout(SECONDS),
        live.over_socket(client, FOLLOW, id=payload["job"]["id"]) as events,
    ):
        seen = [event["jobProgress"] async for event in events]
    assert seen[-1]["status"] == "SUCCEEDED", seen[-1]
    return seen
