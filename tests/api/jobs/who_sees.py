"""Jobs are seen by who asked for them and by who administers their community; rooms that add some decide on each."""

from tests.api.authorization.decisions import REFUSED, TOLD, Followed, Given, Target, WhoSees, leads_to_nothing_hidden


def result_of(job: str) -> Target:
    """What a job of the world made."""
    return ("AllocationRun", "three of A") if job in {"ada's in A", "bob's in A"} else None


WHO_SEES = WhoSees(
    computed={"Subscription.jobProgress": leads_to_nothing_hidden, "Job.result": result_of},
    reviewed=frozenset({"Job.error"}),
    subscriptions={
        "jobProgress": Followed(
            "Job",
            lambda id, start_of: f'subscription {{ jobProgress(id: "{id}") {{ id status }} }}',
            lambda role, is_seen: TOLD if is_seen else REFUSED,
        )
    },
    mutations={"cancelJob": Given(lambda id: {"id": id("Job")}, {"Job": "gus's"})},
)
