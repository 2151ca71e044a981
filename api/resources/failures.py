"""What other layers raise and callers may see, over GraphQL and REST; all else is masked and logged.

A mutation shows refusals in its payload instead.
"""

import asyncpg
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from api.resources.bare_pool import DatabaseBusy
from api.resources.terms import DatabaseUnreachable, WrongConnection
from api.transport.terms.errors import KNOWN_EXCEPTIONS, ErrorCode, Known
from api.transport.terms.writing import READ_ONLY
from domain.kernel.errors import DomainError, NotAllowed

UNREACHABLE = Known(ErrorCode.UNAVAILABLE, "The database cannot be reached; try again.")
BUSY = Known(ErrorCode.UNAVAILABLE, "The database is busy; try again.")

KNOWN = {
    **KNOWN_EXCEPTIONS,
    NotAllowed: Known(ErrorCode.FORBIDDEN),
    DomainError: Known(ErrorCode.BAD_USER_INPUT),
    asyncpg.ReadOnlySQLTransactionError: Known(ErrorCode.UNAVAILABLE, READ_ONLY),
    asyncpg.QueryCanceledError: Known(ErrorCode.DEADLINE_EXCEEDED, "The operation took too long and was stopped."),
    InterfaceError: UNREACHABLE,
    OperationalError: UNREACHABLE,
    PoolTimeout: BUSY,
    DatabaseUnreachable: UNREACHABLE,
    WrongConnection: UNREACHABLE,
    DatabaseBusy: BUSY,
}
