"""What this room adds to the house."""

from api.graphql.rooms import Room

ROOM = Room()
