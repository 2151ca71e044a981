"""What other layers raise and callers may see, over GraphQL and REST; all else is masked and logged.

A mutation shows refusals in its payload instead. What PostgreSQL says is told by its SQLSTATE, whichever way it came:
asyncpg's exceptions have it, and SQLAlchemy's are raised from them.
"""

import asyncpg
from redis.exceptions import RedisError
from sqlalchemy.exc import InterfaceError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from api.resources.bare_pool import DatabaseBusy
from api.resources.terms import DatabaseUnreachable, WrongConnection
from api.transport.terms.errors import KNOWN_EXCEPTIONS, ErrorCode, Knowledge, Known, known_of
from api.transport.terms.writing import READ_ONLY
from domain.kernel.errors import DomainError, NotAllowed

UNREACHABLE = Known(ErrorCode.UNAVAILABLE, "The database cannot be reached; try again.")
BUSY = Known(ErrorCode.UNAVAILABLE, "The database is busy; try again.")
CANNOT = Known(ErrorCode.UNAVAILABLE, "The database cannot do this at the moment; try again later.")

# https://www.postgresql.org/docs/15/errcodes-appendix.html: by the beginning of the code, the longest counts.
STATES: dict[type[BaseException] | str, Known] = {
    "08": UNREACHABLE,  # The connection.
    "28": UNREACHABLE,  # Who logs in.
    "3D000": UNREACHABLE,  # No such database.
    "57P": UNREACHABLE,  # Starting, stopping, crashed, dropped, idle for too long.
    "40": BUSY,  # A deadlock, or a race that was lost once too often.
    "53": BUSY,  # Memory, connections.
    "53100": CANNOT,  # The disk.
    "55P03": BUSY,  # A lock.
    "55006": BUSY,  # An object in use.
    "57014": Known(ErrorCode.DEADLINE_EXCEEDED, "The operation took too long and was stopped."),
    "25P03": BUSY,  # Idle in a transaction for too long.
    "25006": Known(ErrorCode.UNAVAILABLE, READ_ONLY),
    "42501": CANNOT,  # A right that is missing.
    "58": CANNOT,  # Files, the system.
    "F0": CANNOT,  # Its configuration.
    "XX001": CANNOT,  # Data that is corrupt.
    "XX002": CANNOT,  # An index that is.
}

KNOWN: Knowledge = {
    **KNOWN_EXCEPTIONS,
    **STATES,
    NotAllowed: Known(ErrorCode.FORBIDDEN),
    DomainError: Known(ErrorCode.BAD_USER_INPUT),
    asyncpg.InvalidCachedStatementError: BUSY,  # A migration ran meanwhile.
    asyncpg.InternalClientError: UNREACHABLE,  # A connection that ended between two reads.
    InterfaceError: UNREACHABLE,
    OperationalError: UNREACHABLE,
    PoolTimeout: BUSY,
    DatabaseUnreachable: UNREACHABLE,
    WrongConnection: UNREACHABLE,
    DatabaseBusy: BUSY,
}

# Whatever the database and Redis may raise, for who goes on after each.
RAISED = (
    SQLAlchemyError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    RedisError,
    OSError,
)


def is_outage(error: BaseException) -> bool:
    """Whether it fails by what is needed and not there, so that later it may succeed."""
    shown = known_of(error, KNOWN)
    return shown is not None and shown.code is ErrorCode.UNAVAILABLE
