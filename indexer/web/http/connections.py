"""One connection: uvicorn's reader of requests, with a time limit for the head of a request."""

from __future__ import annotations

import asyncio

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

__all__ = ["TimedProtocol"]

_HEAD_TIMEOUT_S = 20.0
"""Longest time until the head (request line and headers) is complete; uvicorn waits for ever once a byte has come."""


class TimedProtocol(H11Protocol):
    """Closes a connection on which the next head does not come in time.

        connected ──> head ──> body, answer ──> head ──> ...
              └─ timer ─┘                  └─ timer ─┘

    h11's state of the client tells the two apart: it is IDLE until a head is complete, then SEND_BODY or DONE.
    """

    _timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start the time of the first head."""
        super().connection_made(transport)
        self._time_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the time."""
        self._stop_timer()
        super().connection_lost(exc)

    def handle_events(self) -> None:
        """Read what has come: uvicorn calls this with each piece of data, and when an answer is complete."""
        super().handle_events()
        self._time_head()

    def send_400_response(self, msg: str) -> None:
        """Refuse bytes that are not HTTP.

        They may be in the body of a request that is being answered. uvicorn would send the refusal and then the answer,
        which h11 does not allow: so the application is told that the client has gone, and its answer is dropped.
        """
        if self.cycle is not None and not self.cycle.response_complete:
            self.cycle.disconnected = True
            self.cycle.message_event.set()
            if self.cycle.response_started:
                self.transport.close()
                return
        super().send_400_response(msg)

    def _time_head(self) -> None:
        if self.conn.their_state is not h11.IDLE:
            self._stop_timer()
        elif self._timer is None:
            self._timer = self.loop.call_later(_HEAD_TIMEOUT_S, self._close)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _close(self) -> None:
        self._timer = None
        if self.transport.is_closing():
            return
        if self.conn.trailing_data[0]:  # the beginning of a head
            self.send_400_response("The head of this request did not come in time.")
        else:
            self.transport.close()
