"""Answers over HTTP: body, status and headers."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import orjson
from starlette.datastructures import MutableHeaders
from starlette.responses import Response
from starlette.types import Message
from strawberry.types import ExecutionResult
from strawberry.types.execution import PreExecutionError

from api.transport.terms import errors
from api.transport.terms.errors import (
    HTTP_STATUS,
    CodedError,
    ErrorCode,
    MethodNotAllowed,
    RateLimited,
    Unauthenticated,
)
from api.transport.terms.media_types import MediaType
from api.transport.terms.operations import Operation
from api.transport.terms.rates import Taken
from api.transport.terms.settings import Rate

Reply = tuple[Message, Message]  # Start and body.

STEADY_HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "Vary": "Accept"}


def body_of(result: ExecutionResult) -> dict[str, Any]:
    """The JSON object of a result. Errors must be coded."""
    body: dict[str, Any] = {"data": result.data} if ran(result) else {}
    if result.errors:
        body["errors"] = [error.formatted for error in result.errors]
    if result.extensions:
        body["extensions"] = result.extensions
    return body


def ran(result: ExecutionResult) -> bool:
    """Whether any field was executed: otherwise there is no `data` in the answer."""
    if isinstance(result, PreExecutionError):
        return False
    return result.data is not None or any(error.path for error in result.errors or ())


def answer(result: ExecutionResult, media_type: MediaType, operation: Operation) -> Response:
    headers = rate_headers(operation.budget)
    codes = [errors.code_of(error) for error in result.errors or ()]
    if ErrorCode.RATE_LIMITED in codes and operation.budget is not None:
        headers["Retry-After"] = str(_retry_after_s(result) or operation.budget.retry_after_s)
    status = 200 if ran(result) or not codes else status_of(codes[0], media_type)
    return _response(body_of(result), status, media_type, headers)


def status_of(code: ErrorCode, media_type: MediaType) -> int:
    """The status of a request that was understood but did not run.

    Clients of plain JSON take any 4xx for a fault of the network in between, so faults of the document are 200 there.
    """
    status = HTTP_STATUS[code]
    return 200 if status == 400 and media_type is MediaType.JSON else status


def refusal(error: CodedError, media_type: MediaType, rate: Rate | None = None) -> Response:
    """The answer to a request that was not understood, or not let in."""
    body = {"errors": [{"message": error.message, "extensions": error.extensions}]}
    media_type = MediaType.JSON if media_type is MediaType.EVENT_STREAM else media_type
    return _response(body, HTTP_STATUS[error.code], media_type, {**policy_header(rate), **refusal_headers(error)})


def refusal_headers(error: CodedError) -> dict[str, str]:
    if isinstance(error, RateLimited):
        return {"Retry-After": str(error.retry_after_s)}
    if isinstance(error, Unauthenticated):
        return {"WWW-Authenticate": "Bearer"}
    return {"Allow": ", ".join(error.allowed)} if isinstance(error, MethodNotAllowed) else {}


def rate_headers(budget: Taken | None) -> dict[str, str]:
    """RateLimit and RateLimit-Policy, as the IETF draft on rate limit headers has them."""
    if budget is None:
        return {}
    remaining = f'"default";r={budget.remaining};t={budget.reset_after_s}'
    return {"RateLimit": remaining, **policy_header(budget.rate)}


def policy_header(rate: Rate | None) -> dict[str, str]:
    return {"RateLimit-Policy": f'"default";q={rate.capacity};w={rate.window_s}'} if rate else {}


def _retry_after_s(result: ExecutionResult) -> int | None:
    found = [(error.extensions or {}).get("retryAfter") for error in result.errors or ()]
    return next((seconds for seconds in found if isinstance(seconds, int)), None)


def _response(body: Mapping[str, Any], status: int, media_type: MediaType, headers: Mapping[str, str]) -> Response:
    content_type = {"Content-Type": f"{media_type}; charset=utf-8"}
    return Response(orjson.dumps(body), status, {**STEADY_HEADERS, **headers, **content_type})


def success(data: bytes, media_type: MediaType, operation: Operation) -> Reply:
    """The messages `answer` comes to, with those of the middleware, for data that is JSON already."""
    assert operation.budget is not None
    body = b'{"data":%b,"extensions":{"cost":%d}}' % (data, operation.cost)
    budget = operation.budget
    headers = [
        *RAW_STEADY_HEADERS,
        (b"ratelimit", b'"default";r=%d;t=%d' % (budget.remaining, budget.reset_after_s)),
        _raw_policy(budget.rate),
        RAW_CONTENT_TYPES[media_type],
        (b"content-length", b"%d" % len(body)),
        (b"x-request-id", operation.request_id.encode()),
    ]
    start = {"type": "http.response.start", "status": 200, "headers": headers}
    return start, {"type": "http.response.body", "body": body}


def messages(response: Response, request_id: str) -> Reply:
    """A response as messages, with the headers of the middleware."""
    headers = MutableHeaders(raw=list(response.raw_headers))
    headers["Vary"] = VARY
    headers["X-Request-Id"] = request_id
    start = {"type": "http.response.start", "status": response.status_code, "headers": headers.raw}
    return start, {"type": "http.response.body", "body": response.body}


VARY = f"{STEADY_HEADERS['Vary']}, Origin"  # As CORS makes it.
RAW_STEADY_HEADERS = tuple(
    (name.lower().encode(), value.encode()) for name, value in {**STEADY_HEADERS, "Vary": VARY}.items()
)
RAW_CONTENT_TYPES = {kind: (b"content-type", f"{kind}; charset=utf-8".encode()) for kind in MediaType}


@lru_cache(maxsize=100)
def _raw_policy(rate: Rate) -> tuple[bytes, bytes]:
    ((name, value),) = policy_header(rate).items()
    return name.lower().encode(), value.encode()
