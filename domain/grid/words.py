"""Words that this room declares: kinds of job and of notice."""

from domain.events.notices import NoticeKind, Wording, counted, when
from domain.jobs.tables import JobKind

MEASURE_GRID = JobKind("MEASURE_GRID", "Measures load and congestion of zones.")
GRID_ALERT = NoticeKind(
    "GRID_ALERT",
    "An alert for a part of the grid.",
    wording=Wording(
        (
            when("Trading in {zone} is halted", is_halted=True),
            when("Trading in {zone} goes on again", is_halted=False),
            when("The grid in {zone} is congested", is_automatic=True),
            when("Congestion in {zone}: {title}", alert="CONGESTION"),
            when("Power cut in {zone}: {title}", alert="OUTAGE"),
            when("Grid maintenance in {zone}: {title}", alert="MAINTENANCE"),
            when("Emergency in {zone}: {title}", alert="EMERGENCY"),
            "Grid alert for {zone}: {title}",
            "Grid alert: {title}",
            "Grid alert",
        ),
        [
            (
                when(
                    "Trading in {zone} is halted until {until}: orders keep their place, and nothing is traded.",
                    is_halted=True,
                ),
                when(
                    "Trading in {zone} is halted until further notice: orders keep their place, and nothing is traded.",
                    is_halted=True,
                ),
                when("Trading in {zone} goes on again, and orders there can be filled.", is_halted=False),
                when(
                    "{used_percent} of the grid's capacity in {zone} is in use, or will be by what was traded.",
                    is_automatic=True,
                ),
                "{text}.",
                "{title}.",
                "There is an alert for your part of the grid.",
            ),
            (
                when("Reason: {halted_for}.", is_halted=True),
                when("Reason: {reason}.", is_halted=False),
                when("The halt has ended as announced.", is_halted=False),
                "",
            ),
            (
                counted("It concerns one order of yours.", "It concerns {orders} orders of yours.", by="orders"),
                "",
            ),
            (
                "In force from {starts_at} until {ends_at}.",
                "In force from {starts_at} until it is withdrawn.",
                "",
            ),
            ("Severity: {severity}.", ""),
        ],
        names={"severity": {"NOTICE": "for your information", "WARNING": "warning", "CRITICAL": "critical"}},
    ),
    is_mailed=True,
    about=(("alert_id", "GridAlert"), ("halt_id", "ZoneHalt")),
)
