"""The wallet that is shown is that of who asks."""

import pytest

from tests.api.authorization.people import ROLES
from tests.api.authorization.site import Site


@pytest.mark.parametrize("role", ROLES)
async def test_the_wallet_is_that_of_who_asks(site: Site, role: str) -> None:
    data, errors = await site.ask(role, "{ viewer { wallet { id available } user { id } } }")

    assert errors == []
    if role == "nobody":
        assert data["viewer"] is None
        return
    wallet, user = data["viewer"]["wallet"], data["viewer"]["user"]
    expected = [] if role == "platform administrator" else site.seen(role, "Wallet")
    assert (wallet and wallet["id"].partition(":")[2]) == (user and user["id"].partition(":")[2])
    assert wallet is None or role == "platform administrator" or site.names([wallet]) == list(expected)
