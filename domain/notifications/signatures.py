"""Signatures of web hooks by the Standard Webhooks specification, version 1 (symmetric).

The signature covers `id.timestamp.body` by HMAC-SHA256, is written `v1,` and base64, and stands in a list parted by
blanks, so that two secrets are good while one replaces the other. A secret is text: `whsec_` and base64 of 24 to 64
bytes. Source: Standard Webhooks, sections "Signature scheme" and "Verifying webhook authenticity".
"""

import base64
import binascii
import hashlib
import hmac
import secrets as randomness
from collections.abc import Sequence
from datetime import datetime, timedelta

from domain.kernel.errors import DomainError

PREFIX = "whsec_"
VERSION = "v1"
SECRET_BYTES = 32
TOLERANCE = timedelta(minutes=5)


class ForgedSignature(DomainError):
    """The post was not signed by who knows the secret, or it was signed long ago."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)


def new_secret() -> bytes:
    """A fresh secret."""
    return randomness.token_bytes(SECRET_BYTES)


def written(secret: bytes) -> str:
    """A secret as text."""
    return PREFIX + base64.b64encode(secret).decode()


def read(text: str) -> bytes:
    """The secret in a text. Raises ValueError."""
    return base64.b64decode(text.removeprefix(PREFIX), validate=True)


def sign(secrets: Sequence[bytes], id: str, timestamp: int, body: bytes) -> str:
    """The value of the header `webhook-signature`: one signature for each secret, the current one first."""
    return " ".join(
        f"{VERSION},{base64.b64encode(_digest(secret, id, timestamp, body)).decode()}" for secret in secrets
    )


def headers(secrets: Sequence[bytes], id: str, body: bytes, *, now: datetime) -> dict[str, str]:
    """The three headers of a signed post."""
    timestamp = int(now.timestamp())
    signed = sign(secrets, id, timestamp, body)
    return {"webhook-id": id, "webhook-timestamp": str(timestamp), "webhook-signature": signed}


def verify(secret: bytes, id: str, timestamp: str, signature: str, body: bytes, *, now: datetime) -> None:
    """Whether a receiver with this secret may trust a post. Raises ForgedSignature.

    A timestamp further than five minutes from `now` is refused, so that an overheard post cannot be sent again later.
    """
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 12):
        raise ForgedSignature("The timestamp is not a number of seconds.")
    if abs(now.timestamp() - int(timestamp)) > TOLERANCE.total_seconds():
        raise ForgedSignature("The timestamp is too far from now.")
    expected = _digest(secret, id, int(timestamp), body)
    if not any(hmac.compare_digest(expected, given) for given in _given(signature)):
        raise ForgedSignature("No signature fits.")


def _given(signature: str) -> Sequence[bytes]:
    """The signatures of our version in a header; others are passed over, as the specification asks."""
    found = []
    for part in signature.split(" "):
        version, _, text = part.partition(",")
        try:
            found += [base64.b64decode(text, validate=True)] if version == VERSION else []
        except (binascii.Error, ValueError):
            continue
    return found


def _digest(secret: bytes, id: str, timestamp: int, body: bytes) -> bytes:
    return hmac.digest(secret, f"{id}.{timestamp}.".encode() + body, hashlib.sha256)
