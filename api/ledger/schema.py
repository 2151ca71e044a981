"""What this context adds to the schema."""

import strawberry


@strawberry.type
class LedgerQueries:
    pass


@strawberry.type
class LedgerMutations:
    pass


@strawberry.type
class LedgerViewer:
    pass


@strawberry.type
class LedgerSubscriptions:
    pass
