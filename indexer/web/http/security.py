"""What stands before the application: whose requests come through, the headers of every response, and a time limit."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from typing import TYPE_CHECKING, Any

from fastapi import FastAPI, Request

from indexer.web.http.error_responses import error_response
from indexer.web.http.server import is_loopback

if TYPE_CHECKING:
    from collections.abc import Mapping, MutableMapping

    from starlette.types import Receive, Scope, Send

__all__ = ["Guard", "host_names"]

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
"""Headers of every response: no script and no style but our own files. Source: OWASP's HTTP headers cheat sheet."""


def host_names(host: str) -> frozenset[str]:
    """Return the names under which a browser may reach a server that listens at an address.

    A page of another site can point its own name at this machine's address (DNS rebinding) and would then read our
    answers; but the browser still sends that site's name as Host, and it is not among these.

    >>> sorted(host_names("127.0.0.1"))
    ['127.0.0.1', '[::1]', 'localhost']
    """
    own = {f"[{host}]" if ":" in host else host.lower()}
    if not is_loopback(host):
        own.add(socket.gethostname().lower())
    return _LOOPBACK_NAMES | own


class Guard:
    """Refuses requests that other sites caused, ends those that take too long, and adds the headers (ASGI).

    It wraps the whole application, not a part of it, so that the page of an unexpected error has the headers too.
    Starlette's TrustedHostMiddleware would not do: it cannot let every IP address pass, and its refusal has neither
    our words nor our JSON.

    Args:
        app: the application.
        names: hosts that the Host header may name, without the port.
        allows_addresses: whether it may also be any IP address, which no other site can rebind: for a server that
            listens beyond this machine, where nobody can list the addresses under which others reach it.
        timeout_s: longest time of a request, its body included: who sends a picture byte by byte is ended here.
    """

    def __init__(
        self,
        app: FastAPI,
        *,
        names: frozenset[str] = _LOOPBACK_NAMES,
        allows_addresses: bool = False,
        timeout_s: float = 60.0,
    ) -> None:
        self.app = app
        self._names, self._allows_addresses, self._timeout_s = names, allows_addresses, timeout_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        has_begun = False

        async def send_with_headers(message: MutableMapping[str, Any]) -> None:
            nonlocal has_begun
            if message["type"] == "http.response.start":
                has_begun = True
                message["headers"] = [*message["headers"], *HEADERS]
            await send(message)

        async def refuse(status: int, message: str, remedy: str) -> None:
            scope["app"] = self.app  # the templates of error pages read it
            response = error_response(self.app.state.templates, Request(scope), status, message, remedy)
            await response(scope, receive, send_with_headers)

        headers = Request(scope).headers
        if not self._knows(_without_port(headers.get("host", ""))):
            await refuse(400, "the Host header names another machine", "use the address that the command printed")
        elif scope["method"] not in ("GET", "HEAD") and _is_cross_site(headers):
            await refuse(403, "a page of another site sent this", "use the inspector's own page")
        else:
            try:
                async with asyncio.timeout(self._timeout_s):
                    await self.app(scope, receive, send_with_headers)
            except TimeoutError:
                if not has_begun:
                    await refuse(503, f"no answer within {self._timeout_s:g} s", "ask for less, or again later")

    def _knows(self, name: str) -> bool:
        return name in self._names or (self._allows_addresses and _is_address(name))


def _is_cross_site(headers: Mapping[str, str]) -> bool:
    """Return whether a browser says that a page of another site sent a request.

    Every browser sends Sec-Fetch-Site or, with a POST, Origin; programs send neither, and may come.

    >>> _is_cross_site({"host": "a:1", "origin": "http://a:1"}), _is_cross_site({"host": "a:1", "origin": "null"})
    (False, True)
    """
    origin = headers.get("origin")
    is_foreign = origin is not None and origin.partition("://")[2] != headers.get("host", "")
    return is_foreign or headers.get("sec-fetch-site") == "cross-site"


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
