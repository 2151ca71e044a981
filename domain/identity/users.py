"""Create users and give them platform roles."""

import re
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from domain.audit import entries
from domain.identity import credentials
from domain.identity.tables import PlatformRole, User, UserRole
from domain.kernel.errors import DomainError, InvalidValue

EMAIL = re.compile(r"[^@\s]{1,64}@[^@\s]{1,190}")


class EmailTaken(DomainError):
    """Another account has this address."""

    def __init__(self) -> None:
        super().__init__("There is already an account with this e-mail address.")


def check_email(email: str) -> None:
    """Raises InvalidValue for what is no address, whoever has it."""
    if not (EMAIL.fullmatch(email) and email.isprintable()):
        raise InvalidValue(("email",), "This is not an e-mail address.")


def check_new_user(email: str, name: str, password: str) -> None:
    """Raises InvalidValue for an address, name or password that cannot be taken."""
    check_email(email)
    check_name(name)
    check_password(password)


def check_name(name: str) -> None:
    """Raises InvalidValue for what nobody is called."""
    if not 1 <= len(name.strip()) <= 120 or not name.strip().isprintable():
        raise InvalidValue(("name",), "A name has 1 to 120 characters, none of them a control character.")


def check_password(password: str, field: str = "password") -> None:
    """Raises InvalidValue for a password that cannot be taken."""
    if len(password) not in credentials.PASSWORD_LENGTH:
        raise InvalidValue((field,), "A password has 10 to 256 characters.")


async def create_user(session: AsyncSession, email: str, name: str, password_hash: str, *, actor: str) -> UUID:
    """A new account; one that waits to be confirmed becomes it. Raises EmailTaken."""
    taken = select(User).where(func.lower(User.email) == email.lower()).with_for_update()
    user = (await session.scalars(taken)).one_or_none()
    if user is not None and user.is_confirmed:
        raise EmailTaken
    if user is None:
        user = User(email=email)
        session.add(user)
    user.name, user.password_hash, user.is_confirmed = name.strip(), password_hash, True
    await session.flush()
    await entries.record(session, "user.create", actor=actor, subject=("User", user.id))
    return user.id


async def grant_role(
    session: AsyncSession, user_id: UUID, role: PlatformRole, *, actor: str, zone_id: UUID | None = None
) -> None:
    """Give a platform role; giving it twice changes nothing."""
    query = select(UserRole.id).where(UserRole.user_id == user_id, UserRole.role == role)
    if (await session.execute(query.where(UserRole.zone_id.is_not_distinct_from(zone_id)))).first():
        return
    session.add(UserRole(user_id=user_id, role=role, zone_id=zone_id))
    facts = {"role": role.value, "zone": zone_id}
    await entries.record(session, "user.grant_role", actor=actor, subject=("User", user_id), facts=facts)
