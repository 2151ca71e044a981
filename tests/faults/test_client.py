"""A client of the fault run takes nothing for an answer that is none."""

import json
import random
from collections.abc import Callable
from uuid import UUID

import httpx2
import pytest

from domain.kernel.database import new_id
from tests.faults.client import Api
from tests.faults.journal import Act, Asked, Journal, Told

ORDER = new_id()
ASKED = Asked("a key", Act.PLACE, new_id(), "token", {"idempotencyKey": "a key"}, mark=1_000_000)


def placed(id: UUID | None, *codes: str) -> httpx2.Response:
    order = None if id is None else {"id": f"Order:{id}"}
    return httpx2.Response(200, json={"data": {"placeOrder": {"order": order, "errors": [{"code": c} for c in codes]}}})


def lost(request: httpx2.Request) -> httpx2.Response:
    raise httpx2.ReadError("the connection was lost", request=request)


NO_ANSWERS: list[Callable[[httpx2.Request], httpx2.Response]] = [
    lost,
    lambda _: httpx2.Response(503, text="away"),
    lambda _: httpx2.Response(200, json={"data": None, "errors": [{"message": "Unexpected error."}]}),
    lambda _: httpx2.Response(200, json={"data": {"placeOrder": None}, "errors": [{"message": "Away."}]}),
    lambda _: placed(None, "IDEMPOTENCY_IN_PROGRESS"),
]


@pytest.mark.parametrize(
    ("answer", "told"),
    [(placed(ORDER), Told(id=ORDER)), (placed(None, "MARKET_CLOSED"), Told(code="MARKET_CLOSED"))],
)
async def test_asks_with_the_same_key_until_it_is_answered(answer: httpx2.Response, told: Told) -> None:
    journal, keys, no_answers = Journal(), [], iter(NO_ANSWERS)

    def handle(request: httpx2.Request) -> httpx2.Response:
        keys.append(json.loads(request.content)["variables"]["input"]["idempotencyKey"])
        no_answer = next(no_answers, None)
        return answer if no_answer is None else no_answer(request)

    async with httpx2.AsyncClient(transport=httpx2.MockTransport(handle)) as http:
        found = await Api(http, "http://api", journal).acknowledged(ASKED, random.Random(1))

    assert found == journal.told["a key"] == told
    assert keys == ["a key"] * (len(NO_ANSWERS) + 1)
    assert journal.lost == {Act.PLACE: len(NO_ANSWERS)}
