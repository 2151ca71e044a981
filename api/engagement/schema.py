"""What this context adds to the schema."""

import strawberry

from api.engagement.cards import CardViewer
from api.engagement.insights import InsightViewer
from api.engagement.preferences import EngagementPreferenceMutations, EngagementPreferenceViewer
from api.engagement.ratings import RatingViewer


@strawberry.type
class EngagementQueries:
    pass


@strawberry.type
class EngagementMutations(EngagementPreferenceMutations):
    pass


@strawberry.type
class EngagementViewer(CardViewer, RatingViewer, InsightViewer, EngagementPreferenceViewer):
    pass


@strawberry.type
class EngagementSubscriptions:
    pass
