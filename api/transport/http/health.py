"""/healthz: the process answers. /readyz: what it depends on does too. /metrics: for Prometheus. None runs GraphQL."""

import asyncio
import hmac
import logging
import time
from collections.abc import Awaitable, Callable, Mapping

import orjson
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from api.transport.terms.stopping import Stopping

logger = logging.getLogger("commonwatt.health")

# Returns when all is well; raises when not. The exception's text is logged, not shown.
Check = Callable[[], Awaitable[object]]
CHECK_SECONDS_MAX = 2.0
KEPT_S = 1.0
HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


def routes(
    checks: Mapping[str, Check],
    registry: CollectorRegistry,
    metrics_token: str | None = None,
    stopping: Stopping | None = None,
) -> list[BaseRoute]:
    """With a `metrics_token`, /metrics asks for it as a bearer token."""

    async def healthz(request: Request) -> Response:
        return _json({"status": "ok"}, 200)

    looked = _Looked(checks)

    async def readyz(request: Request) -> Response:
        if stopping is not None and stopping.is_asked:
            return _json({"status": "stopping"}, 503)
        outcomes = await looked.outcomes()
        is_ready = all(outcome == "ok" for outcome in outcomes)
        body = {"status": "ready" if is_ready else "not ready", "checks": dict(zip(checks, outcomes, strict=True))}
        return _json(body, 200 if is_ready else 503)

    async def metrics(request: Request) -> Response:
        given = request.headers.get("authorization", "")
        if metrics_token and not hmac.compare_digest(given.encode(), f"Bearer {metrics_token}".encode()):
            return _json({"status": "unauthorized"}, 401)
        return Response(generate_latest(registry), headers={**HEADERS, "Content-Type": CONTENT_TYPE_LATEST})

    return [Route("/healthz", healthz), Route("/readyz", readyz), Route("/metrics", metrics)]


class _Looked:
    """What checks came to, looked at again once a second at most, however many ask."""

    def __init__(self, checks: Mapping[str, Check]) -> None:
        self._checks = checks
        self._turn = asyncio.Lock()
        self._kept: list[str] = []
        self._until_s = 0.0

    async def outcomes(self) -> list[str]:
        """Of each check, in order."""
        async with self._turn:
            if time.monotonic() >= self._until_s:
                self._kept = await asyncio.gather(*(_outcome(*check) for check in self._checks.items()))
                self._until_s = time.monotonic() + KEPT_S
            return self._kept


async def _outcome(name: str, check: Check) -> str:
    try:
        async with asyncio.timeout(CHECK_SECONDS_MAX):
            await check()
    except TimeoutError:
        return "timed out"
    except Exception as error:
        logger.warning("Not ready", exc_info=error, extra={"fields": {"check": name}})
        return "failed"
    return "ok"


def _json(body: object, status: int) -> Response:
    return Response(orjson.dumps(body), status, HEADERS, media_type="application/json")
