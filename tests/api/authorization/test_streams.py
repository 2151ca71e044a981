"""Subscriptions to what is hidden are refused, and streams leave out what their follower may not see."""

import asyncio
import base64
from typing import Any

import orjson
import pytest

from tests.api.authorization.decisions import SILENT, TOLD, Followed
from tests.api.authorization.expectations import SUBSCRIPTIONS, may_see
from tests.api.authorization.people import ROLES
from tests.api.authorization.site import Site


@pytest.mark.parametrize("role", ROLES)
async def test_subscriptions_to_what_is_hidden_are_refused(site: Site, role: str) -> None:
    for name, followed in SUBSCRIPTIONS.items():
        for row in site.world.rows[followed.entity]:
            expected = followed.expected(role, may_see(role, followed.entity, row))
            told = await _first_of(site, role, _document_of(site, followed, row), 0.3 if expected == SILENT else 5)
            assert (name, row, told) == (name, row, expected)


def _document_of(site: Site, followed: Followed, row: str) -> str:
    def start_of(stream: str) -> str:
        number = orjson.dumps([f"market:{site.world.rows[followed.entity][row]}:{stream}", 0])
        return base64.urlsafe_b64encode(number).decode()

    return followed.document(site.id_of(followed.entity, row), start_of)


async def _first_of(site: Site, role: str, document: str, wait_s: float) -> str:
    """TOLD when the stream tells something, SILENT when it does not, or the code with which it is refused."""
    stream: Any = await site.schema.subscribe(document, context_value=await site.context(role))
    if not hasattr(stream, "__anext__"):
        return str(stream.errors[0].extensions["code"])
    try:
        first = await asyncio.wait_for(anext(stream), wait_s)
    except TimeoutError:
        return SILENT
    finally:
        await stream.aclose()
    return str(first.errors[0].extensions["code"]) if first.errors else TOLD
