"""Whether anything may be changed just now; while not, reads are answered as ever."""

from api.transport.terms.errors import Unavailable

READ_ONLY = (
    "The service is read-only at present: what is there can be read, and nothing can be changed. Try again later."
)


class Writing:
    """Of one process, which finds out by itself (`api.resources.writable`)."""

    def __init__(self) -> None:
        self.is_off = False

    @property
    def mode(self) -> str:
        return "read-only" if self.is_off else "read-write"

    def check(self) -> None:
        """Before anything is changed. Raises Unavailable."""
        if self.is_off:
            raise Unavailable(READ_ONLY)
