"""Members, metering points and plants that may not be taken so."""

from typing import Any

from tests.api.hostile.rows import IdOf, Row, done


def to_a(mutation: str, **input: Any) -> Any:
    """A mutation in community A; callables give ids."""

    def values(id_of: IdOf) -> dict[str, Any]:
        given = {name: value(id_of) if callable(value) else value for name, value in input.items()}
        return {"communityId": id_of("Community", "A"), **given}

    return done(mutation, values)


BOBS_POINT = {"meteringPointId": lambda id_of: id_of("MeteringPoint", "bob")}
BOBS_MEMBERSHIP = {"membershipId": lambda id_of: id_of("Membership", "bob in A")}
A_POINT = {"code": "NEW-1", "codeKind": "GENERIC", "directions": ["WITHDRAWN"], **BOBS_MEMBERSHIP}
A_PLANT = {"name": "Roof", "kind": "PV", "powerKw": "5", **BOBS_POINT}

MEMBERS = (
    Row(
        "a member without name",
        to_a("addMember", kind="CONSUMER", legalForm="SME"),
        200,
        "INVALID_INPUT",
        "A new member has a name and a legal form. [name]",
    ),
    Row(
        "a member who is new and known",
        to_a("addMember", kind="CONSUMER", name="x", legalForm="SME", memberId=lambda id_of: id_of("Member", "bob")),
        200,
        "INVALID_INPUT",
        "Give memberId, or name and legalForm of a new member. [memberId]",
    ),
    Row(
        "a member twice",
        to_a("addMember", kind="CONSUMER", memberId=lambda id_of: id_of("Member", "bob")),
        200,
        "OVERLAP",
        "There is already a membership of this member from 2025-01-01 without end. [validFrom]",
    ),
    Row(
        "a member without roles",
        to_a("addMember", kind="CONSUMER", name="x", legalForm="SME", roles=[]),
        200,
        "INVALID_INPUT",
        "A member has at least one role. [roles]",
    ),
    Row(
        "an address with NUL",
        to_a("addMember", kind="CONSUMER", name="x", legalForm="SME", email="a\x00@example.org"),
        200,
        "INVALID_INPUT",
        "There is no account with this e-mail address. [email]",
    ),
    Row(
        "an address that nobody has",
        to_a("addMember", kind="CONSUMER", name="x", legalForm="SME", email="%@%"),
        200,
        "INVALID_INPUT",
        "There is no account with this e-mail address. [email]",
    ),
    Row(
        "a membership in the year 10000",
        to_a("addMember", kind="CONSUMER", name="x", legalForm="SME", validFrom="10000-01-01"),
        400,
        "BAD_USER_INPUT",
        'A Date is text such as "2026-01-31".',
    ),
    Row(
        "a membership on the 30th of February",
        to_a("addMember", kind="CONSUMER", name="x", legalForm="SME", validFrom="2026-02-30"),
        400,
        "BAD_USER_INPUT",
        'A Date is text such as "2026-01-31".',
    ),
    Row(
        "an end before the beginning",
        done("endMembership", lambda id_of: {"membershipId": id_of("Membership", "bob in A"), "validTo": "2020-01-01"}),
        200,
        "INVALID_INPUT",
        "The membership began on 2025-01-01; it ends after that. [validTo]",
    ),
    Row(
        "an end put off",
        done("endMembership", lambda id_of: {"membershipId": id_of("Membership", "hal in A"), "validTo": "9999-12-31"}),
        400,
        "BAD_USER_INPUT",
        "The Date is out of range: its year is 2 to 9998.",
    ),
    Row(
        "the last administrator leaves",
        done("endMembership", lambda id_of: {"membershipId": id_of("Membership", "ada in A"), "validTo": "2027-01-01"}),
        200,
        "LAST_ADMINISTRATOR",
        "This is the community's last administrator; name another one first. [membershipId]",
    ),
    Row(
        "a code of blanks",
        to_a("registerMeteringPoint", **A_POINT | {"code": "   "}),
        200,
        "INVALID_INPUT",
        "A code has 3 to 40 letters, digits, dots, dashes and underscores. [code]",
    ),
    Row(
        "a code with NUL",
        to_a("registerMeteringPoint", **A_POINT | {"code": "A\x00B"}),
        200,
        "INVALID_INPUT",
        "A code has 3 to 40 letters, digits, dots, dashes and underscores. [code]",
    ),
    Row(
        "an Italian code of the wrong form",
        to_a("registerMeteringPoint", **A_POINT | {"code": "IT001X12345678", "codeKind": "IT_POD"}),
        200,
        "INVALID_INPUT",
        "This is not a code of kind IT_POD, such as IT001E12345678. [code]",
    ),
    Row(
        "a code in full-width digits",
        to_a("registerMeteringPoint", **A_POINT | {"code": "IT\uff10\uff10\uff11E12345678", "codeKind": "IT_POD"}),
        200,
        "INVALID_INPUT",
        "This is not a code of kind IT_POD, such as IT001E12345678. [code]",
    ),
    Row(
        "a point without directions",
        to_a("registerMeteringPoint", **A_POINT | {"directions": []}),
        200,
        "INVALID_INPUT",
        "A metering point measures at least one direction. [directions]",
    ),
    Row(
        "a point twice",
        to_a("registerMeteringPoint", **A_POINT | {"code": "POINT-bob"}),
        200,
        "OVERLAP",
        "There is already a participation of this metering point from 2025-01-01 without end. [validFrom]",
    ),
    Row(
        "a factor of nothing",
        to_a("registerMeteringPoint", **A_POINT | {"participationFactor": "0"}),
        200,
        "INVALID_INPUT",
        "A participation factor lies between 0.000001 and 1. [participationFactor]",
    ),
    Row(
        "a factor above one",
        to_a("registerMeteringPoint", **A_POINT | {"participationFactor": "1.000001"}),
        200,
        "INVALID_INPUT",
        "A participation factor lies between 0.000001 and 1. [participationFactor]",
    ),
    Row(
        "a negative factor",
        to_a("registerMeteringPoint", **A_POINT | {"participationFactor": "-0.5"}),
        200,
        "INVALID_INPUT",
        "A participation factor lies between 0.000001 and 1. [participationFactor]",
    ),
    Row(
        "the whole of a point that is half taken",
        to_a("registerMeteringPoint", **A_POINT | {"code": "POINT-gus"}),
        200,
        "SHARE_EXCEEDED",
        "Of this metering point only 0 is left to share. [participationFactor]",
    ),
    Row(
        "a membership of another community",
        to_a("registerMeteringPoint", **A_POINT | {"membershipId": lambda id_of: id_of("Membership", "gus in B")}),
        200,
        "NOT_FOUND",
        "There is no membership",
    ),
    Row(
        "a point before its membership",
        to_a("registerMeteringPoint", **A_POINT | {"validFrom": "0001-01-01"}),
        400,
        "BAD_USER_INPUT",
        "The Date is out of range: its year is 2 to 9998.",
    ),
)

PLANTS = (
    Row(
        "a plant of NaN",
        to_a("addAsset", **A_PLANT | {"powerKw": "NaN"}),
        400,
        "BAD_USER_INPUT",
        "Not a Decimal: 'NaN' is not a finite number.",
    ),
    Row(
        "a plant of infinity",
        to_a("addAsset", **A_PLANT | {"powerKw": "Infinity"}),
        400,
        "BAD_USER_INPUT",
        "Not a Decimal: 'Infinity' is not a finite number.",
    ),
    Row(
        "a plant of 1e400",
        to_a("addAsset", **A_PLANT | {"powerKw": "1e400"}),
        400,
        "BAD_USER_INPUT",
        "Not a Decimal: the number is too large.",
    ),
    Row(
        "a plant with seven decimals",
        to_a("addAsset", **A_PLANT | {"powerKw": "1.0000001"}),
        400,
        "BAD_USER_INPUT",
        "Not a Decimal: more than six decimals.",
    ),
    Row(
        "a plant of a million digits",
        to_a("addAsset", **A_PLANT | {"powerKw": "1" + "0" * 100_000}),
        400,
        "BAD_USER_INPUT",
        "Not a Decimal: the number is too large.",
    ),
    Row(
        "a plant of a float",
        to_a("addAsset", **A_PLANT | {"powerKw": 1.5}),
        400,
        "BAD_USER_INPUT",
        'A Decimal is a string such as "1.25".',
    ),
    Row(
        "a plant of 9,223,372,036,854.775808 kW",
        to_a("addAsset", **A_PLANT | {"powerKw": "9223372036854.775808"}),
        400,
        "BAD_USER_INPUT",
        "Not a Decimal: the number is too large.",
    ),
    Row(
        "a plant of half a watt",
        to_a("addAsset", **A_PLANT | {"powerKw": "0.0005"}),
        200,
        "INVALID_INPUT",
        "The power is a whole number of watts. [powerKw]",
    ),
    Row(
        "a plant of minus 5 kW",
        to_a("addAsset", **A_PLANT | {"powerKw": "-5"}),
        200,
        "INVALID_INPUT",
        "The power lies between 0.001 kW and 10 GW. [powerKw]",
    ),
    Row(
        "a plant with a capacity",
        to_a("addAsset", **A_PLANT | {"capacityKwh": "5"}),
        200,
        "INVALID_INPUT",
        "Storage has a capacity, nothing else has. [capacityKwh]",
    ),
    Row(
        "a store of minus 5 kWh",
        to_a("addAsset", **A_PLANT | {"kind": "STORAGE", "capacityKwh": "-5"}),
        200,
        "INVALID_INPUT",
        "The capacity lies above 0 and up to 100 GWh. [capacityKwh]",
    ),
    Row(
        "a plant behind a point elsewhere",
        to_a("addAsset", **A_PLANT | {"meteringPointId": lambda id_of: id_of("MeteringPoint", "gus")}),
        200,
        "NOT_FOUND",
        "There is no metering point",
    ),
)
