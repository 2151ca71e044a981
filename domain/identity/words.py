"""Words that this room declares: kinds of notices, most of them letters about the account."""

from domain.events.notices import NoticeKind, Wording, counted

PASSWORD_GUESSED = NoticeKind(
    "PASSWORD_GUESSED",
    "Somebody tries passwords of the account.",
    wording=Wording(
        ("Somebody tries to guess your password",),
        [
            (
                counted(
                    "At least {guesses} wrong password was tried for your account.",
                    "At least {guesses} wrong passwords were tried for your account.",
                    by="guesses",
                ),
                "Wrong passwords were tried.",
            ),
            ("Nobody signed in by them, and devices from which you have signed in before are not kept out.",),
            ("If it was not you, see to it that your password is long and used nowhere else.",),
        ],
    ),
    is_mailed=True,
    about=(("user_id", "User"),),
)

IGNORE = ("If it was not you, there is nothing that you have to do.",)
CONFIRM_REGISTRATION = NoticeKind(
    "CONFIRM_REGISTRATION",
    "Somebody registers with the address.",
    wording=Wording(
        ("Confirm your e-mail address",),
        [
            ("You, we think, want an account of Commonwatt with this address.",),
            IGNORE,
            ("To go on, open this within two days.",),
        ],
    ),
    is_letter=True,
)
ACCOUNT_EXISTS = NoticeKind(
    "ACCOUNT_EXISTS",
    "Somebody registers with the address of an account.",
    wording=Wording(
        ("You have an account already",),
        [
            ("Somebody wanted to use this address for an account of Commonwatt, and there is one.",),
            ("If it was you, sign in, or ask for a new password if you forgot yours.",),
            IGNORE,
        ],
    ),
    is_letter=True,
)
RESET_PASSWORD = NoticeKind(
    "RESET_PASSWORD",
    "Somebody asks for a new password of the account.",
    wording=Wording(
        ("Choose a new password",),
        [
            ("You, we think, want a new password for your account of Commonwatt.",),
            IGNORE,
            ("To choose it, open this within an hour.",),
        ],
    ),
    is_letter=True,
)
CHANGE_EMAIL = NoticeKind(
    "CHANGE_EMAIL",
    "The account is to have another address.",
    wording=Wording(
        ("Confirm your new e-mail address",),
        [
            ("You, we think, want your account of Commonwatt to have this address.",),
            IGNORE,
            ("To go on, open this within a day.",),
        ],
    ),
    is_letter=True,
)
EMAIL_CHANGED = NoticeKind(
    "EMAIL_CHANGED",
    "The account has another address.",
    wording=Wording(
        ("Your account has another e-mail address",),
        [
            ("From now on you sign in with it, and no mail comes to this one.",),
            ("If it was not you, write to those who run the platform.",),
        ],
    ),
    is_letter=True,
)
PASSWORD_CHANGED = NoticeKind(
    "PASSWORD_CHANGED",
    "The account has a new password.",
    wording=Wording(
        ("Your password was changed",),
        [
            ("Other devices have to sign in again.",),
            ("If it was not you, ask for a new password at once.",),
        ],
    ),
    is_mailed=True,
    about=(("user_id", "User"),),
)
