"""Words that look for pictures: the index searched through CLIP's text tower, in Python and by the command."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import open_clip
import pytest
from PIL import Image
from typer.testing import CliRunner

from indexer.cli import app
from indexer.encoders import ImageEncoder, make_encoder
from indexer.encoders.clip import check_text_tower, load_tokenizer
from indexer.index import WikiIndex
from indexer.search import SearchParams
from schemas.errors import MissingDependency, UsageError
from tests.support.clip_architectures import known_architecture, save_random_weights
from tests.support.index_folders import Page, make_folder

pytestmark = pytest.mark.integration

SMALL: dict[str, Any] = {
    "embed_dim": 16,
    "vision_cfg": {"image_size": 32, "layers": 1, "width": 32, "patch_size": 16, "head_width": 16},
    "text_cfg": {"context_length": 20, "vocab_size": 49408, "width": 16, "heads": 2, "layers": 2},
}
FILES = {f"{name}.png": name for name in ("red", "green", "blue", "white", "black", "teal")}
WORDS = ["a red thing", "snow and ice", "the blue sea"]


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ImageEncoder]:
    folder = tmp_path_factory.mktemp("archs")
    with known_architecture("Test-Words", SMALL, folder) as arch:
        yield make_encoder(f"open_clip:{arch}:{save_random_weights(arch, folder / 'w.safetensors')}", device="cpu")


@pytest.fixture(scope="module")
def vectors(encoder: ImageEncoder) -> dict[str, np.ndarray]:
    images = [Image.new("RGB", (32, 32), colour) for colour in FILES.values()]
    return dict(zip(FILES, encoder.encode(images), strict=True))


@pytest.fixture(scope="module")
def folder(encoder: ImageEncoder, vectors: dict[str, np.ndarray], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six articles with a picture each; the first two share one more."""
    pages = [
        Page(number, name.title(), [[f"{name} is a colour."]], {file: name} | ({"teal.png": ""} if number < 2 else {}))
        for number, (file, name) in enumerate(FILES.items())
    ]
    where = tmp_path_factory.mktemp("wiki") / "index"
    rows = {file: vector.tolist() for file, vector in vectors.items()}
    return make_folder(where, [pages], vectors=rows, encoder=encoder.spec, encoder_fingerprint=encoder.fingerprint)


def best_files(encoder: ImageEncoder, vectors: dict[str, np.ndarray], text: str) -> list[str]:
    """Rank by brute force, without the index."""
    (query,) = encoder.encode_texts([text])
    return sorted(vectors, key=lambda file: -float(vectors[file] @ query))


def test_words_find_the_pictures_nearest_to_them_and_all_their_articles(
    folder: Path, encoder: ImageEncoder, vectors: dict[str, np.ndarray]
) -> None:
    for text, answers in zip(WORDS, WikiIndex(folder).search_image_by_text(WORDS, 10), strict=True):
        expected = best_files(encoder, vectors, text)
        assert list(dict.fromkeys(answer.file for answer in answers)) == [
            file for file in expected if file in {answer.file for answer in answers}
        ]
        assert answers[0].file == expected[0]
        assert {answer.doc_id for answer in answers} == {str(number) for number in range(6)}
        assert {answer.view for answer in answers} == {"image"}
        score = float(vectors[expected[0]] @ encoder.encode_texts([text])[0])
        assert answers[0].score == pytest.approx(score, abs=2e-3), "the index holds 16-bit floats"
    assert WikiIndex(folder).search_image_by_text([], 3) == []


def run(*words: str | Path) -> str:
    done = CliRunner().invoke(app, [str(word) for word in words], catch_exceptions=False)
    assert done.exit_code == 0
    return str(done.stdout)


def test_the_command_answers_words_with_pictures(
    folder: Path, encoder: ImageEncoder, vectors: dict[str, np.ndarray]
) -> None:
    found = [
        json.loads(line)
        for line in run("query", folder, "--text", WORDS[0], "--modality", "image", "--json").splitlines()
    ]
    best = best_files(encoder, vectors, WORDS[0])[0]
    assert found[0]["file"] == found[0]["matched"] == best and found[0]["view"] == "image"
    table = run("query", folder, "--text", WORDS[0], "--modality", "image", "-k", "1", "--explain")
    assert best in table and "cosine" in table


def test_a_batch_of_words_is_answered_in_either_view(
    folder: Path, encoder: ImageEncoder, vectors: dict[str, np.ndarray], tmp_path: Path
) -> None:
    batch = tmp_path / "words.txt"
    batch.write_text("\n".join(WORDS))
    found = [
        json.loads(line)
        for line in run("query", folder, "--batch", batch, "--modality", "image", "-k", "1", "--json").splitlines()
    ]
    assert [row["query_id"] for row in found] == ["1", "2", "3"]
    assert [row["file"] for row in found] == [best_files(encoder, vectors, text)[0] for text in WORDS]
    shown = run("query", folder, "--batch", batch, "--modality", "image", "-k", "1")
    assert all(f"image: {text}" in shown for text in WORDS)
    texts = [json.loads(line) for line in run("query", folder, "--batch", batch, "--json").splitlines()]
    assert texts and {row["view"] for row in texts} == {"text"}, "without the option words look for text"


def test_an_encoder_of_pictures_only_refuses_words() -> None:
    pictures_only = ImageEncoder("efficientnet-lite0", "", 3, "cpu", lambda image: image, lambda pixels: pixels)  # type: ignore[arg-type,return-value]
    with pytest.raises(UsageError, match="knows pictures only") as caught:
        pictures_only.encode_texts(["snow"])
    assert "--encoder open_clip" in str(caught.value.remedy)


@pytest.fixture
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No cached files, and a hub on this machine's own closed port."""
    from huggingface_hub import constants, file_download

    for module in (constants, file_download):
        monkeypatch.setattr(module, "HF_HUB_CACHE", str(tmp_path / "hub"), raising=False)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")


def text_config(arch: str) -> dict[str, Any]:
    config: dict[str, Any] = open_clip.get_model_config(arch)["text_cfg"]
    return config


@pytest.mark.usefixtures("empty_cache")
def test_tokenizers_that_open_clip_carries_need_no_hub() -> None:
    for arch in ("ViT-B-32", "RN50", "coca_ViT-B-32", "ViT-L-14-336", "EVA02-B-16"):
        assert load_tokenizer(arch, text_config(arch), open_clip.get_tokenizer)(["a dog", "two dogs"]).shape[0] == 2


@pytest.mark.usefixtures("empty_cache")
@pytest.mark.parametrize("arch", ["ViT-B-16-SigLIP", "xlm-roberta-base-ViT-B-32", "ViT-H-14-CLIPA"])
def test_a_tokenizer_of_the_hub_that_is_not_here_is_named_with_what_else_can_be_done(arch: str) -> None:
    with pytest.raises(MissingDependency, match="the hub is not reachable") as caught:
        load_tokenizer(arch, text_config(arch), open_clip.get_tokenizer)
    assert arch in caught.value.message and "--image" in str(caught.value.remedy)


@pytest.mark.usefixtures("empty_cache")
def test_a_text_tower_of_the_hub_is_looked_for_before_its_weights_are_read(tmp_path: Path) -> None:
    (tmp_path / "w.safetensors").write_bytes(b"")
    with pytest.raises(MissingDependency, match="text tower") as caught:
        make_encoder(f"open_clip:xlm-roberta-base-ViT-B-32:{tmp_path / 'w.safetensors'}")
    assert caught.value.exit_code == 5
    check_text_tower("ViT-B-32", text_config("ViT-B-32"))


def test_a_search_by_words_takes_the_number_wanted(folder: Path) -> None:
    assert len(WikiIndex(folder).search_image_by_text(["sea"], SearchParams(2).k)[0]) == 2
