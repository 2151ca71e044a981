"""Verifications are for administrators of the platform alone; who reads which chain: test_who_sees.py."""

from tests.api.authorization.decisions import Given, WhoSees, leads_to_nothing_hidden
from tests.api.authorization.people import NOBODY

WHO_SEES = WhoSees(
    expected={"Verification": {"once": NOBODY}},
    # test_chains_of_the_audit_log_are_read_by_who_may_audit_them
    computed={"Query.auditEntries": leads_to_nothing_hidden},
    reviewed=frozenset({"Verification.breaches"}),  # Of a row that only administrators of the platform see.
    mutations={"startVerification": Given()},
)
