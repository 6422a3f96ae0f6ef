"""The command `mie-index serve`: it starts, answers, stops; and where it must not listen."""

from __future__ import annotations

import contextlib
import json
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path
from urllib.request import urlopen

import pytest
from typer.testing import CliRunner

from indexer.cli import app
from schemas.errors import IndexNotFound, InputError, UsageError
from tests.support.commands import mie_index
from tests.support.inspector import make_index

pytestmark = pytest.mark.e2e

UNFINISHED = b"POST /api/images HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: image/png\r\nContent-Length: 9\r\n\r\na"
HEAVY = {"torch", "transformers", "apache_beam", "faiss", "pandas", "open_clip", "timm", "matplotlib"}
WATCHED = (
    "import sys, atexit\n"
    "atexit.register(lambda: print(' '.join(sorted(m for m in sys.modules if '.' not in m))))\n"
    "from indexer.cli import main; main()"
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_index(tmp_path_factory.mktemp("serve") / "index").folder


def send(port: int, data: bytes) -> str:
    """Send bytes, close that direction, and return the first part of the answer."""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        with contextlib.suppress(ConnectionError):  # it may be closed before all is sent
            connection.sendall(data)
            connection.shutdown(socket.SHUT_WR)
        with contextlib.suppress(ConnectionError):
            return connection.recv(1000).decode("latin-1")
    return ""


def test_the_command_answers_and_ends_by_an_interrupt(folder: Path) -> None:
    command = [sys.executable, "-c", WATCHED, "serve", str(folder), "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None and process.stderr is not None
        try:
            address = process.stdout.readline().strip()
            assert address.startswith("http://127.0.0.1:") and not address.endswith(":0/")
            with urlopen(f"{address}api/search?text=dogs+love+snow&k=1") as response:
                found = json.load(response)
            with urlopen(address) as response:
                assert b'id="search"' in response.read()
            port = int(address.rstrip("/").rpartition(":")[2])
            assert " 400 " in send(port, b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n" + b"X: a\r\n" * 12_000)
            send(port, UNFINISHED)
            process.send_signal(signal.SIGINT)
            rest, told = process.communicate(timeout=30)
        finally:
            process.kill()
    assert process.returncode == 130 and told == "WARNING:  Invalid HTTP request received.\n", told
    assert found["answers"][0]["matched"] == "Dogs love the snow."
    assert not set(rest.split()) & HEAVY, "text is answered without the libraries of pictures"


def test_more_connections_than_the_limit_are_told_to_come_later(folder: Path) -> None:
    program = "from indexer.web.http import server; server._MAX_CONNECTIONS = 3; from indexer.cli import main; main()"
    command = [sys.executable, "-c", program, "serve", str(folder), "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        try:
            port = int(process.stdout.readline().strip().rstrip("/").rpartition(":")[2])
            request = b"GET /api/index HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
            with contextlib.ExitStack() as stack:
                for _ in range(2):
                    stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=20))
                assert " 503 " in send(port, request)
            assert " 200 " in send(port, request)
        finally:
            process.kill()


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1"])
def test_an_address_that_others_reach_is_refused_without_the_flag(folder: Path, host: str) -> None:
    done = mie_index("serve", folder, "--host", host, cwd=folder, code=2)
    assert "--allow-remote" in done.stderr and done.stdout == ""


def test_a_port_in_use_is_told(folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        done = mie_index("serve", folder, "--port", taken.getsockname()[1], cwd=folder, code=2)
    assert "another program listens there" in done.stderr and "--port" in done.stderr


def test_what_cannot_be_shown_ends_the_command_before_it_listens(folder: Path, tmp_path: Path) -> None:
    done = mie_index("serve", tmp_path, "--port", 0, cwd=folder, code=4)
    assert "no finished index" in done.stderr
    done = mie_index("serve", folder, "--port", 0, "--images", tmp_path / "none", cwd=folder, code=3)
    assert "cannot be listed" in done.stderr and done.stdout == ""


@pytest.mark.parametrize(
    ("options", "error", "told"),
    [
        (["--samples", "{}"], IndexNotFound, "no converted data set|dataset.json"),
        (["--run", "{}"], InputError, "no run here"),
        (["--contexts", "{}"], UsageError, "without the samples"),
        (["--sample-images", "{}/none"], UsageError, "no such folder of pictures"),
    ],
)
def test_a_folder_that_is_something_else_is_refused_at_the_start(
    folder: Path, tmp_path: Path, options: list[str], error: type[Exception], told: str
) -> None:
    given = [option.format(tmp_path) for option in options]
    done = CliRunner().invoke(app, ["serve", str(folder), "--port", "0", *given])
    assert isinstance(done.exception, error) and re.search(told, str(done.exception)), done.exception
