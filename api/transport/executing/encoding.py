"""Results of shared executions, encoded once for everybody who gets them."""

from collections.abc import Mapping
from typing import Any

import orjson
from graphql import GraphQLError
from strawberry.types import ExecutionResult

from api.transport.documents.responses import ran
from api.transport.terms import errors
from api.transport.terms.errors import CodedError, ErrorCode

LAST = 2**63  # Follows every event: nobody has seen it.


class Encoded:
    """A coded result as JSON, with the number of the event it tells of."""

    __slots__ = ("_framed", "_prefix", "body", "code", "errors", "has_run", "sequence", "text")

    def __init__(self, result: ExecutionResult, sequence: int) -> None:
        self.has_run = ran(result)
        self.sequence = sequence if self.has_run else LAST
        self.errors = [error.formatted for error in result.errors or ()]
        self.code: ErrorCode | None = errors.code_of(result.errors[0]) if result.errors else None
        self.body = orjson.dumps({"data": result.data, **({"errors": self.errors} if self.errors else {})})
        self.text = self.body.decode()
        self._prefix = self._framed = ""

    def text_with(self, extensions: Mapping[str, Any]) -> str:
        """The JSON object with extensions, which only a subscriber's first result has."""
        return f'{self.text[:-1]},"extensions":{orjson.dumps(extensions).decode()}}}' if extensions else self.text

    def framed(self, prefix: str) -> str:
        """The JSON object as the last member of one that begins with `prefix`: clients number alike, so it is kept."""
        if self._prefix != prefix:
            self._prefix, self._framed = prefix, f"{prefix}{self.text}}}"
        return self._framed


def encoded_error(error: CodedError) -> Encoded:
    """An error that ends a subscription."""
    shown = GraphQLError(error.message, original_error=error)
    return Encoded(ExecutionResult(data=None, errors=[shown]), LAST)
