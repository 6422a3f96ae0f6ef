"""The inspector's JSON API: the answers of the command line, pictures that are sent, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from indexer.index import WikiIndex
from indexer.report import to_json_line
from indexer.web.pictures import QueryPictures
from tests.support.inspector import ask_inspector, make_index, picture_bytes

pytestmark = pytest.mark.integration

GREEN, BLUE = picture_bytes(0, 255, 0), picture_bytes(0, 0, 255, "BMP")
PNG = {"content-type": "image/png"}


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> WikiIndex:
    return make_index(tmp_path_factory.mktemp("api") / "index")


@pytest.fixture(scope="module")
def client(index: WikiIndex) -> TestClient:
    return ask_inspector(index)


def get(client: TestClient, path: str, status: int = 200, **parameters: Any) -> Any:
    response = client.get(path, params=parameters)
    assert response.status_code == status, response.text
    return response.json()


def problem(found: Any) -> str:
    assert set(found) == {"error"} and set(found["error"]) == {"message", "remedy"} and found["error"]["remedy"]
    return str(found["error"]["message"])


def test_text_answers_are_those_of_the_command_line(client: TestClient, index: WikiIndex) -> None:
    found = get(client, "/api/search", text="dogs love snow", k=2)
    wanted = [json.loads(to_json_line(answer)) for answer in index.search_text(["dogs love snow"], 2)[0]]
    assert found["answers"] == wanted and len(wanted) == 2
    assert found["answers"][0]["matched"] == "Dogs love the snow."
    assert set(found["seconds"]) == {"text"} and 0 < found["seconds"]["text"] < 60
    assert found["image"] is None


def test_an_unexpected_error_of_the_search_is_the_inspectors_own(
    index: WikiIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = ask_inspector(index)
    monkeypatch.setattr(client.app.app.state.search_service, "search", lambda *_: 1 / 0)
    found = client.get("/api/search", params={"text": "snow"})
    assert found.status_code == 500 and "an error of the inspector's own" in problem(found.json())


def test_a_title_boost_finds_articles_by_title_alone(client: TestClient) -> None:
    plain = get(client, "/api/search", text="melts snow")["answers"][0]
    boosted = get(client, "/api/search", text="melts snow", title_boost=2)["answers"][0]
    assert boosted["score"] > plain["score"] and boosted["title"] == "Snow"


def test_the_constants_of_another_preset_act_when_the_index_is_asked(client: TestClient, index: WikiIndex) -> None:
    own = get(client, "/api/search", text="loves snow")["answers"]
    assert get(client, "/api/search", text="loves snow", constants="more")["answers"] == own
    other = get(client, "/api/search", text="loves snow", constants="anserini")["answers"]
    wanted = index.with_constants(0.9, 0.4).search_text(["loves snow"])[0]
    assert [row["score"] for row in other] == [round(answer.score, 6) for answer in wanted]
    assert other[0]["score"] != own[0]["score"]
    told = get(client, "/api/explain", text="loves snow", constants="anserini", doc_id=other[0]["doc_id"])[
        "explanation"
    ]
    assert float(told.split()[0]) == pytest.approx(other[0]["score"], abs=1e-4) and "0.9 = k1" in told


def test_a_picture_is_sent_once_and_asked_with_by_its_hash(client: TestClient) -> None:
    sent = client.post("/api/images", content=GREEN, headers=PNG).json()
    assert (sent["width"], sent["height"]) == (40, 30) and len(sent["image"]) == 64
    found = get(client, "/api/search", image=sent["image"], k=1)
    assert [(row["view"], row["file"], row["doc_id"]) for row in found["answers"]] == [("image", "Dog.jpg", "3")]
    assert found["answers"][0]["file_page"] == "https://commons.wikimedia.org/wiki/File:Dog.jpg"
    both = get(client, "/api/search", image=sent["image"], text="snow", k=1)
    assert [row["view"] for row in both["answers"]] == ["text", "image"] and set(both["seconds"]) == {"text", "image"}
    only = get(client, "/api/search", image=sent["image"], text="snow", view="image")
    assert {row["view"] for row in only["answers"]} == {"image"}
    small = client.get(f"/api/images/{sent['image']}")
    assert small.headers["content-type"] == "image/jpeg" and small.content.startswith(b"\xff\xd8")


def test_a_picture_in_the_body_is_searched_at_once(client: TestClient) -> None:
    found = client.post("/api/search?k=1&text=snow", content=BLUE, headers={"content-type": "image/bmp"}).json()
    assert [row["doc_id"] for row in found["answers"]] == ["3#1", "9"] or found["answers"][1]["doc_id"] == "9"
    assert get(client, "/api/search", image=found["image"], k=1)["answers"][0]["file"] == "Evil<b>.jpg"


def test_only_the_last_pictures_are_held(index: WikiIndex) -> None:
    client = ask_inspector(index)
    client.app.app.state.search_service.pictures = QueryPictures(index, max_kept=2)
    colours = [picture_bytes(9, shade, 9) for shade in (1, 2, 3)]
    first, second, third = [client.post("/api/images", content=c, headers=PNG).json()["image"] for c in colours]
    assert "not held" in problem(get(client, "/api/search", 404, image=first))
    assert get(client, "/api/search", image=second)["answers"] and get(client, "/api/search", image=third)["answers"]


@pytest.mark.parametrize(
    ("body", "kind", "status", "told"),
    [
        (b"<svg/>", "image/svg+xml", 422, "unsupported_format"),
        (GREEN[:60], "image/png", 422, "broken"),
        (b"", "image/png", 422, "empty"),
        (GREEN, "text/plain", 415, "no picture"),
        (GREEN, "", 415, "no picture"),
        (picture_bytes(1, 1, 1, "BMP", (2000, 1)), "image/bmp", 413, "extreme_shape"),
    ],
)
def test_what_is_no_picture_is_refused(client: TestClient, body: bytes, kind: str, status: int, told: str) -> None:
    for path in ("/api/images", "/api/search"):
        response = client.post(path, content=body, headers={"content-type": kind})
        assert response.status_code == status and told in problem(response.json())


def test_bodies_beyond_the_limit_are_refused_with_and_without_a_length(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("indexer.web.json_api.MAX_BODY_BYTES", 50)
    assert client.post("/api/images", content=GREEN, headers=PNG).status_code == 413
    chunks = iter([GREEN[:40], GREEN[40:]])
    assert client.post("/api/images", content=chunks, headers=PNG).status_code == 413


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/api/search", 400),
        ("/api/search?text=%20", 400),
        ("/api/search?view=text&image=" + "0" * 64, 400),
        ("/api/search?text=green&view=image", 400),
        ("/api/search?text=a&k=0", 422),
        ("/api/search?text=a&k=101", 422),
        ("/api/search?text=a&k=ten", 422),
        ("/api/search?text=a&title_boost=nan", 422),
        ("/api/search?text=a&title_boost=-1", 422),
        ("/api/search?text=a&view=sound", 422),
        ("/api/search?text=" + "a" * 2001, 422),
        ("/api/search?image=../../etc/passwd", 422),
        ("/api/explain?text=snow", 422),
        ("/api/explain?text=snow&doc_id=9%230", 404),
        ("/api/documents/77", 404),
        ("/api/documents/No%20such%20file.jpg", 404),
        ("/api/documents/..%2F..%2Fetc%2Fpasswd", 404),
        ("/api/images/" + "0" * 64, 404),
        ("/api/nothing", 404),
    ],
)
def test_what_cannot_be_answered_is_told_with_a_remedy(client: TestClient, path: str, status: int) -> None:
    response = client.get(path)
    assert response.status_code == status, response.text
    problem(response.json())


@pytest.mark.parametrize("text", ["\0", "\ud7ff\U0010ffff", "(", '"', "a" * 2000, "\u202e", " x " * 300])
def test_no_words_break_the_search(client: TestClient, text: str) -> None:
    assert client.get("/api/search", params={"text": text}).status_code == 200


def test_words_find_pictures_where_the_encoder_reads_them(tmp_path: Path) -> None:
    client = ask_inspector(make_index(tmp_path / "index", encoder="open_clip:ViT-B-32:openai"))
    found = get(client, "/api/search", text="green", view="image", k=1)
    assert [row["file"] for row in found["answers"]] == ["Dog.jpg"]
    both = get(client, "/api/search", text="green snow", view="both", k=1, title_boost=2)
    assert [row["view"] for row in both["answers"]] == ["text", "image"]
    assert "title boost" in problem(get(client, "/api/search", 400, text="green", view="image", title_boost=2))


def test_an_index_without_pictures_says_so_before_it_reads_one(tmp_path: Path) -> None:
    client = ask_inspector(make_index(tmp_path / "index", with_pictures=False))
    response = client.post("/api/images", content=b"no picture", headers=PNG)
    assert response.status_code == 409 and "without pictures" in problem(response.json())
    assert "Another picture" not in client.get("/").text and 'id="drop"' not in client.get("/").text


def test_a_score_is_explained(client: TestClient, index: WikiIndex) -> None:
    answer = get(client, "/api/search", text="love snow")["answers"][0]
    told = get(client, "/api/explain", text="love snow", doc_id=answer["doc_id"])["explanation"]
    assert float(told.split()[0]) == pytest.approx(answer["score"], abs=1e-4) and "idf, computed as" in told
    image = client.post("/api/images", content=GREEN, headers=PNG).json()["image"]
    told = get(client, "/api/explain", image=image, doc_id="3")["explanation"]
    assert told.startswith("1.000000 = inner product") and told.endswith("Dog.jpg")


def test_documents_are_those_of_the_command_line(client: TestClient) -> None:
    page = get(client, "/api/documents/3")
    assert [row["paragraph_id"] for row in page["paragraphs"]] == ["3#0", "3#1"]
    assert get(client, "/api/documents/3%230")["sentences"][1] == "Dogs love the snow."
    assert get(client, "/api/documents/3%230%231")["text"] == "Dogs love the snow."
    assert get(client, "/api/documents/dog.jpg")["uses"][0]["caption"] == "a dog"
    assert get(client, "/api/index")["text_index"]["preset"] == "more"


def test_the_api_is_described(client: TestClient) -> None:
    paths = get(client, "/openapi.json")["paths"]
    assert {"/api/search", "/api/images", "/api/explain", "/api/documents/{doc_id}", "/api/index"} <= set(paths)
    taken = {row["name"]: row["schema"] for row in paths["/api/search"]["get"]["parameters"]}
    assert set(taken) == {"text", "image", "k", "view", "title_boost", "constants"}
    assert (taken["k"]["minimum"], taken["k"]["maximum"]) == (1, 100)
    assert "image/*" in paths["/api/images"]["post"]["requestBody"]["content"]
    for name in ("/api/search", "/api/images", "/api/explain", "/api/documents/{doc_id}"):
        assert all({"200", "404", "422", "503"} <= set(some["responses"]) for some in paths[name].values()), name
    assert client.get("/docs").status_code == 404, "its page would load scripts of another site"
