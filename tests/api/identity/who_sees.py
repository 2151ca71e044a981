"""Everybody sees themselves and their own keys."""

from tests.api.authorization.decisions import Given, WhoSees, leads_to_nothing_hidden
from tests.api.authorization.people import ADA, BOB, CYN, EVE, FRED, GUS, HAL, HEAD_OF_A, IVY, NOBODY, ROOT, Seen
from tests.api.authorization.people import PERSONS as PERSONS_ROLES

PERSONS: Seen = {
    "ada": ADA,
    "bob": BOB,
    "cyn": CYN,
    "eve": EVE,
    "fred": FRED,
    "gus": GUS,
    "hal": HAL,
    "ivy": IVY,
    "olga": frozenset({"outsider"}),
    "root": ROOT,
    "gridley": frozenset({"grid operator"}),
    "gone": NOBODY,
}
WHO_SEES = WhoSees(
    expected={
        "User": PERSONS,
        "ApiKey": {
            "partner that reads": HEAD_OF_A,
            "partner that trades": HEAD_OF_A,
            "meter gateway": HEAD_OF_A,
            "expired key": HEAD_OF_A,
            "revoked key": HEAD_OF_A,
            "key of a disabled user": NOBODY,
            "bob's": BOB,
            "hal's gateway": HAL,
            "ivy's gateway": IVY,
            "eve's gateway": EVE,
        },
        "Session": {
            **{role: frozenset({role}) for role in PERSONS_ROLES},
            "expired session": HEAD_OF_A,  # It can still be refreshed.
            "revoked session": NOBODY,
            "disabled user": NOBODY,
        },
    },
    not_even_root=frozenset({"ApiKey", "Session"}),
    reviewed=frozenset({"Session.isCurrent"}),
    computed={"Viewer.user": leads_to_nothing_hidden},  # test_the_viewer_is_the_one_who_asks
    mutations={
        "logIn": Given(),
        "refreshSession": Given(),
        "logOut": Given(),
        "endSession": Given(lambda id: {"id": id("Session")}, {"Session": "revoked session"}),
        "register": Given(),
        "confirmRegistration": Given(),
        "requestPasswordReset": Given(),
        "resetPassword": Given(),
        "changePassword": Given(),
        "changeEmail": Given(),
        "confirmEmail": Given(),
        "changeProfile": Given(),
        "setLanguage": Given(),
        "createApiKey": Given(),
        "revokeApiKey": Given(lambda id: {"id": id("ApiKey")}, {"ApiKey": "partner that reads"}),
    },
)
