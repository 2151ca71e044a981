"""Who asks."""

import strawberry

from api.engine.fields import edge
from api.graphql.context import Info
from domain.identity.tables import PlatformRole


@strawberry.type
class UserViewer:
    user = edge(None, "User", "The account that is signed in, or for which the application acts.")

    @strawberry.field(description="Platform roles; an application has none.")
    def roles(self, info: Info) -> list[PlatformRole]:
        return sorted(info.context.viewer.roles)
