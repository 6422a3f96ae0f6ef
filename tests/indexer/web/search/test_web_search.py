"""The inspector's pages of search and documents: what they show, without scripts, of friendly and hostile text."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from indexer.index import WikiIndex
from tests.support.inspector import HOSTILE, ask_inspector, make_index, picture_bytes

pytestmark = pytest.mark.integration


class Seen(HTMLParser):
    """The tags of a page, and its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("photos")
    (folder / "snow.jpg").write_bytes(picture_bytes(250, 250, 250))
    (folder / "Evil<b>.jpg").write_bytes(b"<svg onload=alert(1)>")
    return folder


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> WikiIndex:
    return make_index(tmp_path_factory.mktemp("pages") / "index")


@pytest.fixture(scope="module")
def client(index: WikiIndex, photos: Path) -> TestClient:
    return ask_inspector(index, images=photos)


def test_a_search_shows_the_sentence_with_its_words_marked(client: TestClient) -> None:
    page = client.get("/", params={"q": "dogs love"}).text
    assert '<p class="matched"><mark>Dogs</mark> <mark>love</mark> the snow.</p>' in page
    assert re.search(r'Snow falls slowly\. <strong class="hit"><mark>Dogs</mark>.*</strong> It melts\.', page)
    seen = Seen(page)
    assert {"/doc/3%230", "https://en.wikipedia.org/?curid=3"} <= {a["href"] for a in seen.all("a")}
    assert re.search(r"1 paragraph in \d+\.\d ms", seen.text)
    assert all("noreferrer" in str(a.get("rel")) for a in seen.all("a") if str(a["href"]).startswith("https:"))


def test_the_description_of_an_article_stands_beside_its_title_as_text(client: TestClient) -> None:
    for address in ("/?q=dogs", "/doc/3", "/doc/3%230"):
        page = client.get(address).text
        assert "Frozen &lt;b&gt;water&lt;/b&gt;" in page and "<b>water" not in page
    (answer,) = client.get("/api/search", params={"text": "dogs"}).json()["answers"]
    assert answer["description"] == "Frozen <b>water</b>"


def test_words_are_marked_by_the_tokens_of_the_index_not_by_their_letters(client: TestClient) -> None:
    page = client.get("/", params={"q": "DOG rocky's"}).text
    assert "<mark>Rocky&#39;s</mark> <mark>dog</mark> loves snow." in page
    assert "<mark>Dogs</mark>" not in page, "no stems in this index"


def test_the_form_holds_the_question_and_the_address_the_whole_of_it(client: TestClient) -> None:
    more = {"constants": "anserini", "explain": 1}
    page = client.get("/", params={"q": 'a "b"', "k": 20, "view": "text", "title_boost": 2.5, **more}).text
    inputs = {some["name"]: some for some in Seen(page).all("input") if "name" in some}
    assert (
        inputs["q"]["value"] == 'a "b"' and inputs["title_boost"]["value"] == "2.5" and "checked" in inputs["explain"]
    )
    assert [o["value"] for o in Seen(page).all("option") if "selected" in o] == ["20", "text", "anserini"]
    assert Seen(page).all("form")[0]["method"] == "get"


def test_every_field_has_a_label_and_the_count_is_announced(client: TestClient) -> None:
    seen = Seen(client.get("/").text)
    labels = {label.get("for") for label in seen.all("label")}
    fields = [some["id"] for tag in ("input", "select") for some in seen.all(tag) if some.get("type") != "hidden"]
    assert fields and set(fields) <= labels
    assert ("p", {"id": "status", "role": "status", "aria-live": "polite"}) in seen.tags


def test_scores_are_explained_on_demand(client: TestClient) -> None:
    assert "idf, computed as" not in client.get("/?q=snow").text
    assert client.get("/?q=snow&explain=1").text.count("idf, computed as") == 2
    address = re.search(r'data-url="([^"]+)"', client.get("/?q=snow&title_boost=2").text)
    assert address is not None
    told = client.get(address[1].replace("&amp;", "&")).json()["explanation"]
    assert "weight(title:snow" in told and "2.0 = boost" in told


def test_a_picture_asks_and_its_answers_show_the_pictures_of_the_folder(client: TestClient) -> None:
    sent = client.post("/api/images", content=picture_bytes(255, 1, 1), headers={"content-type": "image/png"}).json()
    seen = Seen(client.get("/", params={"image": sent["image"], "k": 5}).text)
    sources = [some["src"] for some in seen.all("img")]
    assert sources[:2] == [f"/api/images/{sent['image']}", "/pictures/3/0"]
    assert ("input", {"type": "hidden", "id": "image", "name": "image", "value": sent["image"]}) in seen.tags
    shown = client.get("/pictures/3/0")
    assert shown.headers["content-type"] == "image/jpeg" and shown.content.startswith(b"\xff\xd8")
    assert "https://commons.wikimedia.org/wiki/File:Snow.jpg" in {a["href"] for a in seen.all("a")}


def test_a_picture_that_is_held_no_more_is_told_of(client: TestClient) -> None:
    response = client.get("/", params={"image": "0" * 64, "q": "snow"})
    assert response.status_code == 404 and "not held here" in response.text


@pytest.mark.parametrize("path", ["/pictures/3/1", "/pictures/3/9", "/pictures/9/0", "/pictures/99/0"])
def test_what_the_folder_lacks_or_no_decoder_reads_is_not_served(client: TestClient, path: str) -> None:
    assert client.get(path).status_code == 404


SCRIPT = "%3Cscript%3Ealert(%27x%27)%3C/script%3E"
HOSTILE_PATHS = ["/?q=burrow", "/?q=burrow&explain=1", "/doc/9", "/doc/9%230", "/doc/9%230%231", "/doc/Evil%3Cb%3E.jpg"]


@pytest.mark.parametrize(
    "path", [*HOSTILE_PATHS, f"/?q={SCRIPT}", f"/?q=a&view={SCRIPT}", f"/doc/{SCRIPT}", f"/{SCRIPT}"]
)
def test_hostile_text_stays_text(client: TestClient, path: str) -> None:
    page = client.get(path).text
    seen = Seen(page)
    assert all(some.get("src", "").startswith("/static/") for some in seen.all("script"))
    assert not [name for _, attributes in seen.tags for name in attributes if name.startswith("on")]
    assert not seen.all("b") and not seen.all("i") and "<script>alert" not in page
    links = [str(some.get("href")) for some in seen.all("a")]
    assert all(link.startswith(("/", "#", "https://")) and not link.startswith("//") for link in links)


def test_a_hostile_title_is_shown_as_it_is(client: TestClient) -> None:
    assert HOSTILE in Seen(client.get("/?q=burrow").text).text
    assert HOSTILE in Seen(client.get("/doc/9").text).text


def test_a_page_shows_paragraphs_links_and_pictures(client: TestClient) -> None:
    page = client.get("/doc/3").text
    assert '<a href="/?q=Winter+%26+%3Cb%3E&amp;title_boost=2">Snow</a> falls slowly.' in page
    seen = Seen(page)
    assert {"/doc/3%230", "/doc/3%231"} <= {a["href"] for a in seen.all("a")}
    assert [some["src"] for some in seen.all("img")] == ["/pictures/3/0"] and "a dog" in seen.text


def test_a_paragraph_shows_its_sentences_and_neighbours(client: TestClient) -> None:
    page = client.get("/doc/3%230%231").text
    assert '<li class="notice" aria-current="true"><span class="muted id">3#0#1</span> Dogs love the snow.</li>' in page
    links = {a["href"]: a.get("rel") for a in Seen(page).all("a")}
    assert links["/doc/3%231"] == "next" and "/doc/3" in links
    assert client.get("/doc/3%230%239").status_code == 404 and client.get("/doc/3%239").status_code == 404


@pytest.mark.parametrize("query", ["k=0", "k=x", "view=sound", "title_boost=-1", "q=" + "a" * 2001, "view=text"])
def test_a_bad_question_is_told_of_in_the_form(client: TestClient, query: str) -> None:
    response = client.get(f"/?{query}")
    if query == "view=text":
        assert response.status_code == 200, "nothing is asked yet"
    else:
        assert response.status_code == 422 and 'role="alert"' in response.text and 'id="search"' in response.text


def test_one_view_may_fail_and_the_other_is_shown(client: TestClient) -> None:
    response = client.get("/?q=snow&view=both")
    assert response.status_code == 200
    assert 'id="results-text"' in response.text and "knows pictures only" in response.text
