"""Makes the features of a data set's pictures: each picture is decoded and encoded once, part by part."""

from __future__ import annotations

import hashlib
import os
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from indexer.contexts import images_digest
from indexer.features.boxes import GivenBoxes
from indexer.features.prompts import make_bank
from indexer.features.region_files import RegionFiles, read_region_files
from indexer.features.rows import PictureSize, ViewRows, no_rows, to_table
from indexer.features.settings import FeatureSettings
from indexer.features.views import Decoded, MadePicture, ViewMaker
from indexer.features.writer import StorePart, StoreSample, StoreWriter
from schemas.dataset import input_digest, read_dataset, read_samples
from schemas.errors import InputError, UsageError
from schemas.feature_store import ABSENT_ROW, StoreInfo
from schemas.image_files import find_image
from schemas.records import Reject, Sample

if TYPE_CHECKING:
    from PIL import Image

    from indexer.encoders import ImageEncoder

__all__ = ["make_features"]


class _Picture(NamedTuple):
    """A picture with the boxes that files give for it: one row of the tables, however many samples have both."""

    path: Path
    name: str
    given: tuple[GivenBoxes, ...] | None


class _Plan(NamedTuple):
    """The rows of the tables, and which of them each sample has."""

    pictures: list[_Picture]
    samples: list[StoreSample]
    counts: Counter[str]
    rejects: list[Reject]


def make_features(
    samples: Path,
    images: Path,
    out: Path,
    encoder: ImageEncoder,
    *,
    settings: FeatureSettings | None = None,
    regions: Sequence[Path] = (),
    bank: Path | None = None,
    splits: Sequence[str] = (),
    overwrite: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> StoreInfo:
    """Make the features of the pictures of a converted data set.

    A picture that is missing or cannot be decoded has no vectors; it is counted and named, and no other picture stands
    in for it. An interrupted run continues after its last part; a finished one with the same settings is left as it is.

    Args:
        samples: the folder of the data set.
        images: the folder of its pictures.
        out: the folder of the store, made by one rename at the end.
        encoder: of the pictures.
        settings: which views.
        regions: files of boxes.
        bank: a file of words for the view prompts.
        splits: names of splits; all by default.
        overwrite: replace a store of other samples or settings.
        progress: called with (pictures done, pictures in all) before the first part and after each.

    Raises:
        UsageError: no folder of images, or settings that do not go together.
        InputError: a file of boxes names no picture of the data set, or there are no pictures at all.
    """
    settings = settings or FeatureSettings()
    settings.check(has_files=bool(regions))
    if not images.is_dir():
        raise UsageError("there is no such folder of images", path=images)
    dataset = read_dataset(samples)
    names = splits or list(dataset.splits)
    rows = {split: read_samples(samples, split) for split in names}
    files = read_region_files(regions) if regions else None
    plan = _plan(rows, images, files)
    if not plan.pictures:
        raise InputError("no sample has a picture here", path=images, remedy="give the folder of these samples' images")
    prompts = make_bank(encoder, bank) if "prompts" in settings.views else None
    fingerprints = {split: dataset.splits[split].fingerprint for split in names}
    everyone = [row for part in rows.values() for row in part]
    parameters = _parameters(encoder, settings, fingerprints, images_digest(everyone, images), plan)
    parameters["bank"] = None if prompts is None else _digest([prompts.words, prompts.encoder_fingerprint])
    writer = StoreWriter(out, parameters, overwrite=overwrite)
    if writer.finished is not None:
        return writer.finished
    makers = dict.fromkeys(settings.views, (encoder.spec, encoder.fingerprint))
    if prompts is not None:
        makers["prompts"] = (prompts.encoder, prompts.encoder_fingerprint)
    maker = ViewMaker(encoder, settings, prompts)
    parts = _write_parts(writer, plan.pictures, maker, settings, progress or (lambda _done, _total: None))
    return _publish(writer, parts, makers, plan, dataset.name, fingerprints)


def _plan(rows: Mapping[str, Sequence[Sample]], images: Path, files: RegionFiles | None) -> _Plan:
    """Number the different pictures, and find the one of each sample."""
    numbers: dict[_Picture, int] = {}
    samples: list[StoreSample] = []
    counts: Counter[str] = Counter()
    rejects: list[Reject] = []
    used: set[str] = set()
    for part in rows.values():
        for number, sample in enumerate(part):
            path = None if sample.image is None else find_image(images, sample.split, sample.image)
            if sample.image is None or path is None:
                status = "no_image" if sample.image is None else "missing_image"
                samples.append(StoreSample(sample.sample_id, input_digest(sample), ABSENT_ROW, status))
                if sample.image is not None:
                    rejects.append(Reject("picture", sample.image, status, f"of sample {sample.sample_id}"))
                continue
            given = None if files is None else tuple(files.find(sample, number))
            if files is not None and (name := files.find_name(sample.image)) is not None:
                used.add(name)
            picture = _Picture(path, sample.image, given)
            row = numbers.setdefault(picture, len(numbers))
            samples.append(StoreSample(sample.sample_id, input_digest(sample), row, "ok"))
    if files is not None:
        _count_files(files, used, list(numbers), counts, rejects)
    return _Plan(list(numbers), samples, counts, rejects)


def _count_files(
    files: RegionFiles, used: set[str], pictures: Sequence[_Picture], counts: Counter[str], rejects: list[Reject]
) -> None:
    """Count boxes of pictures that no sample has, and files that cannot be read.

    Raises:
        InputError: no box is of a picture of these samples.
    """
    if not any(picture.given for picture in pictures):
        known = next(iter(files.of_picture), None)
        raise InputError(
            "no file of boxes names a picture of these samples",
            place=None if known is None else f"the first names {known}",
            remedy="give the files of this data set",
        )
    counts["boxes_of_other_pictures"] = sum(
        len(group.boxes) for name, groups in files.of_picture.items() if name not in used for group in groups
    )
    counts["files_of_boxes_unreadable"] = len(files.faults)
    rejects += [Reject("region", name, "unreadable", fault) for name, fault in files.faults]


def _parameters(
    encoder: ImageEncoder, settings: FeatureSettings, fingerprints: Mapping[str, str], images: str, plan: _Plan
) -> dict[str, Any]:
    return {
        **asdict(settings),
        "encoder": encoder.spec,
        "encoder_fingerprint": encoder.fingerprint,
        "samples": dict(fingerprints),
        "images": images,
        "has_region_files": any(picture.given is not None for picture in plan.pictures),
        "regions": _digest([picture.given for picture in plan.pictures]),
    }


def _digest(value: object) -> str:
    return hashlib.sha256(repr(value).encode()).hexdigest()


def _write_parts(
    writer: StoreWriter,
    pictures: Sequence[_Picture],
    maker: ViewMaker,
    settings: FeatureSettings,
    progress: Callable[[int, int], None],
) -> int:
    """Make and write the parts that are not finished yet; return the number of all parts."""
    starts = list(range(0, len(pictures), settings.part))
    progress(0, len(pictures))
    for number, start in enumerate(starts):
        part = pictures[start : start + settings.part]
        if not writer.has_part(number):
            writer.write_part(
                number, _make_part(part, start, maker, settings, lambda done: progress(done, len(pictures)))
            )
        progress(start + len(part), len(pictures))
    return len(starts)


def _make_part(
    pictures: Sequence[_Picture],
    start: int,
    maker: ViewMaker,
    settings: FeatureSettings,
    progress: Callable[[int], None],
) -> StorePart:
    """Make the rows of a part. Pictures are made side by side, and kept in their order."""
    began = time.perf_counter()
    counts: Counter[str] = Counter()
    rejects: list[Reject] = []
    sizes: list[PictureSize] = []
    rows: dict[str, list[ViewRows | None]] = {view: [] for view in settings.views}
    unusable: list[int] = []
    with ThreadPoolExecutor(_workers(maker)) as pool:
        for number, made in enumerate(pool.map(lambda picture: _make_picture(picture, maker), pictures), start):
            sizes.append(made.size)
            counts.update(made.counts)
            rejects += made.rejects
            if made.rows is None:
                unusable.append(number)
            for view, found in rows.items():
                found.append(None if made.rows is None else made.rows[view])
            progress(number + 1)
    tables = {}
    for view, found in rows.items():
        dim = maker.dim(view)
        tables[view] = to_table(sizes, [no_rows(dim) if row is None else row for row in found], dim)
    return StorePart(tables, dict(counts), rejects, unusable, time.perf_counter() - began)


def _workers(maker: ViewMaker) -> int:
    """Return the pictures to make at a time: one a core where the encoder runs on the processor."""
    return 1 if maker.device != "cpu" else len(os.sched_getaffinity(0))


def _make_picture(picture: _Picture, maker: ViewMaker) -> MadePicture:
    image = _read(picture.path)
    if isinstance(image, str):
        reject = Reject("picture", picture.name, "broken_image", image)
        return MadePicture(PictureSize(picture.name, 0, 0), None, {}, (reject,))
    return maker.make(Decoded(picture.name, image, picture.given))


def _read(path: Path) -> Image.Image | str:
    """Read a picture; or return why it cannot be used."""
    from indexer.encoders import ImageLimits, decode_image

    try:
        if path.stat().st_size > ImageLimits().size_bytes:  # before the file is read
            return "too large"
        return decode_image(path.read_bytes())
    except (InputError, OSError) as error:
        return str(error)


def _publish(
    writer: StoreWriter,
    parts: int,
    makers: Mapping[str, tuple[str, str]],
    plan: _Plan,
    dataset: str,
    fingerprints: Mapping[str, str],
) -> StoreInfo:
    """Add what the parts found to what the plan knew, and publish the store."""
    sums = writer.sum_up(parts)
    samples = [
        StoreSample(row.sample_id, row.digest, ABSENT_ROW, "broken_image") if row.row in sums.unusable else row
        for row in plan.samples
    ]
    sums.counts.update(plan.counts)
    sums.counts.update({"samples": len(samples), "pictures": len(plan.pictures) - len(sums.unusable)})
    sums.counts.update({"broken_pictures": len(sums.unusable)})
    statuses = Counter(row.status for row in samples)
    sums.counts.update({f"samples_{status}": count for status, count in statuses.items()})
    sums.rejects = [*plan.rejects, *sums.rejects]
    return writer.publish(parts, makers, samples, sums, dataset=dataset, fingerprints=fingerprints)
