"""What this room adds to the house."""

from api.failures.work import FailedWorkMutations, PlatformQueries
from api.graphql.rooms import Room

ROOM = Room(
    queries=(PlatformQueries,),
    mutations=(FailedWorkMutations,),
)
