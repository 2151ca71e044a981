"""Nodes of any kind have tests of their own in tests/api/authorization."""

from tests.api.authorization.decisions import WhoSees, leads_to_nothing_hidden

WHO_SEES = WhoSees(computed={"Query.node": leads_to_nothing_hidden, "Query.nodes": leads_to_nothing_hidden})
