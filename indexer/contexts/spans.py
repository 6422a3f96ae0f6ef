"""The second pass: each span that a run predicted, or that gold has, is looked up in an index by its own words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from indexer.contexts.query_text import query_text
from indexer.contexts.retrieve import ContextIndex, RetrievalSettings, distinct_texts, to_context
from indexer.contexts.writer import CachePart, CacheWriter
from schemas.context_cache import CacheInfo, describe_query, summarise
from schemas.dataset import input_digest, read_dataset, read_samples
from schemas.entities import find_entities
from schemas.errors import InputError, UsageError
from schemas.manifest import sha256_file
from schemas.predictions import read_predictions
from schemas.records import Context, Query, Sample, Span

__all__ = ["GOLD", "SOURCE", "SPAN_BOOST", "gold_spans", "predicted_spans", "retrieve_spans"]

GOLD, SOURCE = "gold", "spans"
SPAN_BOOST = 2.0
"""A span is a name: the article that is called so comes first. It is the boost of the entity mode."""


def predicted_spans(files: Sequence[Path]) -> dict[str, tuple[tuple[str, ...], list[Span]]]:
    """Read the tokens and the spans of predicted entities by sample_id; a span counts once.

    Raises:
        InputError: a file holds no predictions, or two files have a sample.
    """
    found: dict[str, tuple[tuple[str, ...], list[Span]]] = {}
    for file in files:
        for row in read_predictions(file):
            if row.sample_id in found:
                raise InputError("two files predict this sample", path=file, place=f"sample {row.sample_id}")
            spans = {Span(entity.start, entity.end) for entity in row.entities}
            found[row.sample_id] = (row.tokens, sorted(spans))
    return found


def gold_spans(sample: Sample) -> list[Span]:
    """Return the spans of a sample's gold entities, or the two ends of its relation.

    Raises:
        InputError: the sample has no labels.
    """
    if sample.entities is not None:
        return sorted({Span(entity.start, entity.end) for entity in sample.entities})
    if sample.tags is not None:
        return sorted({Span(entity.start, entity.end) for entity in find_entities(sample.tags)})
    if sample.head is not None and sample.tail is not None:
        return sorted({sample.head, sample.tail})
    raise InputError("a sample without gold spans", place=f"sample {sample.sample_id}", remedy="give predictions")


def retrieve_spans(
    samples: Path,
    index: ContextIndex,
    out: Path,
    spans: Sequence[str],
    settings: RetrievalSettings,
    *,
    splits: Sequence[str] = (),
    overwrite: bool = False,
) -> CacheInfo:
    """Look up spans, and write what was found as contexts of the source "spans" with matched = "start-end".

    The query is the text of a span alone. The best answer of each span comes first, in the order of the sentence, then
    the second best, and so on, so that a full window has something of each span. A sample without spans has no_hit.

    Args:
        samples: the folder of the data set.
        index: to search.
        out: the folder of the cache.
        spans: files of predictions, one per split; or the word gold.
        settings: k answers for each span; title_boost and description_first as there.
        splits: names of splits; by default all whose samples have predictions, or all with gold.
        overwrite: replace another cache.

    Raises:
        UsageError: gold beside files, or another cache at out.
        InputError: predictions of other samples, or no labels for gold.
    """
    is_gold = GOLD in spans
    if is_gold and len(spans) > 1:
        raise UsageError("gold spans and predicted ones do not go together", remedy="give --spans gold, or files alone")
    dataset = read_dataset(samples)
    predicted = {} if is_gold else predicted_spans([Path(name) for name in spans])
    rows = {split: read_samples(samples, split) for split in splits or dataset.splits}
    if not is_gold and not splits:
        rows = {split: part for split, part in rows.items() if any(row.sample_id in predicted for row in part)}
    found = {row.sample_id: _spans_of(row, predicted, is_gold=is_gold) for part in rows.values() for row in part}
    if not found:
        raise InputError("not one sample has predictions", path=samples, remedy="give predictions of these samples")
    prints = {split: dataset.splits[split].fingerprint for split in rows}
    parameters = {
        "query": describe_query(
            keep_addresses=settings.keep_addresses,
            title_boost=settings.title_boost,
            description_first=settings.description_first,
        ),
        "spans": GOLD if is_gold else sorted(sha256_file(Path(name)) for name in spans),
        "k": settings.k,
        "samples": prints,
        "index": index.manifest.fingerprint,
    }
    writer = CacheWriter(out, parameters, overwrite=overwrite)
    if writer.finished is not None:
        return writer.finished
    everything = [row for part in rows.values() for row in part]
    part = _look_up(everything, found, index, settings)
    writer.write_part(0, part)
    sources = summarise(part.queries)
    info = CacheInfo(dataset.name, prints, sources, index.manifest.fingerprint, parameters, {})
    return writer.publish(1, info)


def _spans_of(sample: Sample, predicted: Mapping[str, tuple[Any, list[Span]]], *, is_gold: bool) -> list[Span]:
    if is_gold:
        return gold_spans(sample)
    if sample.sample_id not in predicted:
        raise InputError(
            "a sample of the split has no prediction", place=f"sample {sample.sample_id}", remedy="predict the split"
        )
    tokens, spans = predicted[sample.sample_id]
    if tokens != sample.tokens:
        raise InputError("the predictions are of other tokens", place=f"sample {sample.sample_id}")
    return spans


def _look_up(
    samples: Sequence[Sample], spans: Mapping[str, Sequence[Span]], index: ContextIndex, settings: RetrievalSettings
) -> CachePart:
    def query_of(sample: Sample, span: Span) -> str:
        return query_text(sample.tokens[span.start : span.end], keep_addresses=settings.keep_addresses).strip()

    queries = [text for sample in samples for span in spans[sample.sample_id] if (text := query_of(sample, span))]
    answers = distinct_texts(
        queries, lambda texts, k: index.search_text(texts, k, settings.title_boost), settings.k, settings.batch
    )
    contexts: list[Context] = []
    rows: list[Query] = []
    for sample in samples:
        own = [(span, answers.get(query_of(sample, span), [])) for span in spans[sample.sample_id]]
        ordered = [(span, part[place]) for place in range(settings.k) for span, part in own if place < len(part)]
        for rank, (span, answer) in enumerate(ordered, start=1):
            found = to_context(sample.sample_id, rank, answer, description_first=settings.description_first)
            contexts.append(replace(found, source=SOURCE, matched=f"{span.start}-{span.end}"))
        status = "hit" if ordered else "no_hit"
        rows.append(Query(sample.sample_id, SOURCE, input_digest(sample), status, len(ordered)))
    return CachePart(contexts, rows)
