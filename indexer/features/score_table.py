"""Tables of scores of pictures that others computed, for instance how far a picture is from its text (TMR).

Each file has lines `PICTURE<TAB>SCORE` and is named after its score: of `train_weight_weak.txt` and
`test_weight_weak.txt` the score is weight_weak. They become one Parquet file (file, vector) that the words of captions
and the gates of a mixture read.
"""

from __future__ import annotations

import json
import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from schemas.dataset import read_dataset, read_samples
from schemas.errors import IndexCorrupt, InputError, UsageError
from schemas.tables import scores_schema
from schemas.text_files import TextFile, find_text_files, name_without_split

__all__ = ["ScoreCounts", "ScoreTable", "import_scores", "read_scores"]

_SUFFIXES = (".txt", ".tsv")
_MOST = 1e30  # far within float32; nan is not below it either
_REMEDY = "give files of lines PICTURE<TAB>SCORE, in a folder or a zip archive"
_AGAIN = "make it again: mie-index features scores"
_Found = dict[str, dict[str, list[float]]]


@dataclass(frozen=True)
class ScoreCounts:
    """What came of an import.

    Args:
        scores: names.
        pictures: of the samples, with a score at least.
        samples: of the data set.
        missing: samples without a score, by its name.
        other_pictures: with a score, that no sample has.
        several: scores of a picture that are not the same in all its lines; their mean counts.
    """

    scores: tuple[str, ...]
    pictures: int
    samples: int
    missing: dict[str, int]
    other_pictures: int
    several: int


@dataclass(frozen=True)
class ScoreTable:
    """Scores by the file of a picture; None where one is missing.

    Args:
        names: of the scores.
        rows: of each picture, in the order of the names.
    """

    names: tuple[str, ...]
    rows: dict[str, tuple[float | None, ...]]

    def only(self, name: str, path: Path) -> dict[str, float]:
        """Return one score by picture, where it is there.

        Raises:
            UsageError: the table at path has no such score.
        """
        if name not in self.names:
            raise UsageError(f"no score {name!r}", path=path, remedy=f"choose one of {', '.join(self.names)}")
        place = self.names.index(name)
        return {file: score for file, row in self.rows.items() if (score := row[place]) is not None}


def import_scores(
    files: Path, samples: Path, out: Path, *, splits: Sequence[str] = (), overwrite: bool = False
) -> ScoreCounts:
    """Import the scores of a data set's pictures.

    A missing score is flagged, never replaced. Where a picture has several lines with different scores (MNRE's files
    have one for each relation, in an order of their own), it gets their mean, and they are counted.

    Args:
        files: a folder, a zip archive or a single file; only .txt and .tsv are read.
        samples: the folder of the data set.
        out: the Parquet file.
        splits: names of splits; all by default.
        overwrite: replace a file that is there.

    Raises:
        UsageError: there is something at out already.
        InputError: a line is no score, with file and line; no file, or no score of a picture of these samples.
    """
    if out.exists() and not (overwrite and out.is_file()):
        raise UsageError("there is something here already", path=out, remedy="add --overwrite, or choose another --out")
    dataset = read_dataset(samples)
    images = [row.image for split in splits or dataset.splits for row in read_samples(samples, split)]
    found: _Found = defaultdict(lambda: defaultdict(list))
    for file in find_text_files(files):
        if (file.member or file.path.name).lower().endswith(_SUFFIXES):
            _read_scores(file, found[name_without_split(file.member or file.path.name) or "score"])
    names = tuple(sorted(name for name in found if found[name]))
    known = {picture for name in names for picture in found[name]}
    pictures = sorted(known.intersection(image for image in images if image is not None))
    if not pictures:
        said = f"the first names {min(known)}" if known else "there is no line"
        raise InputError("no score is of a picture of these samples", path=files, place=said, remedy=_REMEDY)
    means = {name: {picture: sum(row) / len(row) for picture, row in found[name].items()} for name in names}
    _write(out, names, {file: tuple(means[name].get(file) for name in names) for file in pictures})
    return ScoreCounts(
        names,
        len(pictures),
        len(images),
        {name: sum(image not in means[name] for image in images) for name in names},
        len(known.difference(pictures)),
        sum(len(set(found[name].get(picture, []))) > 1 for name in names for picture in pictures),
    )


def read_scores(path: Path) -> ScoreTable:
    """Read a table that `import_scores` wrote.

    Raises:
        InputError: there is no such file.
        IndexCorrupt: it is no table of scores.
    """
    if not path.is_file():
        raise InputError("there is no such table of scores", path=path, remedy=_AGAIN)
    try:
        schema = pq.read_schema(path)
        names = tuple(json.loads((schema.metadata or {})[b"scores"]))
        if not names or not schema.equals(scores_schema(names)):
            raise ValueError("other columns")
        table = pq.read_table(path).to_pydict()
    except (OSError, ValueError, TypeError, KeyError, RecursionError, pa.ArrowException) as error:
        raise IndexCorrupt(f"no table of scores ({error})", path=path, remedy=_AGAIN) from error
    count = len(names)
    rows = {
        file: tuple(score if flag else None for score, flag in zip(vector[:count], vector[count:], strict=True))
        for file, vector in zip(table["file"], table["vector"], strict=True)
    }
    return ScoreTable(names, rows)


def _read_scores(file: TextFile, found: dict[str, list[float]]) -> None:
    """Add the scores of a file by picture.

    Raises:
        InputError: a line is no score.
    """
    for number, line in file.lines():
        if not line.strip():
            continue
        picture, tab, text = line.rpartition("\t")
        try:
            score = float(text)
        except ValueError:
            score = math.nan
        if not tab or not picture.strip() or not abs(score) < _MOST:
            raise InputError(
                f"no score of a picture: {line[:80]!r}", path=str(file), place=f"line {number}", remedy=_REMEDY
            )
        found[picture.strip()].append(score)


def _write(out: Path, names: Sequence[str], rows: dict[str, tuple[float | None, ...]]) -> None:
    vectors = [[score or 0.0 for score in row] + [float(score is not None) for score in row] for row in rows.values()]
    temporary = out.with_name(out.name + ".tmp")
    out.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table({"file": list(rows), "vector": vectors}, scores_schema(names)), temporary)
    temporary.replace(out)
