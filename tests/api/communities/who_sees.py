"""What a community shows: its members themselves, those who administer it, and everybody where it is listed."""

from tests.api.authorization.decisions import Given, WhoSees
from tests.api.authorization.people import (
    ADA,
    BOB,
    CYN,
    EVE,
    EVERYBODY,
    FRED,
    GUS,
    HAL,
    HEAD_OF_A,
    HEAD_OF_B,
    IN_B,
    IVY,
    PUBLIC,
)

B = {"Community": "B"}
WHO_SEES = WhoSees(
    expected={
        "Framework": PUBLIC,
        "Community": {"A": EVERYBODY, "B": IN_B},
        "Member": {
            "ada": ADA,
            "bob": BOB | HEAD_OF_A,
            "cyn": CYN | HEAD_OF_A,
            "eve": EVE | HEAD_OF_A,
            "fred": FRED | HEAD_OF_A | HEAD_OF_B,
            "gus": GUS | HEAD_OF_B,
            "hal": HAL | HEAD_OF_A,
            "ivy": IVY | HEAD_OF_A,
        },
        "Membership": {
            "ada in A": ADA,
            "bob in A": BOB | HEAD_OF_A,
            "cyn in A": CYN | HEAD_OF_A,
            "eve in A": EVE | HEAD_OF_A,
            "fred in A": FRED | HEAD_OF_A,
            "eve in B": EVE,
            "fred in B": FRED | HEAD_OF_B,
            "gus in B": GUS | HEAD_OF_B,
            "hal in A": HAL | HEAD_OF_A,
            "ivy in A": IVY | HEAD_OF_A,
        },
        "Participation": {
            "ada in A": ADA,
            "bob in A": BOB | HEAD_OF_A,
            "cyn in A": CYN | HEAD_OF_A,
            "eve in A": EVE | HEAD_OF_A,
            "fred in A": FRED | HEAD_OF_A,
            "fred in B": FRED | HEAD_OF_B,
            "gus in B": GUS | HEAD_OF_B,
            "hal in A": HAL | HEAD_OF_A,
            "ivy in A": IVY | HEAD_OF_A,
        },
        "Asset": {
            "bob in A": BOB | HEAD_OF_A,
            "fred in A": FRED | HEAD_OF_A,
            "fred in B": FRED | HEAD_OF_B,
            "gus in B": GUS | HEAD_OF_B,
            "ivy in A": IVY | HEAD_OF_A,  # Not for Hal, whose metering point it was.
        },
    },
    narrower={
        "Viewer.memberships": {
            "ada in A": ADA,
            "bob in A": BOB,
            "cyn in A": CYN,
            "eve in A": EVE,
            "fred in A": FRED,
            "eve in B": EVE,
            "fred in B": FRED,
            "gus in B": GUS,
            "hal in A": HAL,
            "ivy in A": IVY,
        }
    },
    reviewed=frozenset(
        {
            "Framework.allowedKeys",
            "Framework.interval",
            "Framework.parameters",
        }
    ),
    filters={
        ("Query.communities", "framework"): (lambda id_of: "LU_SHARING", {"A", "B"}),
        ("Query.communities", "kind"): (lambda id_of: "LANE", {"A", "B"}),
        ("Query.communities", "status"): (lambda id_of: "ACTIVE", {"A", "B"}),
        ("Query.communities", "country"): (lambda id_of: '"LU"', {"A", "B"}),
        ("Query.communities", "name"): (lambda id_of: '"munity B"', {"B"}),
        ("Query.communities", "substationAreaId"): (lambda id_of: f'"{id_of("SubstationArea", "area")}"', {"A", "B"}),
    },
    mutations={
        "createCommunity": Given(),
        "updateCommunity": Given(lambda id: {"id": id("Community"), "expectedVersion": 7, "name": "x"}, B),
        "closeCommunity": Given(lambda id: {"id": id("Community"), "expectedVersion": 7}, B),
        "addMember": Given(lambda id: {"communityId": id("Community"), "kind": "CONSUMER", "roles": []}, B),
        "endMembership": Given(
            lambda id: {"membershipId": id("Membership"), "validTo": "2020-01-01"}, {"Membership": "cyn in A"}
        ),
        "addAsset": Given(
            lambda id: {
                "communityId": id("Community"),
                "meteringPointId": id("MeteringPoint"),
                "name": "x",
                "kind": "PV",
                "powerKw": "1",
            },
            {"Community": "B", "MeteringPoint": "cyn"},
        ),
    },
)
