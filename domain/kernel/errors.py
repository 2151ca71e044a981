"""Refusals: what a caller may be told and can act on."""


class DomainError(Exception):
    """A rule said no. Subclasses hold the facts; the message is a sentence for a person."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class NotFound(DomainError):
    """The thing does not exist, or the viewer may not know that it does."""

    def __init__(self, kind: str, id: object) -> None:
        super().__init__(f"There is no {kind} that you may see.")
        self.kind = kind
        self.id = id


class NotAllowed(DomainError):
    """The viewer may see the thing but not do this to it."""

    def __init__(self, act: str) -> None:
        super().__init__(f"You may not {act}.")
        self.act = act


class InvalidValue(DomainError):
    """A value broke a rule; `path` names the input field, outermost first."""

    def __init__(self, path: tuple[str, ...], reason: str) -> None:
        super().__init__(reason)
        self.path = path


class StaleVersion(DomainError):
    """Someone changed the thing since the caller read it."""

    def __init__(self, expected: int, current: int) -> None:
        super().__init__(f"You changed version {expected}, but the current version is {current}.")
        self.expected = expected
        self.current = current
