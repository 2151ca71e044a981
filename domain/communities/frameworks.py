"""Rules in force: a framework is a dated row of parameters with their source, never a code path."""

from datetime import date
from decimal import Decimal

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from domain.communities.tables import Framework, FrameworkCode
from domain.kernel.errors import InvalidValue


def in_force(on: date | None = None) -> ColumnElement[bool]:
    """Whether a framework's rules hold on a day, today unless one is given."""
    day = func.current_date() if on is None else on
    return and_(Framework.valid_from <= day, or_(Framework.valid_to.is_(None), Framework.valid_to > day))


async def rules(session: AsyncSession, code: FrameworkCode, on: date | None = None) -> Framework:
    """The rules of a framework on a day. Raises InvalidValue where it had none."""
    framework = (await session.scalars(select(Framework).where(Framework.code == code, in_force(on)))).one_or_none()
    if framework is None:
        raise InvalidValue(("framework",), f"The framework {code.value} has no rules in force.")
    return framework


def limit(framework: Framework, name: str) -> Decimal | None:
    """A numeric limit among a framework's parameters, or None where it sets none."""
    value = framework.parameters.get(name)
    return None if value is None else Decimal(str(value))
