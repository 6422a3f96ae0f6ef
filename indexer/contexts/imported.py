"""Imports contexts that others made: column files of AdaSeq and PGIM, and captions of pictures, into a cache."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Sequence
from pathlib import Path

from indexer.contexts.caption_forms import FORMS, read_captions
from indexer.contexts.import_rows import Given, import_parameters, picture_names, write_import
from schemas.conll import read_tagged_sentences, split_contexts
from schemas.context_cache import CacheInfo
from schemas.dataset import read_dataset, read_samples
from schemas.display import tell
from schemas.errors import InputError, UsageError
from schemas.records import Sample
from schemas.text_files import TextFile, find_split_files, find_text_files

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
    used = [split_files[split] for split in shared]
    parameters = import_parameters("columns", used, samples, rows, unmatched_sentences=unmatched)
    contexts = {sample_id: [Given(text) for text in own] for sample_id, own in texts.items()}
    return write_import(out, source, rows, contexts, parameters, overwrite=overwrite)


def import_captions(
    files: Path, samples: Path, out: Path, source: str = "caption", *, overwrite: bool = False
) -> CacheInfo:
    """Import captions of pictures, from a file, a folder or a zip archive, in the forms of `caption_forms`.

    A picture is found by its name, by the last part of its path, or by that without its suffix, where only one picture
    of the samples has it. Several captions of a picture are ranked in their order. Captions of other pictures are left
    out and counted.

    Raises:
        InputError: a line of no such form, with its number; or not one caption is of a picture of these samples.
    """
    dataset = read_dataset(samples)
    rows = {split: read_samples(samples, split) for split in dataset.splits}
    names = picture_names(row.image for part in rows.values() for row in part)
    captions: _Texts = defaultdict(list)
    unknown: set[str] = set()
    found = find_text_files(files)
    count = 0
    for file in found:
        for image, caption in read_captions(file):
            count += 1
            tell("captions", count, 0, "captions")
            if (own := names.get(image)) is not None:
                captions[own].append(caption)
            else:
                unknown.add(image)
    if not captions:
        said = f"the first is of {min(unknown)}" if unknown else "there is no caption"
        raise InputError("no caption is of a picture of these samples", path=files, place=said, remedy=FORMS)
    parameters = import_parameters("captions", found, samples, rows, unmatched_images=len(unknown))
    contexts = {
        row.sample_id: [Given(text, matched=row.image or "") for text in captions.get(row.image or "", [])]
        for part in rows.values()
        for row in part
    }
    return write_import(out, source, rows, contexts, parameters, overwrite=overwrite)


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
