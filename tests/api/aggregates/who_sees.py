"""Sums over people: test_who_sees.py tells who gets which of them."""

from tests.api.authorization.decisions import WhoSees

WHO_SEES = WhoSees(reviewed=frozenset({"Community.balance"}))  # test_sums_that_tell_of_few_are_null_with_their_reason
