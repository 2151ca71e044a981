"""/healthz: the process answers. /readyz: what it needs does too. /healthz/platform: what the others do.

/metrics is for Prometheus. None runs GraphQL.
"""

import asyncio
import hmac
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

import orjson
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Gauge, generate_latest
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from api.transport.terms.stopping import Stopping
from api.transport.terms.writing import Writing

logger = logging.getLogger("commonwatt.health")

# Returns when all is well; raises when not. The exception's text is logged, not shown.
Check = Callable[[], Awaitable[object]]
Platform = Callable[[], Awaitable[Mapping[str, object]]]
CHECK_SECONDS_MAX = 2.0
KEPT_S = 1.0
HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


@dataclass(frozen=True, slots=True)
class Probes:
    """What is looked at. With a `token`, /metrics and /healthz/platform ask for it as a bearer token."""

    checks: Mapping[str, Check]
    registry: CollectorRegistry
    token: str | None
    stopping: Stopping
    writing: Writing
    platform: Platform | None


def routes(probes: Probes) -> list[BaseRoute]:
    """Those of what is looked at."""
    looked = _Looked(probes.checks)
    failing = Gauge("graphql_not_ready", "1 where what /readyz asks for fails.", ["check"], registry=probes.registry)

    async def healthz(request: Request) -> Response:
        return _json({"status": "ok"}, 200)

    async def readyz(request: Request) -> Response:
        if probes.stopping.is_asked:
            return _json({"status": "stopping"}, 503)
        outcomes = await looked.outcomes()
        is_ready = all(outcome == "ok" for outcome in outcomes)
        checks = dict(zip(probes.checks, outcomes, strict=True))
        status = "ready" if is_ready else "not ready"
        return _json({"status": status, "mode": probes.writing.mode, "checks": checks}, 200 if is_ready else 503)

    async def metrics(request: Request) -> Response:
        if not _may_ask(request, probes.token):
            return _json({"status": "unauthorized"}, 401)
        for check, outcome in zip(probes.checks, await looked.outcomes(), strict=True):
            failing.labels(check).set(outcome != "ok")
        return Response(generate_latest(probes.registry), headers={**HEADERS, "Content-Type": CONTENT_TYPE_LATEST})

    async def platform(request: Request) -> Response:
        assert probes.platform is not None
        if not _may_ask(request, probes.token):
            return _json({"status": "unauthorized"}, 401)
        return _json(await probes.platform(), 200)

    found = [Route("/healthz", healthz), Route("/readyz", readyz), Route("/metrics", metrics)]
    return [*found, Route("/healthz/platform", platform)] if probes.platform else [*found]


def _may_ask(request: Request, token: str | None) -> bool:
    given = request.headers.get("authorization", "")
    return not token or hmac.compare_digest(given.encode(), f"Bearer {token}".encode())


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
