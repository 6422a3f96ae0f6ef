"""Commons over HTTP: its rules are kept, and a server on loopback that misbehaves costs a file, never the build."""

from __future__ import annotations

import email.utils
import functools
import gzip
import pickle
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from indexer.encoders import ImageRefused, decode_image
from pipelines.commons import make_commons_source
from pipelines.commons.cache import FetchCache
from pipelines.commons.commons import CommonsRules, CommonsSource
from pipelines.commons.pace import Pace
from pipelines.images import Missing
from schemas.errors import InputError, StoreError, UsageError
from tests.support.commons_server import (
    Answer,
    CommonsServer,
    cut,
    drip,
    endless,
    hang_up,
    html,
    picture,
    redirect,
    status,
    thumb,
)

FILE = "Tea cup.jpg"
RULES = CommonsRules(tries=3, first_pause_s=0.01, timeout_s=5, give_up=100, max_bytes=400_000)


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[CommonsServer]:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    with CommonsServer() as server:
        yield server


@pytest.fixture(scope="module")
def photo(shared_data: Path) -> bytes:
    return (shared_data / "coco128" / "000000000009.jpg").read_bytes()


def source_of(site: CommonsServer, **rules: float) -> CommonsSource:
    return CommonsSource("ops@our-lab.org", site.base, replace(RULES, **rules))


def reason(found: bytes | Missing) -> str:
    assert isinstance(found, Missing), f"{len(found)} bytes"
    assert found.detail
    return found.reason


def test_a_thumbnail_comes_from_its_hashed_address_with_a_contact(site: CommonsServer, photo: bytes) -> None:
    site.pictures["Étude (1), d'après & co.jpg"] = photo
    assert source_of(site).fetch("étude_(1),_d'après & co.jpg") == photo
    ((path, headers),) = site.requests
    assert path.startswith("/wikipedia/commons/thumb/")
    assert path.endswith("/330px-%C3%89tude_(1),_d%27apr%C3%A8s_%26_co.jpg")
    assert "(ops@our-lab.org)" in headers["User-Agent"]
    assert headers["User-Agent"].startswith("mie-context/")
    assert headers["Accept-Encoding"] == "identity"


@pytest.mark.parametrize(
    ("file", "shown"),
    [
        ("Map.svg", "500px-Map.svg.png"),
        ("Scan.tif", "lossy-page1-500px-Scan.tif.jpg"),
        ("Book.djvu", "page1-500px-Book.djvu.jpg"),
        ("Film.webm", "500px--Film.webm.jpg"),
        ("New.webp", "500px-New.webp.png"),
        ("Turn.gif", "500px-Turn.gif"),
        ("A" * 170 + ".jpg", "500px-thumbnail.jpg"),
    ],
)
def test_what_is_no_raster_is_asked_for_as_its_served_raster(
    site: CommonsServer, photo: bytes, file: str, shown: str
) -> None:
    site.pictures[file] = photo
    assert source_of(site, width_px=500).fetch(file) == photo
    assert site.requests[0][0].endswith(f"/{shown}")


def test_a_renamed_file_and_one_smaller_than_the_width_are_found_by_redirect(site: CommonsServer, photo: bytes) -> None:
    site.pictures["New name.jpg"] = photo
    site.renamed["Old name.jpg"] = "New name.jpg"
    assert source_of(site).fetch("Old name.jpg") == photo
    assert [path.partition("?")[0] for path, _ in site.requests] == [
        thumb("Old name.jpg"),
        "/wiki/Special:Redirect/file/Old_name.jpg",
        thumb("New name.jpg"),
    ]


def test_what_is_in_the_cache_is_not_asked_for_again(site: CommonsServer, photo: bytes) -> None:
    site.pictures[FILE] = photo
    source = source_of(site)
    assert source.fetch(FILE) == photo
    assert pickle.loads(pickle.dumps(source)).fetch("tea_cup.jpg") == photo
    assert len(site.requests) == 1


def test_a_file_that_is_not_there_is_remembered(site: CommonsServer) -> None:
    for _ in range(3):
        assert reason(source_of(site).fetch(FILE)) == "not_found"
    assert len(site.requests) == 2, "the thumbnail, and where the file may have gone"


def test_what_is_old_is_asked_for_on_condition(site: CommonsServer, photo: bytes) -> None:
    validators = {"ETag": '"v1"', "Last-Modified": "Wed, 21 Oct 2015 07:28:00 GMT"}
    site.behave(FILE, [picture(photo, **validators), status(304), picture(photo + b"\0")])
    assert source_of(site).fetch(FILE) == photo
    assert source_of(site, fresh_days=0).fetch(FILE) == photo
    assert site.requests[1][1]["If-None-Match"] == '"v1"'
    assert site.requests[1][1]["If-Modified-Since"] == validators["Last-Modified"]
    assert source_of(site, fresh_days=0).fetch(FILE) == photo + b"\0"
    assert source_of(site).fetch(FILE) == photo + b"\0"


def test_an_old_picture_is_better_than_none(site: CommonsServer, photo: bytes) -> None:
    site.behave(FILE, [picture(photo), status(503)])
    assert source_of(site).fetch(FILE) == photo
    assert source_of(site, fresh_days=0).fetch(FILE) == photo


@pytest.mark.parametrize("code", [429, 500, 502, 503, 504])
def test_a_busy_server_is_asked_again_later(site: CommonsServer, photo: bytes, code: int) -> None:
    site.behave(FILE, [status(code), status(code), picture(photo)])
    assert source_of(site).fetch(FILE) == photo
    assert len(site.requests) == 3


def test_pauses_grow_by_two(site: CommonsServer, monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []
    monkeypatch.setattr("pipelines.commons.commons.time", SimpleNamespace(sleep=pauses.append, time=time.time))
    site.behave(FILE, [status(500)])
    assert reason(source_of(site, first_pause_s=1, tries=5).fetch(FILE)) == "server_error"
    assert [round(pause / 2**at, 3) for at, pause in enumerate(pauses)] == pytest.approx([1] * 4, abs=0.26)


@pytest.mark.parametrize("form", ["seconds", "date"])
def test_retry_after_is_obeyed_by_everybody(site: CommonsServer, photo: bytes, form: str) -> None:
    pause = "1" if form == "seconds" else email.utils.formatdate(time.time() + 2, usegmt=True)
    site.behave(FILE, [status(429, Retry_After=pause), picture(photo)])
    site.pictures["Other.jpg"] = photo
    at: dict[str, float] = {}

    def ask(file: str) -> None:
        assert source_of(site).fetch(file) == photo
        at[file] = time.monotonic() - start

    start = time.monotonic()
    first = threading.Thread(target=ask, args=(FILE,))
    first.start()
    while not site.requests:
        time.sleep(0.01)
    time.sleep(0.1)
    ask("Other.jpg")
    first.join()
    assert min(at.values()) > 0.9


def test_a_pause_that_is_too_long_stops_the_build_and_not_the_file(site: CommonsServer) -> None:
    site.behave(FILE, [status(429, Retry_After="86400")])
    with pytest.raises(InputError, match="a pause of 86400 s") as caught:
        source_of(site).fetch(FILE)
    assert "what was fetched is kept" in str(caught.value)


def test_a_site_that_is_down_stops_the_build(site: CommonsServer, photo: bytes) -> None:
    source = source_of(site, give_up=3, tries=1)
    site.pictures["Good.jpg"] = photo
    for number in range(2):
        site.behave(f"Bad {number}.jpg", [status(500)])
        assert reason(source.fetch(f"Bad {number}.jpg")) == "server_error"
    assert source.fetch("Good.jpg") == photo
    assert reason(source.fetch("Nowhere.jpg")) == "not_found"
    assert reason(source.fetch("Bad 0.jpg")) == "server_error"
    assert reason(source.fetch("Bad 1.jpg")) == "server_error"
    with pytest.raises(InputError, match="3 files one after the other"):
        source.fetch("Bad 0.jpg")


@functools.cache
def bomb() -> bytes:
    return gzip.compress(b"\xff\xd8\xff" + b"\0" * 50_000_000)


@pytest.mark.parametrize(
    ("name", "why", "requests"),
    [
        ("cut", "cut_off", 3),
        ("hang_up", "connection", 3),
        ("html", "no_picture", 1),
        ("gzip", "compressed", 1),
        ("told_too_large", "too_large", 1),
        ("endless", "too_large", 1),
        ("loop", "redirect_loop", 6),
        ("loopback", "redirect_refused", 1),
        ("file", "redirect_refused", 1),
        ("user", "redirect_refused", 1),
        ("forbidden", "refused", 1),
        ("teapot", "refused", 1),
        ("empty", "no_picture", 1),
        ("svg", "no_picture", 1),
        ("bad_header", "connection", 3),
    ],
)
def test_what_a_bad_server_sends_is_a_reason_and_never_a_picture(
    site: CommonsServer, photo: bytes, name: str, why: str, requests: int
) -> None:
    answers: dict[str, Answer] = {
        "cut": cut(photo, len(photo), len(photo) // 2),
        "hang_up": hang_up(),
        "html": html(),
        "gzip": picture(bomb(), Content_Encoding="gzip"),
        "told_too_large": cut(photo, 10**12, 10),
        "endless": endless(site),
        "loop": redirect(thumb(FILE)),
        "loopback": redirect("http://127.0.0.1:1/a.jpg"),
        "file": redirect("file:///etc/passwd"),
        "user": redirect(site.base.replace("http://", "http://upload@")),
        "forbidden": status(403),
        "teapot": status(418),
        "empty": picture(b""),
        "svg": picture(b"<svg xmlns='http://www.w3.org/2000/svg'/>"),
        "bad_header": lambda handler: handler.wfile.write(b"220 mail.our-lab.org ESMTP\r\n\r\n") and None,
    }
    site.behave(FILE, [answers[name]])
    site.pictures["Good.jpg"] = photo
    source = source_of(site)
    assert reason(source.fetch(FILE)) == why
    assert site.count(FILE) == requests
    assert source.fetch("Good.jpg") == photo, "the next file comes"
    assert reason(source.fetch(FILE)) == why, "nothing of it was remembered"


@pytest.mark.parametrize("where", ["body", "headers"])
def test_a_file_that_drips_is_given_up_in_time(site: CommonsServer, photo: bytes, where: str) -> None:
    site.behave(FILE, [drip(site, in_headers=where == "headers")])
    site.pictures["Good.jpg"] = photo
    source = source_of(site, timeout_s=0.5, tries=2)
    start = time.monotonic()
    assert reason(source.fetch(FILE)) == "timeout"
    assert time.monotonic() - start < 10
    assert source.fetch("Good.jpg") == photo


def test_a_body_without_a_length_that_ends_early_is_not_kept(site: CommonsServer, photo: bytes) -> None:
    site.behave(FILE, [cut(photo, None, len(photo) // 2), picture(photo)])
    data = source_of(site).fetch(FILE)
    assert isinstance(data, bytes)
    with pytest.raises(ImageRefused, match="broken"):
        decode_image(data)
    assert source_of(site).fetch(FILE) == photo


def test_more_bytes_than_told_are_cut_there_and_the_next_file_is_whole(site: CommonsServer, photo: bytes) -> None:
    def long(handler: object) -> None:
        cut(photo + b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nbad", len(photo), 10**9)(handler)  # type: ignore[arg-type]

    site.behave(FILE, [long])
    site.pictures["Good.jpg"] = photo + b"\0"
    source = source_of(site)
    assert source.fetch(FILE) == photo
    assert source.fetch("Good.jpg") == photo + b"\0"


def test_no_more_connections_at_a_time_than_allowed(site: CommonsServer, photo: bytes) -> None:
    site.delay_s = 0.05
    files = [f"Photo {number}.jpg" for number in range(12)]
    site.pictures.update(dict.fromkeys(files, photo))
    # As many clients as workers would be, each with connections of its own.
    threads = [
        threading.Thread(target=lambda mine=files[at::6]: [source_of(site).fetch(file) for file in mine])
        for at in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(site.requests) == 12
    assert site.most_at_once == 2


def test_the_byte_rate_is_kept(site: CommonsServer, photo: bytes) -> None:
    files = [f"Photo {number}.jpg" for number in range(4)]
    site.pictures.update(dict.fromkeys(files, photo))
    source = source_of(site, mbit_per_s=3 * len(photo) * 8 / 1e6)
    start = time.monotonic()
    assert [source.fetch(file) for file in files] == [photo] * 4
    assert time.monotonic() - start > 0.95, "three pictures a second: the fourth begins after one"


def test_a_clock_that_was_set_back_does_not_stop_the_build(tmp_path: Path) -> None:
    pace = Pace(tmp_path, 1, 1e9)
    pace.hold(10**6)
    with pace.turn():
        pass


def test_the_cache_stays_below_its_bound_and_drops_the_oldest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = FetchCache(tmp_path / "c.sqlite", 100_000)
    now = time.time()
    for number in range(300):
        monkeypatch.setattr("pipelines.commons.cache.time.time", lambda number=number: now + number)
        cache.put(f"{number}", bytes([number % 256]) * 700)
    kept = [number for number in range(300) if cache.get(f"{number}") is not None]
    assert len(kept) <= 100
    assert kept == list(range(300 - len(kept), 300))
    assert cache.get("299") is not None
    assert cache.get("299").body == bytes([299 % 256]) * 700  # type: ignore[union-attr]
    cache.put("large", b"a" * 100_001)
    assert cache.get("large") is None


def test_a_damaged_cache_is_told_with_its_remedy(tmp_path: Path) -> None:
    (tmp_path / "c.sqlite").write_bytes(b"no database" * 1000)
    with pytest.raises(StoreError, match="cache of pictures") as caught:
        FetchCache(tmp_path / "c.sqlite", 1000)
    assert "remove the file" in str(caught.value)


@pytest.mark.parametrize(
    "contact",
    [
        None,
        "",
        "me",
        "me@",
        "me@localhost",
        "a@example.org",
        "https://example.com/x",
        "me@our-lab.org\r\nX: y",
        "a@b.test",
    ],
)
def test_commons_without_a_contact_that_reaches_somebody_is_refused(contact: str | None) -> None:
    with pytest.raises(UsageError, match="--contact"):
        make_commons_source("", contact)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("?width_px=400", "400 px are not served"),
        ("?speed=9", "no rule of commons"),
        ("?tries=x", "no rule of commons"),
        ("?connections=3", "one or two connections"),
        ("?mbit_per_s=0", "more than 0"),
        ("ftp://our-lab.org", "no address of a mirror"),
        ("file:///etc", "no address of a mirror"),
    ],
)
def test_rules_that_commons_does_not_have_are_refused(words: str, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        make_commons_source(words, "ops@our-lab.org")


def test_a_source_is_made_again_from_its_spec() -> None:
    source = make_commons_source("?width_px=500&mbit_per_s=2.5", "https://our-lab.org/bots")
    assert source.spec == "commons:?width_px=500&mbit_per_s=2.5"
    assert make_commons_source(source.spec.partition(":")[2], source.contact) == source
    assert make_commons_source("", "ops@our-lab.org").spec == "commons:"
