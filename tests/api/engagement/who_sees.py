"""Cards are for who is in a community, but of those who opted out."""

from tests.api.authorization.decisions import Given, WhoSees, leads_to_nothing_hidden
from tests.api.authorization.people import ADA, BOB, CYN, EVE, FRED, GUS, IN_A, IN_B, IVY, NOBODY

WHO_SEES = WhoSees(
    expected={
        "MemberCard": {  # Everybody in a community sees all of today's, but of Cyn, who opted out.
            "ada in A": IN_A,
            "bob in A": IN_A,
            "cyn in A": CYN,
            "eve in A": IN_A,
            "fred in A": IN_A,
            "ivy in A": IN_A,
            "hal in A": NOBODY,
            "eve in B": IN_B,
            "fred in B": IN_B,
            "gus in B": IN_B,
        }
    },
    narrower={
        "Viewer.memberCards": {
            "ada in A": ADA,
            "bob in A": BOB,
            "cyn in A": CYN,
            "eve in A": EVE,
            "fred in A": FRED,
            "eve in B": EVE,
            "fred in B": FRED,
            "gus in B": GUS,
            "ivy in A": IVY,
        }
    },
    # test_insights_are_beside_communities_that_the_viewer_is_in
    computed={"MonthInsights.community": leads_to_nothing_hidden},
    reviewed=frozenset(
        {
            "Community.leaderboard",  # test_leaderboards_are_for_who_is_in_a_community
            "MemberCard.isViewer",
            "MemberCard.rating",  # Of a card that the viewer may see, and of five: test_ratings.py
        }
    ),
    mutations={"setEngagementPreference": Given()},
)
