"""Sign in and out."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

import strawberry

from api.engine.declarations import Node, entity
from api.engine.fields import column
from api.graphql.context import Info
from api.graphql.mutations import ErrorCode, Payload, UserError, mutation, refusal
from api.graphql.scalars import DateTime, key_of
from api.identity import guesses
from api.transport.limits import devices
from domain.identity import credentials, languages, sessions, tables, visibility
from domain.kernel.errors import NotAllowed

P = ParamSpec("P")
T = TypeVar("T")

WRONG_CREDENTIALS = ErrorCode("WRONG_CREDENTIALS", "The e-mail address or the password is wrong.")
SESSION_ENDED = ErrorCode("SESSION_ENDED", "The session has ended: sign in again.")

# argon2 takes 64 MiB and a core: two at once are enough for one process. Nothing else runs on these threads.
_hashing = ThreadPoolExecutor(2, thread_name_prefix="argon2")


@strawberry.type(description="The e-mail address or the password is wrong; which one is not told.")
class WrongCredentials(UserError):
    pass


@strawberry.type(description="The refresh token is unknown, used, revoked or expired.")
class SessionEnded(UserError):
    pass


@refusal(sessions.WrongCredentials)
def _wrong(error: sessions.WrongCredentials) -> UserError:
    return WrongCredentials(code=WRONG_CREDENTIALS, message=error.message, path=None)


@refusal(sessions.SessionEnded)
def _ended(error: sessions.SessionEnded) -> UserError:
    return SessionEnded(code=SESSION_ENDED, message=error.message, path=["refreshToken"])


@strawberry.input(description="Who signs in.")
class LogInInput:
    email: str = strawberry.field(description="E-mail address of the account; upper and lower case are one.")
    password: str = strawberry.field(description="Password of the account.")
    device_token: str | None = strawberry.field(
        default=None,
        description="What an earlier log-in from this device gave, where it keeps no cookies: a stranger's wrong "
        "guesses then do not keep it out.",
    )


@strawberry.input(description="The session to go on with.")
class RefreshSessionInput:
    refresh_token: str = strawberry.field(description="The refresh token; it works once.")


@strawberry.input(description="Which sessions to end.")
class LogOutInput:
    everywhere: bool = strawberry.field(default=False, description="Whether to end the sessions of all devices.")


@strawberry.type(description="Tokens of a session, shown once: send `Authorization: Bearer <accessToken>`.")
class SessionPayload(Payload):
    access_token: str | None = strawberry.field(default=None, description="Bearer token for requests and sockets.")
    refresh_token: str | None = strawberry.field(default=None, description="Gives new tokens, once, within 30 days.")
    expires_at: DateTime | None = strawberry.field(default=None, description="When the access token ends.")
    device_token: str | None = strawberry.field(
        default=None,
        description="Of a log-in: keep it on the device, also after signing out, and send it with the next one. "
        "Browsers of the same site have it as a cookie.",
    )


@strawberry.input(description="The session to end.")
class EndSessionInput:
    id: strawberry.ID = strawberry.field(description="Id of one of the caller's sessions.")


@strawberry.type(description="The device is signed out.")
class EndSessionPayload(Payload):
    is_ended: bool | None = strawberry.field(default=None, description="Whether the session has ended.")


@strawberry.type(description="Signed out.")
class LogOutPayload(Payload):
    is_signed_out: bool = strawberry.field(default=False, description="Whether the session has ended.")


async def hash_password(password: str) -> str:
    """Hash a password in a thread, two at once."""
    return await _hashed(credentials.hash_password, password)


async def is_password(stored: str | None, password: str) -> bool:
    """Whether a password is the one that was hashed, checked in a thread."""
    return await _hashed(credentials.is_password, stored, password[:1024])


async def _hashed(act: Callable[P, T], *arguments: P.args, **_: P.kwargs) -> T:
    return await asyncio.get_running_loop().run_in_executor(_hashing, act, *arguments)


@strawberry.type
class SessionMutations:
    @mutation("Sign in with e-mail address and password.", is_public=True)
    async def log_in(self, info: Info, input: LogInInput) -> SessionPayload:
        async with info.context.transaction() as session:
            account = await sessions.stored_password(session, input.email)
        stored = account[1] if account else None
        is_right = await is_password(stored, input.password)
        if account is None or not is_right:
            guesses.note(info.context.database, input.email)
            raise sessions.WrongCredentials
        async with info.context.transaction() as session:
            await languages.take(session, account[0], info.context.accept_language)
            tokens = await sessions.open_session(session, account[0], info.context.user_agent)
        return shown(tokens, device_token=devices.remember(input.email))

    @mutation("Exchange a refresh token for new tokens.", is_public=True)
    async def refresh_session(self, info: Info, input: RefreshSessionInput) -> SessionPayload:
        async with info.context.transaction() as session:
            tokens = await sessions.rotate(session, input.refresh_token)
        if tokens is None:
            raise sessions.SessionEnded
        return shown(tokens)

    @mutation("Sign out: the session of this request ends at once.")
    async def log_out(self, info: Info, input: LogOutInput) -> LogOutPayload:
        session_id = info.context.caller.session_id
        if session_id is None:
            raise NotAllowed("sign out with an API key")
        async with info.context.transaction() as session:
            await sessions.close(session, session_id, everywhere=input.everywhere)
        return LogOutPayload(is_signed_out=True)

    @mutation("Sign out one of the caller's devices at once.")
    async def end_session(self, info: Info, input: EndSessionInput) -> EndSessionPayload:
        user_id, session_id = info.context.caller.user_id, key_of(input.id, "Session", "id")
        assert user_id is not None
        async with info.context.transaction() as session:
            await sessions.end(session, session_id, user_id=user_id)
        return EndSessionPayload(is_ended=True)


@entity(tables.Session, visible=visibility.sessions, carries={"key": tables.Session.id})
class Session(Node):
    """A device that is signed in. Visible to its user when signed in with a password, as long as it can go on."""

    device: str | None = column(tables.Session.device, "What the browser or application called itself at its log-in.")
    opened_at: DateTime | None = column(
        tables.Session.opened_at, "When it was logged in; null where that was not kept."
    )
    refreshed_at: DateTime = column(tables.Session.created_at, "When it last got new tokens.")
    expires_at: DateTime = column(tables.Session.refresh_expires_at, "When it ends unless it gets new ones before.")

    @strawberry.field(description="Whether it is the one that asks.")
    def is_current(self, info: Info) -> bool:
        return bool(self.__dict__["key"] == info.context.viewer.session_id)


def shown(tokens: sessions.Tokens, device_token: str | None = None) -> SessionPayload:
    """A session as its owner gets it."""
    return SessionPayload(
        access_token=tokens.access_token,
        refresh_token=tokens.refresh_token,
        expires_at=DateTime(tokens.expires_at),
        device_token=device_token,
    )
