"""The tasks that there are: tagging, the relation of a pair, joint records; their labels, markers and scores."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from schemas.dataset import NO_RELATION, Dataset
from schemas.entities import find_entities
from schemas.errors import InputError
from schemas.records import Entity, Relation, Sample, Span
from trainer.inputs.answers import Answer, Labels
from trainer.inputs.markers import MARKERS, cut_around, mark_entities
from trainer.inputs.task import SentencePieces, Task
from trainer.inputs.window import Window
from trainer.metrics import (
    Record,
    RecordKey,
    Score,
    label_by_order,
    score_entities,
    score_fine,
    score_groundable,
    score_grounded,
    score_joint,
    score_records,
    score_relations,
    score_seen_unseen,
    surface_forms,
)

__all__ = ["TASKS"]


class Tagging(Task):
    """Named entities: one BIO tag for each token. The metric is entity F1 by the default convention."""

    noun = "tag"
    description = "named entities (BIO tags, linear-chain CRF)"
    has_tags = True

    def label_names(self, dataset: Dataset, samples: Iterable[Sample]) -> tuple[str, ...]:
        """Return O, then B-X and I-X of each type; E-X and S-X too where tags have them."""
        rows = (sample.tags or () for sample in samples)
        prefixes = "BIES" if any(tag[:2] in ("E-", "S-") for row in rows for tag in row) else "BI"
        return ("O", *(f"{prefix}-{kind}" for kind in dataset.labels for prefix in prefixes))

    def known_types(self, names: Iterable[str]) -> set[str]:
        """Return the entity types of tags."""
        return {name.partition("-")[2] for name in names}

    def gold(self, sample: Sample) -> Labels | None:
        """Return the tags."""
        return sample.tags

    def records(self, sample: Sample, labels: Sequence[str]) -> list[Record]:  # noqa: ARG002
        """Return the entities of tags, by the default convention."""
        return list(find_entities(labels))

    def gold_records(self, sample: Sample, key: RecordKey = "span+type") -> list[Record] | None:
        """Return the entities: of the tags, or where fine types and boxes count, those that stand as records."""
        if (key in ("span", "span+type") and sample.tags is not None) or sample.entities is None:
            return super().gold_records(sample, key)
        return list(sample.entities)

    def check(self, sample: Sample) -> None:
        """Refuse a sample with a relation and no tags."""
        if sample.tags is None and sample.relation is not None:
            raise _other_task(sample, "tags")

    def positions(self, window: Window, marks: Sequence[int], sample: Sample) -> tuple[int, ...]:  # noqa: ARG002
        """Return the first piece of each token that is in the window."""
        return window.first_piece

    def all_scores(
        self,
        samples: Sequence[Sample],
        predicted: Sequence[Answer],
        trained_on: Sequence[Sample],
        key: RecordKey = "span+type",
    ) -> dict[str, Score]:
        """Score by the default and the strict convention, and by whether an entity was seen in training.

        Before them stand the measures of fine types and regions, where the system answers these. Entities of a head
        that gives no tags have one convention: they are what they are.
        """
        grounded = {} if key in ("span", "span+type") else self._grounded_scores(samples, predicted, "region" in key)
        if not all(answer.labels for answer in predicted):
            return grounded | {"default": self.score(samples, predicted)}
        gold, tags = [sample.tags or () for sample in samples], [answer.labels for answer in predicted]
        known = surface_forms([row.tokens for row in trained_on], [row.tags or () for row in trained_on])
        return grounded | {
            "default": score_entities(gold, tags, "default"),
            "strict": score_entities(gold, tags, "strict"),
            **score_seen_unseen([sample.tokens for sample in samples], gold, tags, known),
        }

    def _grounded_scores(
        self, samples: Sequence[Sample], predicted: Sequence[Answer], has_regions: bool
    ) -> dict[str, Score]:
        gold = [_entities(self.gold_records(sample, "span+type+region")) for sample in samples]
        found = [answer.entities for answer in predicted]
        if not has_regions:
            return score_fine(gold, found)
        return score_grounded(gold, found) | score_groundable(gold, found)


class PairRelation(Task):
    """The relation of two given entities. The metric is micro F1 without the class None."""

    noun = "relation"
    description = "relations of two marked entities"
    markers = MARKERS

    def label_names(self, dataset: Dataset, samples: Iterable[Sample]) -> tuple[str, ...]:  # noqa: ARG002
        """Return the relations."""
        return dataset.labels

    def known_types(self, names: Iterable[str]) -> set[str]:
        """Return the relations."""
        return set(names)

    def gold(self, sample: Sample) -> Labels | None:
        """Return the relation."""
        return None if sample.relation is None else (sample.relation,)

    def records(self, sample: Sample, labels: Sequence[str]) -> list[Record]:
        """Return the relation of the pair; none for the class None."""
        if labels[0] == NO_RELATION or sample.head is None or sample.tail is None:
            return []
        return [Relation(sample.head, sample.tail, labels[0])]

    def check(self, sample: Sample) -> None:
        """Refuse a sample that names no pair."""
        if sample.head is None or sample.tail is None:
            raise _other_task(sample, "head and tail")

    def lay_out(
        self, sample: Sample, pieces: list[list[int]], marks: Sequence[int], unknown: int, room: int
    ) -> SentencePieces:
        """Put markers around the pair, and cut a sentence that is too long around them."""
        marked = mark_entities(sample, [row or [unknown] for row in pieces], marks)
        return SentencePieces(*cut_around(marked, marks, room))

    def positions(self, window: Window, marks: Sequence[int], sample: Sample) -> tuple[int, ...]:
        """Return the two opening markers, in the order in which they stand.

        Raises:
            InputError: the window is too small for both.
        """
        opening = {marks[0], marks[2]}
        positions = tuple(position for position, piece in enumerate(window.ids) if piece in opening)
        if len(positions) != 2:
            raise InputError("the two entities do not fit into one window", place=f"sample {sample.sample_id}")
        return positions

    def all_scores(
        self,
        samples: Sequence[Sample],
        predicted: Sequence[Answer],
        trained_on: Sequence[Sample],
        key: RecordKey = "span+type",  # noqa: ARG002 - a given pair has no other measure
    ) -> dict[str, Score]:
        """Score by the one convention that there is; beside it, what the order of head and tail gives alone."""
        gold = [str(sample.relation) for sample in samples]
        found = [answer.relations[0].type if answer.relations else NO_RELATION for answer in predicted]
        scores = {"micro without None": score_relations(gold, found)}
        if trained_on:
            scores["order of head and tail alone"] = score_relations(gold, label_by_order(trained_on, samples))
        return scores


class JointRecords(Task):
    """Entities and any number of relations, as records. Heads for it answer in records: there are no labels by number.

    The metric is F1 over facts of two typed spans and a relation (`trainer.metrics`).
    """

    noun = "record"
    description = "entities and relations"

    def label_names(self, dataset: Dataset, samples: Iterable[Sample]) -> tuple[str, ...]:  # noqa: ARG002
        """Return the types of entities and then the relations."""
        return dataset.labels

    def known_types(self, names: Iterable[str]) -> set[str]:
        """Return the types and relations."""
        return set(names)

    def gold(self, sample: Sample) -> Labels | None:  # noqa: ARG002
        """Return None: a sample has records, and no label per token."""
        return None

    def records(self, sample: Sample, labels: Sequence[str]) -> list[Record]:  # noqa: ARG002
        """Return nothing: labels by number say no records."""
        return []

    def gold_records(self, sample: Sample, key: RecordKey = "span+type") -> list[Record] | None:  # noqa: ARG002
        """Return entities and relations."""
        if sample.entities is None and sample.relations is None:
            return None
        return [*(sample.entities or ()), *(sample.relations or ())]

    def check(self, sample: Sample) -> None:
        """Refuse a sample with tags or a pair and no records."""
        is_other = sample.tags is not None or sample.head is not None
        if is_other and sample.entities is None and sample.relations is None:
            raise _other_task(sample, "entities or relations")

    def positions(self, window: Window, marks: Sequence[int], sample: Sample) -> tuple[int, ...]:  # noqa: ARG002
        """Return the first piece of each token that is in the window."""
        return window.first_piece

    def score(self, samples: Sequence[Sample], predicted: Sequence[Answer], key: RecordKey = "span+type") -> Score:
        """Score facts (`score_joint`); where ends are regions of a picture, relations as records."""
        return next(iter(self.all_scores(samples, predicted, (), key).values()))

    def all_scores(
        self,
        samples: Sequence[Sample],
        predicted: Sequence[Answer],
        trained_on: Sequence[Sample],  # noqa: ARG002
        key: RecordKey = "span+type",  # noqa: ARG002
    ) -> dict[str, Score]:
        """Score facts, entities, relations and pairs; where ends are regions of a picture, relations and entities."""
        gold = [Answer(tuple(self.gold_records(sample) or ())) for sample in samples]
        sides = [[(answer.entities, answer.relations) for answer in rows] for rows in (gold, predicted)]
        relations = [[_real(part) for _, part in side] for side in sides]
        ends = [end for side in relations for part in side for row in part for end in (row.head, row.tail)]
        if all(isinstance(end, Span) for end in ends):
            return score_joint(*sides)
        entities = score_records([row[0] for row in sides[0]], [row[0] for row in sides[1]])
        return {"relations": score_records(relations[0], relations[1]), "entities": entities}


TASKS: dict[str, Task] = {"ner": Tagging(), "re": PairRelation(), "joint": JointRecords()}
"""The tasks by the name that files have for them."""


def _entities(records: Sequence[Record] | None) -> list[Entity]:
    return [row for row in records or () if isinstance(row, Entity)]


def _real(relations: Sequence[Relation]) -> list[Relation]:
    return [row for row in relations if row.type != NO_RELATION]


def _other_task(sample: Sample, lacking: str) -> InputError:
    return InputError(f"a sample without {lacking}", place=f"sample {sample.sample_id}", remedy="check data.samples")
