"""What this room adds to the house."""

from api.graphql.rooms import Room
from api.graphql.words import describe
from api.metering import imports, posting
from api.metering.held import HELD_DECIDED, HeldMutations
from api.metering.points import OUTSIDE_AREA, SHARE_EXCEEDED, MeteringMutations
from domain.kernel.suppression import Suppression
from domain.metering import words
from domain.metering.tables import CodeKind, Direction, HoldDecision, HoldReason, Quality

ROOM = Room(
    mutations=(MeteringMutations, HeldMutations),
    enums=(
        describe(
            Direction,
            "Which way energy crosses a metering point, seen from the grid.",
            INJECTED="Into the grid.",
            WITHDRAWN="Out of the grid.",
        ),
        describe(
            Suppression,
            "Why a sum over people is withheld; where several reasons hold, the first.",
            UNDECIDED="It has yet to be decided; ask again.",
            FEWER_THAN_FIVE="Fewer than five persons have a point of that direction; the viewer is not counted.",
            DIFFERENCE="Beside other sums that are shown it would tell of fewer than five persons.",
            DOMINANCE="One person makes more than 80 % of a day: others than members get the direction by month only.",
            INCOMPLETE="A reading is missing: as the sum filled up it would tell each one.",
            RESOLUTION="Others than members get hours or coarser.",
        ),
        describe(
            CodeKind,
            "Which pattern a metering point's code follows.",
            IT_POD="Italian POD, such as IT001E12345678.",
            LU_POD="Luxembourgish POD, LU and 31 characters.",
            AT_METERING_POINT="Austrian Zaehlpunkt, AT and 31 characters.",
            GENERIC="Any other code of 3 to 40 letters, digits, dots, dashes and underscores.",
        ),
        describe(
            HoldReason,
            "Why readings are held until somebody decides.",
            ABOVE_CONNECTION_POWER="A value is more than the metering point can carry.",
            WORSE_QUALITY="They would displace readings of a better quality.",
            COARSER_RESOLUTION="They would displace readings of shorter intervals.",
        ),
        describe(
            HoldDecision,
            "What becomes of held readings.",
            RELEASED="They are stored as they arrived.",
            DISCARDED="They are not stored.",
        ),
        describe(
            Quality,
            "How values came about, best first.",
            MEASURED="Read from the meter.",
            ESTIMATED="Estimated by the operator.",
            SUBSTITUTED="A substitute for missing values.",
            SIMULATED="Made by a simulated meter.",
        ),
    ),
    refusals=(HELD_DECIDED, OUTSIDE_AREA, SHARE_EXCEEDED),
    notices=(words.CODE_CONTESTED,),
    routes=(imports, posting),
)
