"""The audit log is for who may audit its chains."""

import pytest

from tests.api.authorization.people import HEAD_OF_A, HEAD_OF_B, ROLES, ROOT
from tests.api.authorization.site import Site

# The chains of the audit log: who may read them.
AUDITED: dict[tuple[str, str], frozenset[str]] = {
    ("Community", "A"): HEAD_OF_A | ROOT,
    ("Community", "B"): HEAD_OF_B | ROOT,
    ("Market", "north"): frozenset({"grid operator"}) | ROOT,
    ("MarketZone", "north"): frozenset({"grid operator"}) | ROOT,
    ("MarketZone", "south"): ROOT,
    ("platform", ""): ROOT,
}
ENTRIES = """
query ($scope: ID!) {
  auditEntries(filter: {scopeId: $scope}) { totalCount edges { node { chain } } }
  auditVerification(scopeId: $scope) { entriesCount isIntact }
}
"""


@pytest.mark.parametrize("role", ROLES)
async def test_chains_of_the_audit_log_are_read_by_who_may_audit_them(site: Site, role: str) -> None:
    for (entity, name), readers in AUDITED.items():
        scope = site.id_of(entity, name) if name else "platform"
        data, errors = await site.ask(role, ENTRIES, scope=scope)

        if role in readers:
            chains = {edge["node"]["chain"] for edge in data["auditEntries"]["edges"]}
            assert (chains <= {scope.rpartition(":")[2]}, errors) == (True, [])
            assert data["auditVerification"]["isIntact"]
        else:
            assert (data, set(errors)) == (None, {"UNAUTHENTICATED" if role == "nobody" else "FORBIDDEN"})


@pytest.mark.parametrize("role", ROLES)
async def test_the_whole_audit_log_is_for_administrators_of_the_platform(site: Site, role: str) -> None:
    data, errors = await site.ask(role, "{ auditEntries(first: 1) { edges { node { act } } } }")

    if role in ROOT:
        assert (len(data["auditEntries"]["edges"]), errors) == (1, [])
    else:
        assert (data, errors) == (None, ["UNAUTHENTICATED" if role == "nobody" else "FORBIDDEN"])
