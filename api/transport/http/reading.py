"""While nothing may be changed, requests beside GraphQL that would are refused before their bodies are read."""

from starlette.types import ASGIApp, Receive, Scope, Send

from api.transport.documents.responses import refusal
from api.transport.terms.errors import Unavailable
from api.transport.terms.media_types import MediaType
from api.transport.terms.writing import Writing

READS = frozenset({"GET", "HEAD", "OPTIONS"})


class Reading:
    """An ASGI app. What is asked of the endpoint is told from the document (`documents`)."""

    def __init__(self, app: ASGIApp, writing: Writing, endpoint: str) -> None:
        self.app = app
        self.writing = writing
        self.endpoint = endpoint

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        app = self.app
        if scope["type"] == "http" and scope["method"] not in READS and scope["path"] != self.endpoint:
            try:
                self.writing.check()
            except Unavailable as error:
                app = refusal(error, MediaType.JSON)
                app.headers["Connection"] = "close"  # What it sends is not read.
        await app(scope, receive, send)
