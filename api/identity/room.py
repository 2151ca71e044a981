"""What this room adds to the house."""

from api.graphql.rooms import Room
from api.graphql.words import describe
from api.identity.accounts import LINK_ENDED, AccountMutations
from api.identity.keys import TOO_MANY_API_KEYS, KeyMutations
from api.identity.sessions import SESSION_ENDED, WRONG_CREDENTIALS, Session, SessionMutations
from api.identity.users import ApiKey, User
from api.identity.viewer import UserMutations, UserViewer
from domain.identity import words
from domain.identity.tables import ApiKeyKind, Language, PlatformRole

ROOM = Room(
    viewer=(UserViewer,),
    mutations=(AccountMutations, KeyMutations, SessionMutations, UserMutations),
    types=(User, ApiKey, Session),
    enums=(
        describe(
            PlatformRole,
            "What a user may do across communities.",
            ADMIN="Administers the platform.",
            GRID_OPERATOR="Operates the grid of a market zone.",
        ),
        describe(Language, "What people are told in.", EN="English.", DE="German.", FR="French.", IT="Italian."),
        describe(
            ApiKeyKind,
            "What an application is.",
            PARTNER="Reads and trades for its owner.",
            METER="A meter gateway, which may only post readings.",
        ),
    ),
    notices=(
        words.PASSWORD_GUESSED,
        words.CONFIRM_REGISTRATION,
        words.ACCOUNT_EXISTS,
        words.RESET_PASSWORD,
        words.CHANGE_EMAIL,
        words.EMAIL_CHANGED,
        words.PASSWORD_CHANGED,
    ),
    refusals=(WRONG_CREDENTIALS, SESSION_ENDED, TOO_MANY_API_KEYS, LINK_ENDED),
)
