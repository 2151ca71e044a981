"""Example tabs of GraphiQL; metrics are kept for their operations by name."""

import re

from api.transport.graphiql import Example

WHO_AM_I = """\
query WhoAmI {
  viewer {
    user { name email }
    roles
  }
  rateLimit { cost remaining resetAt }
}
"""

EXAMPLES = (Example("Who am I", WHO_AM_I),)
NAMED = re.compile(r"(?:query|subscription) (\w+)")
OPERATIONS = frozenset(name for example in EXAMPLES for name in NAMED.findall(example.query))
