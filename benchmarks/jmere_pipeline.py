"""JMERE by two experts: a tagger finds entities, and a relation head looks at each pair of them, in both directions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import permutations
from pathlib import Path

from schemas.dataset import DATASET_NAME, NO_RELATION, Dataset, read_dataset, read_samples, write_dataset
from schemas.records import Entity, Relation, Sample, Span
from trainer.inputs import Answer
from trainer.mixture import run_system
from trainer.training import SplitData

__all__ = ["make_pair_set", "make_tag_set", "run_pipeline"]


def make_tag_set(joint: Path, out: Path) -> None:
    """Write the entities of joint data as tags; of two that share words the first in the text stays."""
    if (out / DATASET_NAME).exists():
        return
    dataset = read_dataset(joint)
    types = sorted({row.type for sample in read_samples(joint, "train") for row in sample.entities or ()})
    tagged = {split: [_to_tags(sample) for sample in read_samples(joint, split)] for split in dataset.splits}
    write_dataset(out, tagged, name="jmere-tags", task="ner", labels=types, inputs=dataset.inputs, counters={})


def _to_tags(sample: Sample) -> Sample:
    tags = ["O"] * len(sample.tokens)
    for entity in sorted(sample.entities or ()):
        if set(tags[entity.start : entity.end]) == {"O"}:
            inside = [f"I-{entity.type}"] * (entity.end - entity.start - 1)
            tags[entity.start : entity.end] = [f"B-{entity.type}", *inside]
    return replace(sample, tags=tuple(tags), entities=None, relations=None)


def make_pair_set(joint: Path, out: Path, limits: dict[str, int]) -> None:
    """Write each ordered pair of gold entities of joint data as a sample with its relation or None.

    Args:
        joint: the data set.
        out: the new one; one that is there stays.
        limits: how many samples of a split are read, from the first; 0 reads all.
    """
    if (out / DATASET_NAME).exists():
        return
    dataset = read_dataset(joint)
    rows = {}
    for split in dataset.splits:
        samples = read_samples(joint, split)[: limits.get(split) or None]
        rows[split] = [row for sample in samples for row in _pairs(sample, _spans(sample.entities or ()))]
    names = {row.relation for part in rows.values() for row in part if row.relation} - {NO_RELATION}
    labels = [NO_RELATION, *sorted(names)]
    write_dataset(out, rows, name="jmere-pairs", task="re", labels=labels, inputs=dataset.inputs, counters={})


def _spans(entities: Sequence[Entity]) -> list[Span]:
    return list(dict.fromkeys(Span(row.start, row.end) for row in entities))


def _pairs(sample: Sample, spans: Sequence[Span]) -> list[Sample]:
    """Return a sample for each ordered pair of spans that share no word, with its relation where the sample has any."""
    known = {(row.head, row.tail): row.type for row in sample.relations or ()}
    pairs = [(a, b) for a, b in permutations(spans, 2) if a.end <= b.start or b.end <= a.start]
    return [
        Sample(
            f"{sample.sample_id}:{number}",
            sample.tokens,
            sample.image,
            head=head,
            tail=tail,
            relation=known.get((head, tail), NO_RELATION),
            split=sample.split,
        )
        for number, (head, tail) in enumerate(pairs)
    ]


def run_pipeline(tagger: Path, classifier: Path, joint: Path, split: str) -> list[Answer]:
    """Return the entities of the tagger and the relations of the classifier between them, of a whole split.

    Args:
        tagger: the run of an expert on `make_tag_set`.
        classifier: that of one on `make_pair_set`.
        joint: the data set.
        split: of it.
    """
    samples = read_samples(joint, split)
    tagged = run_system(tagger, split, lambda config: _split_of(config.data.samples, split)).predicted
    entities = [answer.entities for answer in tagged]
    pairs = [
        _pairs(replace(sample, relations=()), _spans(found)) for sample, found in zip(samples, entities, strict=True)
    ]
    rows = [row for part in pairs for row in part]

    def read_pairs(config: object) -> SplitData:  # noqa: ARG001 - a reader gets the settings of the run
        dataset: Dataset = read_dataset(classifier_data(classifier))
        return SplitData(dataset, rows, {})

    named = run_system(classifier, split, read_pairs, cache=False).predicted
    found = iter(named)
    answers = []
    for own, part in zip(entities, pairs, strict=True):
        relations = [record for _ in part for record in next(found).records if isinstance(record, Relation)]
        answers.append(Answer((*own, *relations)))
    return answers


def classifier_data(run: Path) -> Path:
    """Return the data set that a run was trained on."""
    from trainer.training import read_run_config

    return Path(read_run_config(run).data.samples)


def _split_of(samples: str, split: str) -> SplitData:
    return SplitData(read_dataset(samples), read_samples(samples, split), {})
