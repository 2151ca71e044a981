"""graphql-core's executor, told to let ready JSON pass: what the compiled path has answered is not looked at again."""

from typing import Any

import orjson
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext


class Executor(StrawberryGraphQLCoreExecutionContext):
    """Completes values as graphql-core does, and fragments of JSON not at all."""

    def complete_value(self, return_type: Any, details: Any, info: Any, path: Any, result: Any, position: Any) -> Any:
        if isinstance(result, orjson.Fragment):
            return result
        return super().complete_value(return_type, details, info, path, result, position)
