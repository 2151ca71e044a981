"""Passwords and tokens: made, hashed and checked.

Passwords: argon2id, 64 MiB, 3 passes, 4 lanes. Tokens: 256 random bits with a recognisable prefix, stored as SHA-256.
"""

import hashlib
import secrets

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

PASSWORD_LENGTH = range(10, 257)
ACCESS, REFRESH = "cwa_", "cwr_"
KEY_PREFIX = {"PARTNER": "cwp_", "METER": "cwm_"}

_hasher = PasswordHasher(time_cost=3, memory_cost=64 * 1024, parallelism=4)
# Of a random password. Checked when the account is unknown, so that the answer takes as long as for a known one.
NOBODY = "$argon2id$v=19$m=65536,t=3,p=4$PP6c3Hox1d9Zn8rUfZWCsA$qPurgtMj0ifc7FX9oafw/3CSfc9sh7s/O6d3Qs2nIVw"


def hash_password(password: str) -> str:
    """An argon2id hash; takes tens of milliseconds, so call it in a thread."""
    return _hasher.hash(password)


def is_password(password_hash: str | None, password: str) -> bool:
    """Whether the password is the one that was hashed; takes equally long for an unknown account (None)."""
    try:
        _hasher.verify(password_hash or NOBODY, password)
    except (VerificationError, InvalidHashError):
        return False
    return password_hash is not None


def new_token(prefix: str) -> str:
    """A fresh opaque token."""
    return prefix + secrets.token_urlsafe(32)


def token_hash(token: str) -> bytes:
    """What is stored of a token: it has 256 random bits, so that a fast hash is enough."""
    return hashlib.sha256(token.encode()).digest()
