"""Which form of answer a client prefers, from its Accept header."""

from enum import StrEnum


class MediaType(StrEnum):
    RESPONSE_JSON = "application/graphql-response+json"
    JSON = "application/json"
    EVENT_STREAM = "text/event-stream"


def preferred(accept: str) -> MediaType:
    """The offered media type the client likes best; JSON when it names none of ours.

    Equal liking goes to the one named first, and a name goes before a wildcard. urql names event-stream last on every
    query and first on subscriptions, so this order decides between an answer and a stream.
    """
    ranges = [_range(part) for part in accept.split(",") if part.strip()]
    best, best_rank = MediaType.JSON, (0.0, 0, 0)
    for position, (name, quality) in enumerate(ranges):
        offered = _offered(name)
        rank = (quality, int("*" not in name), -position)
        if offered is not None and quality > 0 and rank > best_rank:
            best, best_rank = offered, rank
    return best


def accepts(accepted: str, name: str) -> bool:
    """Whether an `Accept...` header names something, and does not rule it out."""
    return any(named == name and quality > 0 for named, quality in map(_range, accepted.split(",")))


def _offered(name: str) -> MediaType | None:
    if name in {"*/*", "application/*"}:
        return MediaType.JSON
    return MediaType(name) if name in set(MediaType) else None


def _range(part: str) -> tuple[str, float]:
    name, *parameters = (piece.strip().lower() for piece in part.split(";"))
    for parameter in parameters:
        if parameter.startswith("q="):
            return name, _quality(parameter[2:])
    return name, 1.0


def _quality(text: str) -> float:
    try:
        quality = float(text)
    except ValueError:
        return 0.0
    return quality if 0 <= quality <= 1 else 0.0
