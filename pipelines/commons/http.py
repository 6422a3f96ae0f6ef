"""One GET with bounds on bytes, seconds, redirects and hosts, whatever the server does. A failure is a value."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urljoin, urlsplit

__all__ = ["HttpClient", "HttpResponse"]

_REDIRECTS = (301, 302, 303, 307, 308)
_PIECE_BYTES = 2**16


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """What the server answered, or why there is no usable answer.

    Args:
        status: of HTTP; 0: there is none.
        body: complete, if there is no problem.
        headers: names in lower case.
        problem: "" or timeout, connection, cut_off, too_large, compressed, redirect_refused, redirect_loop.
        detail: of the problem, for people.
        read_bytes: bytes of all bodies that were read, those of redirects too.
        is_whole: the server said where the body ends, and it ended there. Without that, a body that was cut off looks
            like a complete one.
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
        user_agent: names the program, and a way to reach its operator.
        origins: scheme and host (and port) of the only servers that are asked, wherever a redirect leads.
        max_bytes: largest body.
        timeout_s: for one file with its redirects, however slowly the bytes come.
        redirects: redirects that are followed for one file.
    """

    def __init__(
        self, user_agent: str, origins: tuple[str, ...], max_bytes: int, timeout_s: float, redirects: int = 5
    ) -> None:
        # "identity" asks for no compression: pictures are compressed, and a small gzip body can swell to gigabytes.
        self._headers = {"User-Agent": user_agent, "Accept-Encoding": "identity", "Accept": "image/*"}
        self._origins = frozenset(origins)
        self._max_bytes = max_bytes
        self._timeout_s = timeout_s
        self._redirects = redirects
        self._sockets = _Sockets()
        self._pools = _make_pools(self._sockets, next(iter(origins)))

    def get(self, url: str, headers: Mapping[str, str]) -> HttpResponse:
        """Get a file.

        Args:
            url: on one of the origins.
            headers: conditions, sent with the first address and not with redirects.
        """
        deadline = time.monotonic() + self._timeout_s
        read_bytes = 0
        for _ in range(self._redirects + 1):
            if _origin(url) not in self._origins:
                return HttpResponse(0, problem="redirect_refused", detail=f"to {url[:200]}", read_bytes=read_bytes)
            answer = self._get_once(url, headers, deadline)
            read_bytes += answer.read_bytes
            target = answer.headers.get("location")
            if answer.problem or answer.status not in _REDIRECTS or target is None:
                return replace(answer, read_bytes=read_bytes)
            url, headers = urljoin(url, target), {}  # the conditions were for the first address
        return HttpResponse(0, problem="redirect_loop", detail=f"more than {self._redirects}", read_bytes=read_bytes)

    def _get_once(self, url: str, headers: Mapping[str, str], deadline: float) -> HttpResponse:
        import urllib3
        from urllib3.exceptions import HTTPError, IncompleteRead, ProtocolError

        left = deadline - time.monotonic()
        if left <= 0:
            return HttpResponse(0, problem="timeout", detail=f"not done after {self._timeout_s:g} s")
        # urllib3's time-out is for one read from the socket: a header that comes a byte at a time would never reach it.
        # So a timer shuts the sockets down when the file's time is over, which ends the read.
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
            problem = _problem_of(error, (IncompleteRead, ProtocolError), read)
            answer = HttpResponse(0, problem=problem, detail=f"{type(error).__name__}: {error}"[:300])
        finally:
            watchdog.cancel()
        if late.is_set():
            answer = HttpResponse(0, problem="timeout", detail=f"not done after {self._timeout_s:g} s")
        return replace(answer, read_bytes=read.size)

    def _read(self, response: Any, read: _Body) -> HttpResponse:
        headers = {name.lower(): value for name, value in response.headers.items()}

        def refused(problem: str, detail: str) -> HttpResponse:
            return HttpResponse(response.status, b"", headers, problem, detail)

        try:
            encoding = headers.get("content-encoding", "identity").strip().lower()
            if encoding not in ("", "identity"):
                return refused("compressed", f"Content-Encoding {encoding[:40]}")
            length = headers.get("content-length", "")
            if length.isdecimal() and int(length) > self._max_bytes:
                return refused("too_large", f"{length} bytes, at most {self._max_bytes}")
            for piece in _pieces(response):
                if not read.add(piece):
                    return refused("too_large", f"more than {self._max_bytes} bytes")
        except BaseException:
            response.close()
            raise
        is_whole = length.isdecimal() or "chunked" in headers.get("transfer-encoding", "").lower()
        if read.is_done(response):
            response.release_conn()
        else:  # the rest of this body would be taken for the next answer
            response.close()
        return HttpResponse(response.status, b"".join(read.pieces), headers, is_whole=is_whole)


class _Body:
    """The bytes of a body that were read so far."""

    def __init__(self, max_bytes: int) -> None:
        self.pieces: list[bytes] = []
        self.size = 0
        self._max_bytes = max_bytes

    def add(self, piece: bytes) -> bool:
        """Add a piece; return False if the body is too large with it."""
        self.size += len(piece)
        if self.size > self._max_bytes:
            self.pieces = []
            return False
        self.pieces.append(piece)
        return True

    def is_done(self, response: Any) -> bool:
        """Return whether the body was read to its end, so that the connection can be used again."""
        return bool(response.length_remaining in (0, None))


class _Sockets:
    """The sockets of a client, which another thread can shut down while a request waits for one."""

    def __init__(self) -> None:
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()

    def add(self, connected: socket.socket) -> None:
        with self._lock:
            self._open = {known for known in self._open if known.fileno() >= 0} | {connected}

    def break_off(self, late: threading.Event) -> None:
        late.set()
        with self._lock:
            for connected in self._open:
                with contextlib.suppress(OSError):
                    connected.shutdown(socket.SHUT_RDWR)


def _make_pools(sockets: _Sockets, origin: str) -> Any:
    """Make pools of one connection each, which register their sockets; through the environment's proxy, if any."""
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
    # urllib3 makes its connections from the classes of its pools: that is the place to see their sockets.
    pools: Any = urllib3.PoolManager(maxsize=1) if is_direct else urllib3.ProxyManager(proxy or "", maxsize=1)
    pools.pool_classes_by_scheme = {"http": plain, "https": secure}
    return pools


def _pieces(response: Any) -> Iterator[bytes]:
    """Yield the body as it comes; a read returns what has arrived, and does not wait for a whole piece."""
    while piece := response.read1(_PIECE_BYTES, decode_content=False):
        yield piece


def _problem_of(error: Exception, cut: tuple[type[Exception], ...], read: _Body) -> str:
    from urllib3.exceptions import TimeoutError as HttpTimeout

    if isinstance(error, HttpTimeout):
        return "timeout"
    return "cut_off" if isinstance(error, cut) and (read.size or "ncomplete" in str(error)) else "connection"


def _origin(url: str) -> str:
    """Return scheme, host and port of an address; "" if it has a user name, or is no address.

    >>> _origin("https://upload.wikimedia.org/a.jpg"), _origin("file:///etc/passwd"), _origin("https://a@b/")
    ('https://upload.wikimedia.org', 'file://', '')
    """
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    return "" if "@" in parts.netloc else f"{parts.scheme}://{parts.netloc.lower()}"
