"""Prediction on raw posts with a real Lucene index, a real Faiss index and the offline image encoder."""

from __future__ import annotations

import json
import random
import shutil
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from indexer.contexts import RetrievalSettings, retrieve_contexts
from indexer.encoders import make_encoder
from indexer.index import WikiIndex
from schemas.conll import read_tagged_sentences
from schemas.dataset import read_samples
from schemas.errors import IndexMismatch, IndexNotFound, InputError, MissingDependency, StoreError, UsageError
from schemas.text_files import TextFile
from tests.support.index_folders import Page, make_folder
from tests.support.tiny_encoder import PEOPLE, PLACES, build_encoder, write_tweets
from trainer.commands import PredictInputs, evaluate_run, predict_rows, write_conll
from trainer.config import RunConfig, check_config, override
from trainer.mixture import fit_mixture
from trainer.training import fit

Row = dict[str, Any]


pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("one_thread")]


def paint(path: Path, seed: str) -> Path:
    """Write a picture of coloured squares; each seed gives another one."""
    draw = random.Random(seed)
    picture = Image.new("RGB", (64, 64))
    for x in range(0, 64, 16):
        for y in range(0, 64, 16):
            colour = (draw.randrange(256), draw.randrange(256), draw.randrange(256))
            picture.paste(colour, (x, y, x + 16, y + 16))
    path.parent.mkdir(parents=True, exist_ok=True)
    picture.save(path)
    return path


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An index of text and images; samples with pictures; a baseline, an expert with contexts, and their mixture."""
    folder = tmp_path_factory.mktemp("predict")
    try:
        encoder = make_encoder("efficientnet-lite0", device="cpu", threads=1)
    except MissingDependency as error:
        pytest.skip(str(error))
    names = [*PEOPLE, *PLACES]
    pages = [
        Page(
            n,
            word,
            [[f"the {'person' if word in PEOPLE else 'big city'} {word}", f"{word} saw {other}"]],
            {f"{word.title()}.png": ""},
        )
        for n, (word, other) in enumerate(zip(names, names[1:] + names[:1], strict=True), start=1)
    ]
    photos = [Image.open(paint(folder / "wiki-photos" / f"{word}.png", word)).convert("RGB") for word in names]
    vectors = {f"{word.title()}.png": row for word, row in zip(names, encoder.encode(photos).tolist(), strict=True)}
    make_folder(
        folder / "wiki", [pages], vectors=vectors, encoder=encoder.spec, encoder_fingerprint=encoder.fingerprint
    )
    make_folder(folder / "text-wiki", [pages])
    tweets = write_tweets(folder / "tweets", train=48, dev=12, test=12)
    samples = [sample for split in ("train", "dev", "test") for sample in read_samples(tweets, split)]
    for sample in samples:
        if sample.image is not None:
            paint(folder / "photos" / sample.image, next(token for token in sample.tokens if token in PEOPLE))
    settings = RetrievalSettings(k=3, title_boost=2.0)
    retrieve_contexts(tweets, WikiIndex(folder / "wiki"), folder / "cache", images=folder / "photos", settings=settings)
    build_encoder(folder / "encoder")
    fit(config(folder), folder / "baseline")
    contexts = [f"data.contexts={folder / 'cache'}", 'data.sources=["text", "image"]', "data.contexts_per_source=3"]
    fit(config(folder, *contexts), folder / "text")
    fit_mixture(
        [folder / "baseline", folder / "text"],
        folder / "mixture",
        gate="sample",
        folds=2,
        vectors=str(folder / "cache"),
    )
    return folder


def config(folder: Path, *changes: str) -> RunConfig:
    base = [
        f"encoder.name={folder / 'encoder'}", f"data.samples={folder / 'tweets'}", "encoder.max_length_pieces=64",
        "training.epochs=5", "training.batch_samples=8", "training.encoder_lr=3e-3", "training.head_lr=1e-2",
        "training.crf_lr=1e-2", "training.device=cpu",
    ]  # fmt: skip
    return check_config(override(RunConfig(), [*base, *changes]))


def write_posts(path: Path, rows: list[Row]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_raw_posts_with_an_index_give_what_the_mixture_said_of_the_same_samples(house: Path, tmp_path: Path) -> None:
    """Contexts, their title boost and number, image vectors and gate weights: all as in training."""
    evaluate_run(house / "mixture", "test")
    own = [json.loads(line) for line in (house / "mixture" / "predictions" / "test.jsonl").read_text().splitlines()]
    rows = [
        {"tokens": list(row["tokens"]), "image": str(house / "photos" / row["image"]) if row["image"] else None}
        for row in own
    ]
    talk: list[str] = []
    found = predict_rows(
        house / "mixture",
        write_posts(tmp_path / "posts.jsonl", rows),
        inputs=PredictInputs(index=house / "wiki"),
        talk=talk.append,
    )
    assert talk == []
    for mine, theirs, given in zip(found, own, rows, strict=True):
        assert mine["image"] == given["image"]
        for key in ("sample_id", "tokens", "tags", "entities", "contexts"):
            assert mine[key] == theirs[key]
        assert [row["expert"] for row in mine["gate"]] == ["baseline", "text"]
        assert [row["weight"] for row in mine["gate"]] == pytest.approx(
            [row["weight"] for row in theirs["gate"]], abs=1e-5
        )
        assert mine["image_vector"] is (given["image"] is not None)
    sources = {(context["source"], context["rank"]) for row in found for context in row["contexts"]}
    assert ("image", 1) in sources and max(rank for _, rank in sources) == 3
    weights = {row["gate"][0]["weight"] for row in found}
    assert len(weights) > 1, "the gate tells samples apart"


def test_text_gives_characters_types_probabilities_and_the_posts_own_id(house: Path, tmp_path: Path) -> None:
    text = "  anna went   to rome oslo  today"
    posts = write_posts(tmp_path / "posts.jsonl", [{"id": 70, "text": text}, {"text": "the big city"}])
    first, second = predict_rows(house / "mixture", posts, inputs=PredictInputs(index=house / "wiki"))
    assert (first["id"], first["text"], first["image"], first["image_vector"]) == (70, text, None, False)
    assert first["tokens"] == ["anna", "went", "to", "rome", "oslo", "today"] and "id" not in second
    assert {entity["text"] for entity in first["entities"]} >= {"anna", "rome oslo"}
    for entity in first["entities"]:
        assert text[entity["start_char"] : entity["end_char"]] == entity["text"]
        assert entity["text"].split()[0] == first["tokens"][entity["start"]]
        assert entity["type"] in ("PER", "LOC") and 0 < entity["probability"] <= 1
    assert {context["source"] for context in first["contexts"]} == {"text"}
    assert sum(row["weight"] for row in first["gate"]) == pytest.approx(1, abs=1e-5)


def test_a_picture_may_lie_anywhere_on_the_users_machine(house: Path, tmp_path: Path) -> None:
    """Relative to the file, in its folder or out of it, or absolute: the same picture."""
    paint(tmp_path / "posts" / "anna.png", "anna")
    paint(tmp_path / "others" / "anna.png", "anna")
    names = ["anna.png", "../others/anna.png", str(tmp_path / "others" / "anna.png"), "./anna.png"]
    posts = write_posts(tmp_path / "posts" / "p.jsonl", [{"text": "went to rome", "image": name} for name in names])
    rows = predict_rows(house / "mixture", posts, inputs=PredictInputs(index=house / "wiki"))
    assert [row["image"] for row in rows] == names and all(row["image_vector"] for row in rows)
    firsts = [next(c for c in row["contexts"] if c["source"] == "image") for row in rows]
    assert {context["title"] for context in firsts} == {"anna"}


def test_missing_and_broken_pictures_are_told_and_read_as_none(house: Path, tmp_path: Path) -> None:
    (tmp_path / "broken.jpg").write_bytes(b"no picture")
    names = [None, "gone.jpg", "broken.jpg", "/nowhere/x.jpg"]
    posts = write_posts(tmp_path / "p.jsonl", [{"text": "anna went to rome", "image": name} for name in names])
    talk: list[str] = []
    rows = predict_rows(house / "mixture", posts, inputs=PredictInputs(index=house / "wiki"), talk=talk.append)
    assert talk[0] == "image view of 4 samples: 2 missing image, 1 broken image"
    assert talk[1].startswith("3 samples with an image have no image vector: the gate reads them as samples without")
    assert not any(row["image_vector"] for row in rows)
    assert len({json.dumps(row["gate"]) for row in rows}) == 1


def test_an_index_without_pictures_serves_a_gate_with_zeros_and_says_so(house: Path, tmp_path: Path) -> None:
    shutil.copytree(house / "baseline", tmp_path / "other")
    fit_mixture([house / "baseline", tmp_path / "other"], tmp_path / "mixture", folds=2, vectors=str(house / "cache"))
    posts = write_posts(
        tmp_path / "p.jsonl", [{"text": "anna went to rome", "image": str(house / "photos" / "test1.jpg")}]
    )
    talk: list[str] = []
    (row,) = predict_rows(
        tmp_path / "mixture", posts, inputs=PredictInputs(index=house / "text-wiki"), talk=talk.append
    )
    assert row["image_vector"] is False and "1 samples with an image have no image vector" in talk[0]
    (row,) = predict_rows(tmp_path / "mixture", posts, inputs=PredictInputs(index=house / "wiki"), talk=talk.append)
    assert row["image_vector"] is True and len(talk) == 1 and row["contexts"] == []
    (row,) = predict_rows(tmp_path / "mixture", posts)
    assert row["image_vector"] is False


def test_image_vectors_of_another_encoder_are_refused(house: Path, tmp_path: Path) -> None:
    posts = write_posts(tmp_path / "p.jsonl", [{"text": "anna went to rome", "image": "a.jpg"}])
    dim = pq.read_schema(house / "cache" / "vectors.parquet").field("vector").type.list_size
    for name, rows in (("same size", [[0.0] * dim]), ("other size", [[0.0, 1.0]])):
        path = tmp_path / f"{name}.parquet"
        pq.write_table(pa.table({"file": ["a.jpg"], "vector": rows}), path)
        with pytest.raises(IndexMismatch, match=r"another encoder \(not named, .* than the gate was fitted to"):
            predict_rows(house / "mixture", posts, inputs=PredictInputs(index=house / "wiki", image_vectors=path))
    with pytest.raises(IndexNotFound, match="no image vectors here"):
        predict_rows(
            house / "mixture", posts, inputs=PredictInputs(index=house / "wiki", image_vectors=tmp_path / "none")
        )


def test_vectors_by_file_name_fit_a_gate_and_serve_it(house: Path, tmp_path: Path) -> None:
    samples = [row for split in ("dev", "test") for row in read_samples(house / "tweets", split) if row.image]
    table = pa.table(
        {"file": [row.image for row in samples], "vector": [[float(len(row.tokens)), 1.0] for row in samples]}
    )
    pq.write_table(table, tmp_path / "vectors.parquet")
    experts = [house / "baseline", house / "text"]
    facts = fit_mixture(experts, tmp_path / "mixture", folds=2, vectors=str(tmp_path / "vectors.parquet"))
    assert facts.image_encoder == "" and facts.sizes[3] == 2
    inputs = PredictInputs((house / "cache",))
    rows = predict_rows(tmp_path / "mixture", house / "tweets", inputs=inputs)
    assert [row["image_vector"] for row in rows] == [row["image"] is not None for row in rows]
    posts = write_posts(tmp_path / "p.jsonl", [{"tokens": ["anna"], "image": "test1.jpg"}])
    (row,) = predict_rows(house / "baseline", posts)
    assert "image_vector" not in row
    with pytest.raises(InputError, match="no sample has an image vector here"):
        pq.write_table(pa.table({"file": ["x.jpg"], "vector": [[1.0]]}), tmp_path / "x.parquet")
        fit_mixture(experts, tmp_path / "m2", folds=2, vectors=str(tmp_path / "x.parquet"))


def test_another_index_than_that_of_the_training_is_told(house: Path, tmp_path: Path) -> None:
    posts = write_posts(tmp_path / "p.jsonl", [{"text": "anna went to rome"}])
    shutil.copytree(house / "wiki", tmp_path / "wiki")
    manifest = json.loads((tmp_path / "wiki" / "manifest.json").read_text())
    (tmp_path / "wiki" / "manifest.json").write_text(json.dumps({**manifest, "fingerprint": "1" * 64}))
    talk: list[str] = []
    predict_rows(house / "text", posts, inputs=PredictInputs(index=tmp_path / "wiki"), talk=talk.append)
    assert talk == ["the text and image contexts of the training came from another index"]


def test_what_retrieval_says_is_passed_on_with_its_kind(house: Path, tmp_path: Path) -> None:
    posts = write_posts(tmp_path / "p.jsonl", [{"text": "anna went to rome"}])
    with pytest.raises(IndexNotFound):
        predict_rows(house / "text", posts, inputs=PredictInputs(index=tmp_path / "none"))
    shutil.copytree(house / "wiki", tmp_path / "wiki")
    shutil.rmtree(tmp_path / "wiki" / "bm25")
    with pytest.raises(StoreError, match=r"retrieval failed: .*the text index is not here"):
        predict_rows(house / "text", posts, inputs=PredictInputs(index=tmp_path / "wiki"))
    with pytest.raises(UsageError, match=r"the image view needs the folder.*--images"):
        predict_rows(house / "text", house / "tweets", inputs=PredictInputs(index=house / "wiki"))


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"tokens": ["a", ""]}, "line 1: token 2 is empty"),
        ({"text": "a", "image": ""}, "line 1: broken image reference"),
        ({"text": "a", "image": 5}, "line 1: 'image' must be a string"),
        ({"text": "a", "picture": "x.jpg"}, "line 1: unknown key 'picture'"),
        ({"text": "a", "head": [0, 1], "tail": [0, 1]}, "this run is for ner"),
    ],
)
def test_a_faulty_post_is_named_by_its_line(house: Path, tmp_path: Path, row: Row, said: str) -> None:
    with pytest.raises(InputError, match=said):
        predict_rows(house / "baseline", write_posts(tmp_path / "p.jsonl", [row]))


def test_posts_without_words_are_answered_as_empty_and_the_others_as_ever(house: Path, tmp_path: Path) -> None:
    rows: list[Row] = [
        {"text": ""},
        {"id": "b", "text": "anna went to rome"},
        {"id": 3, "text": " \t\n", "image": "a.png"},
        {"tokens": []},
        {"text": "the big city oslo"},
    ]
    posts = write_posts(tmp_path / "posts.jsonl", rows)
    talk: list[str] = []
    found = predict_rows(house / "baseline", posts, talk=talk.append)
    full = write_posts(tmp_path / "full.jsonl", [rows[1], rows[4]])
    alone = predict_rows(house / "baseline", full)
    assert [row["sample_id"] for row in found] == ["test-1", "test-b", "test-3", "test-4", "test-5"]
    assert [(row["tokens"], row["tags"], row["entities"]) for row in (found[0], found[2], found[3])] == [
        ([], [], [])
    ] * 3
    assert (found[2]["id"], found[2]["text"], found[2]["image"]) == (3, " \t\n", "a.png")
    assert [found[1]["entities"], found[4]["entities"]] == [row["entities"] for row in alone]
    assert talk == ["posts without words: 3; their answers are empty"]
    write_conll(tmp_path / "out.conll", found)
    assert len(list(read_tagged_sentences(TextFile(tmp_path / "out.conll")))) == 2


def test_posts_of_which_none_has_words_are_answered_without_the_model(house: Path, tmp_path: Path) -> None:
    posts = write_posts(tmp_path / "posts.jsonl", [{"text": ""}, {"text": "  "}])
    assert [row["entities"] for row in predict_rows(house / "baseline", posts)] == [[], []]
    with pytest.raises(InputError, match="no sample in this file"):
        predict_rows(house / "baseline", write_posts(tmp_path / "none.jsonl", []))


@pytest.mark.parametrize("row", [{"text": "", "tags": ["O"]}, {"text": "", "id": [1]}, {"text": "", "image": 3}])
def test_an_empty_post_with_another_fault_is_still_refused(house: Path, tmp_path: Path, row: Row) -> None:
    with pytest.raises(InputError, match="line 1"):
        predict_rows(house / "baseline", write_posts(tmp_path / "posts.jsonl", [row]))


@pytest.mark.parametrize("run", ["baseline", "mixture"])
def test_a_post_longer_than_the_window_says_how_many_of_its_tokens_were_not_read(
    house: Path, tmp_path: Path, run: str
) -> None:
    rows: list[Row] = [{"text": "anna went to rome"}, {"text": "anna " * 70 + "rome"}]
    talk: list[str] = []
    posts = write_posts(tmp_path / "posts.jsonl", rows)
    short, long = predict_rows(house / run, posts, inputs=PredictInputs(index=house / "wiki"), talk=talk.append)
    assert "cut_tokens" not in short
    # a window of 64 pieces holds 62 between its two special ones, and each of these words is one piece
    assert (len(long["tags"]), long["cut_tokens"]) == (71, 9)
    assert "samples longer than the window: 1, with 9 tokens that were not read (cut_tokens)" in talk
