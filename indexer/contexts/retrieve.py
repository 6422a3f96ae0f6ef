"""Samples in, contexts out: both views of an index are asked for every sample, and the answers are kept."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from indexer.contexts.query_text import query_text
from indexer.contexts.sample_pictures import SamplePictures, images_digest
from indexer.contexts.writer import CacheFolder, Part
from indexer.search import Answer, SearchParams, View
from schemas.context_cache import ALL_TOKENS, WITHOUT_ADDRESSES, CacheInfo, summarise
from schemas.dataset import input_digest, read_dataset, read_samples
from schemas.errors import UsageError
from schemas.manifest import Manifest
from schemas.records import Context, Query, Sample

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL import Image

__all__ = ["ContextIndex", "RetrievalSettings", "retrieve_contexts"]

_Asked = TypeVar("_Asked", bound=Hashable)
_MOST_ASKED = 16
"""Answers with the same text, or none, are left out; at most k times this many are asked for to fill the places."""
_MOST_PICTURES = 32
"""Decoded pictures held at once."""


class ContextIndex(Protocol):
    """What is asked: `indexer.index.WikiIndex`, or anything that answers like it."""

    manifest: Manifest

    def search_text(self, queries: Sequence[str], k: int, title_boost: float = 0.0) -> list[list[Answer]]:
        """Answer q texts with at most k answers each, best first."""
        ...

    def encode_images(self, images: Sequence[Image.Image]) -> NDArray[np.float32]:
        """Return the vectors [q, dim] of q RGB pictures."""
        ...

    def search_vectors(self, vectors: NDArray[np.float32], k: int) -> list[list[Answer]]:
        """Answer q vectors [q, dim] with at most k answers each, best first."""
        ...


@dataclass(frozen=True, slots=True)
class RetrievalSettings:
    """How to retrieve.

    Args:
        views: which views are asked; each is a source of the cache, under its name.
        k: contexts wanted per sample and view, with distinct texts.
        batch: queries per call of the index (of pictures 32 at most). Texts are fetched once per call: on 1,000
            tweets and 21,000 sentences, calls of 256 took 4.7 ms a tweet and calls of 32 took 12.8.
        part: samples per part file: what an interruption can lose.
        title_boost: of the text view, see `indexer.search.SearchParams`; 2 is the entity mode.
        has_addresses: ask for web addresses too, see `indexer.contexts.query_text`.
    """

    views: tuple[View, ...] = ("text", "image")
    k: int = 10
    batch: int = 256
    part: int = 512
    title_boost: float = 0.0
    has_addresses: bool = False


def retrieve_contexts(
    samples: Path,
    index: ContextIndex,
    out: Path,
    *,
    images: Path | None = None,
    settings: RetrievalSettings | None = None,
    splits: Sequence[str] = (),
    overwrite: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> CacheInfo:
    """Retrieve contexts for all samples of a converted data set.

    The text query is the tokens but for web addresses, joined by blanks; the image query is the sample's picture. A
    sample without a usable picture, or without a hit, gets no context in that view and is counted. Equal queries of a
    part are asked once. The vectors of the pictures are kept too (`vectors.parquet`, by the samples' digests), for
    gates that read them. An interrupted retrieval goes on behind its last part; a finished one with the same settings
    is left as it is.

    Args:
        samples: the folder of the data set.
        index: the index to ask.
        out: the folder of the cache, made by one rename at the end.
        images: the folder of the samples' pictures; needed for the image view.
        settings: how to retrieve.
        splits: which splits; all by default.
        overwrite: replace a cache of other samples or settings.
        progress: told (samples done, samples in all) before the first part and after each.

    Raises:
        UsageError: no folder of images for the image view, or another cache stands at out.
    """
    settings = settings or RetrievalSettings()
    _check(settings, images)
    dataset = read_dataset(samples)
    rows = [row for split in splits or dataset.splits for row in read_samples(samples, split)]
    fingerprints = {split: dataset.splits[split].fingerprint for split in splits or dataset.splits}
    plan = _plan(index.manifest, settings, fingerprints)
    if images is not None and "image" in settings.views:
        plan["images"] = images_digest(rows, images)
    folder = CacheFolder(out, plan, overwrite=overwrite)
    if folder.finished is not None:
        return folder.finished
    starts = range(0, len(rows), settings.part)
    parts = [rows[start : start + settings.part] for start in starts]
    done = sum(len(part) for number, part in enumerate(parts) if folder.has_part(number))
    tell = progress or (lambda _done, _total: None)
    tell(done, len(rows))
    for number, part in enumerate(parts):
        if folder.has_part(number):
            continue
        folder.write_part(number, _retrieve_part(part, index, images, settings))
        done += len(part)
        tell(done, len(rows))
    sources = summarise(folder.read_queries(len(starts)))
    seconds = folder.seconds(len(starts))
    info = CacheInfo(
        dataset=dataset.name,
        fingerprints=fingerprints,
        sources=sources,
        index_fingerprint=index.manifest.fingerprint,
        parameters=plan,
        seconds_per_sample={source: value / len(rows) for source, value in seconds.items()},
    )
    return folder.publish(len(starts), info)


def _check(settings: RetrievalSettings, images: Path | None) -> None:
    if not settings.views or min(settings.k, settings.batch, settings.part) < 1:
        raise UsageError("k, batch and part must be at least 1, and there must be a view")
    SearchParams(settings.k, settings.title_boost).check()
    if settings.title_boost and "text" not in settings.views:
        raise UsageError("the title boost is of the text view", remedy="add --view text, or leave out --title-boost")
    if "image" in settings.views and images is None:
        raise UsageError("the image view needs the folder of the samples' images", remedy="add --images DIR")
    if images is not None and not images.is_dir():
        raise UsageError("there is no such folder of images", path=images)


def _plan(manifest: Manifest, settings: RetrievalSettings, fingerprints: Mapping[str, str]) -> dict[str, Any]:
    sections = {"text": manifest.text_index, "image": manifest.image_index}
    words = ALL_TOKENS if settings.has_addresses else WITHOUT_ADDRESSES
    query: dict[str, Any] = {"text": words, "image": "picture"}
    if settings.title_boost:
        query["title_boost"] = settings.title_boost
    return {
        "query": query,
        "views": list(settings.views),
        "k": settings.k,
        "part": settings.part,
        "samples": dict(fingerprints),
        "index": manifest.fingerprint,
        "sections": {view: sections[view] for view in settings.views},
    }


def _retrieve_part(
    samples: Sequence[Sample], index: ContextIndex, images: Path | None, settings: RetrievalSettings
) -> Part:
    contexts: list[Context] = []
    queries: list[Query] = []
    vectors: dict[str, NDArray[np.float32]] = {}
    seconds: dict[str, float] = {}
    for view in settings.views:
        started = time.perf_counter()
        if view == "text":
            answers, statuses = _ask_text(samples, index, settings)
        else:
            assert images is not None
            answers, statuses, vectors = _ask_images(samples, index, images, settings)
        seconds[view] = time.perf_counter() - started
        for sample, found, status in zip(samples, answers, statuses, strict=True):
            status = status or ("hit" if found else "no_hit")
            queries.append(Query(sample.sample_id, view, input_digest(sample), status, len(found)))
            contexts += [_context(sample.sample_id, rank, answer) for rank, answer in enumerate(found, start=1)]
    encoder = (index.manifest.image_index or {}).get("encoder_fingerprint", "")
    return Part(contexts, queries, vectors, str(encoder), seconds)


def _ask_text(
    samples: Sequence[Sample], index: ContextIndex, settings: RetrievalSettings
) -> tuple[list[list[Answer]], list[str]]:
    texts = [query_text(sample.tokens, has_addresses=settings.has_addresses) for sample in samples]

    def search(queries: Sequence[str], k: int) -> list[list[Answer]]:
        return index.search_text(queries, k, settings.title_boost)

    found = _ask_once([text for text in texts if text.strip()], search, settings)
    return [found.get(text, []) for text in texts], [""] * len(texts)


def _ask_images(
    samples: Sequence[Sample], index: ContextIndex, images: Path, settings: RetrievalSettings
) -> tuple[list[list[Answer]], list[str], dict[str, NDArray[np.float32]]]:
    """Return the answers and the statuses of all samples, and the vectors [dim] of usable pictures by digest."""
    pictures = SamplePictures(samples, images)

    def search(asked: Sequence[Path], k: int) -> list[list[Answer]]:
        usable, vectors = pictures.encode(asked, index.encode_images)
        found = index.search_vectors(vectors, k) if usable else []
        answers = dict(zip(usable, found, strict=True))
        return [answers.get(path, []) for path in asked]

    asked = [path for path in pictures.paths if path is not None]
    found = _ask_once(asked, search, replace(settings, batch=min(settings.batch, _MOST_PICTURES)))
    answers = [[] if path is None else found[path] for path in pictures.paths]
    return answers, pictures.statuses(), pictures.by_digest()


def _ask_once(
    asked: Sequence[_Asked],
    search: Callable[[Sequence[_Asked], int], list[list[Answer]]],
    settings: RetrievalSettings,
) -> dict[_Asked, list[Answer]]:
    """Ask each different query once, in batches, for k answers with distinct texts."""
    found: dict[_Asked, list[Answer]] = {}
    waiting, wanted = list(dict.fromkeys(asked)), settings.k
    while waiting:
        unfilled = []
        for start in range(0, len(waiting), settings.batch):
            batch = waiting[start : start + settings.batch]
            for query, answers in zip(batch, search(batch, wanted), strict=True):
                found[query] = _distinct(answers, settings.k)
                if len(found[query]) < settings.k and len(answers) >= wanted:
                    unfilled.append(query)
        wanted *= 4
        waiting = unfilled if wanted <= _MOST_ASKED * settings.k else []
    return found


def _distinct(answers: Sequence[Answer], k: int) -> list[Answer]:
    best: dict[str, Answer] = {}
    for answer in answers:
        if answer.text.strip():
            best.setdefault(answer.text, answer)
    return list(best.values())[:k]


def _context(sample_id: str, rank: int, answer: Answer) -> Context:
    return Context(sample_id, answer.view, rank, answer.score, answer.doc_id, answer.title, answer.text, answer.matched)
