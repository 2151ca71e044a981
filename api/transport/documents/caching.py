"""Answers to GET that may be kept: by whoever asked until it has asked again, or by anybody for a moment.

What has errors is not kept. The tag is of the body before it is compressed, and weak therefore.
"""

import hashlib

from starlette.responses import Response
from strawberry.types import ExecutionResult

from api.transport.terms.operations import Operation

OWN = "private, no-cache"
PUBLIC = "public, max-age={}"
VARY = "Accept, Accept-Encoding, Authorization"
OF_BODIES = ("content-type", "content-length")


def kept(
    answer: Response, result: ExecutionResult, operation: Operation, public_max_age_s: int, known: str | None
) -> Response:
    """The answer with what caches need to know; without its body for who knows it (`If-None-Match`)."""
    if result.errors:
        return answer
    is_own = operation.is_own or not operation.viewer.is_anonymous
    return tagged(answer, OWN if is_own else PUBLIC.format(public_max_age_s), known)


def tagged(answer: Response, cache_control: str, known: str | None) -> Response:
    """The answer under a tag of its body; 304 for who has it."""
    tag = f'W/"{hashlib.blake2b(answer.body, digest_size=16).hexdigest()}"'
    answer.headers.update({"Cache-Control": cache_control, "Vary": VARY, "ETag": tag})
    if known is None or not _names(known, tag):
        return answer
    unchanged = Response(status_code=304)
    unchanged.raw_headers = [(name, value) for name, value in answer.raw_headers if name.decode() not in OF_BODIES]
    return unchanged


def _names(known: str, tag: str) -> bool:
    """Whether an `If-None-Match` holds a tag, compared weakly (RFC 9110, 13.1.2)."""
    tags = {each.strip().removeprefix("W/") for each in known.split(",")}
    return "*" in tags or tag.removeprefix("W/") in tags
