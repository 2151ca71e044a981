"""What this room adds to the house."""

from api.audit.entries import AuditQueries
from api.audit.verifications import VerificationMutations, VerificationQueries
from api.graphql.rooms import Room
from domain.jobs import words

ROOM = Room(
    queries=(AuditQueries, VerificationQueries),
    mutations=(VerificationMutations,),
    jobs=(words.VERIFY,),
)
