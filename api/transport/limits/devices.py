"""Devices from which an account has signed in before. Their guesses are counted apart, so that no stranger's wrong
passwords keep its owner out.

A device is known by a token that only we can have made for this account (device cookies, as OWASP describes them). It
signs nobody in: all it gives is attempts of its own, no more than a stranger has. Nothing of it is stored.
"""

import hashlib
import hmac
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Iterator

from starlette.requests import cookie_parser

from api.transport.terms import operations
from api.transport.terms.operations import Operation

PREFIX = "cwd_"
COOKIE = "commonwatt_device_"
LIFETIME_S = 365 * 24 * 3600


class Devices:
    """What tokens are made with; set where a process starts, else of this process alone."""

    key: bytes = secrets.token_bytes(32)


def remember(account: str) -> str:
    """A token for the device of the running operation, which has just proven that the account is its user's."""
    nonce = secrets.token_urlsafe(16)
    token = f"{PREFIX}{nonce}.{_proof(account, nonce)}"
    operation = operations.current()
    if operation is not None:
        operation.device_cookie = _cookie_of(account), token
    return token


def known(account: str, given: object, operation: Operation) -> str | None:
    """What names the device from which an operation comes, where the account has signed in from it before.

    `given` is what the operation says itself, beside its cookie.
    """
    for token in _tokens(account, given, operation):
        nonce, _, proof = token.removeprefix(PREFIX).partition(".")
        if token.isascii() and hmac.compare_digest(proof, _proof(account, nonce)):
            return nonce
    return None


def digest_of(account: str) -> str:
    """Under which an account is counted, whatever its case and the blanks around it."""
    return hashlib.sha256(_steady(account)).hexdigest()


def _tokens(account: str, given: object, operation: Operation) -> Iterator[str]:
    if isinstance(given, str):
        yield given
    sent = cookie_parser(operation.cookies).get(_cookie_of(account)) if operation.cookies else None
    if sent is not None:
        yield sent


def _cookie_of(account: str) -> str:
    """One for each account, as a household shares a browser; its name does not tell the account."""
    return COOKIE + hmac.digest(Devices.key, b"cookie" + _steady(account), "sha256").hex()[:16]


def _proof(account: str, nonce: str) -> str:
    made = hmac.digest(Devices.key, nonce.encode() + b"|" + _steady(account), "sha256")
    return urlsafe_b64encode(made).decode().rstrip("=")


def _steady(account: str) -> bytes:
    return account.strip().lower().encode(errors="surrogatepass")
