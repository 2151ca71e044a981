"""What this context adds to the schema."""

import strawberry


@strawberry.type
class NotificationsQueries:
    pass


@strawberry.type
class NotificationsMutations:
    pass


@strawberry.type
class NotificationsViewer:
    pass


@strawberry.type
class NotificationsSubscriptions:
    pass
