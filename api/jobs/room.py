"""What this room adds to the house."""

from api.graphql.rooms import Room
from api.graphql.words import describe
from api.jobs.job import JOB_FINISHED, JobMutations, JobSubscriptions, JobViewer
from domain.jobs.tables import JobStatus

ROOM = Room(
    mutations=(JobMutations,),
    viewer=(JobViewer,),
    subscriptions=(JobSubscriptions,),
    refusals=(JOB_FINISHED,),
    enums=(
        describe(
            JobStatus,
            "Where a job stands; the last three are final.",
            QUEUED="Waits for a worker.",
            RUNNING="A worker is at it.",
            SUCCEEDED="Done; `result` is what it made.",
            FAILED="Cannot be done; `error` says why.",
            CANCELLED="Stopped on request.",
        ),
    ),
)
