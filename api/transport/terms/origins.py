"""Pages that may call us, for CORS and for sockets.

Each is named, or those of this machine for all ports: `http://localhost:*`, as front ends in development have any.
"""

import re
from collections.abc import Collection, Iterator

from strawberry.http.websocket_origin import normalize_allowed_origins, normalize_origin

ON_ANY_PORT = re.compile(r"(https?://(?:localhost|127\.0\.0\.1|\[::1\])):\*")


class Origins(Collection[str]):
    """What an `Origin` header may say. Raises ValueError for what names no origin, or names those of anybody."""

    def __init__(self, allowed: Collection[str]) -> None:
        if "*" in allowed:
            raise ValueError("allowed_origins: name each origin; '*' would let any page use a visitor's connection")
        self.on_any_port = {found[1] for origin in allowed if (found := ON_ANY_PORT.fullmatch(origin))}
        named = [origin for origin in allowed if not ON_ANY_PORT.fullmatch(origin)]
        if wild := [origin for origin in named if "*" in origin]:
            raise ValueError(f"allowed_origins: {wild[0]}: only pages of this machine may have any port")
        self.named = normalize_allowed_origins(named)

    def __contains__(self, origin: object) -> bool:
        normal = normalize_origin(str(origin))
        return normal is not None and (normal in self.named or re.sub(r":\d+$", "", normal) in self.on_any_port)

    def __iter__(self) -> Iterator[str]:
        return iter((*self.named, *(f"{host}:*" for host in self.on_any_port)))

    def __len__(self) -> int:
        return len(self.named) + len(self.on_any_port)
