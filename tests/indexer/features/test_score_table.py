"""Tables of scores: named after their files, missing ones flagged, and never replaced."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from indexer.features.score_table import import_scores, read_scores
from schemas.dataset import write_dataset
from schemas.errors import IndexCorrupt, InputError, UsageError
from schemas.records import Sample


def data_set(folder: Path, *images: str | None) -> Path:
    rows = [Sample(f"test-{number}", ("x", str(number)), image) for number, image in enumerate(images, start=1)]
    write_dataset(folder / "set", {"test": rows}, name="set", task="ner", labels=(), inputs=(), counters={})
    return folder / "set"


def test_scores_are_named_after_their_files_and_missing_ones_are_flagged(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "tmr.zip", "w") as archive:
        archive.writestr("ner_train_weight_strong.txt", "1.jpg\t0.25\n")
        archive.writestr("ner_test_weight_strong.txt", "2.jpg\t0.5\r\n9.jpg\t1\n")
        archive.writestr("ner_test_weight_weak.txt", "2.jpg\t0\n\n")
        archive.writestr("phrases_test.json", '{"1.jpg": "not a score"}')
    samples = data_set(tmp_path, "1.jpg", "2.jpg", "3.jpg", None)
    counts = import_scores(tmp_path / "tmr.zip", samples, tmp_path / "s.parquet")
    assert counts.scores == ("ner_weight_strong", "ner_weight_weak")
    assert (counts.pictures, counts.samples, counts.other_pictures, counts.several) == (2, 4, 1, 0)
    assert counts.missing == {"ner_weight_strong": 2, "ner_weight_weak": 3}
    table = read_scores(tmp_path / "s.parquet")
    assert table.rows == {"1.jpg": (0.25, None), "2.jpg": (0.5, 0.0)}
    assert table.only("ner_weight_weak", tmp_path) == {"2.jpg": 0.0}
    # n scores and then n flags: a score of 0 and a missing one differ for a gate too
    assert pq.read_table(tmp_path / "s.parquet").to_pydict()["vector"] == [[0.25, 0.0, 1.0, 0.0], [0.5, 0.0, 1.0, 1.0]]


def test_several_scores_of_a_picture_count_as_their_mean(tmp_path: Path) -> None:
    (tmp_path / "weak.txt").write_text("1.jpg\t0.25\n1.jpg\t0.75\n2.jpg\t1\n2.jpg\t1\n")
    counts = import_scores(tmp_path / "weak.txt", data_set(tmp_path, "1.jpg", "2.jpg"), tmp_path / "s.parquet")
    assert counts.several == 1 and read_scores(tmp_path / "s.parquet").rows == {"1.jpg": (0.5,), "2.jpg": (1.0,)}


@pytest.mark.parametrize(
    "line", ["1.jpg 0.5", "1.jpg\t", "\t0.5", "1.jpg\tnan", "1.jpg\tinf", "1.jpg\t1e39", "1.jpg\tx"]
)
def test_a_line_that_is_no_score_is_refused_with_its_number(tmp_path: Path, line: str) -> None:
    (tmp_path / "weak.txt").write_text("1.jpg\t0.5\n" + line + "\n")
    with pytest.raises(InputError, match="no score of a picture") as caught:
        import_scores(tmp_path / "weak.txt", data_set(tmp_path, "1.jpg"), tmp_path / "s.parquet")
    assert caught.value.place == "line 2" and "TAB" in str(caught.value.remedy)
    assert not (tmp_path / "s.parquet").exists()


def test_scores_of_other_pictures_and_files_that_are_no_table_are_refused(tmp_path: Path) -> None:
    samples = data_set(tmp_path, "1.jpg")
    (tmp_path / "weak.txt").write_text("7.jpg\t0.5\n")
    with pytest.raises(InputError, match="no score is of a picture"):
        import_scores(tmp_path / "weak.txt", samples, tmp_path / "s.parquet")
    (tmp_path / "s.parquet").write_bytes(b"PAR1")
    with pytest.raises(UsageError, match="something here already"):
        import_scores(tmp_path / "weak.txt", samples, tmp_path / "s.parquet")
    with pytest.raises(IndexCorrupt, match="no table of scores"):
        read_scores(tmp_path / "s.parquet")
    with pytest.raises(InputError, match="no such table"):
        read_scores(tmp_path / "absent.parquet")
    (tmp_path / "weak.txt").write_text("1.jpg\t0.5\n")
    import_scores(tmp_path / "weak.txt", samples, tmp_path / "s.parquet", overwrite=True)
    with pytest.raises(UsageError, match="no score 'strong'"):
        read_scores(tmp_path / "s.parquet").only("strong", tmp_path / "s.parquet")


@pytest.mark.integration
@pytest.mark.parametrize(("name", "pictures"), [("mnre", 9201), ("twitter2015", 8257)])
def test_the_real_scores_cover_every_picture(shared_data: Path, tmp_path: Path, name: str, pictures: int) -> None:
    from schemas.text_files import find_split_files
    from trainer.data import convert_files

    convert_files(find_split_files(shared_data / name), tmp_path / "set", name={"mnre": "mnre2"}.get(name, name))
    counts = import_scores(shared_data / "tmr" / f"{name}.zip", tmp_path / "set", tmp_path / "s.parquet")
    assert counts.pictures == pictures and len(counts.scores) == 4 and set(counts.missing.values()) == {0}
    if name == "mnre":
        rows = read_scores(tmp_path / "s.parquet").rows.values()
        # its files hold s / (s + w) and w / (s + w)
        assert all(abs((strong or 0) + (weak or 0) - 1) < 1e-4 for _, _, strong, weak in rows)
