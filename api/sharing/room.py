"""What this room adds to the house."""

from api.graphql.rooms import Room
from api.graphql.words import describe
from api.sharing import operator_figures
from api.sharing.allocations import READINGS_MISSING, AllocationMutations, AllocationViewer
from api.sharing.keys import KEY_NOT_ALLOWED, KeyMutations
from domain.sharing import words
from domain.sharing.tables import KeyKind

ROOM = Room(
    mutations=(AllocationMutations, KeyMutations),
    viewer=(AllocationViewer,),
    enums=(
        describe(
            KeyKind,
            "How shared energy is divided among the points of one side.",
            EQUAL="Equal parts.",
            STATIC="Fixed percentages, one round: what a point cannot use stays with the producers.",
            STATIC_ROUNDS="Fixed percentages, repeated until nothing is left or nobody needs more.",
            PRO_RATA="In proportion to the metered energy.",
            PRIORITY="By rank; pro rata among points of the same rank.",
            HYBRID="One round of fixed percentages, then pro rata of what is still needed.",
        ),
    ),
    refusals=(READINGS_MISSING, KEY_NOT_ALLOWED),
    jobs=(words.ALLOCATE_PERIOD,),
    routes=(operator_figures,),
)
