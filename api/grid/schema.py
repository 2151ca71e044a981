"""What this context adds to the schema."""

import strawberry


@strawberry.type
class GridQueries:
    pass


@strawberry.type
class GridMutations:
    pass


@strawberry.type
class GridViewer:
    pass


@strawberry.type
class GridSubscriptions:
    pass
