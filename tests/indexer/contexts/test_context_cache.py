"""The context cache: made by retrieval or import, resumed, refused for other samples, read by the trainer."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from indexer.contexts import RetrievalSettings, import_captions, import_columns, retrieve_contexts
from indexer.contexts.cli import contexts as contexts_app
from indexer.search import Answer
from schemas.context_cache import (
    keeps_addresses,
    puts_description_first,
    read_cache,
    read_context_rows,
    read_query_rows,
)
from schemas.dataset import input_digest, read_samples, write_dataset
from schemas.errors import IndexCorrupt, IndexMismatch, IndexNotFound, InputError, UsageError
from schemas.manifest import Manifest
from schemas.records import Sample
from trainer.inputs import read_contexts

MANIFEST = Manifest(
    {}, "f1", (), 0, {}, {}, (), {"k1": 1.2}, {"encoder": "fake", "encoder_fingerprint": "e1"}, {}, "2026-01-01"
)
TEXT = RetrievalSettings(views=("text",), k=2, batch=2, part=2)


class FakeIndex:
    """Answers a query with its words as texts, best first; fails at the call of that number."""

    def __init__(self, fail_at: int | None = None, manifest: Manifest = MANIFEST) -> None:
        self.manifest = manifest
        self.searched: list[tuple[str, int]] = []
        self.boosts: set[float] = set()
        self.calls = self.encoded = 0
        self.fail_at = fail_at

    def search_text(self, queries: Sequence[str], k: int, title_boost: float = 0.0) -> list[list[Answer]]:
        self.calls += 1
        self.boosts.add(title_boost)
        if self.calls == self.fail_at:
            raise KeyboardInterrupt
        self.searched += [(query, k) for query in queries]
        return [self._answers(query, k) for query in queries]

    def encode_images(self, images: Sequence[Any]) -> Any:
        self.encoded += len(images)
        return np.array([[value / 255 for value in image.getpixel((0, 0))] for image in images], np.float32)

    def search_vectors(self, vectors: Any, k: int) -> list[list[Answer]]:
        return [[Answer("image", 1, 0.5, "7", "Red", "Red.png", f"intro {row}", file="Red.png")] for row in vectors]

    @staticmethod
    def _answers(query: str, k: int) -> list[Answer]:
        words = query.split()[:k]
        return [Answer("text", rank, 9.0 - rank, f"p{rank}", "T", f"<{w}>", w) for rank, w in enumerate(words, start=1)]


def make_set(folder: Path, *sentences: str, images: Sequence[str | None] = (), name: str = "toy") -> Path:
    pictures = list(images) or [None] * len(sentences)
    rows = [
        Sample(f"test-{number}", tuple(text.split()), picture, ("O",) * len(text.split()))
        for number, (text, picture) in enumerate(zip(sentences, pictures, strict=True), start=1)
    ]
    write_dataset(folder, {"test": rows}, name=name, task="ner", labels=[], inputs=[], counters={}, overwrite=True)
    return folder


class DescribedIndex(FakeIndex):
    """Its articles say what they are, but for those that are found last."""

    def search_text(self, queries: Sequence[str], k: int, title_boost: float = 0.0) -> list[list[Answer]]:
        found = super().search_text(queries, k, title_boost)
        return [[replace(answer, description="Rapper" * (answer.rank == 1)) for answer in answers] for answers in found]


def texts(cache: Path, sample_id: str) -> list[str]:
    return [row.text for row in read_context_rows(cache) if row.sample_id == sample_id]


def test_contexts_carry_the_description_and_begin_with_it_only_where_that_is_asked(tmp_path: Path) -> None:
    samples = make_set(tmp_path / "set", "a b")
    plain = retrieve_contexts(samples, DescribedIndex(), tmp_path / "plain", settings=TEXT)
    first = retrieve_contexts(
        samples, DescribedIndex(), tmp_path / "first", settings=replace(TEXT, description_first=True)
    )
    assert [row.description for row in read_context_rows(tmp_path / "plain")] == ["Rapper", ""]
    assert texts(tmp_path / "plain", "test-1") == ["a", "b"] and texts(tmp_path / "first", "test-1") == [
        "Rapper. a",
        "b",
    ]
    assert not puts_description_first(plain.parameters["query"])
    assert puts_description_first(first.parameters["query"])
    with pytest.raises(UsageError, match="other samples or settings"):
        retrieve_contexts(samples, DescribedIndex(), tmp_path / "plain", settings=replace(TEXT, description_first=True))


def test_contexts_are_distinct_ranked_and_counted(tmp_path: Path) -> None:
    samples = make_set(tmp_path / "set", "a a a b c", "d", "a a a b c")
    index = FakeIndex()
    info = retrieve_contexts(samples, index, tmp_path / "out", settings=replace(TEXT, part=10))
    assert texts(tmp_path / "out", "test-1") == ["a", "b"] == texts(tmp_path / "out", "test-3")
    rows = [row for row in read_context_rows(tmp_path / "out") if row.sample_id == "test-1"]
    assert [(row.rank, row.score, row.matched, row.title) for row in rows] == [
        (1, 8.0, "<a>", "T"),
        (2, 5.0, "<b>", "T"),
    ]
    assert index.searched == [("a a a b c", 2), ("d", 2), ("a a a b c", 8)], (
        "equal queries once, more only where needed"
    )
    assert info.sources["text"].contexts == 5 and info.sources["text"].statuses == {"hit": 3}
    assert info.index_fingerprint == "f1" and info.parameters["k"] == 2
    assert info.seconds_per_sample["text"] > 0 and read_cache(tmp_path / "out") == info


def test_an_interrupted_retrieval_goes_on_behind_its_last_part(tmp_path: Path) -> None:
    samples = make_set(tmp_path / "set", "a", "b", "c", "d", "e")
    with pytest.raises(KeyboardInterrupt):
        retrieve_contexts(samples, FakeIndex(fail_at=3), tmp_path / "out", settings=TEXT)
    assert not (tmp_path / "out").exists()
    index, reports = FakeIndex(), []
    retrieve_contexts(
        samples, index, tmp_path / "out", settings=TEXT, progress=lambda done, total: reports.append((done, total))
    )
    assert [query for query, _ in index.searched] == ["e"] and reports == [(4, 5), (5, 5)]
    whole = tmp_path / "whole"
    retrieve_contexts(samples, FakeIndex(), whole, settings=TEXT)
    assert read_context_rows(tmp_path / "out") == read_context_rows(whole)
    assert read_query_rows(tmp_path / "out") == read_query_rows(whole)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "contexts.json", "contexts.parquet", "queries.parquet",
    ]  # fmt: skip
    assert not (tmp_path / "out.partial").exists()


def test_a_finished_cache_is_left_alone_and_another_needs_overwrite(tmp_path: Path) -> None:
    samples, out = make_set(tmp_path / "set", "a b c"), tmp_path / "out"
    first = retrieve_contexts(samples, FakeIndex(), out, settings=TEXT)
    index = FakeIndex()
    assert retrieve_contexts(samples, index, out, settings=TEXT) == first and index.searched == []
    for other in (replace(TEXT, k=1), TEXT):
        manifest = replace(MANIFEST, fingerprint="f2") if other is TEXT else MANIFEST
        with pytest.raises(UsageError, match="a cache of other samples or settings"):
            retrieve_contexts(samples, FakeIndex(manifest=manifest), out, settings=other)
    retrieve_contexts(samples, FakeIndex(), out, settings=replace(TEXT, k=1), overwrite=True)
    assert texts(out, "test-1") == ["a"]


def test_the_title_boost_is_asked_for_stored_and_makes_another_cache(tmp_path: Path) -> None:
    samples, out, index = make_set(tmp_path / "set", "a b", "c"), tmp_path / "out", FakeIndex()
    entity = replace(TEXT, title_boost=2.0)
    info = retrieve_contexts(samples, index, out, settings=entity)
    assert index.boosts == {2.0}
    assert info.parameters["query"] == {
        "text": "tokens without web addresses, joined by blanks",
        "image": "picture",
        "title_boost": 2.0,
    }
    assert read_cache(out) == info and retrieve_contexts(samples, FakeIndex(1), out, settings=entity) == info
    for other in (TEXT, replace(TEXT, title_boost=1.0)):
        with pytest.raises(UsageError, match="other samples or settings"):
            retrieve_contexts(samples, FakeIndex(), out, settings=other)
    plain = retrieve_contexts(samples, FakeIndex(), tmp_path / "plain", settings=TEXT)
    assert "title_boost" not in plain.parameters["query"]


def test_web_addresses_are_looked_up_only_where_that_is_wanted(tmp_path: Path) -> None:
    sentence = 'RT Rocky http://t.co/x https://t.co/y. "http://t.co/z" http:… htt… http www.nasa.gov httpd'
    samples, index = make_set(tmp_path / "set", sentence, "https://t.co/x"), FakeIndex()
    info = retrieve_contexts(samples, index, tmp_path / "out", settings=TEXT)
    assert {query for query, _ in index.searched} == {"RT Rocky httpd"}
    assert not keeps_addresses(info.parameters["query"])
    assert [row.status for row in read_query_rows(tmp_path / "out")] == ["hit", "no_hit"]
    with pytest.raises(UsageError, match="other samples or settings"):
        retrieve_contexts(samples, index, tmp_path / "out", settings=replace(TEXT, keep_addresses=True))
    index = FakeIndex()
    letter = retrieve_contexts(samples, index, tmp_path / "letter", settings=replace(TEXT, keep_addresses=True))
    assert {query for query, _ in index.searched} == {sentence, "https://t.co/x"}
    assert keeps_addresses(letter.parameters["query"])
    assert letter.parameters["query"]["text"] == "tokens joined by blanks", "as caches of earlier versions have it"


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (replace(TEXT, title_boost=-1.0), "the title boost is -1"),
        (replace(TEXT, title_boost=float("nan")), "the title boost is nan"),
        (RetrievalSettings(views=("image",), title_boost=2.0), "the title boost is of the text view"),
    ],
)
def test_a_title_boost_out_of_place_is_refused(tmp_path: Path, settings: RetrievalSettings, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        retrieve_contexts(make_set(tmp_path / "set", "a"), FakeIndex(), tmp_path / "out", settings=settings)


def test_parts_of_other_settings_are_never_mixed_in(tmp_path: Path) -> None:
    samples, out = make_set(tmp_path / "set", "a x", "b x", "c x"), tmp_path / "out"
    with pytest.raises(KeyboardInterrupt):
        retrieve_contexts(samples, FakeIndex(fail_at=2), out, settings=TEXT)
    with pytest.raises(UsageError, match="an unfinished cache of other samples or settings"):
        retrieve_contexts(samples, FakeIndex(), out, settings=replace(TEXT, k=1))
    retrieve_contexts(samples, FakeIndex(), out, settings=replace(TEXT, k=1), overwrite=True)
    assert [row.text for row in read_context_rows(out)] == ["a", "b", "c"]


def test_a_folder_that_is_no_cache_is_never_replaced(tmp_path: Path) -> None:
    samples = make_set(tmp_path / "set", "a")
    with pytest.raises(UsageError, match="is no context cache"):
        retrieve_contexts(samples, FakeIndex(), tmp_path / "set", settings=TEXT, overwrite=True)
    assert read_samples(samples, "test")


def test_samples_without_a_hit_are_counted_and_empty_texts_are_no_contexts(tmp_path: Path) -> None:
    class Silent(FakeIndex):
        @staticmethod
        def _answers(query: str, k: int) -> list[Answer]:
            return [Answer("text", 1, 1.0, "p", "T", "", " ")] if query == "blank" else []

    samples = make_set(tmp_path / "set", "blank", "nothing")
    info = retrieve_contexts(samples, Silent(), tmp_path / "out", settings=TEXT)
    assert info.sources["text"].share_without_hit == 1.0 and read_context_rows(tmp_path / "out") == []
    found = read_contexts(tmp_path / "out", ["text"], read_samples(samples, "test"))
    assert found == {"test-1": [], "test-2": []}


def test_the_image_view_tells_why_a_picture_gave_nothing(tmp_path: Path) -> None:
    pytest.importorskip("indexer.encoders.pixels")
    from PIL import Image

    folder = tmp_path / "images"
    folder.mkdir()
    Image.new("RGB", (40, 40), "red").save(folder / "red.png")
    (folder / "bad.jpg").write_bytes(b"nothing")
    names = [None, "red.png", "absent.png", "bad.jpg", "red.png"]
    samples = make_set(tmp_path / "set", "a", "b", "c", "d", "e", images=names)
    settings = replace(TEXT, views=("text", "image"))
    info = retrieve_contexts(samples, FakeIndex(), tmp_path / "out", images=folder, settings=settings)
    by_source = {
        source: [row.status for row in read_query_rows(tmp_path / "out") if row.source == source]
        for source in ("text", "image")
    }
    assert by_source["image"] == ["no_image", "hit", "missing_image", "broken_image", "hit"]
    assert by_source["text"] == ["hit"] * 5
    assert info.sources["image"].share_without_image == 0.6
    (context,) = [
        row for row in read_context_rows(tmp_path / "out") if row.sample_id == "test-2" and row.source == "image"
    ]
    assert (context.doc_id, context.title, context.matched) == ("7", "Red", "Red.png")
    vectors = pq.read_table(tmp_path / "out" / "vectors.parquet")
    rows = read_samples(samples, "test")
    assert vectors["digest"].to_pylist() == [input_digest(rows[1]), input_digest(rows[4])]
    assert np.allclose(vectors["vector"].to_pylist(), [[1, 0, 0]] * 2)
    assert vectors.schema.metadata[b"encoder"] == b"e1"
    Image.new("RGB", (40, 40), "red").save(folder / "absent.png")
    with pytest.raises(UsageError, match="other samples or settings"):
        retrieve_contexts(samples, FakeIndex(), tmp_path / "out", images=folder, settings=settings)


def test_the_image_view_needs_a_folder(tmp_path: Path) -> None:
    samples = make_set(tmp_path / "set", "a")
    with pytest.raises(UsageError, match="needs the folder"):
        retrieve_contexts(samples, FakeIndex(), tmp_path / "out", settings=replace(TEXT, views=("image",)))
    with pytest.raises(UsageError, match="no such folder"):
        retrieve_contexts(samples, FakeIndex(), tmp_path / "out", images=tmp_path / "none", settings=TEXT)


def columns(folder: Path, text: str) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "test.txt").write_text(text)
    return folder


def test_columns_are_aligned_by_tokens_and_lacking_samples_get_none(tmp_path: Path) -> None:
    samples = make_set(tmp_path / "set", "a b", "c", "a b", "last")
    text = "c\tO\n<EOS>\tX\nof\tX\nc\tX\n\n"
    text += "a\tO\nb\tO\n<EOS>\tX\none\tX\n<EOS>\tX\nuno\tX\n\na\tO\nb\tO\n<EOS>\tX\ntwo\tX\n"
    info = import_columns(columns(tmp_path / "files", text), samples, tmp_path / "out", "pgim")
    found = read_contexts(tmp_path / "out", ["pgim"], read_samples(samples, "test"))
    assert {key: [(row.rank, row.text) for row in rows] for key, rows in found.items()} == {
        "test-1": [(1, "one"), (2, "uno")],
        "test-2": [(1, "of c")],
        "test-3": [(1, "two")],
        "test-4": [],
    }
    assert info.sources["pgim"].statuses == {"hit": 3, "no_hit": 1}
    assert found["test-2"][0].score is None and info.index_fingerprint is None


def test_misaligned_columns_are_refused_with_the_line(tmp_path: Path) -> None:
    samples = make_set(tmp_path / "set", "a", "b")
    files = columns(tmp_path / "files", "a\tO\n<EOS>\tX\nz\tX\n\nx\tO\ny\tO\n<EOS>\tX\nz\tX\n")
    with pytest.raises(InputError, match=re.escape("in no sample of the split: 'x y'")) as caught:
        import_columns(files, samples, tmp_path / "out", "pgim")
    assert caught.value.place == "line 5" and not (tmp_path / "out").exists()
    info = import_columns(files, samples, tmp_path / "out", "pgim", allow_unmatched=True)
    assert info.parameters["unmatched_sentences"] == 1
    with pytest.raises(InputError, match="not one sentence"):
        other = columns(tmp_path / "other", "x\tO\n<EOS>\tX\nz\tX\n")
        import_columns(other, samples, tmp_path / "none", "pgim", allow_unmatched=True)


def test_captions_belong_to_images(tmp_path: Path) -> None:
    samples = make_set(tmp_path / "set", "a", "b", "c", images=["1.jpg", None, "3.jpg"])
    file = tmp_path / "captions.txt"
    file.write_text('1.jpg :a dog : asleep\n{"image_id": "1.jpg", "caption": "a bed"}\n9.jpg :a cat\n\n')
    info = import_captions(file, samples, tmp_path / "out", "caption")
    rows = read_context_rows(tmp_path / "out")
    assert [(row.sample_id, row.rank, row.text, row.matched) for row in rows] == [
        ("test-1", 1, "a dog : asleep", "1.jpg"),
        ("test-1", 2, "a bed", "1.jpg"),
    ]
    assert [row.status for row in read_query_rows(tmp_path / "out")] == ["hit", "no_image", "no_hit"]
    assert info.parameters["unmatched_images"] == 1


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("1.jpg a dog", "no caption of a picture"),
        ('{"image": "1.jpg"}', "no caption in a dict of image"),
        ('{"image": null, "caption": "x"}', "is no text"),
    ],
)
def test_faulty_captions_are_refused_with_the_line(tmp_path: Path, line: str, message: str) -> None:
    samples = make_set(tmp_path / "set", "a", images=["1.jpg"])
    (tmp_path / "c.txt").write_text("1.jpg :x\n" + line + "\n")
    with pytest.raises(InputError, match=message) as caught:
        import_captions(tmp_path / "c.txt", samples, tmp_path / "out")
    assert caught.value.place == "line 2"
    (tmp_path / "d.txt").write_text("7.jpg :x\n")
    with pytest.raises(InputError, match="no caption is of a picture"):
        import_captions(tmp_path / "d.txt", samples, tmp_path / "out")


def test_a_cache_serves_some_of_its_samples_and_other_labels_but_no_others(tmp_path: Path) -> None:
    samples, out = make_set(tmp_path / "set", "a b", "c d"), tmp_path / "out"
    retrieve_contexts(samples, FakeIndex(), out, settings=TEXT)
    first, second = read_samples(samples, "test")
    relabelled = replace(second, tags=("B-X", "O"))
    assert [row.text for row in read_contexts(out, ["text"], [relabelled])["test-2"]] == ["c", "d"]
    for other, fault in (
        (replace(first, tokens=("a", "x")), "had other tokens or another image"),
        (replace(first, image="1.jpg"), "had other tokens or another image"),
        (replace(first, sample_id="dev-1"), "is not in it"),
    ):
        with pytest.raises(IndexMismatch, match=f"made for other samples: {other.sample_id} {fault}"):
            read_contexts(out, ["text"], [second, other])
    with pytest.raises(UsageError, match="no source 'image' in this cache, there are: text"):
        read_contexts(out, ["image"], [first])


def test_unfinished_damaged_and_older_caches_are_refused(tmp_path: Path) -> None:
    samples, out = make_set(tmp_path / "set", "a b"), tmp_path / "out"
    with pytest.raises(IndexNotFound, match="no finished context cache"):
        read_contexts(tmp_path / "none", ["text"], [])
    retrieve_contexts(samples, FakeIndex(), out, settings=TEXT)
    values = json.loads((out / "contexts.json").read_text())
    for change, error in (
        ({"schema_version": 0}, IndexMismatch),
        ({"kind": "x"}, IndexCorrupt),
        ({"more": 1}, IndexCorrupt),
    ):
        (out / "contexts.json").write_text(json.dumps(values | change))
        with pytest.raises(error):
            read_cache(out)
    (out / "contexts.json").write_text(json.dumps(values))
    (out / "contexts.parquet").write_bytes(b"PAR1PAR1")
    with pytest.raises(IndexCorrupt, match="not a readable Parquet file"):
        read_contexts(out, ["text"], read_samples(samples, "test"))


def run(*arguments: object) -> str:
    result = CliRunner().invoke(contexts_app, [str(argument) for argument in arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def test_the_commands_import_show_and_count(tmp_path: Path) -> None:
    samples = make_set(tmp_path / "set", "a b", "c", images=["1.jpg", "2.jpg"])
    files = columns(tmp_path / "files", "a\tO\nb\tO\n<EOS>\tX\nknow\tX\nledge\tX\n")
    (tmp_path / "captions.txt").write_text("1.jpg :a dog\n")
    shown = run("import", files, "-s", samples, "-o", tmp_path / "one", "--source", "pgim")
    assert "pgim: 1 contexts for 2 samples (0.5 each); with a hit 50.00%" in shown
    run(
        "import",
        tmp_path / "captions.txt",
        "-s",
        samples,
        "-o",
        tmp_path / "two",
        "--source",
        "caption",
        "--format",
        "captions",
    )
    shown = run("show", tmp_path / "one", tmp_path / "two", "-s", samples, "-n", "1")
    assert "know ledge" in shown and "a dog" in shown and "test-2" not in shown
    row = json.loads(run("show", tmp_path / "one", "-s", samples, "--id", "test-1", "--json"))
    assert row["contexts"][0]["text"] == "know ledge" and row["tokens"] == ["a", "b"]
    values = json.loads(run("stats", tmp_path / "one", "--json"))
    assert values["words_per_context"] == {"pgim": 2.0} and values["sources"]["pgim"]["share_without_hit"] == 0.5
    with pytest.raises(IndexNotFound, match="no finished context cache"):
        run("show", tmp_path / "none", "-s", samples)
    with pytest.raises(IndexNotFound, match="no finished context cache"):
        run("stats", tmp_path / "none")
    with pytest.raises(UsageError, match="no sample 'x'"):
        run("show", tmp_path / "one", "-s", samples, "--id", "x")
    with pytest.raises(UsageError, match="unknown format 'txt'"):
        run("import", files, "-s", samples, "-o", tmp_path / "no", "--source", "x", "--format", "txt")


def test_pgim_covers_all_samples_but_the_last_of_each_split(shared_data: Path, tmp_path: Path) -> None:
    from schemas.text_files import TextFile
    from trainer.data import convert_files

    convert_files({"dev": TextFile(shared_data / "twitter2015" / "valid.txt")}, tmp_path / "set", name="twitter2015")
    import_columns(shared_data / "contexts" / "pgim_twitter2015.zip", tmp_path / "set", tmp_path / "out", "pgim")
    without = [row.sample_id for row in read_query_rows(tmp_path / "out") if row.status != "hit"]
    assert without == ["dev-1000"] and len(read_context_rows(tmp_path / "out")) == 999
    captions = shared_data / "captions" / "blip2_twitter2015.txt"
    info = import_captions(captions, tmp_path / "set", tmp_path / "captions")
    assert info.sources["caption"].statuses == {"hit": 999, "no_hit": 1}
