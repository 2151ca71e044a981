"""Words that this room declares: kinds of job and of notice."""

from domain.events.notices import NoticeKind, Wording
from domain.jobs.tables import JobKind

MEASURE_GRID = JobKind("MEASURE_GRID", "Measures load and congestion of zones.")
GRID_ALERT = NoticeKind(
    "GRID_ALERT",
    "An alert for a part of the grid.",
    wording=Wording(
        ("Grid alert: {title}", "Grid alert"),
        [("{title}.", "There is an alert for your part of the grid."), ("Severity: {severity}.", "")],
    ),
    is_mailed=True,
)
