"""What clients asked for, and what they were told of it: the memory that the checks hold against the database."""

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import pairwise
from typing import Any
from uuid import UUID


class Act(StrEnum):
    """What a request does."""

    PLACE = "place"
    AMEND = "amend"
    CANCEL = "cancel"
    DEPOSIT = "deposit"


@dataclass(frozen=True, slots=True)
class Asked:
    """A request of a user, under a key that no other request has.

    `mark` tells what it makes from all else that the user makes: the energy of an order, micro-kWh, or the amount of a
    deposit, micro-EUR; `order_id` is the order that is amended or cancelled.
    """

    key: str
    act: Act
    user_id: UUID
    token: str
    input: Mapping[str, Any]
    mark: int = 0
    order_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Told:
    """The answer to a request: the id of what it made (or cancelled), or the code of its refusal."""

    id: UUID | None = None
    code: str | None = None


@dataclass
class Journal:
    """All requests by key, their answers and when these came, and how many answers were lost on the way."""

    asked: dict[str, Asked] = field(default_factory=dict)
    told: dict[str, Told] = field(default_factory=dict)
    lost: Counter[str] = field(default_factory=Counter)
    unexpected: int = 0  # Answers that nobody had thought of.
    answered_at: list[float] = field(default_factory=list)  # Of the monotonic clock, seconds.

    def done(self, *acts: Act) -> dict[str, UUID]:
        """Ids by key of the requests that were acknowledged as done."""
        return {key: told.id for key, told in self.told.items() if told.id is not None and self.asked[key].act in acts}

    def refused(self) -> dict[str, str]:
        """Codes by key of the requests that were refused."""
        return {key: told.code for key, told in self.told.items() if told.code is not None}

    def unanswered(self) -> list[str]:
        """Keys of the requests that nobody answered."""
        return [key for key in self.asked if key not in self.told]

    def until(self, at: float) -> "Journal":
        """What had been answered by then, by the monotonic clock, seconds."""
        told = {key: told for (key, told), then in zip(self.told.items(), self.answered_at, strict=True) if then <= at}
        return Journal({key: self.asked[key] for key in told}, told)

    def silence_s(self) -> float:
        """The longest time in which nobody was answered."""
        return max((later - earlier for earlier, later in pairwise(self.answered_at)), default=math.inf)
