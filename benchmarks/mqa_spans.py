"""MQA on entities: candidate spans, each asked for its type, with "no entity" among the options.

Candidates are the names that a tagger finds (the first stage, a language model there) and runs of words that begin with
a capital, after MQA's filter: no name inside another, and each place in which a name stands. The second stage is
trained on gold spans, and on the capitals that are none.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from schemas.dataset import DATASET_NAME, NO_RELATION, read_dataset, read_samples, write_dataset
from schemas.entities import find_entities
from schemas.records import Entity, Sample, Span
from trainer.inputs import Answer
from trainer.metrics import Score
from trainer.mixture import run_system
from trainer.model.formats import filter_spans
from trainer.training import SplitData, read_split

__all__ = ["candidate_spans", "make_typing_set", "score_typing"]


def candidate_spans(sample: Sample, found: Iterable[Span]) -> list[Span]:
    """Return the spans that are asked for their types.

    Args:
        sample: its tokens are read alone.
        found: spans of the first stage.

    >>> sample = Sample("1", ("Paris", "loves", "Paris", "Hilton"))
    >>> [tuple(span) for span in candidate_spans(sample, [])]
    [(2, 4)]
    """
    spans = [*found, *_capitals(sample.tokens)]
    names = filter_spans([" ".join(sample.tokens[span.start : span.end]) for span in spans], sample)
    places = [span for name in names for span in _occurrences(sample.tokens, name)]
    return sorted(dict.fromkeys(places))


def _capitals(tokens: Sequence[str]) -> list[Span]:
    """Return the longest runs of words that begin with a capital."""
    runs: list[Span] = []
    for place, token in enumerate(tokens):
        if token[:1].isupper():
            if runs and runs[-1].end == place:
                runs[-1] = Span(runs[-1].start, place + 1)
            else:
                runs.append(Span(place, place + 1))
    return runs


def _occurrences(tokens: Sequence[str], name: str) -> list[Span]:
    words = name.split(" ")
    small = [token.lower() for token in tokens]
    starts = range(len(tokens) - len(words) + 1)
    return [Span(start, start + len(words)) for start in starts if small[start : start + len(words)] == words]


def make_typing_set(tags: Path, out: Path, limits: dict[str, int]) -> None:
    """Write each candidate of tagged training and dev data as a sample whose head and tail it is, with its type.

    Args:
        tags: the data set.
        out: the new one; one that is there stays.
        limits: how many samples of a split are read, from the first; 0 reads all.
    """
    if (out / DATASET_NAME).exists():
        return
    dataset = read_dataset(tags)
    rows = {}
    for split in ("train", "dev"):
        samples = read_samples(tags, split)[: limits.get(split) or None]
        rows[split] = [row for sample in samples for row in _questions(sample, _gold(sample))]
    types = sorted({str(row.relation) for part in rows.values() for row in part} - {NO_RELATION})
    labels = [NO_RELATION, *types]
    write_dataset(out, rows, name="typing", task="re", labels=labels, inputs=dataset.inputs, counters={})


def _gold(sample: Sample) -> dict[Span, str]:
    return {Span(row.start, row.end): row.type for row in find_entities(sample.tags or ())}


def _questions(sample: Sample, known: dict[Span, str], found: Iterable[Span] = ()) -> list[Sample]:
    """Return a sample for each candidate; gold spans are candidates too where they are known."""
    spans = candidate_spans(sample, found)
    spans = sorted(dict.fromkeys([*known, *spans]))
    return [
        replace(
            sample, sample_id=f"{sample.sample_id}:{number}", tags=None, head=span, tail=span,
            relation=known.get(span, NO_RELATION),
        )
        for number, span in enumerate(spans)
    ]  # fmt: skip


def score_typing(tagger: Path, typing: Path, split: str) -> Score:
    """Return F1 of spans and types on a split: the tagger's spans and the capitals, with the types of the second stage.

    Args:
        tagger: the run of the first stage.
        typing: the run on `make_typing_set`.
        split: of the tagger's data.
    """
    first = run_system(tagger, split, lambda config: read_split(config, split))
    asked = [
        _questions(sample, {}, [Span(row.start, row.end) for row in answer.entities])
        for sample, answer in zip(first.samples, first.predicted, strict=True)
    ]
    rows = [row for part in asked for row in part]

    def read(config: object) -> SplitData:  # noqa: ARG001 - a reader gets the settings of the run
        return SplitData(read_dataset(_data_of(typing)), rows, {})

    named = iter(run_system(typing, split, read, cache=False).predicted)
    answers = [Answer(tuple(_typed(part, named))) for part in asked]
    return first.labels.task.score(first.samples, answers)


def _typed(part: Sequence[Sample], named: Iterable[Answer]) -> list[Entity]:
    """Return the entities of a sample's candidates; of two that share words the first one stays."""
    entities: list[Entity] = []
    for row, answer in zip(part, named, strict=False):
        kind = answer.relations[0].type if answer.relations else NO_RELATION
        assert row.head is not None
        if kind != NO_RELATION and not (entities and entities[-1].end > row.head.start):
            entities.append(Entity(row.head.start, row.head.end, kind))
    return entities


def _data_of(run: Path) -> Path:
    from trainer.training import read_run_config

    return Path(read_run_config(run).data.samples)
