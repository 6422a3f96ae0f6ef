"""The rows of imported contexts: whose each is, and the cache that they become."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple, TypeGuard

from indexer.contexts.writer import CachePart, CacheWriter
from schemas.context_cache import CacheInfo, summarise
from schemas.dataset import input_digest, read_dataset
from schemas.manifest import sha256_file
from schemas.records import Context, Query, Sample
from schemas.text_files import TextFile

__all__ = ["Given", "import_parameters", "is_text", "picture_names", "write_import"]


class Given(NamedTuple):
    """A context as a file gives it.

    Args:
        text: of the context.
        matched: the picture that it describes, or the span "start-end" that it is about; "" for the whole post.
        doc_id: what identifies its origin, for instance the digest of a prompt.
        title: what it is about, or who wrote it.
    """

    text: str
    matched: str = ""
    doc_id: str = ""
    title: str = ""


def is_text(value: object) -> TypeGuard[str]:
    r"""Return whether a value is Unicode text: JSON and Python can write half of a surrogate pair, a table cannot.

    >>> is_text("é"), is_text("\ud800"), is_text(7)
    (True, False, False)
    """
    try:
        return isinstance(value, str) and value.encode() is not None
    except UnicodeEncodeError:
        return False


def picture_names(images: Iterable[str | None]) -> dict[str, str]:
    """Return the picture that each name stands for: its own, the last part of its path, and that without suffix.

    A shorter name that two pictures share stands for none of them.

    >>> names = picture_names(["a/1.jpg", "a/2.jpg", "b/2.jpg", None])
    >>> names["1"], names["1.jpg"], names["a/2.jpg"], "2" in names
    ('a/1.jpg', 'a/1.jpg', 'a/2.jpg', False)
    """
    known = sorted({image for image in images if image is not None})
    short = [(name, image) for image in known for name in {PurePosixPath(image).name, PurePosixPath(image).stem}]
    uses = Counter(name for name, _ in short)
    return {name: image for name, image in short if uses[name] == 1} | {image: image for image in known}


def import_parameters(
    form: str, files: Sequence[TextFile], samples: Path, rows: Mapping[str, Sequence[Sample]], **facts: Any
) -> dict[str, Any]:
    """Return the parameters of a cache of imported contexts.

    Args:
        form: of the files.
        files: that were read; an archive counts once.
        samples: the folder of the data set.
        rows: the samples by split.
        facts: what else came of the import.
    """
    dataset = read_dataset(samples)
    return {
        "imported": form,
        "dataset": dataset.name,
        "files": {path.name: sha256_file(path) for path in sorted({file.path for file in files})},
        "samples": {split: dataset.splits[split].fingerprint for split in rows},
        **facts,
    }


def write_import(
    out: Path,
    source: str,
    rows: Mapping[str, Sequence[Sample]],
    given: Mapping[str, Sequence[Given]],
    parameters: dict[str, Any],
    *,
    overwrite: bool,
) -> CacheInfo:
    """Write the contexts of samples as a cache.

    Repeated contexts of a sample count once, at their first rank; empty ones are none. A sample without any has no_hit,
    or no_image where the contexts are of pictures.

    Args:
        out: the folder of the cache.
        source: its name there.
        rows: the samples by split.
        given: by sample_id.
        parameters: of `import_parameters`.
        overwrite: replace another cache.

    Raises:
        UsageError: another cache is at out and overwrite is false.
    """
    parameters["source"] = source
    folder = CacheWriter(out, parameters, overwrite=overwrite)
    if folder.finished is not None:
        return folder.finished
    of_images = parameters["imported"] == "captions"
    contexts: list[Context] = []
    queries: list[Query] = []
    for sample in (row for part in rows.values() for row in part):
        found = [row for row in dict.fromkeys(given.get(sample.sample_id, ())) if row.text]
        status = "hit" if found else "no_image" if of_images and sample.image is None else "no_hit"
        queries.append(Query(sample.sample_id, source, input_digest(sample), status, len(found)))
        contexts += [
            Context(sample.sample_id, source, rank, None, row.doc_id, row.title, row.text, row.matched)
            for rank, row in enumerate(found, start=1)
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
