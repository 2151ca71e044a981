"""Pairs of one owner with itself exchange partners with others.

A pair may swap buyers with another whose route passes a common zone. Within one zone this succeeds whenever it is
possible at all, that is when no owner's sold and bought energy together exceed the zone's volume (every unit not the
owner's own can take one of its units).
"""

from dataclasses import dataclass

from solver.market.flows.routes import Route


@dataclass(slots=True)
class Pair:
    """Energy from the seller of one order to the buyer of another, and the zones it passes."""

    sell: int
    buy: int
    seller: int
    buyer: int
    energy_wh: int
    route: Route

    @property
    def is_own(self) -> bool:
        """True while its owner meets itself."""
        return self.seller == self.buyer


def exchange_partners(pairs: list[Pair]) -> list[Pair]:
    """The pairs of one interval after each own pair has swapped buyers with pairs that do not involve its owner.

    Who was no partner for an owner's route never becomes one, so each search goes on where the last ended.
    """
    reached: dict[tuple[int, Route], int] = {}
    for own in [each for each in pairs if each.is_own]:
        search = own.seller, own.route
        place = reached.get(search, 0)
        while own.energy_wh > 0 and place < len(pairs):
            meeting = _meeting(own, pairs[place])
            if meeting is None:
                place += 1
            else:
                _swap(pairs, own, pairs[place], meeting)
        reached[search] = place
    return [each for each in pairs if each.energy_wh > 0]


def _meeting(own: Pair, other: Pair) -> int | None:
    """Zone in which an own pair can exchange buyers with another pair; None if it cannot."""
    if other.energy_wh == 0 or own.seller in (other.seller, other.buyer):
        return None
    return next((zone for zone in own.route if zone in other.route), None)


def _swap(pairs: list[Pair], own: Pair, other: Pair, meeting: int) -> None:
    """Exchange the buyers of as much energy as both pairs have, each route changing over where they meet."""
    energy_wh = min(own.energy_wh, other.energy_wh)
    here, there = own.route.index(meeting), other.route.index(meeting)
    pairs.append(Pair(own.sell, other.buy, own.seller, other.buyer, energy_wh, own.route[:here] + other.route[there:]))
    pairs.append(Pair(other.sell, own.buy, other.seller, own.buyer, energy_wh, other.route[:there] + own.route[here:]))
    own.energy_wh -= energy_wh
    other.energy_wh -= energy_wh
