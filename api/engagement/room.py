"""What this room adds to the house."""

from api.engagement.cards import CardViewer
from api.engagement.insights import InsightViewer
from api.engagement.leaderboards import LeaderboardOfCommunity
from api.engagement.preferences import EngagementPreferenceMutations, EngagementPreferenceViewer
from api.engagement.ratings import RatingViewer
from api.graphql.rooms import Room
from domain.engagement import words

ROOM = Room(
    mutations=(EngagementPreferenceMutations,),
    viewer=(CardViewer, InsightViewer, EngagementPreferenceViewer, RatingViewer),
    types=(LeaderboardOfCommunity,),
    jobs=(words.RATE_MEMBERS,),
)
