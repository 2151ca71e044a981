"""Checking a password tells nobody whether the account exists."""

from domain.identity import credentials


def test_an_unknown_account_is_checked_with_the_parameters_of_a_known_one() -> None:
    known = credentials.hash_password("eleven blue windmills")

    assert known.split("$")[:4] == credentials.NOBODY.split("$")[:4]
    assert credentials.is_password(known, "eleven blue windmills")
    assert not credentials.is_password(None, "eleven blue windmills")
