"""What went wrong, in codes a client can rely on. Codes are part of the contract and only ever added."""

import logging
import time
import traceback
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Any
from uuid import uuid4

from graphql import ArgumentNode, GraphQLError, GraphQLSyntaxError, ObjectFieldNode, ValueNode
from redis.exceptions import RedisError
from strawberry.exceptions import MissingQueryError
from strawberry.relay.types import GlobalIDValueError
from strawberry.schema.exceptions import CannotGetOperationTypeError

INPUT_NODES = (ValueNode, ObjectFieldNode, ArgumentNode)

REASON_MAX = 200  # Characters.
REPEATS_S = 1.0
IDS_KEPT_MAX = 1_000

logger = logging.getLogger("commonwatt.errors")
_ids: dict[tuple[object, ...], tuple[float, str]] = {}


class ErrorCode(StrEnum):
    """`extensions.code` of a top-level error."""

    GRAPHQL_PARSE_FAILED = "GRAPHQL_PARSE_FAILED"
    GRAPHQL_VALIDATION_FAILED = "GRAPHQL_VALIDATION_FAILED"
    BAD_USER_INPUT = "BAD_USER_INPUT"
    QUERY_TOO_COMPLEX = "QUERY_TOO_COMPLEX"
    QUERY_TOO_DEEP = "QUERY_TOO_DEEP"
    TOO_MANY_DIRECTIVES = "TOO_MANY_DIRECTIVES"
    UNAUTHENTICATED = "UNAUTHENTICATED"
    FORBIDDEN = "FORBIDDEN"
    RATE_LIMITED = "RATE_LIMITED"
    SUBSCRIBE_AGAIN = "SUBSCRIBE_AGAIN"
    PERSISTED_QUERY_NOT_FOUND = "PERSISTED_QUERY_NOT_FOUND"
    PERSISTED_QUERY_NOT_SUPPORTED = "PERSISTED_QUERY_NOT_SUPPORTED"
    DEADLINE_EXCEEDED = "DEADLINE_EXCEEDED"
    UNAVAILABLE = "UNAVAILABLE"
    INTERNAL = "INTERNAL"
    METHOD_NOT_ALLOWED = "METHOD_NOT_ALLOWED"
    REQUEST_TIMEOUT = "REQUEST_TIMEOUT"
    PAYLOAD_TOO_LARGE = "PAYLOAD_TOO_LARGE"
    UNSUPPORTED_MEDIA_TYPE = "UNSUPPORTED_MEDIA_TYPE"


# The HTTP status when nothing ran.
HTTP_STATUS: Mapping[ErrorCode, int] = MappingProxyType(
    {
        ErrorCode.GRAPHQL_PARSE_FAILED: 400,
        ErrorCode.GRAPHQL_VALIDATION_FAILED: 400,
        ErrorCode.BAD_USER_INPUT: 400,
        ErrorCode.QUERY_TOO_COMPLEX: 400,
        ErrorCode.QUERY_TOO_DEEP: 400,
        ErrorCode.TOO_MANY_DIRECTIVES: 400,
        ErrorCode.UNAUTHENTICATED: 401,
        ErrorCode.FORBIDDEN: 403,
        ErrorCode.RATE_LIMITED: 429,
        ErrorCode.SUBSCRIBE_AGAIN: 409,
        ErrorCode.PERSISTED_QUERY_NOT_FOUND: 200,  # Apollo Client sends the text after a 200 only.
        ErrorCode.PERSISTED_QUERY_NOT_SUPPORTED: 200,
        ErrorCode.DEADLINE_EXCEEDED: 503,
        ErrorCode.UNAVAILABLE: 503,
        ErrorCode.INTERNAL: 500,
        ErrorCode.METHOD_NOT_ALLOWED: 405,
        ErrorCode.REQUEST_TIMEOUT: 408,
        ErrorCode.PAYLOAD_TOO_LARGE: 413,
        ErrorCode.UNSUPPORTED_MEDIA_TYPE: 415,
    }
)


class CodedError(Exception):
    """An error whose message and facts the caller may see.

    graphql-core copies `extensions` into the GraphQL error, so a resolver may simply raise one of these.
    """

    code: ErrorCode = ErrorCode.INTERNAL

    def __init__(self, message: str, **facts: Any) -> None:
        super().__init__(message)
        self.message = message
        self.extensions: dict[str, Any] = {"code": str(self.code), **facts}


class BadUserInput(CodedError):
    """An argument, id, cursor, page size or request body is wrong."""

    code = ErrorCode.BAD_USER_INPUT


class QueryTooComplex(CodedError):
    """The document asks for too much; `limit` and `value` say of what."""

    code = ErrorCode.QUERY_TOO_COMPLEX


class QueryTooDeep(CodedError):
    code = ErrorCode.QUERY_TOO_DEEP


class TooManyDirectives(CodedError):
    code = ErrorCode.TOO_MANY_DIRECTIVES


class Unauthenticated(CodedError):
    """Nobody we know: no token, or one that is expired, revoked or misspelt."""

    code = ErrorCode.UNAUTHENTICATED


class Forbidden(CodedError):
    code = ErrorCode.FORBIDDEN


class RateLimited(CodedError):
    """The budget is spent. `retryAfter` is in whole seconds, rounded up."""

    code = ErrorCode.RATE_LIMITED

    def __init__(self, message: str, retry_after_s: int, **facts: Any) -> None:
        super().__init__(message, retryAfter=retry_after_s, **facts)
        self.retry_after_s = retry_after_s


class SubscribeAgain(CodedError):
    """A subscription cannot go on as it was; a new one can, from the cursor of the last event."""

    code = ErrorCode.SUBSCRIBE_AGAIN


class PersistedQueryNotFound(CodedError):
    code = ErrorCode.PERSISTED_QUERY_NOT_FOUND


class PersistedQueryNotSupported(CodedError):
    """No text is kept here by its hash, so that asking for one is a detour."""

    code = ErrorCode.PERSISTED_QUERY_NOT_SUPPORTED


class DeadlineExceeded(CodedError):
    code = ErrorCode.DEADLINE_EXCEEDED


class Unavailable(CodedError):
    """Something we depend on is down; trying again later helps."""

    code = ErrorCode.UNAVAILABLE


class MethodNotAllowed(CodedError):
    """`allowed` are the methods that would have done."""

    code = ErrorCode.METHOD_NOT_ALLOWED

    def __init__(self, message: str, allowed: tuple[str, ...] = ("POST",)) -> None:
        super().__init__(message)
        self.allowed = allowed


class RequestTimeout(CodedError):
    code = ErrorCode.REQUEST_TIMEOUT


class PayloadTooLarge(CodedError):
    code = ErrorCode.PAYLOAD_TOO_LARGE


class UnsupportedMediaType(CodedError):
    code = ErrorCode.UNSUPPORTED_MEDIA_TYPE


class ShownError(CodedError):
    """An exception of someone else, as the caller may see it."""

    def __init__(self, code: ErrorCode, message: str, **facts: Any) -> None:
        self.code = code
        super().__init__(message, **facts)


@dataclass(frozen=True, slots=True)
class Known:
    """How an exception of someone else is shown; without a `message` it shows its own."""

    code: ErrorCode
    message: str | None = None


# By its class; or by its SQLSTATE or the beginning of that, the longest that is known.
Knowledge = Mapping[type[BaseException] | str, Known]

KNOWN_EXCEPTIONS: Knowledge = MappingProxyType(
    {
        MissingQueryError: Known(ErrorCode.BAD_USER_INPUT, "'query' is missing: send the text of a GraphQL document."),
        CannotGetOperationTypeError: Known(ErrorCode.BAD_USER_INPUT),
        GlobalIDValueError: Known(ErrorCode.BAD_USER_INPUT, "This is not an id of this API."),
        PermissionError: Known(ErrorCode.FORBIDDEN, "You may not do this."),
        TimeoutError: Known(ErrorCode.DEADLINE_EXCEEDED, "The operation took too long and was stopped."),
        ConnectionError: Known(ErrorCode.UNAVAILABLE, "A service this needs cannot be reached; try again."),
        RedisError: Known(ErrorCode.UNAVAILABLE, "A service this needs cannot be reached; try again."),
    }
)


def coded(error: GraphQLError, known: Knowledge = KNOWN_EXCEPTIONS) -> GraphQLError:
    """The same error with a code, or "Unexpected error." with the id under which its cause is logged.

    An error that has a code was meant for the caller and stays as it is.
    """
    if "code" in (error.extensions or {}):
        return error
    shown = _of_document(error) or known_of(error.original_error, known)
    if shown is None:
        return _masked(error)
    if shown.code is ErrorCode.UNAVAILABLE and error.original_error is not None:
        logger.warning("Unavailable: %s", reason_of(error.original_error))
    return _shown_as(error, shown.message or error.message, {"code": str(shown.code)})


def known_of(cause: BaseException | None, known: Knowledge = KNOWN_EXCEPTIONS) -> Known | None:
    """How an exception is shown, or what it was raised from."""
    for each in _causes(cause):
        state: str = getattr(each, "sqlstate", None) or ""
        names: Iterable[type[BaseException] | str]
        names = (*(state[:length] for length in range(len(state), 1, -1)), *type(each).__mro__)
        for name in names:
            if name in known:
                return known[name]
    return None


def reason_of(cause: BaseException) -> str:
    """What went wrong as whoever found it says, without the values and statements that are told beside it."""
    *_, first = _causes(cause)
    state = getattr(first, "sqlstate", None) or type(first).__name__
    return f"{state}: {str(first).partition(chr(10))[0][:REASON_MAX]}"


def uncaught(cause: Exception, known: Knowledge = KNOWN_EXCEPTIONS) -> GraphQLError:
    """What the caller is told of an exception that was raised outside any field."""
    return coded(GraphQLError(str(cause), original_error=cause), known)


def refused(cause: Exception, known: Knowledge = KNOWN_EXCEPTIONS) -> CodedError:
    """The refusal of a request that met an exception before it became an operation."""
    shown = uncaught(cause, known)
    facts = {name: value for name, value in (shown.extensions or {}).items() if name != "code"}
    return ShownError(code_of(shown), shown.message, **facts)


def _of_document(error: GraphQLError) -> Known | None:
    """Faults graphql-core itself found in the document, the variables or a field's arguments."""
    if isinstance(error, GraphQLSyntaxError):
        return Known(_syntax_code(error))
    if error.path is None and (error.original_error is None or error.nodes):
        return Known(ErrorCode.BAD_USER_INPUT)
    # A wrong argument carries the value it stands at. Faults of ours carry the field or nothing.
    inner = error.original_error
    if isinstance(inner, GraphQLError) and any(isinstance(node, INPUT_NODES) for node in inner.nodes or ()):
        return Known(ErrorCode.BAD_USER_INPUT)
    return None


def _syntax_code(error: GraphQLSyntaxError) -> ErrorCode:
    if "contains more than" in error.message:
        return ErrorCode.QUERY_TOO_COMPLEX
    if "nested too deep" in error.message:
        return ErrorCode.QUERY_TOO_DEEP
    return ErrorCode.GRAPHQL_PARSE_FAILED


def _causes(cause: BaseException | None, at_most: int = 5) -> Iterator[BaseException]:
    """The exception and what it was raised from, outermost first."""
    while cause is not None and at_most > 0:
        yield cause
        cause, at_most = cause.__cause__, at_most - 1


def _masked(error: GraphQLError) -> GraphQLError:
    error_id = _id_of(error.original_error)
    # Only the cause: the GraphQL error's text quotes the document, which may hold a password as a literal.
    cause = error.original_error
    logger.error(
        "Unexpected error",
        exc_info=(type(cause), cause, cause.__traceback__) if cause else None,
        extra={"fields": {"error_id": error_id, "path": error.path, "cause": type(cause or error).__name__}},
    )
    return _shown_as(error, "Unexpected error.", {"code": str(ErrorCode.INTERNAL), "errorId": error_id})


def _id_of(cause: BaseException | None) -> str:
    """The same for all failures of one kind within a second, of which one line tells (`repeats`)."""
    frames = traceback.extract_tb(cause.__traceback__)[-1:] if cause else []
    kind = (type(cause), *((frame.filename, frame.lineno) for frame in frames))
    now_s = time.monotonic()
    begun_s, id_ = _ids.get(kind, (-1.0, ""))
    if now_s - begun_s >= REPEATS_S:
        if len(_ids) >= IDS_KEPT_MAX:
            _ids.clear()
        begun_s, id_ = _ids[kind] = now_s, uuid4().hex
    return id_


def _shown_as(error: GraphQLError, message: str, extensions: dict[str, Any]) -> GraphQLError:
    return GraphQLError(message, error.nodes, error.source, error.positions, error.path, extensions=extensions)


def code_of(error: GraphQLError) -> ErrorCode:
    """The code of a coded error; codes of the caller's own making count as INTERNAL."""
    code = str((error.extensions or {}).get("code"))
    return ErrorCode(code) if code in ErrorCode.__members__ else ErrorCode.INTERNAL
