"""A server on loopback with the addresses of Commons, which behaves as badly as a test wants.

with CommonsServer() as site:
    site.pictures["Tea cup.jpg"] = data
    site.behave("Tea cup.jpg", answers)   # each request takes the next answer, the last one stays
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from urllib.parse import unquote, urlsplit

from schemas.titles import hashed_folder, quoted_name

Answer = Callable[[BaseHTTPRequestHandler], None]


class CommonsServer:
    """The site. requests: (path, headers) of each, in order; most_at_once: requests served at the same time."""

    def __init__(self) -> None:
        self.pictures: dict[str, bytes] = {}
        self.renamed: dict[str, str] = {}
        self.requests: list[tuple[str, dict[str, str]]] = []
        self.most_at_once = 0
        self.delay_s = 0.0
        self.ended = threading.Event()
        self._answers: dict[str, list[Answer]] = {}
        self._at_once = 0
        self._lock = threading.Lock()
        site = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                site.serve(self)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._server.handle_error = lambda *_: None  # type: ignore[method-assign]
        self.base = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    def __enter__(self) -> CommonsServer:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.ended.set()
        self._server.shutdown()
        self._server.server_close()

    def behave(self, file: str, answers: Sequence[Answer]) -> None:
        """Set the answers for requests that name a file, one after the other; the last one stays."""
        self._answers[file] = list(answers)

    def count(self, file: str) -> int:
        """Count the requests that name a file."""
        return sum(file.replace(" ", "_") in unquote(path) for path, _ in self.requests)

    def serve(self, handler: BaseHTTPRequestHandler) -> None:
        with self._lock:
            self.requests.append((handler.path, dict(handler.headers)))
            self._at_once += 1
            self.most_at_once = max(self.most_at_once, self._at_once)
        try:
            time.sleep(self.delay_s)
            with contextlib.suppress(OSError):
                self._answer(handler)
        finally:
            with self._lock:
                self._at_once -= 1

    def _answer(self, handler: BaseHTTPRequestHandler) -> None:
        path = unquote(urlsplit(handler.path).path)
        file = next((file for file in self._answers if file.replace(" ", "_") in path), None)
        if file is not None:
            answers = self._answers[file]
            (answers.pop(0) if len(answers) > 1 else answers[0])(handler)
            return
        for name, data in self.pictures.items():
            if path.startswith(f"/wikipedia/commons/thumb/{hashed_folder(name)}/{name.replace(' ', '_')}/"):
                picture(data)(handler)
                return
        for old, new in self.renamed.items():
            if path == f"/wiki/Special:Redirect/file/{old.replace(' ', '_')}":
                redirect(thumb(new))(handler)
                return
        status(404)(handler)


def thumb(file: str, width_px: int = 330) -> str:
    """The path of a thumbnail of an ordinary JPEG, from the rules and not through the code under test."""
    return f"/wikipedia/commons/thumb/{hashed_folder(file)}/{quoted_name(file)}/{width_px}px-{quoted_name(file)}"


def _send(handler: BaseHTTPRequestHandler, code: int, headers: dict[str, str], body: bytes = b"") -> None:
    handler.send_response(code)
    for name, value in headers.items():
        handler.send_header(name, value)
    handler.end_headers()
    handler.wfile.write(body)


def picture(data: bytes, **headers: str) -> Answer:
    """The picture, whole. headers: further ones, with underscores for hyphens."""
    more = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda handler: _send(
        handler, 200, {"Content-Type": "image/jpeg", "Content-Length": str(len(data)), **more}, data
    )


def status(code: int, body: bytes = b"", **headers: str) -> Answer:
    """An error, or 304."""
    more = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda handler: _send(handler, code, {"Content-Length": str(len(body)), **more}, body)


def redirect(to: str, code: int = 302) -> Answer:
    """A redirect to a path or an address."""
    return status(code, Location=to)


def html(text: str = "<!DOCTYPE html><html><body>Sign in to this network</body></html>") -> Answer:
    """A page with status 200, as captive portals send it."""
    body = text.encode()
    return lambda handler: _send(handler, 200, {"Content-Type": "text/html", "Content-Length": str(len(body))}, body)


def cut(data: bytes, told: int | None, sent: int) -> Answer:
    """A part of the picture, then the end of the connection; told: the Content-Length, or none."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        length = {} if told is None else {"Content-Length": str(told)}
        _send(handler, 200, {"Content-Type": "image/jpeg", "Connection": "close", **length}, data[:sent])
        handler.wfile.flush()
        handler.close_connection = True

    return answer


def hang_up() -> Answer:
    """The end of the connection, without a word."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.close_connection = True
        handler.connection.close()

    return answer


def drip(site: CommonsServer, in_headers: bool = False) -> Answer:
    """A byte now and then, for ever."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: " if in_headers else b"HTTP/1.1 200 OK\r\n\r\n\xff\xd8\xff")
        while not site.ended.wait(0.05):
            handler.wfile.write(b"a")
            handler.wfile.flush()

    return answer


def endless(site: CommonsServer) -> Answer:
    """Bytes without end, in chunks that tell no length."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        _send(handler, 200, {"Content-Type": "image/jpeg", "Transfer-Encoding": "chunked"})
        piece = b"\xff\xd8\xff" + b"\0" * 65_533
        while not site.ended.is_set():
            handler.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))

    return answer
