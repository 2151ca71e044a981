"""Communities, members and plants that may not be."""

from tests.api.communities.bad_plants import PLANTS
from tests.api.hostile.geometries import founded
from tests.api.hostile.rows import AGES, NOBODYS, Row, Section, asked, done, of, period, to_a

BALANCE = """
query B($id: ID!, $period: PeriodInput!, $resolution: Resolution!) {
node(id: $id) {
... on Community {
balance(period: $period, resolution: $resolution) { missing } } } }
"""

BALANCES = (
    Row(
        "a balance of three years by the quarter-hour",
        asked(
            BALANCE,
            of(
                "Community",
                "A",
                period=period("2023-01-01T00:00:00Z", "2026-01-01T00:00:00Z"),
                resolution="QUARTER_HOUR",
            ),
        ),
        200,
        "BAD_USER_INPUT",
        "105216 intervals are more than 10000; ask for a coarser resolution. [period]",
    ),
    Row(
        "a balance of ten thousand years by the day",
        asked(BALANCE, of("Community", "A", period=AGES, resolution="DAY")),
        200,
        "BAD_USER_INPUT",
        "The period is longer than 3660 days. [period]",
    ),
)

COMMUNITIES = (
    Row(
        "a name with NUL",
        founded(name="a\x00b"),
        200,
        "INVALID_INPUT",
        "A name has 1 to 120 characters, none of them a control character. [name]",
    ),
    Row(
        "a name of blanks",
        founded(name="   "),
        200,
        "INVALID_INPUT",
        "A name has 1 to 120 characters, none of them a control character. [name]",
    ),
    Row(
        "a name of 121 characters",
        founded(name="x" * 121),
        200,
        "INVALID_INPUT",
        "A name has 1 to 120 characters, none of them a control character. [name]",
    ),
    Row(
        "a name that runs right to left over its neighbours",
        founded(name="Lane \u202e evil"),
        200,
        "INVALID_INPUT",
        "A name has 1 to 120 characters, none of them a control character. [name]",
    ),
    Row(
        "a name of characters that do not show",
        founded(name="\u200b\u200d"),
        200,
        "INVALID_INPUT",
        "A name has 1 to 120 characters, none of them a control character. [name]",
    ),
    Row(
        "a description of 2,001 characters",
        founded(description="x" * 2_001),
        200,
        "INVALID_INPUT",
        "A description has at most 2000 characters, none a control character. [description]",
    ),
    Row(
        "a time zone that is not there",
        founded(timezone="Europe/Atlantis"),
        200,
        "INVALID_INPUT",
        "This is not an IANA time zone, such as Europe/Rome. [timezone]",
    ),
    Row(
        "a time zone that is a path",
        founded(timezone="../../etc/passwd"),
        200,
        "INVALID_INPUT",
        "This is not an IANA time zone, such as Europe/Rome. [timezone]",
    ),
    Row(
        "a time zone with NUL",
        founded(timezone="UTC\x00"),
        200,
        "INVALID_INPUT",
        "This is not an IANA time zone, such as Europe/Rome. [timezone]",
    ),
    Row(
        "a country that the framework does not know",
        founded(country="IT"),
        200,
        "INVALID_INPUT",
        "The framework LU_SHARING holds in LU. [country]",
    ),
    Row(
        "a country in Greek letters",
        founded(framework="EU_TRADING", country="\u0391\u0392"),
        200,
        "INVALID_INPUT",
        "A country is two capital letters, such as LU; this framework needs one. [country]",
    ),
    Row(
        "an Italian community without area",
        founded(framework="IT_CER", timezone="Europe/Rome"),
        200,
        "INVALID_INPUT",
        "The framework IT_CER needs a substation area. [substationAreaId]",
    ),
    Row(
        "an area that is not there",
        founded(substationAreaId=f"SubstationArea:{NOBODYS}"),
        200,
        "NOT_FOUND",
        "There is no substation area",
    ),
    Row(
        "a framework that is null",
        founded(framework=None),
        400,
        "BAD_USER_INPUT",
        "invalid value at .framework: Expected value of non-null type 'FrameworkCode!' not to be None.",
    ),
    Row(
        "a field that the input does not have",
        founded(owner="me"),
        400,
        "BAD_USER_INPUT",
        "Expected value of type 'CreateCommunityInput' not to include unknown field 'owner'",
    ),
    Row(
        "an outdated version",
        done("updateCommunity", of("Community", "A", expectedVersion=7, name="x")),
        200,
        "STALE_VERSION",
        "You changed version 7, but the current version is 1. [expectedVersion]",
    ),
    Row(
        "a version above 32 bits",
        done("updateCommunity", of("Community", "A", expectedVersion=2**31, name="x")),
        400,
        "BAD_USER_INPUT",
        "invalid value at .expectedVersion: Int cannot represent non 32-bit signed integer value: 2147483648",
    ),
    Row(
        "a change to nothing",
        done("updateCommunity", of("Community", "A", expectedVersion=1)),
        200,
        "INVALID_INPUT",
        "Name at least one field to change.",
    ),
    Row(
        "a name changed to null",
        done("updateCommunity", of("Community", "A", expectedVersion=1, name=None)),
        200,
        "INVALID_INPUT",
        "name may be left out, but not null. [name]",
    ),
    Row(
        "an area that leaves members outside",
        done(
            "updateCommunity",
            lambda id_of: {
                "id": id_of("Community", "A"),
                "expectedVersion": 1,
                "substationAreaId": id_of("SubstationArea", "area"),
            },
        ),
        200,
        "INVALID_INPUT",
        "The substation area lies in IT, not in LU. [substationAreaId]",
    ),
    Row(
        "the id of a member for a community",
        done("closeCommunity", lambda id_of: {"id": id_of("Member", "bob"), "expectedVersion": 1}),
        200,
        "BAD_USER_INPUT",
        "id is not the id of a Community. [id]",
    ),
)

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
        "This is not an e-mail address. [email]",
    ),
    Row(
        "an address without a host",
        to_a("addMember", kind="CONSUMER", name="x", legalForm="SME", email="%"),
        200,
        "INVALID_INPUT",
        "This is not an e-mail address. [email]",
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
)

SECTIONS = (
    Section("Queries", BALANCES, place=23),
    Section("Communities", COMMUNITIES, place=40),
    Section("Members and metering points", MEMBERS, place=50),
    Section("Plants and storage", PLANTS, place=60),
)
