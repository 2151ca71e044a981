"""What a server process serves: `uvicorn --factory api.serving:create_app` with the options of `docs/operations.md`.

All that is loaded by now stays for as long as the process does, so the collector need not look at it ever again:
otherwise it stops every request for a fifth of a second now and then.
"""

import gc
import logging

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from api.processes import app
from api.transport.http import bounds

logger = logging.getLogger("commonwatt.serving")

UNBOUNDED = (
    "This process bounds neither headers nor idle connections: start uvicorn with "
    "--http api.transport.http.bounds:BoundedProtocol --ws api.transport.live.corks:CorkedProtocol --no-proxy-headers."
)


def create_app() -> ASGIApp:
    """The application, in a process of its own."""
    application = app.create_app()
    gc.collect()
    gc.freeze()
    return guarded(application)


def guarded(application: ASGIApp) -> ASGIApp:
    """The application, where connections have bounds; elsewhere nothing but the reason why not."""

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan" or bounds.came_through(scope):
            await application(scope, receive, send)
            return
        logger.error(UNBOUNDED)
        if scope["type"] == "http":
            await PlainTextResponse(UNBOUNDED, 503)(scope, receive, send)
        else:
            await send({"type": "websocket.close", "code": 1011})

    return serve
