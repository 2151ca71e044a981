"""Mutations: one input, one payload, and refusals as typed errors in the payload."""

from collections.abc import Callable
from enum import StrEnum
from typing import Any, Self

import strawberry
from strawberry.extensions import FieldExtension
from strawberry.types.field import StrawberryField

from api.graphql.enums import describe
from api.transport.terms.errors import CodedError, Forbidden, Unauthenticated
from domain.identity.viewers import Viewer
from domain.kernel import errors as domain_errors
from domain.kernel.errors import DomainError
from domain.kernel.idempotency import IdempotencyInProgress, IdempotencyKeyReused


class ErrorCode(StrEnum):
    """One code per kind of refusal; what each means is said beside it. Codes are only ever added."""

    REFUSED = "REFUSED", "A rule of the domain said no; the message says which."
    INVALID_INPUT = "INVALID_INPUT", "A value in the input broke a rule; the path names it."
    NOT_FOUND = "NOT_FOUND", "What the input names does not exist or is not for the caller to see."
    STALE_VERSION = "STALE_VERSION", "Someone changed the thing since the caller read it."
    IDEMPOTENCY_KEY_REUSED = "IDEMPOTENCY_KEY_REUSED", "The key was used before with another input."
    IDEMPOTENCY_IN_PROGRESS = "IDEMPOTENCY_IN_PROGRESS", "A request with this key is still running."
    WRONG_CREDENTIALS = "WRONG_CREDENTIALS", "The e-mail address or the password is wrong."
    SESSION_ENDED = "SESSION_ENDED", "The session has ended: sign in again."
    JOB_FINISHED = "JOB_FINISHED", "The job has already ended."
    KEY_NOT_ALLOWED = "KEY_NOT_ALLOWED", "The community's framework does not allow this sharing key."
    READINGS_MISSING = "READINGS_MISSING", "Some points have no complete readings in the period."
    OVERLAP = "OVERLAP", "It overlaps in time with another of its kind."
    OUTSIDE_AREA = "OUTSIDE_AREA", "The metering point lies outside the community's substation area."
    TOO_FEW_MEMBERS = "TOO_FEW_MEMBERS", "An aggregate of so few members would tell of one of them."
    GEOMETRY_INVALID = "GEOMETRY_INVALID", "The geometry is not valid; the message says why and where."
    GEOMETRY_TOO_COMPLEX = "GEOMETRY_TOO_COMPLEX", "The geometry has more positions, rings or parts than allowed."
    COMMUNITY_CLOSED = "COMMUNITY_CLOSED", "The community has ended."
    LAST_ADMINISTRATOR = "LAST_ADMINISTRATOR", "Nobody would be left who administers the community."
    SHARE_EXCEEDED = "SHARE_EXCEEDED", "The shares of the metering point would add up to more than the whole."
    PLANT_TOO_LARGE = "PLANT_TOO_LARGE", "The framework allows less power for one plant."
    CODE_TAKEN = "CODE_TAKEN", "Another thing has this code."
    MARKET_CLOSED = "MARKET_CLOSED", "The market does not trade this delivery now."
    OFF_TICK = "OFF_TICK", "The price is no multiple of the tick."
    OFF_LOT = "OFF_LOT", "The energy is no multiple of the lot."
    ORDER_CLOSED = "ORDER_CLOSED", "The order is filled, cancelled, expired or rejected."
    CERTIFICATE_CANCELLED = "CERTIFICATE_CANCELLED", "All of the certificate that is the caller's is cancelled already."
    AUCTION_CLOSED = "AUCTION_CLOSED", "The auction takes no bids."
    PRICE_ABOVE_LIMIT = "PRICE_ABOVE_LIMIT", "The auction's clock stands above the bidder's limit."
    TOO_LITTLE_LEFT = "TOO_LITTLE_LEFT", "Less is left in the auction than the bid asks for."
    INSUFFICIENT_FUNDS = "INSUFFICIENT_FUNDS", "The available balance does not cover it."
    CAPACITY_EXCEEDED = "CAPACITY_EXCEEDED", "The seller's plants cannot deliver it beside what is committed."
    LIMIT_EXCEEDED = "LIMIT_EXCEEDED", "A limit of the zone's operator leaves no room for it."
    MARKET_HALTED = "MARKET_HALTED", "The grid operator has halted trading in the zone."
    WEBHOOK_URL_REFUSED = "WEBHOOK_URL_REFUSED", "The address is none that a web hook may have."
    PRIVATE_ADDRESS = "PRIVATE_ADDRESS", "The host is not, or not only, on the public Internet."
    TOO_MANY_WEBHOOKS = "TOO_MANY_WEBHOOKS", "The caller has as many web hooks as one may have."
    WEBHOOK_DISABLED = "WEBHOOK_DISABLED", "Nothing is sent to the web hook any more."
    TRADING_RULE_STATUS = "TRADING_RULE_STATUS", "The trading rule stands where this cannot be done with it."
    TOO_MANY_TRADING_RULES = "TOO_MANY_TRADING_RULES", "The caller has as many trading rules as one may have."
    PAYMENT_LIMIT_REACHED = "PAYMENT_LIMIT_REACHED", "So much may not be paid this way within 24 hours."
    PAYMENT_CLOSED = "PAYMENT_CLOSED", "The payment has ended, or cannot be stopped any more."
    ZONE_HALTED = "ZONE_HALTED", "Trading in the zone is halted already."
    ZONE_NOT_HALTED = "ZONE_NOT_HALTED", "Trading in the zone is not halted."
    ALERT_WITHDRAWN = "ALERT_WITHDRAWN", "The alert was withdrawn before."

    def __new__(cls, code: str, _: str) -> Self:
        member = str.__new__(cls, code)
        member._value_ = code
        return member

    def __init__(self, _: str, description: str) -> None:
        self.description = description


describe(
    ErrorCode,
    "Why a mutation was refused. Codes are only ever added.",
    **{code.name: code.description for code in ErrorCode},
)


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
            return payload_type(errors=[shown(error)])


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
    return InvalidInput(code=ErrorCode.REFUSED, message=error.message, path=None)


@refusal(domain_errors.InvalidValue)
def _invalid(error: domain_errors.InvalidValue) -> UserError:
    return InvalidInput(code=ErrorCode.INVALID_INPUT, message=error.message, path=list(error.path))


@refusal(domain_errors.NotFound)
def _not_found(error: domain_errors.NotFound) -> UserError:
    return NotFound(code=ErrorCode.NOT_FOUND, message=error.message, path=None)


@refusal(domain_errors.StaleVersion)
def _stale(error: domain_errors.StaleVersion) -> UserError:
    return StaleVersion(
        code=ErrorCode.STALE_VERSION, message=error.message, path=["expectedVersion"], current_version=error.current
    )


@refusal(IdempotencyKeyReused)
def _reused(error: IdempotencyKeyReused) -> UserError:
    return IdempotencyConflict(
        code=ErrorCode.IDEMPOTENCY_KEY_REUSED, message=error.message, path=["idempotencyKey"], key=error.key
    )


@refusal(IdempotencyInProgress)
def _in_progress(error: IdempotencyInProgress) -> UserError:
    return IdempotencyConflict(
        code=ErrorCode.IDEMPOTENCY_IN_PROGRESS, message=error.message, path=["idempotencyKey"], key=error.key
    )
