"""Balances of few are for who administers their community."""

import pytest

from tests.api.authorization.people import EVERYBODY, HEAD_OF_B, ROLES, ROOT
from tests.api.authorization.site import Site

BALANCES = {"A": EVERYBODY, "B": HEAD_OF_B | ROOT}  # Six take part in A, two in B.
BALANCE = """
query ($id: ID!) { node(id: $id) { ... on Community { memberCount
  balance(period: {start: "2026-03-09T23:00:00Z", end: "2026-03-10T23:00:00Z"}, resolution: DAY) { withdrawnKwh }
} } }
"""


@pytest.mark.parametrize("role", ROLES)
async def test_balances_of_few_are_for_who_administers(site: Site, role: str) -> None:
    told = {}
    for name in BALANCES:
        data, errors = await site.ask(role, BALANCE, id=site.id_of("Community", name))
        told[name] = bool(data and data["node"])
        assert errors in ([], ["FORBIDDEN"])
        if told[name]:
            assert data["node"]["balance"]["withdrawnKwh"] == [{"A": 132.0, "B": 36.0}[name]]

    assert told == {name: role in seen for name, seen in BALANCES.items()}
