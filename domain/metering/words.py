"""Words that this room declares: a kind of notice."""

from domain.events.notices import NoticeKind, Wording

CODE_CONTESTED = NoticeKind(
    "CODE_CONTESTED",
    "Two metering points have one code; told to administrators of the platform.",
    wording=Wording(
        ("A metering point was registered twice: {code}", "A metering point was registered twice"),
        [
            ("Two metering points have the code {code}.", "Two metering points have the same code."),
            ("Find out which community it belongs to, and let the other end the membership that brings it.",),
        ],
    ),
    is_mailed=True,
    about=(("metering_point_id", "MeteringPoint"),),
)
