"""Connections: uvicorn's reader of requests, with bounds on the head of a request."""

from __future__ import annotations

import asyncio

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

__all__ = ["BoundedProtocol"]

_MAX_HEAD_BYTES = 64 * 1024
"""Most of a request's first line and headers, which uvicorn holds until they are complete and does not bound."""
_HEAD_S = 20.0
"""Longest time from a connection, or a request's first byte, to the end of its head; uvicorn waits for ever."""


class BoundedProtocol(HttpToolsProtocol):
    """Ends a connection where the head of a request is too long, or too long in coming."""

    _is_in_head, _head_bytes = False, 0
    _timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Wait for a head."""
        super().connection_made(transport)
        self._wait_for_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no longer."""
        self._stop_waiting()
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        """Note the first byte of a head."""
        super().on_message_begin()
        self._is_in_head, self._head_bytes = True, 0
        if self._timer is None:
            self._wait_for_head()

    def on_headers_complete(self) -> None:
        """Note the end of a head."""
        self._is_in_head = False
        self._stop_waiting()
        super().on_headers_complete()

    def data_received(self, data: bytes) -> None:
        """Read; refuse a head that is too long."""
        super().data_received(data)
        if self._is_in_head and not self.transport.is_closing():
            self._head_bytes += len(data)
            if self._head_bytes > _MAX_HEAD_BYTES:
                self.send_400_response("The head of this request is too long.")

    def _wait_for_head(self) -> None:
        self._timer = self.loop.call_later(_HEAD_S, self._end)

    def _stop_waiting(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _end(self) -> None:
        self._timer = None
        if self.cycle is not None and not self.cycle.response_complete:
            self._wait_for_head()  # the answer to the request before comes first
        elif not self.transport.is_closing():
            if self._is_in_head:
                self.send_400_response("The head of this request did not come in time.")
            self.transport.close()
