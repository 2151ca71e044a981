"""Accounts as their owners make and keep them: register, confirm, a new password, another address, a profile.

Whoever asks for a mail learns nothing of the account of its address: the answer is the same where there is one, where
there is none, and where one waits to be confirmed. The password is chosen by who opens the link, never by who asked for
it, so that nobody can lay a password of his own under somebody else's address.
"""

from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from domain.audit import entries
from domain.events import notices
from domain.events.notices import NewNotice
from domain.identity import links, sessions, users, words
from domain.identity.tables import Language, LinkPurpose, User
from domain.kernel.errors import InvalidValue

ANYBODY = "anybody"
ADDRESS_LENGTH = range(1, 301)
PHONE_LENGTH = range(3, 41)


async def register(session: AsyncSession, email: str, name: str, language: Language | None) -> None:
    """Send what confirms a new account to its address, or tell its owner that there is one. Raises InvalidValue."""
    users.check_email(email)
    users.check_name(name)
    account = await _of_address(session, email)
    if account is not None and account.is_confirmed:
        await _tell_of_account(session, account)
        return
    if account is None:
        account = User(email=email, password_hash="", is_confirmed=False)
        session.add(account)
    account.name = name.strip()
    if language is not None:
        account.language, account.is_language_chosen = language, True
    await session.flush()
    await links.send(session, account.id, LinkPurpose.CONFIRM_REGISTRATION, email)
    await _record(session, "user.register", account.id, actor=ANYBODY)


async def confirm(session: AsyncSession, link_id: UUID, password_hash: str) -> User:
    """The account of a link that was opened, from now on with this password. Raises LinkEnded."""
    link = await links.use(session, link_id, LinkPurpose.CONFIRM_REGISTRATION)
    account = await session.get_one(User, link.user_id, with_for_update=True)
    account.is_confirmed, account.password_hash = True, password_hash
    await _record(session, "user.confirm", account.id)
    return account


async def ask_for_reset(session: AsyncSession, email: str) -> None:
    """Send what sets a new password, where the address has an account. Raises InvalidValue."""
    users.check_email(email)
    account = await _of_address(session, email)
    if account is None or account.disabled_at is not None:
        return
    purpose = LinkPurpose.RESET_PASSWORD if account.is_confirmed else LinkPurpose.CONFIRM_REGISTRATION
    await links.send(session, account.id, purpose, account.email)
    await _record(session, "user.ask_for_reset", account.id, actor=ANYBODY)


async def reset_password(session: AsyncSession, link_id: UUID, password_hash: str) -> User:
    """A new password for the account of a link; all its sessions end. Raises LinkEnded."""
    link = await links.use(session, link_id, LinkPurpose.RESET_PASSWORD)
    account = await session.get_one(User, link.user_id, with_for_update=True)
    if account.disabled_at is not None:
        raise links.LinkEnded
    await _set_password(session, account, password_hash, but=None)
    return account


async def change_password(session: AsyncSession, user_id: UUID, password_hash: str, *, session_id: UUID) -> None:
    """A new password for who knows the old one; their other sessions end, and the links that were sent."""
    account = await session.get_one(User, user_id, with_for_update=True)
    await _set_password(session, account, password_hash, but=session_id)


async def ask_for_email(session: AsyncSession, user_id: UUID, email: str) -> None:
    """Send what makes another address the account's to that address; nothing changes before it is opened.

    Where it has an account of its own, its owner is told instead. Raises InvalidValue.
    """
    users.check_email(email)
    other = await _of_address(session, email)
    if other is not None and other.id != user_id and other.is_confirmed:
        await _tell_of_account(session, other)
    else:
        await links.send(session, user_id, LinkPurpose.CHANGE_EMAIL, email)
    await _record(session, "user.ask_for_email", user_id)


async def change_email(session: AsyncSession, link_id: UUID) -> User:
    """The account of a link, from now on with the link's address. The address before is told. Raises LinkEnded."""
    link = await links.use(session, link_id, LinkPurpose.CHANGE_EMAIL)
    other = await _of_address(session, link.email)
    if other is not None and other.id != link.user_id:
        if other.is_confirmed:
            raise links.LinkEnded
        await _give_up(session, other)
    account = await session.get_one(User, link.user_id, with_for_update=True)
    if account.disabled_at is not None:
        raise links.LinkEnded
    before, account.email = account.email, link.email
    await links.end(session, account.id)
    await notices.tell(session, [NewNotice(account.id, words.EMAIL_CHANGED, {"address": before})])
    await _record(session, "user.change_email", account.id)
    return account


async def change_profile(
    session: AsyncSession, user_id: UUID, *, name: str | None, address: str | None, phone: str | None
) -> None:
    """What people call the user and where they reach them; None leaves a value, an empty text takes it away.

    Raises InvalidValue.
    """
    account = await session.get_one(User, user_id, with_for_update=True)
    if name is not None:
        users.check_name(name)
        account.name = name.strip()
    if address is not None:
        account.address = _text(address, ADDRESS_LENGTH, "address")
    if phone is not None:
        account.phone = _text(phone, PHONE_LENGTH, "phone")
    await _record(session, "user.change_profile", user_id)


def _text(given: str, length: range, field: str) -> str | None:
    text = given.strip()
    if text and (len(text) not in length or not text.replace("\n", " ").isprintable()):
        raise InvalidValue((field,), f"Give {length.start} to {length.stop - 1} printable characters, or none.")
    return text or None


async def _of_address(session: AsyncSession, email: str) -> User | None:
    """The account of an address, confirmed or not; nobody else makes or changes one of it meanwhile."""
    await session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(f"address:{email.lower()}", 0))))
    query = select(User).where(func.lower(User.email) == email.lower()).with_for_update()
    return (await session.scalars(query.execution_options(populate_existing=True))).one_or_none()


async def _tell_of_account(session: AsyncSession, account: User) -> None:
    if account.disabled_at is None:
        await notices.tell(session, [NewNotice(account.id, words.ACCOUNT_EXISTS, {"address": account.email})])


async def _give_up(session: AsyncSession, unconfirmed: User) -> None:
    """Take the address from a registration that nobody confirmed: it can be proven by its reader alone."""
    await links.end(session, unconfirmed.id)
    unconfirmed.email = f"{unconfirmed.id}@unconfirmed.invalid"
    await session.flush()


async def _set_password(session: AsyncSession, account: User, password_hash: str, *, but: UUID | None) -> None:
    account.password_hash = password_hash
    await links.end(session, account.id)
    await sessions.close_others(session, account.id, but=but)
    await notices.tell(session, [NewNotice(account.id, words.PASSWORD_CHANGED, {"user_id": account.id})])
    await _record(session, "user.set_password", account.id)


async def _record(session: AsyncSession, act: str, user_id: UUID, *, actor: str | None = None) -> None:
    await entries.record(session, act, actor=actor or f"user:{user_id}", subject=("User", user_id))
