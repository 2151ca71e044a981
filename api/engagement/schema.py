"""What this context adds to the schema."""

import strawberry


@strawberry.type
class EngagementQueries:
    pass


@strawberry.type
class EngagementMutations:
    pass


@strawberry.type
class EngagementViewer:
    pass


@strawberry.type
class EngagementSubscriptions:
    pass
