"""Imports vectors that others made: VinVL's arrays of regions, or one array with the names of its pictures."""

from __future__ import annotations

import hashlib
import math
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, NamedTuple

from indexer.features.boxes import Region, sound_regions
from indexer.features.members import read_members
from indexer.features.npz import open_npy, read_npz
from indexer.features.region_files import vinvl_boxes
from indexer.features.rows import PictureSize, ViewRows, drop_not_finite, to_table
from indexer.features.writer import StorePart, StoreSample, StoreWriter
from schemas.dataset import input_digest, read_dataset, read_samples
from schemas.display import tell
from schemas.errors import InputError, UsageError
from schemas.feature_store import ABSENT_ROW, StoreInfo
from schemas.records import Box, Reject, Sample

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["import_arrays"]

_REMEDY = (
    "give VinVL's .npz files (a folder or an archive), or an .npy file with the names of its rows beside it (.txt)"
)
_VIEW = "given"
_PART = 256
_NOWHERE = Region(Box(math.nan, math.nan, math.nan, math.nan), "", math.nan)


class _Given(NamedTuple):
    """The vectors of a picture [K, D], and what is known about each; or why they cannot be read."""

    name: str
    size: PictureSize
    values: NDArray[np.float32]
    regions: Sequence[Region]
    rejects: Sequence[Reject]


def import_arrays(
    arrays: Path,
    samples: Path,
    out: Path,
    *,
    encoder: str,
    splits: Sequence[str] = (),
    most: int = 36,
    overwrite: bool = False,
) -> StoreInfo:
    """Import the vectors of a data set's pictures into a store, as the view "given".

    Args:
        arrays: a folder or archive of VinVL's .npz files (NAME.jpg.npz: box_features [K, D], bounding_boxes [K, 4],
            objects, scores, image_w, image_h), or an .npy file [N, D] or [N, K, D] with the names of its N pictures
            beside it, one a line: NAME.npy and NAME.txt.
        samples: the folder of the data set.
        out: the folder of the store.
        encoder: the name of what made the vectors.
        splits: names of splits; all by default.
        most: vectors of a picture at most, the first ones.
        overwrite: replace a store of other samples or settings.

    Raises:
        UsageError: another store is at out.
        InputError: no array is of a picture of these samples, or the arrays cannot be read.
    """
    dataset = read_dataset(samples)
    names = splits or list(dataset.splits)
    rows = [row for split in names for row in read_samples(samples, split)]
    fingerprints = {split: dataset.splits[split].fingerprint for split in names}
    parameters = {"import": arrays.name, "files": _digest(arrays), "most": most, "samples": fingerprints}
    writer = StoreWriter(out, {**parameters, "encoder": encoder}, overwrite=overwrite)
    if writer.finished is not None:
        return writer.finished
    known = {key for row in rows for key in _keys(row)}
    numbers: dict[str, int] = {}
    parts = 0
    for parts, part in enumerate(_parts(_read(arrays, known), numbers, most), start=1):
        writer.write_part(parts - 1, part)
    if not numbers:
        raise InputError("no array is of a picture of these samples", path=arrays, remedy=_REMEDY)
    found = [_store_sample(row, numbers) for row in rows]
    sums = writer.sum_up(parts)
    sums.counts.update({"samples": len(rows), "pictures": len(numbers)})
    sums.counts.update(Counter(f"samples_{row.status}" for row in found))
    return writer.publish(parts, {_VIEW: (encoder, "")}, found, sums, dataset=dataset.name, fingerprints=fingerprints)


def _keys(sample: Sample) -> tuple[str, ...]:
    """Return the names under which the vectors of a sample's picture may stand."""
    path = PurePosixPath(sample.image or "")
    return () if sample.image is None else (sample.image, path.name, path.stem)


def _store_sample(sample: Sample, numbers: Mapping[str, int]) -> StoreSample:
    row = next((numbers[key] for key in _keys(sample) if key in numbers), ABSENT_ROW)
    status = "ok" if row != ABSENT_ROW else "no_image" if sample.image is None else "missing_image"
    return StoreSample(sample.sample_id, input_digest(sample), row, status)


def _parts(pictures: Iterator[_Given], numbers: dict[str, int], most: int) -> Iterator[StorePart]:
    """Divide pictures into parts, and number them; one part is in memory at a time."""
    part: list[_Given] = []
    dim = 0
    began = time.perf_counter()
    for given in pictures:
        picture = given
        if picture.name in numbers:
            continue  # a name that stands twice: the first vectors are kept
        dim = dim or picture.values.shape[1]
        if picture.values.shape[1] not in (0, dim):
            size = f"{picture.values.shape[1]} components, not {dim}"
            reject = Reject("vector", picture.name, "other_size", size)
            picture = picture._replace(rejects=(*picture.rejects, reject), values=picture.values[:0], regions=())
        numbers.setdefault(picture.name, len(numbers))
        part.append(picture)
        if len(part) == _PART:
            yield _part(part, dim, most, began)
            part, began = [], time.perf_counter()
    if part:
        yield _part(part, dim, most, began)


def _part(pictures: Sequence[_Given], dim: int, most: int, began: float) -> StorePart:
    import numpy as np

    counts: Counter[str] = Counter()
    rejects: list[Reject] = []
    rows: list[ViewRows] = []
    for picture in pictures:
        regions = picture.regions[:most]
        counts["vectors_too_many"] += len(picture.regions) - len(regions)
        boxes = np.array([region.box for region in regions], np.float32).reshape(-1, 4)
        scores = np.array([region.score for region in regions], np.float32)
        values = picture.values[: len(regions)].reshape(len(regions), dim)
        made, dropped = drop_not_finite(values, boxes, [region.name for region in regions], scores)
        rows.append(made)
        rejects += picture.rejects
        for reject in picture.rejects:
            counts[f"{reject.stage}s_{reject.reason}"] += 1
        if dropped:
            counts["vectors_not_finite"] += len(dropped)
            rejects.append(Reject("vector", picture.name, "not_finite", f"vectors {', '.join(map(str, dropped))}"))
    table = to_table([picture.size for picture in pictures], rows, dim)
    return StorePart({_VIEW: table}, counts, rejects, (), time.perf_counter() - began)


def _read(arrays: Path, known: set[str]) -> Iterator[_Given]:
    """Read the vectors of the pictures that samples have."""
    if arrays.suffix == ".npy":
        yield from _read_rows(arrays, known)
        return
    for number, member in enumerate(read_members(arrays, (".npz",), _REMEDY)):
        tell("import", number, 0, "files")
        name = PurePosixPath(member.name).name.removesuffix(".npz")
        if name in known:
            yield _read_vinvl(name, member.data)


def _read_vinvl(name: str, data: bytes) -> _Given:
    """Read the vectors of a picture's boxes; a box that cannot be used takes its vector with it."""
    import numpy as np

    try:
        arrays = read_npz(data)
        values, given = np.asarray(arrays["box_features"], np.float32), vinvl_boxes(arrays)
        if values.ndim != 2 or len(values) != len(given.boxes):
            raise ValueError(f"box_features of the shape {values.shape} for {len(given.boxes)} boxes")
    except (ValueError, KeyError, TypeError) as error:
        reject = Reject("picture", name, "unreadable", str(error))
        return _Given(name, PictureSize(name, 0, 0), np.empty((0, 0), np.float32), (), (reject,))
    size = given.size or (max((box.corners[2] for box in given.boxes), default=1.0),) * 2
    sides = (round(size[0]), round(size[1]))
    regions, faults, _ = sound_regions([given._replace(size=None)], sides, len(values))
    wrong = {fault.number - 1 for fault in faults}
    rejects = [Reject("region", f"{name}, box {fault.number}", fault.reason, fault.detail) for fault in faults]
    kept = [number for number in range(len(values)) if number not in wrong]
    known_size = sides if given.size is not None else (0, 0)
    return _Given(name, PictureSize(name, *known_size), values[kept], regions, rejects)


def _read_rows(arrays: Path, known: set[str]) -> Iterator[_Given]:
    """Read the rows of one array; the file stays on disk, and a row at a time is read.

    Raises:
        InputError: there are no names, or not as many as rows.
    """
    import numpy as np

    names_file = arrays.with_suffix(".txt")
    try:
        names = names_file.read_text(encoding="utf-8-sig").splitlines()
        values = open_npy(arrays)
    except (OSError, UnicodeDecodeError, ValueError) as error:
        raise InputError(f"cannot be read ({error})", path=arrays, remedy=_REMEDY) from error
    if values.ndim not in (2, 3) or len(values) != len(names):
        message = f"an array of the shape {values.shape} for {len(names)} names"
        raise InputError(message, path=arrays, place=names_file.name, remedy=_REMEDY)
    for name, row in zip(names, values, strict=True):
        if name.strip() in known:
            whole = np.array(row, np.float32).reshape(-1, values.shape[-1])
            nowhere = [_NOWHERE] * len(whole)
            yield _Given(name.strip(), PictureSize(name.strip(), 0, 0), whole, nowhere, ())


def _digest(arrays: Path) -> str:
    """Return a digest of the names, sizes and times of the files: another file makes another store.

    Raises:
        UsageError: there is nothing.
    """
    if not arrays.exists():
        raise UsageError("there are no such arrays", path=arrays, remedy=_REMEDY)
    files = sorted(arrays.rglob("*.npz")) if arrays.is_dir() else [arrays, arrays.with_suffix(".txt")]
    digest = hashlib.sha256()
    for file in files:
        if file.is_file():
            status = file.stat()
            digest.update(f"{file.name} {status.st_size} {status.st_mtime_ns}\n".encode())
    return digest.hexdigest()
