"""Accounts by their owners: register, confirm, new passwords and addresses, profile."""

from uuid import UUID

import strawberry

from api.engine.declarations import leading
from api.engine.fields import edge
from api.graphql.context import Info
from api.graphql.mutations import ErrorCode, Payload, UserError, mutation, refusal
from api.identity import opening
from api.identity.guesses import Guesses
from api.identity.sessions import SessionPayload, hash_password, is_password, shown
from api.transport.limits import devices
from api.transport.terms.errors import RateLimited
from api.transport.terms.settings import Rate
from domain.communities import members
from domain.identity import accounts, links, sessions, users
from domain.identity.tables import Language
from domain.kernel.errors import InvalidValue

LINK_ENDED = ErrorCode("LINK_ENDED", "The link was used, is too old, or was replaced by a newer one.")
PASSWORDS = Rate(10, 10 / 300)  # That somebody may try who holds a session of the account.


@strawberry.type(description="The link was used, replaced, is too old, or never was; which one is not told.")
class LinkEnded(UserError):
    pass


@refusal(links.LinkEnded)
def _ended(error: links.LinkEnded) -> UserError:
    return LinkEnded(code=LINK_ENDED, message=error.message, path=["token"])


@strawberry.input(description="Who wants an account. The password is chosen when the address is confirmed.")
class RegisterInput:
    email: str = strawberry.field(description="E-mail address; what confirms the account goes there.")
    name: str = strawberry.field(description="Name of the person, 1 to 120 characters.")
    language: Language | None = strawberry.field(
        default=None, description="What messages are written in; as the browser asks, where it is left out."
    )


@strawberry.input(description="A link that came by mail, and the password to sign in with from now on.")
class ConfirmRegistrationInput:
    token: str = strawberry.field(description="What the link brought.")
    password: str = strawberry.field(description="10 to 256 characters.")


@strawberry.input(description="Whose password is to be set anew.")
class RequestPasswordResetInput:
    email: str = strawberry.field(description="E-mail address of the account.")


@strawberry.input(description="A link that came by mail, and the new password.")
class ResetPasswordInput:
    token: str = strawberry.field(description="What the link brought.")
    password: str = strawberry.field(description="10 to 256 characters.")


@strawberry.input(description="The caller's password and the next one.")
class ChangePasswordInput:
    password: str = strawberry.field(description="The password until now.")
    new_password: str = strawberry.field(description="10 to 256 characters.")


@strawberry.input(description="Another address for the caller's account.")
class ChangeEmailInput:
    email: str = strawberry.field(description="E-mail address; what confirms it goes there.")
    password: str = strawberry.field(description="The caller's password.")


@strawberry.input(description="A link that came by mail.")
class ConfirmEmailInput:
    token: str = strawberry.field(description="What the link brought.")


@strawberry.input(description="What changes of the caller's profile; what is left out stays.")
class ChangeProfileInput:
    name: str | None = strawberry.field(default=None, description="Name of the person, 1 to 120 characters.")
    address: str | None = strawberry.field(
        default=None, description="Postal address, at most 300 characters; empty takes it away."
    )
    phone: str | None = strawberry.field(
        default=None, description="Telephone number, 3 to 40 characters; empty takes it away."
    )


@strawberry.type(description="A mail is under way, whatever the address is to the platform.")
class MailedPayload(Payload):
    is_sent: bool | None = strawberry.field(
        default=None, description="Whether a mail was written: to the address, if it can get any."
    )


@strawberry.type(description="The caller's account as it is now.")
class AccountPayload(Payload):
    user = edge(None, "User", "The account.")


@strawberry.type(description="The address was confirmed.")
class ConfirmEmailPayload(Payload):
    is_confirmed: bool | None = strawberry.field(default=None, description="Whether the account has the address now.")


@strawberry.type
class AccountMutations:
    @mutation("Ask for an account: what confirms it goes to the address by mail.", is_public=True)
    async def register(self, info: Info, input: RegisterInput) -> MailedPayload:
        opening.key()
        async with info.context.transaction() as session:
            await accounts.register(session, input.email, input.name, input.language)
        return MailedPayload(is_sent=True)

    @mutation("Confirm an account by the link that came by mail, and sign in.", is_public=True)
    async def confirm_registration(self, info: Info, input: ConfirmRegistrationInput) -> SessionPayload:
        link_id, hashed = await _opened(input.token, input.password)
        async with info.context.transaction() as session:
            account = await accounts.confirm(session, link_id, hashed)
            await members.take_up(session, account.id, account.email)
            tokens = await sessions.open_session(session, account.id, info.context.user_agent)
        return shown(tokens, device_token=devices.remember(account.email))

    @mutation("Ask for a new password: what sets it goes to the address by mail.", is_public=True)
    async def request_password_reset(self, info: Info, input: RequestPasswordResetInput) -> MailedPayload:
        opening.key()
        async with info.context.transaction() as session:
            await accounts.ask_for_reset(session, input.email)
        return MailedPayload(is_sent=True)

    @mutation("Set a new password by the link that came by mail, and sign in; all sessions end.", is_public=True)
    async def reset_password(self, info: Info, input: ResetPasswordInput) -> SessionPayload:
        link_id, hashed = await _opened(input.token, input.password)
        async with info.context.transaction() as session:
            account = await accounts.reset_password(session, link_id, hashed)
            tokens = await sessions.open_session(session, account.id, info.context.user_agent)
        return shown(tokens, device_token=devices.remember(account.email))

    @mutation("Change the caller's password; their other sessions end.")
    async def change_password(self, info: Info, input: ChangePasswordInput) -> AccountPayload:
        user_id, session_id = _person(info), info.context.caller.session_id
        assert session_id is not None
        users.check_password(input.new_password, "newPassword")
        await _check_password(info, user_id, input.password)
        hashed = await hash_password(input.new_password)
        async with info.context.transaction() as session:
            await accounts.change_password(session, user_id, hashed, session_id=session_id)
        return leading(AccountPayload(), user=user_id)

    @mutation("Ask for another address: what confirms it goes there by mail, and until then nothing changes.")
    async def change_email(self, info: Info, input: ChangeEmailInput) -> MailedPayload:
        user_id = _person(info)
        opening.key()
        await _check_password(info, user_id, input.password)
        async with info.context.transaction() as session:
            await accounts.ask_for_email(session, user_id, input.email)
        return MailedPayload(is_sent=True)

    @mutation("Confirm an address by the link that came by mail.", is_public=True)
    async def confirm_email(self, info: Info, input: ConfirmEmailInput) -> ConfirmEmailPayload:
        link_id = links.opened(opening.key(), input.token)
        async with info.context.transaction() as session:
            account = await accounts.change_email(session, link_id)
            await members.take_up(session, account.id, account.email)
        return ConfirmEmailPayload(is_confirmed=True)

    @mutation("Change the caller's name and where to reach them.")
    async def change_profile(self, info: Info, input: ChangeProfileInput) -> AccountPayload:
        user_id = _person(info)
        async with info.context.transaction() as session:
            await accounts.change_profile(session, user_id, name=input.name, address=input.address, phone=input.phone)
        return leading(AccountPayload(), user=user_id)


def _person(info: Info) -> UUID:
    """Who is signed in; mutations without a scope let no application in."""
    user_id = info.context.caller.user_id
    assert user_id is not None
    return user_id


async def _opened(token: str, password: str) -> tuple[UUID, str]:
    """The link of a token, and the hash of a password: nobody has us hash who holds no token of ours."""
    link_id = links.opened(opening.key(), token)
    users.check_password(password)
    return link_id, await hash_password(password)


async def _check_password(info: Info, user_id: UUID, password: str) -> None:
    """Raises InvalidValue for a wrong one, RateLimited after too many."""
    tried = await Guesses.buckets.take(f"password:{user_id}", PASSWORDS, 1)
    if not tried.is_granted:
        message = f"Too many passwords; wait {tried.retry_after_s} s."
        raise RateLimited(message, tried.retry_after_s)
    async with info.context.transaction() as session:
        stored = await sessions.password_of(session, user_id)
    if not await is_password(stored, password):
        raise InvalidValue(("password",), "This is not your password.")
