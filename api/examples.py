"""Example tabs of GraphiQL."""

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
