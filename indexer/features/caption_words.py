"""Makes the view of words: what captions say of a sample's picture, as vectors of their pieces.

VisualPT-MoE feeds a caption to its prefix as the embeddings of its pieces before the first layer, frozen: this is what
is stored unless states are asked for. Embeddings of a caption do not hang on its other words, cost no pass of an
encoder, and leave it to the fusion to find out which of the words matter. CAMIM encodes the caption by an encoder of
its own: states.
"""

from __future__ import annotations

import hashlib
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

from indexer.encoders import MINILM, WORD_VECTORS, TextRows, WordEncoder, WordVectors
from indexer.features.rows import PictureSize, ViewRows, drop_not_finite, no_rows, to_table
from indexer.features.score_table import read_scores
from indexer.features.writer import StorePart, StoreSample, StoreWriter
from schemas.context_cache import CacheInfo, read_cache, read_context_rows, read_query_rows
from schemas.dataset import input_digest, read_dataset, read_samples
from schemas.errors import IndexMismatch, InputError, UsageError
from schemas.feature_store import ABSENT_ROW, WORD_VIEWS, StoreInfo
from schemas.records import Context, Sample

__all__ = ["WordSettings", "make_words"]


@dataclass(frozen=True, slots=True)
class WordSettings:
    """How to make words.

    Args:
        sources: of the caches, a view each; none takes all of them, cache by cache and by name.
        vectors: of WORD_VECTORS.
        most_words: pieces of a sample in a view at most: K.
        captions: of a source at most, best first; they share the K pieces.
        score: the name of the score that each vector gets; "" for none.
        part: rows per part file: what an interruption can lose.
    """

    sources: tuple[str, ...] = ()
    vectors: WordVectors = "embeddings"
    most_words: int = 16
    captions: int = 1
    score: str = ""
    part: int = 512

    def check(self) -> None:
        """Check the values.

        Raises:
            UsageError: unknown vectors, a source named twice, or a number below 1.
        """
        if self.vectors not in WORD_VECTORS:
            raise UsageError(f"no vectors {self.vectors!r}", remedy=f"choose one of {', '.join(WORD_VECTORS)}")
        if len(set(self.sources)) < len(self.sources):
            raise UsageError("a source is named twice", remedy="name each source once")
        if min(self.most_words, self.captions, self.part) < 1:
            raise UsageError("the numbers of words, captions and rows of a part must be at least 1")


class _Row(NamedTuple):
    """A row of the tables: whose it is, the captions of each source, and its score; None where it has none."""

    name: str
    captions: tuple[tuple[str, ...], ...]
    score: float | None


class _Plan(NamedTuple):
    """The rows of the tables, and which of them each sample has."""

    rows: list[_Row]
    samples: list[StoreSample]
    counts: Counter[str]


def make_words(
    samples: Path,
    caches: Sequence[Path],
    out: Path,
    *,
    settings: WordSettings | None = None,
    scores: Path | None = None,
    splits: Sequence[str] = (),
    overwrite: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> StoreInfo:
    """Make a store of the words of captions, a view for each source.

    A caption that matched a picture belongs to the picture: all samples with it share a row. Any other text belongs to
    its sample. A sample without a caption in any source is absent, and counted. An interrupted run continues after its
    last part; a finished one with the same settings is left as it is.

    Args:
        samples: the folder of the data set.
        caches: of contexts, made for these samples.
        out: the folder of the store, made by one rename at the end.
        settings: which sources, and how much of each.
        scores: a table of `mie-index features scores`; the words of a picture without a score have none, are counted,
            and weigh as if it were 1.
        splits: names of splits; all by default.
        overwrite: replace a store of other samples or settings.
        progress: called with (rows done, rows in all).

    Raises:
        UsageError: no such source, too many, or a score without its table.
        IndexMismatch: a cache was made for other samples.
        InputError: no sample has a caption.
        MissingDependency: the offline encoder of words is not installed.
    """
    settings = settings or WordSettings()
    settings.check()
    if bool(settings.score) != (scores is not None):
        raise UsageError("a score needs its name and its table", remedy="give both --scores and --score")
    dataset = read_dataset(samples)
    names = splits or list(dataset.splits)
    rows = [row for split in names for row in read_samples(samples, split)]
    infos = {cache: read_cache(cache) for cache in caches}
    places = _places(infos, settings.sources)
    table = None if scores is None else read_scores(scores).only(settings.score, scores)
    plan = _plan(rows, places, settings, table)
    if not plan.rows:
        raise InputError("no sample has a caption here", path=", ".join(map(str, caches)))
    fingerprints = {split: dataset.splits[split].fingerprint for split in names}
    encoder = WordEncoder()
    writer = StoreWriter(out, _parameters(settings, places, infos, fingerprints, encoder, plan), overwrite=overwrite)
    if writer.finished is not None:
        return writer.finished
    parts = _write_parts(writer, plan.rows, encoder, settings, len(places), progress or (lambda _done, _total: None))
    sums = writer.sum_up(parts)
    sums.counts.update(plan.counts)
    views = dict.fromkeys(WORD_VIEWS[: len(places)], (f"{MINILM} {settings.vectors}", encoder.fingerprint))
    return writer.publish(parts, views, plan.samples, sums, dataset=dataset.name, fingerprints=fingerprints)


def _places(infos: Mapping[Path, CacheInfo], sources: Sequence[str]) -> dict[str, Path]:
    """Return the cache of each source, in the order of the views.

    Raises:
        UsageError: no cache has a source, or there are more sources than views.
    """
    known: dict[str, Path] = {}
    for cache, info in infos.items():
        for source in info.sources:
            known.setdefault(source, cache)
    wrong = [source for source in sources if source not in known]
    found = {source: known[source] for source in sources or known} if not wrong else {}
    if wrong or not found or len(found) > len(WORD_VIEWS):
        said = f"no cache has the source {wrong[0]!r}" if wrong else f"{len(found)} sources for {len(WORD_VIEWS)} views"
        raise UsageError(said, remedy=f"choose with --source among: {', '.join(known) or 'none'}")
    return found


def _plan(
    rows: Sequence[Sample], places: Mapping[str, Path], settings: WordSettings, scores: Mapping[str, float] | None
) -> _Plan:
    """Number the different rows, and find the one of each sample."""
    found = {source: _read_source(cache, source, rows, settings.captions) for source, cache in places.items()}
    numbers: dict[_Row, int] = {}
    samples: list[StoreSample] = []
    counts: Counter[str] = Counter()
    for sample in rows:
        own = [found[source].get(sample.sample_id, []) for source in places]
        texts = tuple(tuple(context.text for context in part) for part in own)
        if not any(texts):
            status = "no_image" if sample.image is None else "no_caption"
            samples.append(StoreSample(sample.sample_id, input_digest(sample), ABSENT_ROW, status))
            continue
        is_of_image = all(context.matched == sample.image for part in own for context in part)
        score = None if scores is None else scores.get(sample.image or "")
        counts["samples_without_score"] += scores is not None and score is None
        row = _Row(str(sample.image if is_of_image else sample.sample_id), texts, score)
        number = numbers.setdefault(row, len(numbers))
        samples.append(StoreSample(sample.sample_id, input_digest(sample), number, "ok"))
    counts.update({"samples": len(samples), "pictures": len(numbers)})
    counts.update(Counter(f"samples_{row.status}" for row in samples))
    for view, source in zip(WORD_VIEWS, places, strict=False):
        counts[f"{view}_without_caption"] = sum(sample.sample_id not in found[source] for sample in rows)
    return _Plan(list(numbers), samples, counts)


def _read_source(cache: Path, source: str, rows: Sequence[Sample], most: int) -> dict[str, list[Context]]:
    """Read the best contexts of a source by sample.

    Raises:
        IndexMismatch: the cache lacks a sample, or the sample had other tokens or another image.
    """
    digests = {query.sample_id: query.digest for query in read_query_rows(cache) if query.source == source}
    for sample in rows:
        if digests.get(sample.sample_id) != input_digest(sample):
            raise IndexMismatch(
                f"the captions were made for other samples than {sample.sample_id}",
                path=cache,
                place=f"source {source}",
                remedy="make them for these samples: mie-index contexts import",
            )
    found: dict[str, list[Context]] = {}
    for context in read_context_rows(cache):
        if context.source == source and context.rank <= most and context.text.strip():
            found.setdefault(context.sample_id, []).append(context)
    return {sample_id: sorted(contexts, key=lambda row: row.rank) for sample_id, contexts in found.items()}


def _parameters(
    settings: WordSettings,
    places: Mapping[str, Path],
    infos: Mapping[Path, CacheInfo],
    fingerprints: Mapping[str, str],
    encoder: WordEncoder,
    plan: _Plan,
) -> dict[str, Any]:
    return {
        **asdict(settings),
        "sources": list(places),
        "caches": {source: infos[cache].parameters for source, cache in places.items()},
        "encoder": MINILM,
        "encoder_fingerprint": encoder.fingerprint,
        "samples": dict(fingerprints),
        "rows": hashlib.sha256(repr(plan.rows).encode()).hexdigest(),
    }


def _write_parts(
    writer: StoreWriter,
    rows: Sequence[_Row],
    encoder: WordEncoder,
    settings: WordSettings,
    views: int,
    progress: Callable[[int, int], None],
) -> int:
    """Make and write the parts that are not finished yet; return the number of all parts."""
    starts = list(range(0, len(rows), settings.part))
    for number, start in enumerate(starts):
        progress(start, len(rows))
        if not writer.has_part(number):
            writer.write_part(number, _make_part(rows[start : start + settings.part], encoder, settings, views))
    progress(len(rows), len(rows))
    return len(starts)


def _make_part(rows: Sequence[_Row], encoder: WordEncoder, settings: WordSettings, views: int) -> StorePart:
    began = time.perf_counter()
    texts = sorted({text for row in rows for part in row.captions for text in part})
    vectors = dict(zip(texts, encoder.encode(texts, settings.vectors, settings.most_words), strict=True))
    sizes = [PictureSize(row.name, 0, 0) for row in rows]
    tables = {}
    for number, view in enumerate(WORD_VIEWS[:views]):
        made = [_view_rows([vectors[text] for text in row.captions[number]], row.score, settings) for row in rows]
        tables[view] = to_table(sizes, [no_rows(encoder.dim) if row is None else row for row in made], encoder.dim)
    return StorePart(tables, {}, (), (), time.perf_counter() - began)


def _view_rows(texts: Sequence[TextRows], score: float | None, settings: WordSettings) -> ViewRows | None:
    """Return the first pieces of the texts of a row; None where it has none."""
    import numpy as np

    values = [part.values for part in texts if len(part.values)]
    if not values:
        return None
    names = [name for part in texts for name in part.names][: settings.most_words]
    joined = np.concatenate(values)[: settings.most_words]
    nowhere = np.full((len(joined), 4), np.nan, np.float32)
    scores = np.full(len(joined), np.nan if score is None else score, np.float32)
    return drop_not_finite(joined, nowhere, names, scores)[0]
