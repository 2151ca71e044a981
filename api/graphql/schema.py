"""The one schema: what every context offers, put together."""

import strawberry
from strawberry.schema.config import StrawberryConfig

from api.audit.schema import AuditMutations, AuditQueries
from api.communities.members import MembershipViewer
from api.communities.mutations import CommunityMutations
from api.communities.queries import CommunityQueries
from api.engagement.schema import EngagementMutations, EngagementQueries, EngagementViewer
from api.engine.declarations import ENTITIES, leading
from api.engine.execution import Executor
from api.geography.queries import GeographyQueries
from api.graphql import enums
from api.graphql.context import Info
from api.graphql.mutations import UserError
from api.graphql.nodes import NodeQueries
from api.graphql.scalars import SCALARS
from api.graphql.viewer import BudgetQueries, UserViewer
from api.grid.schema import GridMutations, GridQueries, GridSubscriptions
from api.identity.keys import KeyMutations
from api.identity.sessions import SessionMutations
from api.jobs.jobs import JobMutations, JobSubscriptions, JobViewer
from api.ledger.schema import LedgerMutations, LedgerQueries, LedgerViewer
from api.market.schema import MarketMutations, MarketQueries, MarketSubscriptions, MarketViewer
from api.metering.points import MeteringMutations
from api.notifications.schema import NotificationsMutations, NotificationsSubscriptions, NotificationsViewer
from api.sharing.allocations import AllocationMutations
from api.sharing.keys import KeyMutations as SharingKeyMutations


@strawberry.type(description="Who is asking, and what is theirs.")
class Viewer(
    UserViewer, MembershipViewer, MarketViewer, JobViewer, LedgerViewer, NotificationsViewer, EngagementViewer
):
    pass


@strawberry.type(description="Everything that can be read.")
class Query(
    NodeQueries,
    BudgetQueries,
    GeographyQueries,
    CommunityQueries,
    MarketQueries,
    LedgerQueries,
    GridQueries,
    AuditQueries,
    EngagementQueries,
):
    @strawberry.field(description="Who is asking; null when nobody is signed in.")
    def viewer(self, info: Info) -> Viewer | None:
        user_id = info.context.viewer.user_id
        return None if user_id is None else leading(Viewer(), user=user_id, wallet=user_id)


@strawberry.type(description="Everything that can be changed; each field is one transaction.")
class Mutation(
    SessionMutations,
    KeyMutations,
    CommunityMutations,
    MeteringMutations,
    SharingKeyMutations,
    AllocationMutations,
    MarketMutations,
    LedgerMutations,
    GridMutations,
    AuditMutations,
    NotificationsMutations,
    EngagementMutations,
    JobMutations,
):
    pass


@strawberry.type(description="Everything that can be followed.")
class Subscription(JobSubscriptions, MarketSubscriptions, GridSubscriptions, NotificationsSubscriptions):
    pass


def make_schema(*, is_sorted: bool = False) -> strawberry.Schema:
    """The schema, with every entity and every refusal in it, also those that no field names.

    Sorted it is for printing only: sorting makes Strawberry hand texts to resolvers instead of enums.
    """
    return strawberry.Schema(
        query=Query,
        mutation=Mutation,
        subscription=Subscription,
        types=[*(entity.type for entity in ENTITIES.values()), *UserError.__subclasses__()],
        execution_context_class=Executor,
        config=StrawberryConfig(scalar_map=SCALARS, sort_schema=is_sorted),
    )


__all__ = ["Mutation", "Query", "Subscription", "enums", "make_schema"]
