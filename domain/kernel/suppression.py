"""Why a sum over people is not shown, said in its place (invariant I5; `domain.aggregates` has the rule)."""

from enum import StrEnum


class Suppression(StrEnum):
    """Why a value is withheld from a viewer; where several hold, the first."""

    UNDECIDED = "UNDECIDED"
    FEWER_THAN_FIVE = "FEWER_THAN_FIVE"
    DIFFERENCE = "DIFFERENCE"
    DOMINANCE = "DOMINANCE"
    INCOMPLETE = "INCOMPLETE"
    RESOLUTION = "RESOLUTION"
