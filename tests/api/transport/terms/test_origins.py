"""Origins: a page is named, or is one of this machine."""

import pytest

from api.transport.terms.origins import Origins

DEVELOPMENT = ("http://localhost:*", "http://127.0.0.1:*", "https://app.example:443")


@pytest.mark.parametrize(
    "origin", ["http://localhost:5173", "http://LOCALHOST:1", "http://localhost", "http://127.0.0.1:65535",
               "https://app.example"],
)  # fmt: skip
def test_pages_of_this_machine_may_have_any_port(origin: str) -> None:
    assert origin in Origins(DEVELOPMENT)


@pytest.mark.parametrize(
    "origin",
    ["http://localhost.evil.example:80", "https://localhost:5173", "http://evil.example:localhost", "null", "",
     "http://127.0.0.1.evil.example", "http://127.0.0.2:80", "http://evil.example#http://localhost:1",
     "http://localhost:*", "https://app.example:444", "file://", "http://[::1]:5173"],
)  # fmt: skip
def test_other_pages_may_not(origin: str) -> None:
    assert origin not in Origins(DEVELOPMENT)


@pytest.mark.parametrize(
    "named", ["*", "https://*.example", "http://app.example:*", "http://localhost.example:*", "app.example"]
)
def test_names_that_let_anybody_in_are_refused(named: str) -> None:
    with pytest.raises(ValueError, match="allowed_origins"):
        Origins((named,))
