"""Metering points are seen by who takes part with them, and by who administers where they do."""

from tests.api.authorization.decisions import Given, WhoSees
from tests.api.authorization.people import ADA, BOB, CYN, EVE, FRED, GUS, HAL, HEAD_OF_A, HEAD_OF_B, IVY, ROOT

WHO_SEES = WhoSees(
    expected={
        "MeteringPoint": {
            "ada": ADA,
            "bob": BOB | HEAD_OF_A,
            "cyn": CYN | HEAD_OF_A,
            "eve": EVE | HEAD_OF_A,
            "fred": FRED | HEAD_OF_A | HEAD_OF_B,
            "gus": GUS | HEAD_OF_B,
            "house": HAL | IVY | HEAD_OF_A,
        },
        "HeldReadings": {
            "ada": ADA,
            "bob": BOB | HEAD_OF_A,
            "cyn": CYN | HEAD_OF_A,
            "eve": EVE | HEAD_OF_A,
            "fred": FRED | HEAD_OF_A | HEAD_OF_B,
            "gus": GUS | HEAD_OF_B,
            "house": HAL | HEAD_OF_A,
        },
    },
    # test_readings_are_seen_for_the_days_that_concern_the_role
    reviewed=frozenset({"MeteringPoint.readings"}),
    mutations={
        "registerMeteringPoint": Given(
            lambda id: {
                "communityId": id("Community"),
                "membershipId": id("Membership"),
                "code": "NEW-CODE",
                "codeKind": "GENERIC",
                "directions": ["WITHDRAWN"],
            },
            {"Community": "B", "Membership": "cyn in A"},
        ),
        "decideHeldReadings": Given(
            lambda id: {"id": id("HeldReadings"), "decision": "DISCARDED"}, {"HeldReadings": "cyn"}
        ),
        "setConnectionPower": Given(
            lambda id: {"meteringPointId": id("MeteringPoint"), "connectionPowerKw": "6"}, {"MeteringPoint": "cyn"}
        ),
    },
    let_in={
        ("/v1/readings", None): frozenset({"meter gateway"}),
        ("/v1/imports/readings", None): HEAD_OF_A | HEAD_OF_B | ROOT,
    },
)
