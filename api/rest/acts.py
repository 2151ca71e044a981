"""What the REST routes share: who asks, what was sent, and how an answer or a refusal goes out.

A route is an act: it takes a request and gives a JSON object. What it refuses is shown by `Refusals`, data that names
for an exception its status and body; the nearest base class speaks for the rest.
"""

from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType
from typing import Any

import orjson
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Message, Receive

from api.resources import failed
from api.resources.failures import KNOWN
from api.transport.documents import responses
from api.transport.terms import errors, identity
from api.transport.terms.errors import BadUserInput, CodedError, PayloadTooLarge, Unauthenticated
from api.transport.terms.identity import Authenticate
from api.transport.terms.media_types import MediaType
from domain.events.ends import Failure
from domain.identity.viewers import Viewer
from domain.kernel.errors import InvalidValue

Act = Callable[[Request], Awaitable[dict[str, Any]]]
Give = Callable[[Request], Awaitable[Response]]
Refusals = Mapping[type[Exception], Callable[[Any], dict[str, Any]]]
Statuses = Mapping[type[Exception], int]
IMPORTS = "/v1/imports/"  # What is refused there was somebody's work, which an operator hears of.


def post(path: str, act: Act, refusals: Refusals, statuses: Statuses = MappingProxyType({})) -> Route:
    """A POST route: 200 with what the act gives; with what the refusals make of an exception 422, or the status that is
    said for it; else coded.
    """

    async def endpoint(request: Request) -> Response:
        try:
            return answer(200, await act(request))
        except Exception as error:  # What is not foreseen is coded like every failure: logged, nothing shown.
            if path.startswith(IMPORTS) and not isinstance(error, CodedError):
                failed.tell([Failure("import", path.removeprefix(IMPORTS), None, type(error).__name__)])
            return _refused(error, refusals, statuses)

    return Route(path, endpoint, methods=["POST"])


def get(path: str, give: Give, refusals: Refusals = MappingProxyType({})) -> Route:
    """A GET route that gives a response of its own, such as a file; it is refused as a POST is, before it begins."""

    async def endpoint(request: Request) -> Response:
        try:
            return await give(request)
        except Exception as error:
            return _refused(error, refusals, {})

    return Route(path, endpoint, methods=["GET"])


def answer(status: int, body: dict[str, Any]) -> Response:
    """A JSON object that nobody keeps."""
    return Response(orjson.dumps(body), status, responses.STEADY_HEADERS, media_type="application/json")


async def signed_in(request: Request, authenticate: Authenticate, otherwise: str = "Sign in first.") -> Viewer:
    """Who asks, known before the body is read. Raises Unauthenticated."""
    token = identity.bearer_token(request.headers.get("authorization"))
    viewer: Any = await authenticate(token, identity.address_of(request))
    if viewer.is_anonymous:
        raise Unauthenticated(otherwise)
    return viewer  # type: ignore[no-any-return]


async def body_of(request: Request, bytes_max: int) -> bytes:
    """The body. Raises PayloadTooLarge."""
    return await _counted(request, bytes_max).body()


async def file_of(request: Request, bytes_max: int) -> tuple[bytes, dict[str, str]]:
    """A file sent as the body, or as the part `file` of a form, with the form's other fields.

    Raises BadUserInput, PayloadTooLarge.
    """
    request = _counted(request, bytes_max)
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "multipart/form-data":
        return await request.body(), {}
    try:
        async with request.form(max_files=1, max_fields=50) as form:
            part = form.get("file")
            if part is None or isinstance(part, str):
                raise BadUserInput("The form needs one part named file, with a file name.", argument="file")
            return await part.read(), {name: value for name, value in form.items() if isinstance(value, str)}
    except HTTPException as error:  # Starlette's word for a form it cannot read.
        raise BadUserInput(f"The form cannot be read: {error.detail}", argument="file") from error


def _counted(request: Request, bytes_max: int) -> Request:
    """The request with its body counted while it comes: a route must hold without the transport's own limit, too."""
    arrived = 0
    receive: Receive = request.receive

    async def counted() -> Message:
        nonlocal arrived
        message = await receive()
        arrived += len(message.get("body", b""))
        if arrived > bytes_max:
            raise PayloadTooLarge(f"The body is larger than {bytes_max} bytes.", limit=bytes_max)
        return message

    return Request(request.scope, counted)


def _refused(error: Exception, refusals: Refusals, statuses: Statuses) -> Response:
    for kind in type(error).__mro__:
        if kind in refusals:
            return answer(statuses.get(kind, 422), refusals[kind](error))
        if kind is InvalidValue:
            assert isinstance(error, InvalidValue)
            return _coded(BadUserInput(error.message, argument=".".join(error.path)))
    return _coded(error if isinstance(error, CodedError) else errors.refused(error, KNOWN))


def _coded(error: CodedError) -> Response:
    return responses.refusal(error, MediaType.JSON)
