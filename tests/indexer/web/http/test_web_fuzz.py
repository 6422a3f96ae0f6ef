"""The inspector attacked: requests made from its own description, and bytes that no browser sends."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.request import Request, urlopen

import pytest

from tests.support.inspector_folders import InspectorFolders, Served

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

HEAD = b"Host: 127.0.0.1\r\n"
END = HEAD + b"Connection: close\r\n\r\n"
ENDLESS = b"8000\r\n" + b"x" * 0x8000 + b"\r\n"
PATHS = {
    "dots": b"/../../../../etc/passwd",
    "dots below static": b"/static/../../../etc/passwd",
    "escaped dots": b"/static/%2e%2e%2f%2e%2e%2fserver.py",
    "twice escaped dots": b"/static/%252e%252e%252fserver.py",
    "dots as a document": b"/doc/..%2F..%2Fmanifest.json",
    "a file as a picture": b"/sample-pictures/large/test/..%2F..%2Fetc%2Fpasswd",
    "a file as a run": b"/runs/..%2F..%2Fserve.log",
    "two slashes": b"//etc/passwd",
    "another host in the path": b"http://example.org/",
    "an overlong slash": b"/static/..%c0%af..%c0%afetc/passwd",
    "backslashes": b"/static/..\\..\\pyproject.toml",
    "a null byte": b"/doc/%00",
    "a null byte in a name": b"/runs/text%00.html",
    "a null byte in the words": b"/?q=%00",
    "escapes that are none": b"/doc/%zz%?q=%",
    "bytes that are no text": b"/api/search?text=%ff%fe%ed%a0%80",
    "half of a surrogate pair": b"/samples?q=%ed%b0%80",
    "a split that is none": b"/samples/__class__/x",
    "a number that is none": b"/?q=a&k=1e400",
    "a number without end": b"/api/search?text=a&k=" + b"9" * 5000,
    "not a number": b"/api/search?text=a&title_boost=nan",
    "operators": b"/api/search?text=*%3A*+AND+(+%22+%5B+TO+%5D+~+%5E+%2F.%2B%2F",
    "the same parameter often": b"/?" + b"q=a&" * 2000,
    "very long words": b"/?q=" + b"a" * 60_000,
}
REQUESTS = {
    "no request": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(200),
    "no version": b"GET /\r\n\r\n",
    "no such method": b"BREW / HTTP/1.1\r\n" + END,
    "another protocol": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "a socket of the web": b"GET / HTTP/1.1\r\nUpgrade: websocket\r\n" + END,
    "a null byte in the line": b"GET /\x00 HTTP/1.1\r\n" + END,
    "bytes in the line": b"GET /\xff\xfe HTTP/1.1\r\n" + END,
    "a null byte in a header": b"GET / HTTP/1.1\r\nX: a\x00b\r\n" + END,
    "no host": b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n",
    "another host": b"GET / HTTP/1.1\r\nHost: example.org\r\nConnection: close\r\n\r\n",
    "a long header": b"GET / HTTP/1.1\r\nX: " + b"a" * 500_000 + b"\r\n" + END,
    "many headers": b"GET / HTTP/1.1\r\n" + b"X: a\r\n" * 50_000 + END,
    "a negative length": b"POST /api/images HTTP/1.1\r\nContent-Length: -1\r\n" + END,
    "a length that is none": b"POST /api/images HTTP/1.1\r\nContent-Length: ten\r\n" + END,
    "two lengths": b"POST /api/images HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 9\r\n" + END + b"x",
    "a length and chunks": b"POST /api/images HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n"
    + END + b"0\r\n\r\nGET /nothing HTTP/1.1\r\n" + END,
    "a huge length": b"POST /api/images HTTP/1.1\r\nContent-Type: image/png\r\nContent-Length: 99999999999\r\n" + END,
    "a chunk that is none": b"POST /api/images HTTP/1.1\r\nTransfer-Encoding: chunked\r\n" + END + b"zz\r\n",
    "a form": b"POST /api/images HTTP/1.1\r\nContent-Type: multipart/form-data\r\nContent-Length: 2\r\n" + END + b"--",
    "a picture that is none": b"POST /api/images HTTP/1.1\r\nContent-Type: image/png\r\nContent-Length: 9\r\n"
    + END + b"\x89PNG\r\n\x1a\n\x00",
}  # fmt: skip


@pytest.fixture
def calm(served: Served, inspector_folders: InspectorFolders) -> Iterator[Served]:
    """The server; after the test it must answer, must not have grown, and must have logged no error of its own."""
    picture = Request(f"{served.url}/api/images", inspector_folders.photo.read_bytes(), {"Content-Type": "image/jpeg"})
    with urlopen(picture, timeout=120) as response:  # the first one loads the encoder
        assert response.status == 200
    before_mb = served.memory_mb()
    yield served
    assert answers(served)
    assert served.memory_mb() < before_mb + 150
    assert "Traceback" not in served.log.read_text()


def answers(served: Served) -> bool:
    with urlopen(f"{served.url}/api/search?text=rockets", timeout=60) as response:
        return bool(json.load(response)["answers"])


def send(served: Served, data: bytes, *, timeout_s: float = 60) -> bytes:
    """Send bytes and return everything that comes back until the server ends the connection."""
    received = b""
    with socket.create_connection(("127.0.0.1", served.port), timeout=timeout_s) as connection:
        with contextlib.suppress(ConnectionError):  # refused before all was sent
            connection.sendall(data)
        with contextlib.suppress(ConnectionError):
            while part := connection.recv(65_536):
                received += part
    return received


def statuses(received: bytes) -> list[int]:
    return [int(part[:3]) for part in received.split(b"HTTP/1.1 ")[1:]]


def test_paths_lead_nowhere_but_to_pages(calm: Served) -> None:
    told = {name: send(calm, b"GET " + path + b" HTTP/1.1\r\n" + END) for name, path in PATHS.items()}
    odd = {name: received[:80] for name, received in told.items() if statuses(received) not in ([200], [404], [422])}
    assert not odd
    leaked = [name for name, received in told.items() if b"root:" in received or str(calm.cwd).encode() in received]
    assert not leaked


def test_broken_requests_are_refused(calm: Served) -> None:
    told = {name: statuses(send(calm, data)) for name, data in REQUESTS.items()}
    assert told.pop("a socket of the web") == [200], "it is answered as the page that it names"
    assert told.pop("another protocol") == [400, 400], "its first line has no Host, its second is no request"
    assert not {name: found for name, found in told.items() if len(found) != 1 or not 400 <= found[0] < 500}


def test_a_body_without_end_is_cut_off(calm: Served) -> None:
    """More than 20 MB are not held, whatever the request says of them."""
    with socket.create_connection(("127.0.0.1", calm.port), timeout=60) as connection:
        connection.sendall(
            b"POST /api/images HTTP/1.1\r\nContent-Type: image/png\r\nTransfer-Encoding: chunked\r\n" + END
        )
        sent = 0
        with contextlib.suppress(ConnectionError):
            while sent < 200_000_000:
                connection.sendall(ENDLESS)
                sent += 0x8000
        with contextlib.suppress(ConnectionError):
            assert connection.recv(100).startswith(b"HTTP/1.1 413")
    assert sent < 100_000_000, "the server took it all"


def test_slow_senders_do_not_hold_up_the_others(calm: Served) -> None:
    with contextlib.ExitStack() as stack:
        for number in range(200):
            slow = stack.enter_context(socket.create_connection(("127.0.0.1", calm.port), timeout=60))
            slow.sendall(b"POST /api/images HTTP/1.1\r\nContent-Type: image/png\r\nContent-Length: 9\r\n")
            if number % 2:
                slow.sendall(HEAD + b"\r\nx")
        began = time.perf_counter()
        assert answers(calm)
        assert time.perf_counter() - began < 20


def test_a_connection_on_which_no_request_comes_is_ended(inspector_folders: InspectorFolders, tmp_path: Path) -> None:
    program = "from indexer.web.http import connections; connections._HEAD_TIMEOUT_S = 1.0; "
    program += "from indexer.cli import main; main()"
    command = [sys.executable, "-c", program, "serve", str(inspector_folders.root / "wiki"), "--port", "0"]
    with Served(command, tmp_path) as served:
        assert send(served, b"", timeout_s=30) == b""
        assert statuses(send(served, b"GET / HTTP/1.1\r\n" + HEAD, timeout_s=30)) == [400]
        whole = b"GET /api/index HTTP/1.1\r\n" + HEAD + b"\r\n"
        assert statuses(send(served, whole + b"GET / HT", timeout_s=30)) == [200, 400]
        assert answers(served)


@pytest.mark.skipif(importlib.util.find_spec("schemathesis") is None, reason="schemathesis is not installed")
def test_requests_made_from_the_description_get_the_answers_it_describes(calm: Served, tmp_path: Path) -> None:
    """No status of 500 or more, none that is not described, no answer of another form."""
    command = [str(Path(sys.executable).with_name("schemathesis")), "run", f"{calm.url}/openapi.json", "--no-color"]
    command += ["--phases", "fuzzing", "--max-examples", "8", "--generation-deterministic", "--seed", "1"]
    command += ["--checks", "all", "--exclude-checks", ",".join(NOT_CHECKED), "--request-timeout", "60"]
    command += ["--max-response-time", "60"]  # the machine may be busy
    command += ["--suppress-health-check", "all"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr


NOT_CHECKED = (
    "positive_data_acceptance",  # some values need each other: a search without words and picture is a 400
    "allow_header_conformance",  # two routes of one path name their own method each
)
