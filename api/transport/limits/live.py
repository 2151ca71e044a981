"""Open sockets and streams, and heavy operations under way: how many there are, and how many one viewer may hold."""

from collections import Counter

from api.transport.terms.errors import RateLimited

RETRY_AFTER_S = 30
HEAVY_RETRY_AFTER_S = 2
HEAVY_MAX = 8  # Of one caller, most of them waiting for its share of the database (`api.resources.shares`).
HEAVY_MAX_OF_ALL = 64  # What they have read so far takes memory.


class Live:
    """Counts by the bucket key of who holds them. A stream is one operation over a socket or an event stream."""

    def __init__(self, connections_max: int, streams_max: int) -> None:
        self.connections_max = connections_max
        self.streams_max = streams_max
        self.connections: Counter[str] = Counter()
        self.streams: Counter[str] = Counter()
        self.heavy: Counter[str] = Counter()

    @property
    def connections_open(self) -> int:
        return self.connections.total()

    @property
    def streams_open(self) -> int:
        return self.streams.total()

    def take_connection(self, key: str) -> None:
        """Hold one socket until it is given back. Raises RateLimited when the viewer holds as many as allowed."""
        _take(self.connections, key, self.connections_max, "connections")

    def give_connection_back(self, key: str) -> None:
        """Hold one socket less."""
        _give_back(self.connections, key)

    def take_stream(self, key: str) -> None:
        """Hold one stream until it is given back. Raises RateLimited when the viewer holds as many as allowed."""
        _take(self.streams, key, self.streams_max, "streams")

    def give_stream_back(self, key: str) -> None:
        """Hold one stream less."""
        _give_back(self.streams, key)

    def take_heavy(self, key: str) -> None:
        """Have one heavy operation under way until it is given back. Raises RateLimited when there are too many."""
        if self.heavy.total() >= HEAVY_MAX_OF_ALL:
            raise RateLimited("Too much is being read just now; try again soon.", HEAVY_RETRY_AFTER_S)
        _take(self.heavy, key, HEAVY_MAX, "heavy operations", HEAVY_RETRY_AFTER_S)

    def give_heavy_back(self, key: str) -> None:
        """Have one heavy operation less."""
        _give_back(self.heavy, key)


def _take(held: Counter[str], key: str, most: int, what: str, retry_after_s: int = RETRY_AFTER_S) -> None:
    if held[key] >= most:
        raise RateLimited(f"At most {most} {what} may be open at once.", retry_after_s, limit=most)
    held[key] += 1


def _give_back(held: Counter[str], key: str) -> None:
    held[key] -= 1
    if held[key] <= 0:
        del held[key]
