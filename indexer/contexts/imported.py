"""Imports contexts that others made: column files of AdaSeq and PGIM, and caption files, as the rows of a cache."""

from __future__ import annotations

import json
from collections import defaultdict, deque
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from indexer.contexts.writer import CachePart, CacheWriter
from schemas.conll import read_tagged_sentences, split_contexts
from schemas.context_cache import CacheInfo, summarise
from schemas.dataset import input_digest, read_dataset, read_samples
from schemas.display import tell
from schemas.errors import InputError, UsageError
from schemas.manifest import sha256_file
from schemas.records import Context, Query, Sample
from schemas.text_files import TextFile, find_split_files

__all__ = ["import_captions", "import_columns"]

_Texts = dict[str, list[str]]


def import_columns(
    files: Path,
    samples: Path,
    out: Path,
    source: str,
    *,
    allow_unmatched: bool = False,
    overwrite: bool = False,
) -> CacheInfo:
    """Import contexts that stand behind `<EOS>` in column files, one per split.

    Sentences are matched to samples by their tokens, not by their position, because the files of PGIM lack the last
    sample of each split. A sentence that occurs twice is matched in order. A sample that is not in the files gets no
    context (no_hit).

    Args:
        files: a folder or zip archive with a file per split.
        samples: the folder of the data set.
        out: the folder of the cache.
        source: its name there.
        allow_unmatched: leave out the contexts of sentences that are in no sample, instead of an error.
        overwrite: replace another cache.

    Raises:
        UsageError: the files have none of the data set's splits, or another cache is at out.
        InputError: a sentence is in no sample, or not one sentence of a split is; with file and line.
    """
    split_files = find_split_files(files)
    dataset = read_dataset(samples)
    shared = [split for split in dataset.splits if split in split_files]
    rows = {split: read_samples(samples, split) for split in shared}
    if not rows:
        raise UsageError(f"the data set has none of the splits {', '.join(split_files)}", path=samples)
    texts: _Texts = {}
    unmatched = 0
    for split, part in rows.items():
        aligned, unaligned = _align(split_files[split], part, allow_unmatched=allow_unmatched)
        texts.update(aligned)
        unmatched += unaligned
    used = sorted({split_files[split].path for split in shared})
    parameters = _parameters("columns", used, samples, rows, unmatched_sentences=unmatched)
    return _write(out, source, rows, texts, parameters, overwrite=overwrite)


def import_captions(
    file: Path, samples: Path, out: Path, source: str = "caption", *, overwrite: bool = False
) -> CacheInfo:
    """Import captions of images: lines `image.jpg :caption`, or jsonl with image_id (or image) and caption.

    Several captions of an image are ranked in their order. Captions of other images are left out and counted.

    Raises:
        InputError: a line of neither form, with its number; or not one caption is of an image of these samples.
    """
    captions: _Texts = defaultdict(list)
    for number, line in TextFile(file).lines():
        tell("captions", number, 0, "lines")
        if line.strip():
            image, caption = _caption(line, file, number)
            captions[image].append(caption)
    dataset = read_dataset(samples)
    rows = {split: read_samples(samples, split) for split in dataset.splits}
    images = {row.image for part in rows.values() for row in part}
    if not images & set(captions):
        raise InputError("no caption is of an image of these samples", path=file)
    parameters = _parameters("captions", [file], samples, rows, unmatched_images=len(set(captions) - images))
    texts = {row.sample_id: captions.get(row.image or "", []) for part in rows.values() for row in part}
    return _write(out, source, rows, texts, parameters, overwrite=overwrite)


def _align(file: TextFile, samples: Sequence[Sample], *, allow_unmatched: bool) -> tuple[_Texts, int]:
    """Match the sentences of a file to samples by their tokens.

    Returns:
        The contexts by sample_id, and the number of sentences that are in no sample.
    """
    unmatched_ids: dict[tuple[str, ...], deque[str]] = defaultdict(deque)
    for sample in samples:
        unmatched_ids[sample.tokens].append(sample.sample_id)
    texts: _Texts = {}
    unmatched = 0
    for number, whole in enumerate(read_tagged_sentences(file)):
        tell("import", number, len(samples), "samples")
        block, contexts = split_contexts(whole, file)
        if unmatched_ids.get(block.tokens):  # equal sentences are taken in order: each sample gets its own contexts
            texts[unmatched_ids[block.tokens].popleft()] = list(contexts)
            continue
        unmatched += 1
        if not allow_unmatched:
            raise InputError(
                f"this sentence is in no sample of the split: {' '.join(block.tokens)[:80]!r}",
                path=str(file),
                place=f"line {block.line}",
                remedy="import the files made for these samples, or add --allow-unmatched",
            )
    if not texts:
        raise InputError("not one sentence is in the samples of the split", path=str(file))
    return texts, unmatched


def _caption(line: str, file: Path, number: int) -> tuple[str, str]:
    """Parse a line into the name of an image and its caption.

    Raises:
        InputError: it has neither of the two forms.
    """
    if line.startswith("{"):
        try:
            row = json.loads(line)
            image, caption = row.get("image_id", row.get("image")), row["caption"]
        except (ValueError, KeyError, RecursionError) as error:
            raise InputError(f"not a caption ({error})", path=file, place=f"line {number}") from error
    else:
        image, colon, caption = line.partition(" :")
        image = image if colon else None
    if not isinstance(image, str) or not isinstance(caption, str) or not image.strip():
        raise InputError("a line must be `image.jpg :caption`, or json", path=file, place=f"line {number}")
    return image.strip(), caption.strip()


def _parameters(
    form: str, files: Sequence[Path], samples: Path, rows: Mapping[str, Sequence[Sample]], **counts: int
) -> dict[str, Any]:
    dataset = read_dataset(samples)
    return {
        "imported": form,
        "dataset": dataset.name,
        "files": {path.name: sha256_file(path) for path in files},
        "samples": {split: dataset.splits[split].fingerprint for split in rows},
        **counts,
    }


def _write(
    out: Path,
    source: str,
    rows: Mapping[str, Sequence[Sample]],
    texts: _Texts,
    parameters: dict[str, Any],
    *,
    overwrite: bool,
) -> CacheInfo:
    parameters["source"] = source
    folder = CacheWriter(out, parameters, overwrite=overwrite)
    if folder.finished is not None:
        return folder.finished
    of_images = parameters["imported"] == "captions"
    contexts: list[Context] = []
    queries: list[Query] = []
    for sample in (row for part in rows.values() for row in part):
        # Repeated texts count once, at their first rank.
        found = [text for text in dict.fromkeys(texts.get(sample.sample_id, [])) if text]
        status = "hit" if found else "no_image" if of_images and sample.image is None else "no_hit"
        queries.append(Query(sample.sample_id, source, input_digest(sample), status, len(found)))
        matched = (sample.image or "") if of_images else ""
        contexts += [
            Context(sample.sample_id, source, rank, None, "", "", text, matched)
            for rank, text in enumerate(found, start=1)
        ]
    folder.write_part(0, CachePart(contexts, queries))
    info = CacheInfo(
        dataset=parameters["dataset"],
        fingerprints=parameters["samples"],
        sources=summarise(queries),
        index_fingerprint=None,
        parameters=parameters,
        seconds_per_sample={},
    )
    return folder.publish(1, info)
