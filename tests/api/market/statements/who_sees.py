"""Statements are of who is billed, and not for who only trades for them."""

from tests.api.authorization.decisions import Given, WhoSees
from tests.api.authorization.people import ADA, BOB, EVERYBODY, GUS, Seen

STATEMENTS: Seen = {"bob's": BOB, "gus's": GUS, "ada's": ADA}
WHO_SEES = WhoSees(
    expected={"AccountStatement": STATEMENTS, "StatementLine": STATEMENTS},
    narrower={"Viewer.statements": STATEMENTS},
    mutations={"makeStatements": Given()},
    let_in={("/v1/statements", None): EVERYBODY - {"nobody", "meter gateway", "partner that trades"}},
    read=frozenset({"/v1/statements"}),
)
