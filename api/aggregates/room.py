"""What this room adds to the house."""

from api.aggregates.balance import BalanceOfCommunity
from api.graphql.rooms import Room

ROOM = Room(types=(BalanceOfCommunity,))
