"""Errors get the right code, and only errors meant for the caller keep their text."""

import pytest
from graphql import GraphQLError, GraphQLSyntaxError, Source, parse
from graphql.error import located_error

from api.transport.terms import errors
from api.transport.terms.errors import HTTP_STATUS, ErrorCode, Known


class Overloaded(Exception): ...


class StoppedByTheDatabase(Overloaded): ...


KNOWN = {**errors.KNOWN_EXCEPTIONS, Overloaded: Known(ErrorCode.UNAVAILABLE, "Busy.")}


def raised_from(cause: Exception) -> Exception:
    wrapper = RuntimeError("wrapped: secret")
    wrapper.__cause__ = cause
    return wrapper


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (errors.BadUserInput("Bad page.", limit=100), "BAD_USER_INPUT", "Bad page."),
        (errors.Unauthenticated("Log in."), "UNAUTHENTICATED", "Log in."),
        (errors.RateLimited("Slow down.", 3), "RATE_LIMITED", "Slow down."),
        (errors.Unavailable("Later."), "UNAVAILABLE", "Later."),
        (TimeoutError(), "DEADLINE_EXCEEDED", "The operation took too long and was stopped."),
        (PermissionError("/etc/secret"), "FORBIDDEN", "You may not do this."),
        (ConnectionResetError("secret"), "UNAVAILABLE", "A service this needs cannot be reached; try again."),
        (StoppedByTheDatabase("secret"), "UNAVAILABLE", "Busy."),
        (raised_from(StoppedByTheDatabase("secret")), "UNAVAILABLE", "Busy."),
        (raised_from(ValueError("secret")), "INTERNAL", "Unexpected error."),
        (ValueError("secret"), "INTERNAL", "Unexpected error."),
        (GraphQLError("secret"), "INTERNAL", "Unexpected error."),
        (GraphQLError("Meant.", extensions={"code": "FORBIDDEN"}), "FORBIDDEN", "Meant."),
    ],
)
def test_an_error_of_a_field(error: Exception, code: str, message: str) -> None:
    shown = errors.coded(located_error(error, None, ["field"]), KNOWN)

    assert shown.message == message
    assert (shown.extensions or {})["code"] == code
    assert shown.path == ["field"]
    assert "secret" not in str(shown.formatted)


@pytest.mark.parametrize(("text", "code"), [("{ field }", "INTERNAL"), ("{ field(a: 1) }", "BAD_USER_INPUT")])
def test_an_error_graphql_core_found_while_executing(text: str, code: str) -> None:
    """It names the value when the caller is wrong, and only the field when our schema or result is."""
    (operation,) = parse(text).definitions
    field = operation.selection_set.selections[0]  # type: ignore[attr-defined]
    node = field.arguments[0].value if field.arguments else field

    shown = errors.coded(located_error(GraphQLError("Found.", node), [field], ["field"]))

    assert errors.code_of(shown) == code


def test_coding_twice_changes_nothing() -> None:
    once = errors.coded(located_error(ValueError("secret"), None, ["field"]))

    assert errors.coded(once) is once


def test_a_syntax_error() -> None:
    shown = errors.coded(GraphQLSyntaxError(Source("{"), 1, "Expected Name."))

    assert errors.code_of(shown) is ErrorCode.GRAPHQL_PARSE_FAILED
    assert shown.locations is not None


def test_every_code_has_a_status() -> None:
    assert set(HTTP_STATUS) == set(ErrorCode)


def test_a_code_of_someone_else_counts_as_internal() -> None:
    assert errors.code_of(GraphQLError("x", extensions={"code": "SOMETHING"})) is ErrorCode.INTERNAL
