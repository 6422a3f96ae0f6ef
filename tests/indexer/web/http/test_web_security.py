"""What stands before the inspector: host names, other sites, headers on every response, and limits."""

from __future__ import annotations

import asyncio
import builtins
import io
import os
import time
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from indexer.index import WikiIndex
from indexer.search import SearchParams
from indexer.web.app import make_app
from indexer.web.given import Inspector
from indexer.web.http import Guard, WorkerThread
from indexer.web.http.security import HEADERS
from indexer.web.http.worker_thread import QueueFull
from indexer.web.search import TextView
from schemas.errors import IndexCorrupt
from tests.support.inspector import ask_inspector, make_index, picture_bytes

pytestmark = pytest.mark.integration

PNG = {"content-type": "image/png"}


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> WikiIndex:
    return make_index(tmp_path_factory.mktemp("guard") / "index")


@pytest.fixture(scope="module")
def client(index: WikiIndex, tmp_path_factory: pytest.TempPathFactory) -> TestClient:
    photos = tmp_path_factory.mktemp("photos")
    (photos / "Snow.jpg").write_bytes(picture_bytes(1, 2, 3, "JPEG"))
    return ask_inspector(index, images=photos)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 200),
        ("GET", "/?q=snow", 200),
        ("GET", "/doc/3", 200),
        ("GET", "/pictures/3/0", 200),
        ("GET", "/static/page.css", 200),
        ("GET", "/static/search.js", 200),
        ("GET", "/api/search?text=snow", 200),
        ("GET", "/openapi.json", 200),
        ("GET", "/nothing", 404),
        ("GET", "/api/search?k=x", 422),
        ("GET", "/pictures/x/0", 422),
        ("POST", "/", 405),
        ("DELETE", "/api/search", 405),
        ("POST", "/api/images", 415),
    ],
)
def test_every_response_has_the_headers(client: TestClient, method: str, path: str, status: int) -> None:
    response = client.request(method, path)
    assert response.status_code == status
    for name, value in HEADERS:
        assert response.headers.get_list(name.decode()) == [value.decode()], name
    assert "script-src" not in response.headers["content-security-policy"], "scripts are as all else: our own files"
    assert "access-control-allow-origin" not in response.headers and "server" not in response.headers


def test_an_error_of_our_own_has_them_too_and_tells_nothing(index: WikiIndex, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("secret of the machine")

    monkeypatch.setattr(TextView, "search", broken)
    response = ask_inspector(index).get("/api/search?text=snow")
    assert response.status_code == 500 and "secret" not in response.text
    assert response.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost:1", "LOCALHOST:8765", "[::1]:8765"])
def test_this_machine_may_be_called_by_its_own_names(client: TestClient, host: str) -> None:
    assert client.get("/api/search?text=snow", headers={"host": host}).status_code == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "localhost.evil", "10.0.0.7", "", "[::1", "@"]
)
def test_another_name_is_refused(client: TestClient, host: str) -> None:
    response = client.get("/api/search?text=snow", headers={"host": host})
    assert response.status_code == 400 and response.json()["error"]["remedy"]
    assert response.headers["x-frame-options"] == "DENY"
    assert client.get("/", headers={"host": host}).status_code == 400


def test_a_server_of_all_addresses_takes_any_address_and_no_strange_name(index: WikiIndex) -> None:
    client = TestClient(make_app(Inspector(index), host="0.0.0.0"))
    for host, status in (("10.0.0.7:80", 200), ("[fe80::1]", 200), ("localhost", 200), ("evil.example", 400)):
        assert client.get("/static/page.css", headers={"host": host}).status_code == status, host


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": "http://127.0.0.1:1"},
        {"sec-fetch-site": "cross-site"},
    ],
)
def test_another_site_cannot_send_pictures(client: TestClient, headers: dict[str, str]) -> None:
    body = picture_bytes(1, 1, 1)
    assert client.post("/api/images", content=body, headers=PNG | headers).status_code == 403
    own = {"origin": "http://127.0.0.1:8765", "sec-fetch-site": "same-origin"}
    assert client.post("/api/images", content=body, headers=PNG | own).status_code == 200


WAYS = [
    "../../../etc/passwd",
    "..%2f..%2f..%2fetc%2fpasswd",
    "%2e%2e/%2e%2e/etc/passwd",
    "/etc/passwd",
    "..\\..\\x",
    "a%00b",
]
PLACES = ["/static/{}", "/doc/{}", "/pictures/{}/0", "/pictures/3/{}", "/api/images/{}", "/api/documents/{}", "/{}"]
QUERIES = [
    "/?q={}",
    "/?image={}",
    "/?view={}",
    "/api/search?text={}",
    "/api/search?image={}",
    "/api/explain?doc_id={}&text=a",
]


def test_no_request_names_a_file_that_is_opened(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    for path in ("/?q=snow", "/doc/3", "/pictures/3/0", "/api/documents/x.jpg"):
        client.get(path)  # tables and templates open at their first use
    opened: list[str] = []

    def watch(real: Any) -> Any:
        def watched(path: Any, *rest: Any, **more: Any) -> Any:
            opened.append(os.fsdecode(path) if isinstance(path, (str, bytes, os.PathLike)) else "")
            return real(path, *rest, **more)

        return watched

    for where, name in ((builtins, "open"), (io, "open"), (os, "open"), (os, "stat"), (os, "lstat"), (os, "scandir")):
        monkeypatch.setattr(where, name, watch(getattr(where, name)))
    for place in PLACES + QUERIES:
        for way in WAYS:
            response = client.get(place.format(way))
            assert response.status_code < 500 and "root:" not in response.text, (place, way)
    assert not [path for path in opened if "passwd" in path or ".." in path or "\0" in path]


def test_a_request_that_takes_too_long_is_ended(index: WikiIndex, monkeypatch: pytest.MonkeyPatch) -> None:
    async def slow(*_: object, **__: object) -> None:
        await asyncio.sleep(5)

    monkeypatch.setattr(TextView, "search", slow)
    client = TestClient(Guard(make_app(Inspector(index)).app, timeout_s=0.05), base_url="http://127.0.0.1")
    began = time.monotonic()
    response = client.get("/api/search?text=snow")
    assert response.status_code == 503 and "no answer within 0.05 s" in response.text
    assert time.monotonic() - began < 4 and response.headers["x-frame-options"] == "DENY"


def test_a_thread_with_a_full_queue_refuses() -> None:
    async def fill() -> None:
        thread = WorkerThread("test", max_waiting=1)
        first = asyncio.ensure_future(thread.run(lambda: time.sleep(0.2)))
        await asyncio.sleep(0.05)
        with pytest.raises(QueueFull):
            await thread.run(lambda: None)
        await first
        assert await thread.run(lambda: 7) == 7

    asyncio.run(fill())


def test_too_many_questions_at_a_time_are_told_to_come_later(index: WikiIndex, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(WorkerThread.__init__, "__defaults__", (0,))
    response = ask_inspector(index).get("/api/search?text=snow")
    assert response.status_code == 503 and "second" in response.json()["error"]["remedy"]


def test_questions_of_one_time_are_answered_one_by_one_and_each_gets_its_own(index: WikiIndex) -> None:
    class Recording:
        running = most = 0

        def search_text(self, texts: list[str], k: int, boost: float) -> list[Any]:
            self.running += 1
            self.most = max(self.most, self.running)
            time.sleep(0.002)
            self.running -= 1
            if "broken" in texts:
                raise IndexCorrupt("broken")
            return [[text, k, boost] for text in texts]

    async def ask(view: TextView) -> list[Any]:
        params = [SearchParams(1), SearchParams(2)]
        questions = [view.search("broken" if n == 7 else f"q{n}", params[n // 20]) for n in range(40)]
        return await asyncio.gather(*questions, return_exceptions=True)

    recording = Recording()
    answers = asyncio.run(ask(TextView(recording)))  # type: ignore[arg-type]
    assert isinstance(answers[7], IndexCorrupt)
    assert all(answer == [f"q{n}", 1 + n // 20, 0.0] for n, answer in enumerate(answers) if n != 7)
    assert recording.most == 1, "Java is never asked by two threads"


def test_a_style_sheet_that_the_browser_has_is_not_sent_again(client: TestClient) -> None:
    first = client.get("/static/page.css")
    assert first.headers["content-type"].startswith("text/css") and first.headers["cache-control"] == "no-cache"
    again = client.get("/static/page.css", headers={"if-none-match": first.headers["etag"]})
    assert again.status_code == 304 and not again.content


def test_pages_load_nothing_from_elsewhere() -> None:
    folder = Path(__file__).resolve().parents[4] / "indexer" / "web"
    sources = [*folder.glob("templates/*.html"), *folder.glob("static/*")]
    assert len(sources) > 5
    for path in sources:
        text = path.read_text(encoding="utf-8")
        assert "http://" not in text and "https://" not in text and "<style" not in text and " style=" not in text, path
        assert "|safe" not in text.replace(" ", ""), path
