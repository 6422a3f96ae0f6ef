"""Retrieves contexts: searches both views of an index for every sample of a data set, and writes a context cache."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from indexer.contexts.query_text import query_text
from indexer.contexts.rerank import find_encoder, rerank
from indexer.contexts.sample_pictures import SamplePictures, images_digest
from indexer.contexts.writer import CachePart, CacheWriter
from indexer.search import Answer, SearchParams, View, search_distinct
from schemas.context_cache import CacheInfo, describe_query, summarise
from schemas.dataset import input_digest, read_dataset, read_samples
from schemas.errors import UsageError
from schemas.manifest import Manifest
from schemas.records import DEFAULT_K, Context, Query, Sample

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL import Image

__all__ = ["ContextIndex", "RetrievalSettings", "distinct_texts", "retrieve_contexts", "to_context"]

_OneQuery = TypeVar("_OneQuery", bound=Hashable)
_MOST_ANSWERS = 16
"""Answers with an empty or a repeated text are left out. To replace them, at most k times this many are fetched."""
_MOST_PICTURES = 32
"""Decoded pictures held at once."""


class ContextIndex(Protocol):
    """The index to search: `indexer.index.WikiIndex`, or anything that answers like it."""

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
        views: the views to search; each is a source of the cache, under its name.
        k: contexts per sample and view, with distinct texts.
        batch: queries per call of the index (of pictures 32 at most). Texts are fetched once per call: on 1,000
            tweets and 21,000 sentences, calls of 256 took 4.7 ms a tweet and calls of 32 took 12.8.
        part: samples per part file: what an interruption can lose.
        title_boost: of the text view, see `indexer.search.SearchParams`; 2 is the entity mode.
        keep_addresses: keep web addresses in the text query, see `indexer.contexts.query_text`.
        description_first: put the description of its article before each text.
        rerank: an encoder by whose cosine with the post the k contexts of a view are ordered; "" leaves them.
    """

    views: tuple[View, ...] = ("text", "image")
    k: int = DEFAULT_K
    batch: int = 256
    part: int = 512
    title_boost: float = 0.0
    keep_addresses: bool = False
    description_first: bool = False
    rerank: str = ""


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

    The text query is the tokens without web addresses, joined by blanks; the image query is the sample's picture. A
    sample without a usable picture, or without a hit, gets no context in that view and is counted. Equal queries of a
    part are searched once. The vectors of the pictures are kept too (`vectors.parquet`, by the digests of the samples),
    because gates of the trainer read them. An interrupted retrieval continues after its last part; a finished one with
    the same settings is left as it is.

    Args:
        samples: the folder of the data set.
        index: the index to search.
        out: the folder of the cache, made by one rename at the end.
        images: the folder of the samples' pictures; needed for the image view.
        settings: how to retrieve.
        splits: names of splits; all by default.
        overwrite: replace a cache of other samples or settings.
        progress: called with (samples done, samples in all) before the first part and after each.

    Raises:
        UsageError: no folder of images for the image view, or another cache stands at out.
    """
    settings = settings or RetrievalSettings()
    _check(settings, images)
    dataset = read_dataset(samples)
    names = splits or list(dataset.splits)
    rows = [row for split in names for row in read_samples(samples, split)]
    fingerprints = {split: dataset.splits[split].fingerprint for split in names}
    parameters = _parameters(index.manifest, settings, fingerprints)
    if images is not None and "image" in settings.views:
        parameters["images"] = images_digest(rows, images)
    writer = CacheWriter(out, parameters, overwrite=overwrite)
    if writer.finished is not None:
        return writer.finished
    parts = _write_parts(writer, rows, index, images, settings, progress or (lambda _done, _total: None))
    info = CacheInfo(
        dataset=dataset.name,
        fingerprints=fingerprints,
        sources=summarise(writer.read_queries(parts)),
        index_fingerprint=index.manifest.fingerprint,
        parameters=parameters,
        seconds_per_sample={source: value / len(rows) for source, value in writer.seconds(parts).items()},
    )
    return writer.publish(parts, info)


def _write_parts(
    writer: CacheWriter,
    rows: Sequence[Sample],
    index: ContextIndex,
    images: Path | None,
    settings: RetrievalSettings,
    progress: Callable[[int, int], None],
) -> int:
    """Retrieve and write the parts that are not finished yet; return the number of all parts."""
    parts = [rows[start : start + settings.part] for start in range(0, len(rows), settings.part)]
    done = sum(len(part) for number, part in enumerate(parts) if writer.has_part(number))
    progress(done, len(rows))
    for number, part in enumerate(parts):
        if not writer.has_part(number):
            writer.write_part(number, _retrieve_part(part, index, images, settings))
            done += len(part)
            progress(done, len(rows))
    return len(parts)


def _check(settings: RetrievalSettings, images: Path | None) -> None:
    if not settings.views or min(settings.k, settings.batch, settings.part) < 1:
        raise UsageError("k, batch and part must be at least 1, and there must be a view")
    SearchParams(settings.k, settings.title_boost).check()
    if settings.rerank:
        find_encoder(settings.rerank)
    if settings.title_boost and "text" not in settings.views:
        raise UsageError("the title boost is of the text view", remedy="add --view text, or leave out --title-boost")
    if "image" in settings.views and images is None:
        raise UsageError("the image view needs the folder of the samples' images", remedy="add --images DIR")
    if images is not None and not images.is_dir():
        raise UsageError("there is no such folder of images", path=images)


def _parameters(manifest: Manifest, settings: RetrievalSettings, fingerprints: Mapping[str, str]) -> dict[str, Any]:
    sections = {"text": manifest.text_index, "image": manifest.image_index}
    return {
        "query": describe_query(
            keep_addresses=settings.keep_addresses,
            title_boost=settings.title_boost,
            description_first=settings.description_first,
        ),
        "views": list(settings.views),
        "k": settings.k,
        "part": settings.part,  # parts of another size would not fit those that an interrupted run left
        "samples": dict(fingerprints),
        "index": manifest.fingerprint,
        "sections": {view: sections[view] for view in settings.views},
        **({"rerank": settings.rerank} if settings.rerank else {}),
    }


def _retrieve_part(
    samples: Sequence[Sample], index: ContextIndex, images: Path | None, settings: RetrievalSettings
) -> CachePart:
    contexts: list[Context] = []
    queries: list[Query] = []
    vectors: dict[str, NDArray[np.float32]] = {}
    seconds: dict[str, float] = {}
    for view in settings.views:
        started = time.perf_counter()
        if view == "text":
            answers, statuses = _search_text(samples, index, settings)
        else:
            assert images is not None
            answers, statuses, vectors = _search_images(samples, index, images, settings)
        seconds[view] = time.perf_counter() - started  # of the first part with loading the engine and its model
        for sample, sample_answers, status in zip(samples, answers, statuses, strict=True):
            status = status or ("hit" if sample_answers else "no_hit")
            queries.append(Query(sample.sample_id, view, input_digest(sample), status, len(sample_answers)))
            contexts += [
                to_context(sample.sample_id, rank, answer, description_first=settings.description_first)
                for rank, answer in enumerate(sample_answers, 1)
            ]
    if settings.rerank:
        contexts = rerank(samples, contexts, find_encoder(settings.rerank))
    encoder = (index.manifest.image_index or {}).get("encoder_fingerprint", "")
    return CachePart(contexts, queries, vectors, str(encoder), seconds)


def _search_text(
    samples: Sequence[Sample], index: ContextIndex, settings: RetrievalSettings
) -> tuple[list[list[Answer]], list[str]]:
    """Return the answers of all samples, and their statuses: "" where only the answers decide it."""
    texts = [query_text(sample.tokens, keep_addresses=settings.keep_addresses) for sample in samples]

    def search(queries: Sequence[str], k: int) -> list[list[Answer]]:
        return index.search_text(queries, k, settings.title_boost)

    # A post of nothing but addresses has no query, and no hit.
    answers = distinct_texts([text for text in texts if text.strip()], search, settings.k, settings.batch)
    return [answers.get(text, []) for text in texts], [""] * len(texts)


def _search_images(
    samples: Sequence[Sample], index: ContextIndex, images: Path, settings: RetrievalSettings
) -> tuple[list[list[Answer]], list[str], dict[str, NDArray[np.float32]]]:
    """Return the answers and the statuses of all samples, and the vectors [dim] of usable pictures by digest."""
    pictures = SamplePictures(samples, images)

    def search(paths: Sequence[Path], k: int) -> list[list[Answer]]:
        # Pictures that are searched again for more answers keep their vectors: none is encoded twice.
        usable, vectors = pictures.encode(paths, index.encode_images)
        answers = dict(zip(usable, index.search_vectors(vectors, k) if usable else [], strict=True))
        return [answers.get(path, []) for path in paths]

    paths = [path for path in pictures.paths if path is not None]
    answers = distinct_texts(paths, search, settings.k, min(settings.batch, _MOST_PICTURES))
    ranked = [[] if path is None else answers[path] for path in pictures.paths]
    return ranked, pictures.statuses(), pictures.by_digest()


def distinct_texts(
    queries: Sequence[_OneQuery],
    search: Callable[[Sequence[_OneQuery], int], list[list[Answer]]],
    k: int,
    batch: int,
) -> dict[_OneQuery, list[Answer]]:
    """Search each different query once, in batches, for k answers with distinct texts that are not empty."""
    different = list(dict.fromkeys(queries))

    def search_in_batches(open_queries: Sequence[_OneQuery], n: int) -> list[list[Answer]]:
        batches = (open_queries[start : start + batch] for start in range(0, len(open_queries), batch))
        return [answers for one_batch in batches for answers in search(one_batch, n)]

    found = search_distinct(
        different,
        search_in_batches,
        lambda answer: [answer.text] if answer.text.strip() else [],
        k,
        first=k,
        most=_MOST_ANSWERS * k,
    )
    return {query: [answer for _, answer in pairs] for query, pairs in zip(different, found, strict=True)}


def to_context(sample_id: str, rank: int, answer: Answer, *, description_first: bool) -> Context:
    """Return an answer as a context of a sample."""
    description = answer.description
    text = f"{description.rstrip('.')}. {answer.text}" if description_first and description else answer.text
    of_article = (answer.doc_id, answer.title, text, answer.matched, description)
    return Context(sample_id, answer.view, rank, answer.score, *of_article)
