"""An index folder searched by text and by picture: distinct answers, absent parts, encoders, damaged manifests."""

from __future__ import annotations

import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import Any

import numpy as np
import pytest
from PIL import Image

from indexer.index import WikiIndex
from indexer.text import java_class
from schemas.errors import IndexCorrupt, IndexMismatch, IndexNotFound, UsageError
from tests.support.index_folders import Page, make_folder

pytestmark = pytest.mark.integration

SHARDS = [
    [
        Page(
            3,
            "Snow",
            [["Snow snow snow.", "Dogs love snow.", "Snow snow."], ["Rocky loves the snow."]],
            {"Snow.jpg": "white", "Dog.jpg": "a dog"},
        ),
        Page(4, "Rocky", [["Rocky is a film.", "Rocky runs."], ["Rocky boxes."]], {"Rocky.jpg": ""}),
    ],
    [Page(9, "Dog", [["A dog barks."], ["Dogs run in snow.", "Snow and dogs."]], {"Dog.jpg": "barking"})],
]
VECTORS = {"Snow.jpg": [1.0, 0.0, 0.0], "Dog.jpg": [0.6, 0.8, 0.0], "Rocky.jpg": [0.0, 0.0, 1.0]}


class FakeEncoder:
    """Reads the vector in the colour of a picture: red, green and blue are its components."""

    spec, fingerprint, dim = "efficientnet-lite0", "weights of the test", 3

    def encode(self, images: list[Image.Image]) -> np.ndarray:
        vectors = np.array([image.getpixel((0, 0)) for image in images], np.float32)
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_folder(tmp_path_factory.mktemp("wiki") / "index", SHARDS, vectors=VECTORS)


@pytest.fixture(scope="module")
def index(folder: Path) -> WikiIndex:
    opened = WikiIndex(folder)
    opened.__dict__["encoder"] = FakeEncoder()
    return opened


def colour(red: int, green: int, blue: int) -> Image.Image:
    return Image.new("RGB", (2, 2), (red, green, blue))


def test_paragraphs_are_distinct_and_come_with_their_best_sentence(index: WikiIndex) -> None:
    (answers,) = index.search_text(["snow"], 10)
    assert [(answer.doc_id, answer.matched) for answer in answers] == [
        ("3#0", "Snow snow snow."),
        ("9#1", "Snow and dogs."),
        ("3#1", "Rocky loves the snow."),
    ]
    assert [answer.rank for answer in answers] == [1, 2, 3]
    assert answers[0].text == "Snow snow snow. Dogs love snow. Snow snow."
    assert {answer.view for answer in answers} == {"text"}
    assert all(answer.file is None for answer in answers)
    assert [answer.score for answer in answers] == sorted((answer.score for answer in answers), reverse=True)


def test_more_hits_are_fetched_until_there_are_k_distinct_paragraphs(tmp_path: Path) -> None:
    """The first hundred hits are of one paragraph: a fixed surplus would miss the second."""
    many = Page(1, "Many", [["snow"] * 100, ["the snow is on the hill"]])
    index = WikiIndex(make_folder(tmp_path / "index", [[many]]))
    assert [answer.doc_id for answer in index.search_text(["snow"], 2)[0]] == ["1#0", "1#1"]


def test_a_batch_answers_as_single_queries_do(index: WikiIndex) -> None:
    queries = ["snow", "rocky dogs", "nothingness", "...", "boxes", "snow"]
    assert index.search_text(queries, 2) == [index.search_text([query], 2)[0] for query in queries]
    assert [len(answers) for answers in index.search_text(queries, 2)] == [2, 2, 0, 0, 1, 2]
    assert index.search_text([], 2) == []


def test_threads_share_an_index_from_its_first_use_on(folder: Path, index: WikiIndex) -> None:
    """Each part loads once, answers are those of one thread, and threads that ended are not kept by Java."""
    queries = ["snow", "rocky dogs", "nothingness", "boxes"]
    expected = index.search_text(queries, 5), index.search_image([colour(150, 200, 0)], 5)
    count_threads = java_class("java.lang.Thread").activeCount
    before = count_threads()
    for _ in range(5):
        opened, start = WikiIndex(folder), Barrier(8)
        opened.__dict__["encoder"] = FakeEncoder()

        def ask(opened: WikiIndex, start: Barrier) -> object:
            start.wait(10)
            answers = opened.search_text(queries, 5), opened.search_image([colour(150, 200, 0)], 5)
            return answers == expected, id(opened.text_searcher), id(opened.image_searcher)

        with ThreadPoolExecutor(8) as threads:
            results = {thread.result() for thread in [threads.submit(ask, opened, start) for _ in range(8)]}
        assert results == {(True, id(opened.text_searcher), id(opened.image_searcher))}
    assert count_threads() == before


def test_a_title_boost_brings_up_the_article_of_that_title(index: WikiIndex) -> None:
    """Without it, the sentence of another article that says more of the words comes first."""
    (plain,), (boosted,) = (index.search_text(["rocky loves the film"], 9, boost) for boost in (0.0, 2.0))
    assert plain == index.search_text(["rocky loves the film"], 9)[0]
    assert (plain[0].doc_id, boosted[0].doc_id) == ("3#1", "4#0")
    assert boosted[0].score > plain[0].score
    found = [{answer.doc_id for answer in index.search_text(["dog"], 9, boost)[0]} for boost in (0.0, 2.0)]
    assert found == [{"9#0"}, {"9#0", "9#1"}], "no sentence of 9#1 says dog, its title does"


def test_k_beyond_the_index_gives_what_there_is(index: WikiIndex) -> None:
    assert [answer.doc_id for answer in index.search_text(["rocky"], 1000)[0]] == ["4#0", "4#1", "3#1"]
    assert len(index.search_image([colour(255, 0, 0)], 1000)[0]) == 3


@pytest.mark.parametrize("k", [0, -3])
def test_k_below_one_is_a_usage_error(index: WikiIndex, k: int) -> None:
    with pytest.raises(UsageError, match="at least 1"):
        index.search_text(["snow"], k)
    with pytest.raises(UsageError, match="at least 1"):
        index.search_image([colour(1, 0, 0)], k)


def test_articles_are_distinct_and_a_shared_file_answers_with_each_of_them(index: WikiIndex) -> None:
    near_dog, near_snow = index.search_image([colour(150, 200, 0), colour(255, 0, 1)], 10)
    assert [(answer.doc_id, answer.file) for answer in near_dog] == [
        ("3", "Dog.jpg"),
        ("9", "Dog.jpg"),
        ("4", "Rocky.jpg"),
    ]
    assert [(answer.doc_id, answer.file) for answer in near_snow] == [
        ("3", "Snow.jpg"),
        ("9", "Dog.jpg"),
        ("4", "Rocky.jpg"),
    ]
    best = near_dog[0]
    assert (best.view, best.rank, best.title, best.matched, best.caption) == ("image", 1, "Snow", "Dog.jpg", "a dog")
    assert best.text == "Snow snow snow. Dogs love snow. Snow snow."
    assert best.score == pytest.approx(1.0, abs=1e-3)
    assert near_snow[1].score == pytest.approx(0.6, abs=1e-2)
    assert index.search_image([], 5) == []


def test_an_index_without_pictures_says_how_to_get_them(tmp_path: Path) -> None:
    opened = WikiIndex(make_folder(tmp_path / "index", SHARDS))
    with pytest.raises(IndexNotFound, match="--images DIR"):
        opened.search_image([colour(1, 0, 0)], 3)
    assert opened.search_text(["boxes"], 1)[0][0].title == "Rocky"


def test_other_weights_than_those_of_the_build_are_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = FakeEncoder()
    other.fingerprint = "other weights"
    monkeypatch.setattr("indexer.encoders.build.make_encoder", lambda spec: other)
    with pytest.raises(IndexMismatch, match="other weights than this machine's efficientnet-lite0"):
        WikiIndex(folder).search_image([colour(1, 0, 0)], 3)


@pytest.mark.parametrize(
    ("part", "changes", "error", "message"),
    [
        ("text_index", {"k1": None}, IndexCorrupt, "k1"),
        ("text_index", {"analyzer": 7}, IndexCorrupt, "analyzer"),
        ("text_index", {"analyzer": "klingon"}, IndexMismatch, "klingon"),
        ("text_index", {"documents": 8}, IndexMismatch, "the manifest says 8"),
        ("image_index", {"dim": "three"}, IndexCorrupt, "dim"),
        ("image_index", {"dim": 4}, IndexMismatch, "4 expected"),
        ("image_index", {"vectors": 9}, IndexMismatch, "the manifest says 9"),
        ("image_index", {"encoder": None}, IndexCorrupt, "encoder"),
    ],
)
def test_a_manifest_that_contradicts_the_indexes_is_an_index_error(
    folder: Path, tmp_path: Path, part: str, changes: dict[str, Any], error: type[Exception], message: str
) -> None:
    copy = Path(shutil.copytree(folder, tmp_path / "copy"))
    values = json.loads((copy / "manifest.json").read_text())
    values[part] |= changes
    (copy / "manifest.json").write_text(json.dumps(values))
    with pytest.raises(error, match=message):
        opened = WikiIndex(copy)
        opened.search_text(["snow"], 3) if part == "text_index" else opened.search_image([colour(1, 0, 0)], 3)


@pytest.mark.parametrize(
    ("content", "error"),
    [
        ("", IndexCorrupt),
        ("[]", IndexCorrupt),
        ('{"kind": "something else"}', IndexCorrupt),
        ("[" * 100_000, IndexCorrupt),
        ('{"kind": "wiki-index", "schema_version": 99}', IndexMismatch),
    ],
)
def test_a_manifest_that_is_not_ours_is_refused(tmp_path: Path, content: str, error: type[Exception]) -> None:
    (tmp_path / "manifest.json").write_text(content)
    with pytest.raises(error):
        WikiIndex(tmp_path)


def test_a_folder_without_a_manifest_is_no_index(tmp_path: Path) -> None:
    with pytest.raises(IndexNotFound, match="beam run build_wiki_index"):
        WikiIndex(tmp_path)


def test_the_tables_must_hold_what_the_text_index_names(folder: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(folder, tmp_path / "copy"))
    shutil.copyfile(copy / "paragraphs" / "part-00001.parquet", copy / "paragraphs" / "part-00000.parquet")
    with pytest.raises(IndexCorrupt, match="the index names '3#0'"):
        WikiIndex(copy).search_text(["snow"], 3)
