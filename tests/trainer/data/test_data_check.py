"""Checks of converted data sets: the real ones against published counts, and small faulty ones."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from schemas.dataset import Dataset, read_dataset, read_samples
from schemas.errors import InputError, UsageError
from schemas.records import Box, Entity, Relation, Sample, Span
from schemas.text_files import TextFile, find_split_files
from trainer.commands import data_commands
from trainer.data import check_dataset, convert_files, count_split, find_overlaps
from trainer.data.check import Finding, count_orphans
from trainer.data.overlap import find_repetitions
from trainer.data.versions import describe_version


@pytest.fixture(scope="module")
def twitter2015(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("twitter2015") / "set"
    convert_files(find_split_files(shared_data / "twitter2015"), folder, name="twitter2015")
    return folder


def by_kind(findings: list[Finding]) -> dict[tuple[str, str], Finding]:
    return {(finding.split, finding.kind): finding for finding in findings}


def describe(name: str) -> Dataset:
    return Dataset(name, "ner", (), {}, (), {})


def test_twitter2015_has_the_published_counts_orphans_and_version(twitter2015: Path) -> None:
    dataset = read_dataset(twitter2015)
    samples = {split: read_samples(twitter2015, split) for split in dataset.splits}
    found = by_kind(check_dataset(dataset, samples))
    published = {"train": (4000, 6166, 186), "dev": (1000, 1541, 53), "test": (3257, 5072, 135)}
    for split, (rows, entities, orphans) in published.items():
        assert found[split, "count_samples"].count == rows
        assert found[split, "count_entities"].count == entities
        assert found[split, "orphan_tags"].count == orphans
        assert found[split, "version"].message == "version: twitter2015, UMT"
    assert found["dev", "blank_tokens"].count == 1 and found["dev", "blank_tokens"].examples == ("dev-530",)
    assert not any(finding.is_warning for finding in found.values())
    assert "5207 entities by the default convention, 5072 by the strict one" in found["test", "orphan_tags"].message


def test_the_first_rows_of_twitter2015_are_those_of_the_file(twitter2015: Path) -> None:
    first = read_samples(twitter2015, "train")[0]
    assert first.image == "1015799.jpg" and first.sample_id == "train-1"
    assert first.tokens[8:10] == ("George", "Zimmerman")
    assert (first.tags or ())[7:11] == ("O", "B-PER", "I-PER", "O")


def test_relabelled_and_shortened_versions_are_recognised(twitter2015: Path) -> None:
    rows = read_samples(twitter2015, "dev")
    assert describe_version("twitter2015", "dev", rows[:-1]) == "twitter2015, PGIM: UMT without the last sample"
    assert describe_version("mine", "dev", rows) == "twitter2015, UMT"
    relabelled = [Sample(row.sample_id, row.tokens, tags=("O",) * len(row.tokens)) for row in rows]
    assert describe_version("twitter2015", "dev", relabelled) == "twitter2015, tokens of UMT with other labels"
    assert describe_version("twitter2015", "dev", rows[::-1]) == "none that is known"


def test_mnre_has_the_published_counts(shared_data: Path, tmp_path: Path) -> None:
    files = {
        "test": TextFile(shared_data / "mnre" / "mnre_test.txt"),
        "dev": TextFile(shared_data / "mnre" / "mnre_val .txt"),
    }
    dataset = convert_files(files, tmp_path / "mnre", name="mnre2")
    samples = {split: read_samples(tmp_path / "mnre", split) for split in dataset.splits}
    assert dataset.task == "re" and len(dataset.labels) == 23 and dataset.labels[0] == "None"
    found = by_kind(check_dataset(dataset, samples, shared_data / "mnre" / "images"))
    assert found["test", "count_samples"].message == "1614 samples: as published"
    assert found["test", "count_no_relation"].message == "974 pairs without a relation: as published"
    assert found["test", "last_token"].count == 14 and found["test", "overlapping_spans"].count == 5
    assert found["test", "missing_images"].message == "903 of 914 image files are missing"
    assert found["test", "broken_images"].count == 0
    assert found["test", "version"].message == "version: mnre2, MNRE repository"
    assert found["train", "absent_split"].is_warning


def test_counts_that_differ_from_the_published_ones_are_warnings() -> None:
    samples = {"dev": [Sample("dev-1", ("a",), tags=("I-PER",), split="dev")]}
    found = by_kind(check_dataset(describe("twitter2015"), samples))
    assert found["dev", "count_samples"].message == "1 samples: published are 1000"
    assert found["dev", "count_samples"].is_warning and found["dev", "orphan_tags"].is_warning


def test_orphans_are_i_tags_without_a_beginning() -> None:
    assert count_orphans(["O", "I-A", "I-A", "B-A", "I-A", "I-B"]) == 2
    assert count_orphans(["B-A", "I-A", "O", "B-B"]) == 0


def test_missing_and_broken_images_are_told_apart(tmp_path: Path) -> None:
    from PIL import Image

    (tmp_path / "test").mkdir()
    Image.new("RGB", (4, 4)).save(tmp_path / "good.png")
    Image.new("RGB", (4, 4)).save(tmp_path / "test" / "split.png")
    (tmp_path / "bad.jpg").write_bytes(b"not a picture")
    (tmp_path / "cut.png").write_bytes((tmp_path / "good.png").read_bytes()[:40])
    names = ["good.png", "split.png", "bad.jpg", "cut.png", "absent.jpg", None]
    samples = {"test": [Sample(f"test-{i}", ("a",), name) for i, name in enumerate(names)]}
    found = by_kind(check_dataset(describe("x"), samples, tmp_path))
    assert found["test", "missing_images"].examples == ("absent.jpg",)
    assert found["test", "broken_images"].examples == ("bad.jpg", "cut.png")
    assert found["test", "no_image"].examples == ("test-5",)
    with pytest.raises(UsageError, match="no such folder"):
        check_dataset(describe("x"), samples, tmp_path / "none")


def test_overlaps_count_sentences_labels_and_images() -> None:
    ours = {"train": [Sample("train-1", ("a", "b"), "1.jpg", ("O", "O")), Sample("train-2", ("c",), "2.jpg", ("O",))]}
    theirs = {"test": [Sample("test-1", ("a", "b"), "9.jpg", ("B-X", "O")), Sample("test-2", ("d",), "2.jpg", ("O",))]}
    (overlap,) = find_overlaps(ours, theirs)
    assert (overlap.samples, overlap.same_tokens, overlap.other_labels, overlap.same_image) == (2, 1, 1, 1)
    assert overlap.examples == ("train-1",)
    assert find_overlaps({"train": ours["train"][1:]}, {"test": theirs["test"][:1]}) == []


def test_repetitions_know_that_pairs_share_a_sentence() -> None:
    pair = Sample("a", ("x", "y"), "1.jpg", head=Span(0, 1), tail=Span(1, 2), relation="r")
    turned = Sample("b", ("x", "y"), "1.jpg", head=Span(1, 2), tail=Span(0, 1), relation="r")
    assert find_repetitions({"train": [pair, turned]}) == []
    assert [row.count for row in find_repetitions({"train": [pair, turned, pair]})] == [1]
    shared = find_repetitions({"train": [pair, turned], "test": [turned]})
    assert [row.name for row in shared] == [
        "samples of train have a sentence of test",
        "samples of train have an image of test",
    ]


def test_stats_count_labels_and_forms_absent_from_training() -> None:
    train = [Sample("t", ("Rome",), tags=("B-LOC",))]
    rows = [Sample("a", ("ROME", "Bob"), "1.jpg", ("B-LOC", "I-PER")), Sample("b", ("x",), "1.jpg", ("O",))]
    counts = count_split(rows, train)
    assert counts["labels"] == {"LOC": 1, "PER": 1} and counts["surface_forms_not_in_train"] == 1
    assert (counts["tokens"], counts["tokens_max"], counts["distinct_images"]) == (3, 2, 1)
    assert counts["without_entities"] == 1 and counts["without_labels"] == 0


def run(*arguments: object) -> str:
    result = CliRunner().invoke(data_commands, [str(argument) for argument in arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def test_the_commands_convert_check_and_count(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    (source / "train.txt").write_text("IMGID:1\nRome\tB-LOC\n")
    (source / "dev.txt").write_text("IMGID:2\nOslo\tI-LOC\n")
    out = tmp_path / "out"
    summary = json.loads(run("convert", source, "--format", "conll", "--out", out, "--json"))
    assert summary["splits"]["dev"] == {"file": str(source / "dev.txt"), "rows": 1} and summary["labels"] == ["LOC"]
    report = json.loads(run("check", out, "--against", out, "--json"))
    assert report["warnings"] == 1 and report["findings"][1]["kind"] == "orphan_tags"
    assert set(report["fingerprints"]) == {"train", "dev"} and len(report["against"][str(out)]) == 2
    assert "! dev: 1 orphan I- tags: 1 entities by the default convention, 0 by the strict one" in run("check", out)
    assert json.loads(run("stats", out, "--json"))["dev"]["surface_forms_not_in_train"] == 1
    assert "| dev | 1 | 1 | 1 |" in run("stats", out)
    with pytest.raises(InputError, match="1 warnings"):
        run("check", out, "--strict")


def test_convert_wants_a_source_or_files_but_not_both(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("Rome\tB-LOC\n")
    with pytest.raises(UsageError, match="either a SOURCE or the files"):
        run("convert", "--out", tmp_path / "x", "--format", "conll")
    with pytest.raises(UsageError, match="either a SOURCE or the files"):
        run("convert", tmp_path, "--test", tmp_path / "a.txt", "--out", tmp_path / "x", "--format", "conll")
    run("convert", "--test", tmp_path / "a.txt", "--out", tmp_path / "x", "--format", "conll", "--labels", "LOC, PER")
    assert read_dataset(tmp_path / "x").labels == ("LOC", "PER")


def test_two_objects_of_one_sentence_are_no_repetition_and_records_have_labels() -> None:
    one, other = (
        Sample(name, ("Ann",), "1.jpg", relations=(Relation(Span(0, 1), Box(x, 0, x + 1, 1), "holds"),))
        for name, x in (("a", 0), ("b", 1))
    )
    assert find_repetitions({"train": [one, other]}) == []
    assert [row.count for row in find_repetitions({"train": [one, one]})] == [1]
    (overlap,) = find_overlaps({"train": [one]}, {"test": [other]})
    assert (overlap.same_tokens, overlap.other_labels) == (1, 1)
    people = [Sample(name, ("Ann",), entities=(Entity(0, 1, kind),)) for name, kind in (("a", "PER"), ("b", "PER"))]
    assert find_overlaps({"train": people[:1]}, {"test": people[1:]})[0].other_labels == 0
