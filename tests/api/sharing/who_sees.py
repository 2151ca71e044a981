"""Keys and runs of a community: all of it where its members are many, each member's part for that member."""

from tests.api.authorization.decisions import PERIOD, Given, WhoSees
from tests.api.authorization.people import (
    ADA,
    BOB,
    CYN,
    EVE,
    FRED,
    GUS,
    HAL,
    HEAD_OF_A,
    HEAD_OF_B,
    IN_A,
    IN_B,
    IVY,
    ROOT,
)

WHO_SEES = WhoSees(
    expected={
        "SharingKey": {"A": IN_A, "B": IN_B},
        "KeyShare": {
            "bob in A": BOB | HEAD_OF_A,
            "fred in A": FRED | HEAD_OF_A,
            "ivy in A": IVY | HEAD_OF_A,  # Not for Hal either.
            "fred in B": FRED | HEAD_OF_B,
            "gus in B": GUS | HEAD_OF_B,
        },
        "AllocationRun": {"six of A": IN_A, "three of A": IN_A, "three of B": IN_B},
        "MemberAllocation": {
            "bob in A": BOB | HEAD_OF_A,
            "cyn in A": CYN | HEAD_OF_A,
            "fred in A": FRED | HEAD_OF_A,
            "hal in A": HAL | HEAD_OF_A,
            "fred in B": FRED | HEAD_OF_B,
            "gus in B": GUS | HEAD_OF_B,
        },
        "AllocationDifference": {
            "bob in A": BOB | HEAD_OF_A,
            "cyn in A": CYN | HEAD_OF_A,
            "fred in A": FRED | HEAD_OF_A,
            "hal in A": HAL | HEAD_OF_A,
            "fred in B": FRED | HEAD_OF_B,
            "gus in B": GUS | HEAD_OF_B,
        },
        "Job": {"ada's in A": ADA, "bob's in A": BOB | HEAD_OF_A, "eve's in B": EVE, "gus's": GUS},
    },
    narrower={
        "Viewer.allocations": {
            "bob in A": BOB,
            "cyn in A": CYN,
            "fred in A": FRED,
            "hal in A": HAL,
            "fred in B": FRED,
            "gus in B": GUS,
        }
    },
    computed={"Community.sharingKey": lambda row: ("SharingKey", row)},
    reviewed=frozenset({"AllocationRun.series"}),  # test_series_of_a_run_are_told_like_its_totals
    mutations={
        "setSharingKey": Given(
            lambda id: {
                "communityId": id("Community"),
                "kind": "STATIC",
                "validFrom": "2020-01-01T00:00:00Z",
                "shares": [{"meteringPointId": id("MeteringPoint"), "direction": "WITHDRAWN", "share": "0.5"}],
            },
            {"Community": "B", "MeteringPoint": "cyn"},
        ),
        "removeSharingKey": Given(lambda id: {"id": id("SharingKey")}, {"SharingKey": "A"}),
        "allocatePeriod": Given(lambda id: {"communityId": id("Community"), "period": PERIOD}, {"Community": "B"}),
    },
    let_in={
        ("/v1/imports/operator-figures", "A"): HEAD_OF_A | ROOT,
        ("/v1/imports/operator-figures", "B"): HEAD_OF_B | ROOT,
    },
)
