"""The server: an address that is bound before anything loads, uvicorn and its limits, until an interrupt."""

from __future__ import annotations

import errno
import ipaddress
import socket
from collections.abc import Callable
from typing import TYPE_CHECKING

from schemas.errors import UsageError

if TYPE_CHECKING:
    from starlette.types import ASGIApp

__all__ = ["bind", "is_loopback", "serve", "url_of"]

_BACKLOG = 512
_MAX_CONNECTIONS = 512
"""A browser opens six, so this is room for some eighty people; further ones get status 503."""
_MAX_HEAD_BYTES = 64 * 1024
"""Largest request line with headers. The longest address of ours, a search for 2,000 characters, has 24 kB escaped."""
_KEEP_ALIVE_S = 5
_SHUTDOWN_S = 3
_REASONS = {
    errno.EADDRINUSE: "another program listens there",
    errno.EACCES: "this user may not",
    errno.EADDRNOTAVAIL: "this machine has no such address",
}


def is_loopback(host: str) -> bool:
    """Return whether only this machine can reach an address.

    >>> is_loopback("127.0.0.1"), is_loopback("localhost"), is_loopback("0.0.0.0"), is_loopback("example.org")
    (True, True, False, False)
    """
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def bind(host: str, port: int) -> socket.socket:
    """Bind an address and listen: a browser that connects early waits instead of being refused.

    Args:
        host: name or address.
        port: 0 takes a free one.

    Raises:
        UsageError: it cannot be bound.
    """
    try:
        family, kind, protocol, _, where = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind, protocol)
        try:
            # Without it, a server that is started again must wait a minute for the old connections to time out.
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(where)
            listener.listen(_BACKLOG)
        except BaseException:
            listener.close()
            raise
    except OSError as error:
        reason = _REASONS.get(error.errno or 0, error.strerror)
        message = f"cannot listen at {host}, port {port}: {reason}"
        raise UsageError(message, remedy="give --port another number, or 0 for a free one; --host 127.0.0.1") from error
    return listener


def url_of(listener: socket.socket) -> str:
    """Return the URL for a browser."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"


def serve(app: ASGIApp, listener: socket.socket, *, is_verbose: bool, ready: Callable[[], None]) -> None:
    """Answer requests until an interrupt.

    Args:
        app: the ASGI application.
        listener: the socket of `bind`.
        is_verbose: whether to write a line to stderr for each request.
        ready: called once requests are answered.

    Raises:
        KeyboardInterrupt: after Ctrl-C, when the requests that were being answered are done.
    """
    import uvicorn

    from indexer.web.http.connections import TimedProtocol

    # uvicorn tells nobody when it begins to answer; the address must be printed then and not earlier.
    class Server(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            ready()

    config = uvicorn.Config(
        app,
        http=TimedProtocol,
        access_log=is_verbose,
        log_level="info" if is_verbose else "warning",
        lifespan="off",  # the application starts nothing and ends nothing
        ws="none",
        proxy_headers=False,  # no proxy stands before it, so a client must not say from where it comes
        server_header=False,
        backlog=_BACKLOG,
        limit_concurrency=_MAX_CONNECTIONS,
        h11_max_incomplete_event_size=_MAX_HEAD_BYTES,
        timeout_keep_alive=_KEEP_ALIVE_S,
        timeout_graceful_shutdown=_SHUTDOWN_S,
    )
    Server(config).run([listener])
