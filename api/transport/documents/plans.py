"""What the transport knows of compiled reads: an operation may have a plan that answers it at once.

The engine makes plans and the application knows viewers; both are handed in, as the schema is.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from api.transport.terms.identity import Viewer

if TYPE_CHECKING:
    from api.transport.documents.documents import Document


class NotStanding(Exception):
    """Who asked is no longer who the cache said: the session, the key, a role or a membership has changed."""


class Prepared(Protocol):
    """A plan for one request."""

    @property
    def is_whole(self) -> bool:
        """Whether it answers all of the operation, and not only parts of it."""

    async def answer(self, database: Any, viewer: Any, /) -> bytes | None:
        """The JSON object of `data`; None where the ordinary path has to answer. Raises NotStanding."""


class Plans(Protocol):
    """Plans of valid documents."""

    def prepared(
        self, document: "Document", operation_name: str | None, variables: Mapping[str, Any]
    ) -> Prepared | None:
        """The plan of an operation with its variables, without waiting for anything; None where it has none."""


class Standing(Protocol):
    """Viewers this process has seen lately, by their tokens. That they still stand is proven by the read itself."""

    def known(self, token: str | None) -> Viewer | None:
        """Who a token stands for, nobody without one; None when that has to be looked up."""

    def forget(self, token: str) -> None:
        """The token no longer stands for that viewer."""


@dataclass(frozen=True, slots=True)
class CompiledReads:
    """Plans, and the database they read."""

    plans: Plans
    database: Any
