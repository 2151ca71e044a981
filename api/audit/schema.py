"""What this context adds to the schema."""

import strawberry

from api.audit.entries import AuditQueries as EntryQueries
from api.audit.verifications import VerificationMutations, VerificationQueries


@strawberry.type
class AuditQueries(EntryQueries, VerificationQueries):
    pass


@strawberry.type
class AuditMutations(VerificationMutations):
    pass
