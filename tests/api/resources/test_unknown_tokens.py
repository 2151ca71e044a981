"""Tokens nobody has are counted and remembered, and cost the database next to nothing."""

from collections import Counter

import pytest

from api.transport.terms.errors import CodedError
from tests.api.resources.site import ADDRESS, Site


async def unknown(site: Site, count: int, address: str = ADDRESS, name: str = "") -> Counter[str]:
    """What a number of tokens nobody has are answered, or one again and again."""
    answered: Counter[str] = Counter()
    for number in range(count):
        with pytest.raises(CodedError) as refused:
            await site.authenticate(name or f"cwa_{number}", address)
        answered[refused.value.code] += 1
    return answered


async def test_tokens_nobody_has_are_counted_before_the_database_is_asked(site: Site) -> None:
    await site.viewer("session")
    assert await unknown(site, 100) == {"UNAUTHENTICATED": 100}
    site.sent.clear()

    refused = await unknown(site, 20)

    assert refused["RATE_LIMITED"] >= 15  # A few come back meanwhile.
    assert len(site.sent) <= 5
    assert (await site.viewer("session")).user_id == site.user_id
    assert await unknown(site, 1, "203.0.113.77") == {"UNAUTHENTICATED": 1}


async def test_a_token_nobody_has_is_asked_for_once(site: Site) -> None:
    site.sent.clear()

    assert await unknown(site, 20, name="cwa_the-same") == {"UNAUTHENTICATED": 20}
    assert len(site.sent) == 1


async def test_who_is_found_spends_nothing_of_what_unknown_tokens_have(site: Site) -> None:
    for _ in range(110):
        site.authenticate.forget(site.tokens["session"])
        assert (await site.viewer("session")).user_id == site.user_id
