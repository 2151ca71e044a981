"""What requests beside GraphQL cost: points of the same budgets, taken before a token is looked up or a body is read.

Whom a token stood for lately pays what the route costs. For a token that this process has not seen lately its address
pays one point, as for none: it is let in no further than its token is good, and has many behind it perhaps.
What supervisors ask has a bucket of its own, so that nobody's requests make a healthy process look ill.
"""

from collections.abc import Mapping
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.transport.documents.plans import Standing
from api.transport.documents.responses import rate_headers, refusal
from api.transport.limits.budgets import Budgets
from api.transport.terms import identity
from api.transport.terms.errors import RateLimited
from api.transport.terms.media_types import preferred
from api.transport.terms.rates import Taken
from api.transport.terms.settings import Rate

ALIVE = "/healthz"  # Costs nothing, and tells nothing.
SUPERVISED = frozenset({"/readyz", "/healthz/platform", "/metrics"})
SUPERVISORS = Rate(60, 10.0)
BEARER = "bearer "


class Charges:
    """An ASGI app that lets in what is paid for. `points` are by path; any other path costs one."""

    def __init__(
        self, app: ASGIApp, budgets: Budgets, standing: Standing | None, points: Mapping[str, int], endpoint: str
    ) -> None:
        self.app = app
        self.budgets = budgets
        self.standing = standing
        self.points = points
        self.free = frozenset({endpoint, ALIVE})  # The endpoint charges for documents.

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] == "OPTIONS" or scope["path"] in self.free:
            await self.app(scope, receive, send)
            return
        taken = await self._taken(scope)
        headers = rate_headers(taken)
        if taken.is_granted:
            await self.app(scope, receive, _with(headers, send))
            return
        message = (
            f"This costs {taken.points} points, but only {taken.remaining} are left; wait {taken.retry_after_s} s."
        )
        facts = {"cost": taken.points, "remaining": taken.remaining}
        response = refusal(RateLimited(message, taken.retry_after_s, **facts), preferred(_accept(scope)))
        response.headers.update({**headers, "Connection": "close"})  # What it sends is not read.
        await response(scope, receive, send)

    async def _taken(self, scope: Scope) -> Taken:
        address = scope["client"][0] if scope.get("client") else identity.NO_ADDRESS
        if scope["path"] in SUPERVISED:
            return await self.budgets.take(f"supervisor:{identity.network_of(address)}", SUPERVISORS, 1)
        viewer = self._viewer(scope)
        if viewer is None or viewer.is_anonymous:
            return await self.budgets.take(identity.key_of_address(address), self.budgets.settings.anonymous_rate, 1)
        points = self.points.get(scope["path"], 1)
        return await self.budgets.take(identity.bucket_key(viewer, address), self.budgets.rate_of(viewer), points)

    def _viewer(self, scope: Scope) -> Any:
        authorization = Headers(scope=scope).get("authorization", "")
        if self.standing is None or not authorization.lower().startswith(BEARER):
            return None
        return self.standing.known(authorization[len(BEARER) :].strip())


def _accept(scope: Scope) -> str:
    return Headers(scope=scope).get("accept", "")


def _with(headers: Mapping[str, str], send: Send) -> Send:
    """Sends what it is given, with headers of ours."""

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            MutableHeaders(scope=message).update(headers)
        await send(message)

    return sending
