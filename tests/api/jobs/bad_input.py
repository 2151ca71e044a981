"""Jobs that may not be cancelled or followed."""

from tests.api.hostile.rows import Row, Section, done, framed, of, subscribed

JOBS = (
    Row(
        "a job that has ended",
        done("cancelJob", of("Job", "ada's in A")),
        200,
        "JOB_FINISHED",
        "The job has already ended: succeeded. [id]",
    ),
)

FOLLOWED = (
    Row(
        "a job that is not there",
        framed(subscribed('subscription { jobProgress(id: "Job:01890000-0000-7000-8000-000000000000") { id } }')),
        200,
        "BAD_USER_INPUT",
        "There is no such job. [id]",
    ),
    Row(
        "the id of a market for a job",
        framed(lambda id_of: subscribed(f'subscription {{ jobProgress(id: "{id_of("Market", "north")}") {{ id }} }}')),
        200,
        "BAD_USER_INPUT",
        "id is not the id of a Job. [id]",
    ),
)

SECTIONS = (
    Section("Sharing keys, periods and jobs", JOBS, place=71),
    Section("Sockets", FOLLOWED, place=181),
)
