"""Example tabs of GraphiQL; metrics are kept for their operations by name."""

import re

from api.transport.http.graphiql import Example

WHO_AM_I = """\
# Who is asking, what is theirs, and what is left of the budget.
query WhoAmI {
  viewer {
    user { name email }
    roles
    memberships(first: 10) {
      edges { node { community { name } roles kind } }
    }
  }
  rateLimit { cost remaining resetAt }
}
"""

COMMUNITIES = """\
# Communities, and what they shared.
query Communities($first: Int = 5) {
  communities(first: $first) {
    totalCount
    edges {
      node {
        name
        framework { name }
        memberCount
        allocationRuns(last: 1) {
          edges { node { version period { start end } injectedKwh withdrawnKwh sharedKwh } }
        }
      }
    }
    pageInfo { hasNextPage endCursor }
  }
}
"""

AREAS = """\
# Which primary-substation area covers a point, and who shares under it.
query AreaOfAPoint {
  substationAreas(filter: { point: { type: "Point", coordinates: [10.88, 44.78] } }) {
    edges {
      node {
        code
        name
        areaKm2
        communities(first: 5) { edges { node { name } } }
      }
    }
  }
}
"""

MARKETS = """\
# Markets, their last prices, and the latest trades.
query Markets {
  markets(first: 10) {
    edges {
      node {
        id
        name
        lastPrice
        trades(last: 5) { edges { node { energyKwh price deliveryStart } } }
      }
    }
  }
}
"""

LIVE_PRICES = """\
# The standing prices of a market, then every new one.
subscription LivePrices($market: ID!) {
  priceTicks(marketId: $market) { deliveryStart price kind volumeKwh }
}
"""

EXAMPLES = (
    Example("Who am I", WHO_AM_I),
    Example("Communities", COMMUNITIES),
    Example("Area of a point", AREAS),
    Example("Markets", MARKETS),
    Example("Live prices", LIVE_PRICES, found={"market": "{ markets(first: 1) { edges { node { id } } } }"}),
)
NAMED = re.compile(r"(?:query|subscription) (\w+)")
OPERATIONS = frozenset(name for example in EXAMPLES for name in NAMED.findall(example.query))
