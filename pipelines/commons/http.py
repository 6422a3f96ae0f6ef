"""One bounded GET: what a server may do to us, in bytes, seconds, redirects and hosts. It tells and never raises."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urljoin, urlsplit

__all__ = ["Answer", "HttpClient"]

_REDIRECTS = (301, 302, 303, 307, 308)
_PIECE_BYTES = 2**16


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back.

    Args:
        status: of HTTP; 0: none came.
        body: whole, if there is no problem.
        headers: names in lower case.
        problem: "" or timeout, connection, cut_off, too_large, compressed, redirect_refused, redirect_loop.
        detail: for people.
        read_bytes: of all bodies that were read on the way.
        is_whole: the server told where the body ends, and it ended there.
    """

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    problem: str = ""
    detail: str = ""
    read_bytes: int = 0
    is_whole: bool = False


class HttpClient:
    """Gets small files from named hosts. One request at a time; it does not pickle.

    Args:
        user_agent: who asks; it must name a way to reach the operator.
        origins: scheme and host (and port) of the only servers that are asked, whatever a redirect says.
        max_bytes: largest body.
        timeout_s: for one file, redirects included, however slowly it comes.
        redirects: most of them for one file.
    """

    def __init__(
        self, user_agent: str, origins: tuple[str, ...], max_bytes: int, timeout_s: float, redirects: int = 5
    ) -> None:
        self._headers = {"User-Agent": user_agent, "Accept-Encoding": "identity", "Accept": "image/*"}
        self._origins = frozenset(origins)
        self._max_bytes = max_bytes
        self._timeout_s = timeout_s
        self._redirects = redirects
        self._sockets = _Sockets()
        self._pools = _make_pools(self._sockets, next(iter(origins)))

    def get(self, url: str, headers: Mapping[str, str]) -> Answer:
        """Get a file.

        Args:
            url: on one of the origins.
            headers: conditions, for the first address only.
        """
        deadline = time.monotonic() + self._timeout_s
        read_bytes = 0
        for _ in range(self._redirects + 1):
            if _origin(url) not in self._origins:
                return Answer(0, problem="redirect_refused", detail=f"to {url[:200]}", read_bytes=read_bytes)
            answer = self._get_once(url, headers, deadline)
            read_bytes += answer.read_bytes
            target = answer.headers.get("location")
            if answer.problem or answer.status not in _REDIRECTS or target is None:
                return Answer(**{**_fields(answer), "read_bytes": read_bytes})
            url, headers = urljoin(url, target), {}
        return Answer(0, problem="redirect_loop", detail=f"more than {self._redirects}", read_bytes=read_bytes)

    def _get_once(self, url: str, headers: Mapping[str, str], deadline: float) -> Answer:
        import urllib3
        from urllib3.exceptions import HTTPError, IncompleteRead, ProtocolError

        left = deadline - time.monotonic()
        if left <= 0:
            return Answer(0, problem="timeout", detail=f"not done after {self._timeout_s:g} s")
        late = threading.Event()
        watchdog = threading.Timer(left, self._sockets.break_off, [late])
        watchdog.daemon = True
        watchdog.start()
        read = _Body(self._max_bytes)
        try:
            response = self._pools.request(
                "GET", url, headers={**self._headers, **headers}, redirect=False, retries=False,
                preload_content=False, decode_content=False, timeout=urllib3.Timeout(connect=min(left, 20), read=left),
            )  # fmt: skip
            answer = self._read(response, read)
        except (HTTPError, OSError, ValueError) as error:
            answer = Answer(0, problem=_problem_of(error, (IncompleteRead, ProtocolError), read), detail=_words(error))
        finally:
            watchdog.cancel()
        if late.is_set():
            answer = Answer(0, problem="timeout", detail=f"not done after {self._timeout_s:g} s")
        return Answer(**{**_fields(answer), "read_bytes": read.size})

    def _read(self, response: Any, read: _Body) -> Answer:
        headers = {name.lower(): value for name, value in response.headers.items()}
        try:
            encoding = headers.get("content-encoding", "identity").strip().lower()
            if encoding not in ("", "identity"):
                return Answer(response.status, b"", headers, "compressed", f"Content-Encoding {encoding[:40]}")
            length = headers.get("content-length", "")
            if length.isdecimal() and int(length) > self._max_bytes:
                return Answer(response.status, b"", headers, "too_large", f"{length} bytes, at most {self._max_bytes}")
            for piece in _pieces(response):
                if not read.add(piece):
                    return Answer(response.status, b"", headers, "too_large", f"more than {self._max_bytes} bytes")
        except BaseException:
            response.close()
            raise
        is_whole = length.isdecimal() or "chunked" in headers.get("transfer-encoding", "").lower()
        if read.is_done(response):
            response.release_conn()
        else:
            response.close()
        return Answer(response.status, b"".join(read.pieces), headers, is_whole=is_whole)


class _Body:
    """The bytes that have come so far."""

    def __init__(self, max_bytes: int) -> None:
        self.pieces: list[bytes] = []
        self.size = 0
        self._max_bytes = max_bytes

    def add(self, piece: bytes) -> bool:
        """Take a piece; false if it is too much."""
        self.size += len(piece)
        if self.size > self._max_bytes:
            self.pieces = []
            return False
        self.pieces.append(piece)
        return True

    def is_done(self, response: Any) -> bool:
        """Tell whether the connection may be used again."""
        return bool(response.length_remaining in (0, None))


class _Sockets:
    """The sockets of this client, so that a request can be broken off while it waits in C."""

    def __init__(self) -> None:
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()

    def add(self, connected: socket.socket) -> None:
        with self._lock:
            self._open = {some for some in self._open if some.fileno() >= 0} | {connected}

    def break_off(self, late: threading.Event) -> None:
        late.set()
        with self._lock:
            for some in self._open:
                with contextlib.suppress(OSError):
                    some.shutdown(socket.SHUT_RDWR)


def _make_pools(sockets: _Sockets, origin: str) -> Any:
    """Make connection pools of one connection each, which tell their sockets; through the proxy that is set, if any."""
    from urllib.request import getproxies, proxy_bypass

    import urllib3
    from urllib3.connection import HTTPConnection, HTTPSConnection
    from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

    class Plain(HTTPConnection):
        def connect(self) -> None:
            super().connect()
            sockets.add(self.sock)

    class Secure(HTTPSConnection):
        def connect(self) -> None:
            super().connect()
            sockets.add(self.sock)

    plain = type("Pool", (HTTPConnectionPool,), {"ConnectionCls": Plain})
    secure = type("SecurePool", (HTTPSConnectionPool,), {"ConnectionCls": Secure})
    parts = urlsplit(origin)
    proxy = getproxies().get(parts.scheme)
    is_direct = proxy is None or bool(proxy_bypass(parts.hostname or ""))
    pools: Any = urllib3.PoolManager(maxsize=1) if is_direct else urllib3.ProxyManager(proxy or "", maxsize=1)
    pools.pool_classes_by_scheme = {"http": plain, "https": secure}
    return pools


def _pieces(response: Any) -> Iterator[bytes]:
    """Return the body as it comes; a read never waits for more than one piece from the network."""
    while piece := response.read1(_PIECE_BYTES, decode_content=False):
        yield piece


def _problem_of(error: Exception, cut: tuple[type[Exception], ...], read: _Body) -> str:
    from urllib3.exceptions import TimeoutError as Late

    if isinstance(error, Late):
        return "timeout"
    return "cut_off" if isinstance(error, cut) and (read.size or "ncomplete" in str(error)) else "connection"


def _words(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:300]


def _fields(answer: Answer) -> dict[str, Any]:
    return {name: getattr(answer, name) for name in Answer.__slots__}


def _origin(url: str) -> str:
    """Return scheme, host and port of an address, or "" for what has a user name or cannot be read.

    >>> _origin("https://upload.wikimedia.org/a.jpg"), _origin("file:///etc/passwd"), _origin("https://a@b/")
    ('https://upload.wikimedia.org', 'file://', '')
    """
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    return "" if "@" in parts.netloc else f"{parts.scheme}://{parts.netloc.lower()}"
