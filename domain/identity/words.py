"""Words that this room declares: a kind of notice."""

from domain.events.notices import NoticeKind, Wording

PASSWORD_GUESSED = NoticeKind(
    "PASSWORD_GUESSED",
    "Somebody tries passwords of the account.",
    wording=Wording(
        ("Somebody tries to guess your password",),
        [
            ("At least {guesses} wrong passwords were tried for your account.", "Wrong passwords were tried."),
            ("Nobody signed in by them, and devices from which you have signed in before are not kept out.",),
            ("If it was not you, see to it that your password is long and used nowhere else.",),
        ],
    ),
    is_mailed=True,
)
