"""What this room adds to the house."""

from api.communities.assets import PLANT_TOO_LARGE
from api.communities.communities import CommunitiesOfArea, Community
from api.communities.members import MembershipViewer
from api.communities.mutations import COMMUNITY_CLOSED, LAST_ADMINISTRATOR, TOO_MANY_COMMUNITIES, CommunityMutations
from api.communities.queries import CommunityQueries
from api.graphql.rooms import Room
from api.graphql.words import describe
from domain.communities.tables import (
    AssetKind,
    CommunityKind,
    CommunityRole,
    CommunityStatus,
    FrameworkCode,
    LegalForm,
    MemberKind,
)

ROOM = Room(
    queries=(CommunityQueries,),
    mutations=(CommunityMutations,),
    viewer=(MembershipViewer,),
    types=(Community, CommunitiesOfArea),
    enums=(
        describe(
            FrameworkCode,
            "The tradition whose rules a community follows.",
            LU_SHARING="Luxembourg: a formal sharing group.",
            IT_CER="Italy: comunita energetica rinnovabile under one primary substation.",
            AT_EEG="Austria: Erneuerbare-Energie-Gemeinschaft.",
            EU_TRADING="An open peer-to-peer trading community.",
            MICROGRID="A grid zone with its own operator and rules.",
            COMPANY_GROUP="Companies that pool energy data to find local exchange.",
        ),
        describe(
            CommunityKind,
            "What a community is on the ground.",
            LANE="Homes along a street.",
            BUILDING="Users of one building.",
            VILLAGE="A village or quarter.",
            SUBSTATION="Points under one primary substation.",
            REGION="A wider region.",
            COMPANIES="A group of companies.",
            CUSTOM="Anything else.",
        ),
        describe(
            CommunityStatus,
            "Where a community stands.",
            ACTIVE="It shares or trades.",
            CLOSED="It has ended; its history stays readable.",
        ),
        describe(
            CommunityRole,
            "What a member may do in a community.",
            ADMIN="Admits members, sets keys, runs allocations.",
            MEMBER="Takes part.",
        ),
        describe(
            MemberKind,
            "How a member takes part.",
            PROSUMER="Produces and consumes.",
            CONSUMER="Only consumes.",
            PRODUCER="Only produces.",
            STORAGE_PROVIDER="Offers storage.",
        ),
        describe(
            LegalForm,
            "What kind of person a member is in law.",
            NATURAL_PERSON="A natural person.",
            SME="A small or medium-sized enterprise.",
            LARGE_ENTERPRISE="A large enterprise.",
            PUBLIC_BODY="A public body or local authority.",
            RELIGIOUS_BODY="A religious body.",
            THIRD_SECTOR="A third-sector body or association.",
        ),
        describe(
            AssetKind,
            "What an asset is.",
            PV="Photovoltaic plant.",
            WIND="Wind turbine.",
            STORAGE="Storage.",
            HYDRO="Hydropower plant.",
            BIOMASS="Biomass plant.",
        ),
    ),
    refusals=(PLANT_TOO_LARGE, COMMUNITY_CLOSED, TOO_MANY_COMMUNITIES, LAST_ADMINISTRATOR),
)
