"""Words that this room declares: a kind of notice."""

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
