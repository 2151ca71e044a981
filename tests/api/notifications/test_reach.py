"""Nobody learns from web hooks which hosts our network has."""

import time
from ipaddress import ip_address

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from api.notifications import resolving
from domain.identity.viewers import Viewer
from domain.notifications.addresses import Address, Target
from tests.api.conftest import Execute
from tests.factories.identity import a_user

REGISTER = """
mutation ($input: RegisterWebhookInput!) { registerWebhook(input: $input) {
  webhook { id } errors { __typename code message path } } }
"""


async def test_a_name_of_our_own_network_is_refused_as_one_that_nobody_has(
    execute: Execute, session: AsyncSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    person, found = Viewer(user_id=(await a_user(session)).id), list[Address]()

    async def resolve(target: Target) -> list[Address]:
        return found

    monkeypatch.setattr(resolving, "addresses_of", resolve)
    monkeypatch.setattr(resolving, "RESOLVE_S", 0.05)
    given = {"url": "https://intranet.example.org/", "kinds": ["PAYMENT"]}
    answers, seconds = [], []
    for addresses in ([], ["10.0.0.1"], ["fd00::1"]):
        found[:] = map(ip_address, addresses)
        began = time.monotonic()
        answers.append((await execute(REGISTER, person, input=given)).data["registerWebhook"])
        seconds.append(time.monotonic() - began)

    assert answers[0] == answers[1] == answers[2]
    assert [error["code"] for error in answers[0]["errors"]] == ["PRIVATE_ADDRESS"]
    assert min(seconds) >= resolving.RESOLVE_S
