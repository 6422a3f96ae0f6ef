"""What stands between the network and the pages: names of this machine, headers, and how much at a time."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from typing import TYPE_CHECKING

from fastapi import Request

from indexer.web.http.failures import error_response
from indexer.web.http.server import is_loopback

if TYPE_CHECKING:
    from collections.abc import MutableMapping
    from typing import Any

    from starlette.types import Receive, Scope, Send

    from indexer.web.http.short_cut import ShortCut

__all__ = ["Guard", "names_of"]

_LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "[::1]"})
_POLICY = (
    "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'"
)
HEADERS = (
    (b"content-security-policy", _POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=()"),
)
"""Every response has them. Source: OWASP's HTTP headers cheat sheet; no script or style but our own files."""


def names_of(host: str) -> frozenset[str]:
    """Return the names that a browser may call a server by which listens at an address.

    A page of another site can give its own name this machine's address (DNS rebinding); then the browser sends that
    name. Addresses cannot be rebound: of a server that listens at all of them each is accepted (`Guard`).

    >>> sorted(names_of("127.0.0.1"))
    ['127.0.0.1', '[::1]', 'localhost']
    """
    own = {f"[{host}]" if ":" in host else host.lower()}
    if not is_loopback(host):
        own.add(socket.gethostname().lower())
    return _LOOPBACK_NAMES | own


class Guard:
    """Lets requests through to the application that may come, and puts the headers on every response.

    Args:
        app: the application.
        names: what the Host header may say, without the port.
        is_remote: it listens beyond this machine: any address is accepted as Host beside the names.
        max_requests: how many are answered at a time; more are told to come later.
        timeout_s: longest time of a request.
    """

    def __init__(
        self,
        app: ShortCut,
        *,
        names: frozenset[str] = _LOOPBACK_NAMES,
        is_remote: bool = False,
        max_requests: int = 256,
        timeout_s: float = 60.0,
    ) -> None:
        self.app = app
        self._names, self._is_remote = names, is_remote
        self._max_requests, self._timeout_s = max_requests, timeout_s
        self._running = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request (ASGI)."""
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self.app(scope, receive, send)
            return
        has_begun = False

        async def send_with_headers(message: MutableMapping[str, Any]) -> None:
            nonlocal has_begun
            if message["type"] == "http.response.start":
                has_begun = True
                message["headers"] = [*message["headers"], *HEADERS]
            await send(message)

        refusal = self._refusal(scope)
        if refusal is not None:
            await self._refuse(scope, receive, send_with_headers, *refusal)
            return
        self._running += 1
        try:
            async with asyncio.timeout(self._timeout_s):
                await self.app(scope, receive, send_with_headers)
        except TimeoutError:
            if not has_begun:
                late = (503, f"no answer within {self._timeout_s:g} s", "ask for less, or again later")
                await self._refuse(scope, receive, send_with_headers, *late)
        finally:
            self._running -= 1

    async def _refuse(self, scope: Scope, receive: Receive, send: Send, status: int, message: str, remedy: str) -> None:
        scope["app"] = self.app.app
        request = Request(scope, receive)
        response = error_response(self.app.app.state.templates, request, status, message, remedy)
        await response(scope, receive, send)

    def _refusal(self, scope: Scope) -> tuple[int, str, str] | None:
        host, origin, site = b"", None, b""
        for name, value in scope["headers"]:
            if name == b"host":
                host = value
            elif name == b"origin":
                origin = value
            elif name == b"sec-fetch-site":
                site = value
        if not self._knows(host.decode("latin-1")):
            return 400, "the Host header names another machine", "use the address that the command printed"
        if scope["method"] not in ("GET", "HEAD") and (
            site == b"cross-site" or (origin is not None and origin.partition(b"://")[2] != host)
        ):
            return 403, "a page of another site sent this", "use the inspector's own page"
        if self._running >= self._max_requests:
            return 503, f"{self._running} requests are being answered", "ask again in a second"
        return None

    def _knows(self, host: str) -> bool:
        name = _without_port(host)
        return name in self._names or (self._is_remote and _is_address(name))


def _without_port(host: str) -> str:
    """Return the name in a Host header.

    >>> _without_port("LocalHost:80"), _without_port("[::1]:80"), _without_port("[::1]")
    ('localhost', '[::1]', '[::1]')
    """
    if host.startswith("["):
        return host[: host.find("]") + 1].lower()
    return host.partition(":")[0].lower()


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name.strip("[]"))
    except ValueError:
        return False
    return True
