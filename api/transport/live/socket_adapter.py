"""A WebSocket as Strawberry's handler wants it."""

from collections.abc import AsyncGenerator, Callable, Mapping
from functools import partial
from typing import cast

import orjson
from starlette.types import Send
from starlette.websockets import WebSocket, WebSocketState
from strawberry.http.exceptions import NonJsonMessageReceived, NonTextMessageReceived, WebSocketDisconnected

from api.transport.live.mailboxes import Mailbox, MailboxClosed, Sending
from api.transport.terms.settings import TransportSettings

MESSAGE_TOO_BIG = 1009


class SocketAdapter:
    """Frames in and out, as Strawberry's handler wants them."""

    def __init__(
        self, websocket: WebSocket, send: Send, settings: TransportSettings, give_up: Callable[[], None]
    ) -> None:
        self.websocket = websocket
        self.frame_bytes_max = settings.frame_bytes_max
        self.mailbox: Mailbox[str] = Mailbox(partial(_send_text, send), settings.mailbox, give_up)

    @property
    def is_closed(self) -> bool:
        return WebSocketState.DISCONNECTED in {self.websocket.application_state, self.websocket.client_state}

    async def iter_json(self, *, ignore_parsing_errors: bool = False) -> AsyncGenerator[object, None]:
        while not self.is_closed:
            message = await self.websocket.receive()
            if message["type"] == "websocket.disconnect":
                return
            text = message.get("text")
            if text is None:
                raise NonTextMessageReceived
            if len(text) > self.frame_bytes_max or len(text.encode()) > self.frame_bytes_max:
                await self.close(MESSAGE_TOO_BIG, f"Frames hold at most {self.frame_bytes_max} bytes")
                return
            try:
                yield orjson.loads(text)
            except orjson.JSONDecodeError:
                raise NonJsonMessageReceived from None

    async def send_json(self, message: Mapping[str, object]) -> None:
        """Send a frame, after those that wait."""
        try:
            await self.mailbox.send(orjson.dumps(message).decode())
        except MailboxClosed:
            raise WebSocketDisconnected from None

    async def close(self, code: int, reason: str) -> None:
        self.mailbox.close()
        if not self.is_closed:
            await self.websocket.close(code=code, reason=reason[:120])


def _send_text(send: Send, frame: str) -> Sending:
    """Straight to the server: most of what a socket does is this."""
    sending = send({"type": "websocket.send", "text": frame})
    return cast(Sending, sending)  # Servers and Starlette write `send` as a coroutine.
