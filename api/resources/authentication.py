"""From a request's token to a viewer, at the cost of next to nothing and never wrong.

A viewer that was read is kept, and from then on is a claim: whoever uses it proves it by `sight.stands`, in the very
statement that reads, so that a session, key, role or membership that ended one statement ago lets nobody in.
"""

import time
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from api.engine.texts import statement_of
from api.resources import clock
from api.resources.database import Database
from api.transport.terms import identity
from api.transport.terms.errors import RateLimited, Unauthenticated
from api.transport.terms.rates import Buckets, LocalBuckets
from api.transport.terms.settings import Rate
from domain.communities import sight
from domain.identity import credentials
from domain.identity.viewers import ANONYMOUS, BoundId, Viewer

KEPT_MAX = 10_000  # Of about a kilobyte each.
UNKNOWN_KEPT_S = 30.0
UNKNOWN_RATE = Rate(100, 2.0)  # Of an address, whose other tokens pass as long as they are kept.

A_USER = BoundId("user_id")
OF_SESSION = statement_of(select(sight.stands(Viewer(user_id=A_USER, session_id=BoundId("session_id")))))
OF_KEY = statement_of(select(sight.stands(Viewer(user_id=A_USER, api_key_id=BoundId("api_key_id")))))


@dataclass(frozen=True, slots=True)
class _Kept:
    """A viewer, and until when it may be offered as a claim."""

    viewer: Viewer
    until: datetime


class Authentication:
    """How a token becomes a viewer; called, it is the transport's `Authenticate`."""

    def __init__(self, database: Database, buckets: Buckets | None = None, kept_max: int = KEPT_MAX) -> None:
        self._database = database
        self._buckets = buckets or LocalBuckets()
        self._unknown: OrderedDict[bytes, float] = OrderedDict()  # When each is to be asked for again.
        self._kept_max = kept_max
        self._kept: OrderedDict[bytes, _Kept] = OrderedDict()  # By the hash of the token; used last comes last.

    async def __call__(self, token: str | None, address: str) -> Viewer:
        """Whom a token stands for as of now. Raises Unauthenticated, or RateLimited where too many were unknown."""
        viewer = self.known(token)
        if viewer is None or not await self._stands(viewer):
            viewer = await self._read(token, address)
        return viewer

    def known(self, token: str | None) -> Viewer | None:
        """Whom a token stood for when it was last read; to be believed only where `sight.stands` of it is true.

        Never one that has expired, nor a key whose use is to be noted again: those are read anew.
        """
        if token is None:
            return ANONYMOUS
        hashed = credentials.token_hash(token)
        kept = self._kept.get(hashed)
        if kept is None:
            return None
        if kept.until <= clock.outside():
            del self._kept[hashed]
            return None
        self._kept.move_to_end(hashed)
        return kept.viewer

    def forget(self, token: str) -> None:
        """What was kept of a token whose claim did not hold."""
        self._kept.pop(credentials.token_hash(token), None)

    async def _stands(self, viewer: Viewer) -> bool:
        if viewer.claim is None:
            return True
        proof = OF_SESSION if viewer.api_key_id is None else OF_KEY
        row = await self._database.fetch(proof.text, proof.values({}, {}, viewer))
        return row is not None and bool(row[0])

    async def _read(self, token: str | None, address: str) -> Viewer:
        """Counted before the database is asked; who is found has it back."""
        assert token is not None
        key = f"unknown token:{identity.network_of(address)}"
        taken = await self._buckets.take(key, UNKNOWN_RATE, 1)
        if not taken.is_granted:
            message = f"Too many unknown tokens from this address; wait {taken.retry_after_s} s."
            raise RateLimited(message, taken.retry_after_s)
        viewer = None if self._is_unknown(token) else await self._found(token)
        if viewer is None:
            self.forget(token)
            raise Unauthenticated("The token is unknown or has ended.")
        await self._buckets.give_back(key, UNKNOWN_RATE, 1)
        self._keep(token, viewer)
        return viewer

    async def _found(self, token: str) -> Viewer | None:
        async with self._database.reading() as connection:
            viewer = await sight.viewer_of(connection, token, now=clock.outside())
        if viewer is None:
            self._unknown[credentials.token_hash(token)] = time.monotonic() + UNKNOWN_KEPT_S
            if len(self._unknown) > self._kept_max:
                self._unknown.popitem(last=False)
        return viewer

    def _is_unknown(self, token: str) -> bool:
        """Whether nobody had the token lately. It is drawn at random, so nobody will."""
        return self._unknown.get(credentials.token_hash(token), 0.0) > time.monotonic()

    def _keep(self, token: str, viewer: Viewer) -> None:
        assert viewer.expires_at is not None
        until = viewer.expires_at
        if viewer.noted_at is not None:
            until = min(until, viewer.noted_at + sight.USE_NOTED_EVERY)
        hashed = credentials.token_hash(token)
        self._kept[hashed] = _Kept(viewer, until)
        self._kept.move_to_end(hashed)
        if len(self._kept) > self._kept_max:
            self._kept.popitem(last=False)
