"""Open sockets and streams: how many there are, and how many one viewer may hold."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from api.transport.errors import RateLimited

RETRY_AFTER_S = 30


class Live:
    """Counts by the bucket key of who holds them. A stream is one operation over a socket or an event stream."""

    def __init__(self, connections_max: int, streams_max: int) -> None:
        self.connections_max = connections_max
        self.streams_max = streams_max
        self.connections: Counter[str] = Counter()
        self.streams: Counter[str] = Counter()

    @property
    def connections_open(self) -> int:
        return self.connections.total()

    @property
    def streams_open(self) -> int:
        return self.streams.total()

    @contextmanager
    def connection(self, key: str) -> Iterator[None]:
        """Hold one socket. Raises RateLimited when the viewer holds as many as allowed."""
        with _one_more(self.connections, key, self.connections_max, "connections"):
            yield

    @contextmanager
    def stream(self, key: str) -> Iterator[None]:
        """Hold one stream. Raises RateLimited when the viewer holds as many as allowed."""
        with _one_more(self.streams, key, self.streams_max, "streams"):
            yield


@contextmanager
def _one_more(held: Counter[str], key: str, most: int, what: str) -> Iterator[None]:
    if held[key] >= most:
        raise RateLimited(f"At most {most} {what} may be open at once.", RETRY_AFTER_S, limit=most)
    held[key] += 1
    try:
        yield
    finally:
        held[key] -= 1
        if held[key] <= 0:
            del held[key]
