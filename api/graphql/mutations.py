"""Mutations: one input, one payload, and refusals as typed errors in the payload."""

from collections.abc import Callable, Sequence
from typing import Any

import strawberry
from strawberry.extensions import FieldExtension
from strawberry.schema.config import StrawberryConfig
from strawberry.types import get_object_definition
from strawberry.types.field import StrawberryField

from api.graphql.words import offer
from api.transport.terms.errors import CodedError, Forbidden, Unauthenticated
from domain.identity.viewers import Viewer
from domain.kernel import errors as domain_errors
from domain.kernel.errors import DomainError
from domain.kernel.idempotency import IdempotencyInProgress, IdempotencyKeyReused
from domain.kernel.vocabularies import Word


class ErrorCode(Word):
    """One code per kind of refusal, declared by the room that refuses. Codes are only ever added."""


offer(ErrorCode, "Why a mutation was refused. Codes are only ever added.")
REFUSED = ErrorCode("REFUSED", "A rule of the domain said no; the message says which.")
INVALID_INPUT = ErrorCode("INVALID_INPUT", "A value in the input broke a rule; the path names it.")
NOT_FOUND = ErrorCode("NOT_FOUND", "What the input names does not exist or is not for the caller to see.")
STALE_VERSION = ErrorCode("STALE_VERSION", "Someone changed the thing since the caller read it.")
IDEMPOTENCY_KEY_REUSED = ErrorCode("IDEMPOTENCY_KEY_REUSED", "The key was used before with another input.")
IDEMPOTENCY_IN_PROGRESS = ErrorCode("IDEMPOTENCY_IN_PROGRESS", "A request with this key is still running.")
OVERLAP = ErrorCode("OVERLAP", "It overlaps in time with another of its kind.")
CODE_TAKEN = ErrorCode("CODE_TAKEN", "Another thing has this code.")


@strawberry.interface(description="Something the caller did that a rule refused; nothing was changed.")
class UserError:
    code: ErrorCode = strawberry.field(description="What kind of refusal this is.")
    message: str = strawberry.field(description="A sentence for a person, in English.")
    path: list[str] | None = strawberry.field(
        description="The input field at fault, outermost first, where there is one."
    )


Build = Callable[[Any], UserError]
REFUSALS: dict[type[DomainError], Build] = {}


def refusal(error: type[DomainError]) -> Callable[[Build], Build]:
    """Register how a domain refusal is shown; the nearest registered base class speaks for its subclasses."""

    def register(build: Build) -> Build:
        REFUSALS[error] = build
        return build

    return register


def shown(error: DomainError) -> UserError:
    """The refusal as the caller sees it. Raises CodedError where it is not for the payload."""
    if isinstance(error, domain_errors.NotAllowed):
        raise Forbidden(error.message) from error
    for kind in type(error).__mro__:
        if kind in REFUSALS:
            return REFUSALS[kind](error)
    raise error


class Refusals(FieldExtension):
    """Turns refusals into payload errors, after the transaction has rolled back."""

    def __init__(self, *, is_public: bool, scope: str | None) -> None:
        self.is_public = is_public
        self.scope = scope
        self.payload: Any = None

    def apply(self, field: StrawberryField) -> None:
        self.payload = field
        for argument in field.arguments:
            argument.description = argument.description or "Everything the mutation needs to know."

    async def resolve_async(self, next_: Any, source: Any, info: strawberry.Info[Any], **kwargs: Any) -> Any:
        viewer: Viewer = info.context.viewer
        if viewer.is_anonymous and not self.is_public:
            raise Unauthenticated("Sign in first.")
        if not (self.is_public or viewer.api_key_id is None or self.scope in viewer.scopes):
            needed = f": the key needs the scope {self.scope}" if self.scope else ""
            raise Forbidden(f"Applications may not do this{needed}.")
        try:
            return await next_(source, info, **kwargs)
        except CodedError:
            raise
        except DomainError as error:
            payload_type = self.payload.type
            problem = shown(error)
            problem.path = within(problem.path, fields_of(kwargs.get("input")))
            return payload_type(errors=[problem])


def fields_of(given: Any) -> list[str]:
    """The fields of a mutation's input, as clients write them."""
    if given is None:
        return []
    names = StrawberryConfig().name_converter
    return [names.get_graphql_name(field) for field in get_object_definition(given, strict=True).fields]


def within(path: list[str] | None, fields: Sequence[str]) -> list[str] | None:
    """A path whose field this input has: the same rule serves several mutations, which call its thing differently."""
    if not path or path[0] in fields:
        return path
    ids = [name for name in fields if name.endswith("Id")]
    return [ids[0], *path[1:]] if path[0] == "id" and len(ids) == 1 else None


def mutation(description: str, *, is_public: bool = False, scope: str | None = None) -> Any:
    """A mutation field for people who are signed in (or everybody), and for applications whose key has the scope.

    Its resolver is a straight line that raises refusals.
    """
    return strawberry.mutation(description=description, extensions=[Refusals(is_public=is_public, scope=scope)])


@strawberry.type(description="What every payload has.")
class Payload:
    """Base of payloads: their other fields are null where the mutation was refused."""

    errors: list[UserError] = strawberry.field(
        description="Why nothing was changed; empty when it was done.", default_factory=list
    )


@strawberry.type(description="An input value broke a rule; `path` names the field.")
class InvalidInput(UserError):
    pass


@strawberry.type(description="The thing named in the input does not exist, or is not for the caller to see.")
class NotFound(UserError):
    pass


@strawberry.type(description="Someone changed the thing since the caller read it; read it again.")
class StaleVersion(UserError):
    current_version: int = strawberry.field(description="The version that stands now.")


@strawberry.type(description="The idempotency key was used before with another input, or is being used right now.")
class IdempotencyConflict(UserError):
    key: str = strawberry.field(description="The key.")


@refusal(DomainError)
def _plain(error: DomainError) -> UserError:
    return InvalidInput(code=REFUSED, message=error.message, path=None)


@refusal(domain_errors.InvalidValue)
def _invalid(error: domain_errors.InvalidValue) -> UserError:
    return InvalidInput(code=INVALID_INPUT, message=error.message, path=list(error.path))


@refusal(domain_errors.NotFound)
def _not_found(error: domain_errors.NotFound) -> UserError:
    return NotFound(code=NOT_FOUND, message=error.message, path=None)


@refusal(domain_errors.StaleVersion)
def _stale(error: domain_errors.StaleVersion) -> UserError:
    return StaleVersion(
        code=STALE_VERSION, message=error.message, path=["expectedVersion"], current_version=error.current
    )


@refusal(IdempotencyKeyReused)
def _reused(error: IdempotencyKeyReused) -> UserError:
    return IdempotencyConflict(
        code=IDEMPOTENCY_KEY_REUSED, message=error.message, path=["idempotencyKey"], key=error.key
    )


@refusal(IdempotencyInProgress)
def _in_progress(error: IdempotencyInProgress) -> UserError:
    return IdempotencyConflict(
        code=IDEMPOTENCY_IN_PROGRESS, message=error.message, path=["idempotencyKey"], key=error.key
    )
