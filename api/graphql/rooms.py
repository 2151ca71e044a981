"""What a room adds to the house: each declares one `ROOM` in its `room.py`, and `api.house` lists the rooms.

The schema, the REST routes and the registers of the tests are made from these; a worker needs only the `jobs.py` of
each room, which registers its functions when imported.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from domain.kernel.vocabularies import Word


@dataclass(frozen=True, kw_only=True)
class Room:
    """What a room declares.

    queries, mutations, viewer, subscriptions: classes whose fields become those of the root types and of `viewer`.
    types: entities and extensions (`extends`) whose modules none of these import.
    enums: enums of the domain that the room shows, with their sentences.
    refusals, jobs, notices: words that are the room's, as error codes, kinds of job and kinds of notice.
    routes: modules of REST routes for who bears a token, each with its PATH, its BODY_LIMIT, the POINTS that a request
    costs and `routes(database, authenticate)`; signed: the same for who signs what is sent, with
    `routes(database, settings)`.
    """

    queries: Sequence[type] = ()
    mutations: Sequence[type] = ()
    viewer: Sequence[type] = ()
    subscriptions: Sequence[type] = ()
    types: Sequence[type] = ()
    enums: Sequence[type[Enum]] = ()
    refusals: Sequence[Word] = ()
    jobs: Sequence[Word] = ()
    notices: Sequence[Word] = ()
    routes: Sequence[Any] = ()
    signed: Sequence[Any] = ()
