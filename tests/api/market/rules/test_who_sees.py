"""Decisions of a rule lead to orders of its owner."""

import pytest

from tests.api.authorization.people import ROLES
from tests.api.authorization.site import Site

DECISIONS = "query ($id: ID!) { node(id: $id) { ... on TradingRuleRun { decisions { order { id } } } } }"


@pytest.mark.parametrize("role", ROLES)
async def test_decisions_of_a_rule_lead_to_orders_of_its_owner(site: Site, role: str) -> None:
    for name in site.seen(role, "TradingRuleRun"):
        data, errors = await site.ask(role, DECISIONS, id=site.id_of("TradingRuleRun", name))

        order = {"order": {"id": site.id_of("Order", name)}}
        assert (data["node"]["decisions"], errors) == ([order], [])
