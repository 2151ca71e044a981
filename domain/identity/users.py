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
    if not 1 <= len(name.strip()) <= 120:
        raise InvalidValue(("name",), "A name has 1 to 120 characters.")
    if len(password) not in credentials.PASSWORD_LENGTH:
        raise InvalidValue(("password",), "A password has 10 to 256 characters.")


async def create_user(session: AsyncSession, email: str, name: str, password_hash: str, *, actor: str) -> UUID:
    """A new account. Raises EmailTaken."""
    taken = select(User.id).where(func.lower(User.email) == email.lower())
    if (await session.execute(taken)).first():
        raise EmailTaken
    user = User(email=email, name=name.strip(), password_hash=password_hash)
    session.add(user)
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
