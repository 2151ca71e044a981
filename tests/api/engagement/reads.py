"""How the compiled path and random operations read this room."""

from tests.api.engine.declared import IN_PYTHON, Reads

READS = Reads(
    not_compiled={"Community.leaderboard": IN_PYTHON, "MemberCard.isViewer": IN_PYTHON, "MemberCard.rating": IN_PYTHON},
    kept=frozenset(
        {
            "member_card.label"  # A letter and a number.
        }
    ),
)
