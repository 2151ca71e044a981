"""What other layers raise and callers may see, over GraphQL and REST; all else is masked and logged.

A mutation shows refusals in its payload instead.
"""

import asyncpg
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from api.transport.errors import KNOWN_EXCEPTIONS, ErrorCode, Known
from domain.errors import DomainError, NotAllowed

KNOWN = {
    **KNOWN_EXCEPTIONS,
    NotAllowed: Known(ErrorCode.FORBIDDEN),
    DomainError: Known(ErrorCode.BAD_USER_INPUT),
    asyncpg.QueryCanceledError: Known(ErrorCode.DEADLINE_EXCEEDED, "The operation took too long and was stopped."),
    InterfaceError: Known(ErrorCode.UNAVAILABLE, "The database cannot be reached; try again."),
    OperationalError: Known(ErrorCode.UNAVAILABLE, "The database cannot be reached; try again."),
    PoolTimeout: Known(ErrorCode.UNAVAILABLE, "The database is busy; try again."),
}
