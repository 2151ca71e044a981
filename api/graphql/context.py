"""What an operation carries: who asks, how to read, how to record."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import strawberry
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from api.engine.plans import Prepared
from api.engine.reads import Loaders
from api.graphql import following
from api.resources.database import Database
from api.resources.events import Hub
from api.transport.limits import reads
from api.transport.terms.errors import Unauthenticated
from domain.communities import sight
from domain.events.tables import Event
from domain.identity.viewers import Viewer


class Context:
    """State of one operation; made anew for each operation and for each event of a subscription."""

    def __init__(
        self, database: Database, hub: Hub, viewer: Viewer, accept_language: str = "", user_agent: str = ""
    ) -> None:
        self.whole = database
        self.share: str | None = None  # Whose share of the database it uses, where it is heavy.
        self._shared: Database | None = None
        self.hub = hub
        self.viewer = viewer
        self.accept_language = accept_language
        self.user_agent = user_agent
        self.prepared: Prepared | None = None  # The operation's plan, once it is known to be valid.
        self.refresh()

    @property
    def database(self) -> Database:
        """The database, or what a heavy operation may use of it."""
        if self.share is None:
            return self.whole
        self._shared = self._shared or self.whole.share_of(self.share)
        return self._shared

    @property
    def caller(self) -> Viewer:
        """The viewer, when someone is signed in. Raises Unauthenticated."""
        if self.viewer.is_anonymous:
            raise Unauthenticated("Sign in first.")
        return self.viewer

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncSession]:
        """One transaction of a mutation; afterwards reads see what it changed."""
        async with self.database.transaction() as session:
            yield session
        self.refresh()

    def follow(
        self,
        stream: str,
        after: int | None = None,
        standing: following.Standing | None = None,
        check: following.Check = following.nothing,
    ) -> AsyncIterator[Event]:
        """Events of a stream after a number, or what stands now and then every new one; see `following`."""
        return following.events(self, stream, after, standing, check)

    def watch(self, stream: str, about: following.About = following.anything) -> AsyncIterator[Event | None]:
        """None at once, then the events that matter: each time the state should be looked at; see `following`."""
        return following.looks(self, stream, about)

    def take_series(self) -> None:
        """Count a packed series that is about to be read. Raises QueryTooComplex."""
        self.series_count += 1
        most = reads.series_max(self.viewer)
        if self.series_count > most:
            raise reads.too_many(self.series_count, most)

    def _reading(self) -> AbstractAsyncContextManager[AsyncConnection]:
        return self.database.reading()  # Whose share it is is known only when it is used.

    async def check_again(self) -> None:
        """Before a sensitive event: read again who asks, so that a lost membership or session ends the stream.

        Raises Unauthenticated when the session or key has ended.
        """
        async with self.database.reading() as connection:
            current = await sight.again(connection, self.viewer)
        if current is None:
            raise Unauthenticated("The session has ended.")
        self.refresh(current)

    def refresh(self, viewer: Viewer | None = None) -> None:
        """Forget what was read and counted, and who asks where that changed."""
        self.viewer = viewer or self.viewer
        self.loaders = Loaders(self._reading, self.viewer)
        self.series_count = 0


Info = strawberry.Info[Context, None]
