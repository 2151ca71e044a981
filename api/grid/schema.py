"""What this context adds to the schema; fields of a zone are in `api.geography.market_zones`."""

import strawberry

from api.grid.alerts import AlertMutations, AlertQueries
from api.grid.capacities import CapacityMutations
from api.grid.halts import HaltMutations
from api.grid.limits import LimitMutations
from api.grid.subscriptions import AlertSubscriptions


@strawberry.type
class GridQueries(AlertQueries):
    pass


@strawberry.type
class GridMutations(HaltMutations, LimitMutations, CapacityMutations, AlertMutations):
    pass


@strawberry.type
class GridSubscriptions(AlertSubscriptions):
    pass
