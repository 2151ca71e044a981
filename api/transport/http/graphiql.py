"""GraphiQL for administrators, from files in the repository: the page loads nothing from elsewhere.

The page itself shows a log-in bar and nothing else. GraphiQL opens with the token of an administrator, who is also the
only one to get the example tabs; what it may then read, the schema decides as for everybody.
"""

import html
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from api.transport.documents import responses
from api.transport.terms import identity
from api.transport.terms.errors import CodedError, Forbidden, Unauthenticated
from api.transport.terms.identity import Authenticate
from api.transport.terms.media_types import MediaType

FILES = Path(__file__).parents[2] / "static" / "graphiql"


@dataclass(frozen=True, slots=True)
class Example:
    """A tab the page opens with."""

    name: str
    query: str
    variables: Mapping[str, Any] | None = None
    found: Mapping[str, str] = field(default_factory=dict)  # Variables that are the first id a query finds.


@dataclass(frozen=True, slots=True)
class LogIn:
    """How the bar gets a token: a mutation of $email and $password, and where the answer stands in its data."""

    query: str
    log_out: str  # The mutation that ends the session.
    token_path: tuple[str, ...]
    errors_path: tuple[str, ...]


LOG_IN = LogIn(
    query="mutation LogIn($email: String!, $password: String!) "
    "{ logIn(input: {email: $email, password: $password}) { accessToken errors { message } } }",
    log_out="mutation LogOut { logOut(input: {}) { errors { message } } }",
    token_path=("logIn", "accessToken"),
    errors_path=("logIn", "errors"),
)


def routes(
    authenticate: Authenticate, examples: Sequence[Example], log_in: LogIn, endpoint: str, path: str = "/graphiql"
) -> list[BaseRoute]:
    """The page, its files, and the door that only administrators pass."""
    sessions = {
        "logIn": log_in.query,
        "logOut": log_in.log_out,
        "tokenPath": log_in.token_path,
        "errorsPath": log_in.errors_path,
    }
    fixed = {
        "__STATIC__": f"{path}/static",
        "__ENDPOINT__": html.escape(endpoint),
        "__ACCESS__": f"{path}/access",
        "__SESSIONS__": orjson.dumps(sessions).decode().replace("<", "\\u003c"),
    }

    async def page(request: Request) -> Response:
        nonce = secrets.token_urlsafe(16)
        return HTMLResponse(_page({**fixed, "__NONCE__": nonce}), headers=_headers(nonce))

    async def access(request: Request) -> Response:
        try:
            await _admin(request, authenticate)
        except CodedError as error:
            return responses.refusal(error, MediaType.JSON)
        tabs = [asdict(example) for example in examples]
        return Response(
            orjson.dumps({"examples": tabs}), headers=responses.STEADY_HEADERS, media_type="application/json"
        )

    return [
        Route(path, page, methods=["GET"]),
        Route(f"{path}/access", access, methods=["GET"]),
        Mount(f"{path}/static", StaticFiles(directory=FILES)),
    ]


async def _admin(request: Request, authenticate: Authenticate) -> None:
    token = identity.bearer_token(request.headers.get("authorization"))
    viewer = await authenticate(token, identity.address_of(request))
    if viewer.is_anonymous:
        raise Unauthenticated("Log in first.")
    if not viewer.is_admin:
        raise Forbidden("GraphiQL is for administrators.")


@cache
def _template() -> str:
    return (FILES / "index.html").read_text(encoding="utf-8")


def _page(values: Mapping[str, str]) -> str:
    page = _template()
    for placeholder, value in values.items():
        page = page.replace(placeholder, value)
    return page


def _headers(nonce: str) -> dict[str, str]:
    policy = (
        "default-src 'none'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
        f"script-src 'self' 'nonce-{nonce}'; worker-src 'self'; style-src 'self' 'nonce-{nonce}'; "
        "style-src-attr 'unsafe-inline'; "  # The editor places its lines so.
        "img-src 'self' data:; font-src 'self' data:"
    )
    return {
        "Content-Security-Policy": policy,
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
    }
