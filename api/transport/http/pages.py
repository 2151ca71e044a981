"""What is there for who comes with a browser or a code generator: a page that leads on, and the contract."""

import gzip
import re
from functools import cache
from pathlib import Path

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from api.transport.documents import caching
from api.transport.http import compression
from api.transport.http.graphiql import FILES

PAGE = FILES.parent / "index.html"
OF_GRAPHIQL = re.compile(rb"<dt><a href=\"/graphiql\">.*?</dd>\n", re.DOTALL)
KEPT = "public, max-age=300"
POLICY = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
HEADERS = {"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "Content-Security-Policy": POLICY}


def routes(published: Path, *, has_graphiql: bool = True) -> list[BaseRoute]:
    """`published` is the file of the schema."""

    async def page(request: Request) -> Response:
        text = _read(PAGE) if has_graphiql else OF_GRAPHIQL.sub(b"", _read(PAGE))
        return _kept(request, Response(text, headers=HEADERS, media_type="text/html"))

    async def schema(request: Request) -> Response:
        response = _kept(request, PlainTextResponse(_read(published), headers=HEADERS))
        if response.status_code == 200 and compression.takes_gzip(request.headers.get("accept-encoding", "").encode()):
            response.body = _compressed(published)
            response.headers.update({"Content-Encoding": "gzip", "Content-Length": str(len(response.body))})
        return response

    return [Route("/", page), Route("/schema.graphql", schema)]


def _kept(request: Request, response: Response) -> Response:
    return caching.tagged(response, KEPT, request.headers.get("if-none-match"))


@cache
def _read(file: Path) -> bytes:
    return file.read_bytes()


@cache
def _compressed(file: Path) -> bytes:
    """Once for all: strangers may ask as often as they like."""
    return gzip.compress(_read(file), mtime=0)
