"""REST routes fail as GraphQL does: coded, and silent about what is nobody's business."""

from typing import Any

import httpx2
import pytest
from sqlalchemy.exc import OperationalError
from starlette.applications import Starlette
from starlette.requests import Request

from api.rest import acts
from api.transport.terms.errors import Forbidden
from domain.kernel.errors import InvalidValue, NotAllowed, NotFound


@pytest.mark.parametrize(
    ("error", "status", "body"),
    [
        (NotFound("thing", 7), 422, {"message": "There is no thing that you may see."}),
        (InvalidValue(("a", "b"), "odd"), 400, ("BAD_USER_INPUT", "odd")),
        (Forbidden("Not you."), 403, ("FORBIDDEN", "Not you.")),
        (NotAllowed("do this"), 403, ("FORBIDDEN", "You may not do this.")),
        (
            OperationalError("SELECT secret", {}, Exception("down")),
            503,
            ("UNAVAILABLE", "The database cannot be reached; try again."),
        ),
        (RuntimeError("secret"), 500, ("INTERNAL", "Unexpected error.")),
    ],
)
async def test_an_exception_has_its_status_and_code(error: Exception, status: int, body: Any) -> None:
    async def act(request: Request) -> dict[str, Any]:
        raise error

    app = Starlette(routes=[acts.post("/act", act, {NotFound: lambda error: {"message": error.message}})])
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url="http://commonwatt") as client:
        answer = await client.post("/act")

    told = answer.json()
    if isinstance(body, tuple):
        told = told["errors"][0]["extensions"]["code"], told["errors"][0]["message"]
    assert (answer.status_code, told) == (status, body)
