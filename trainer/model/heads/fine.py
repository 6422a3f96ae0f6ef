"""The tagging head for fine types: one flat chain over them, in which a type has the probability of its children."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

from schemas.entities import find_entities
from schemas.records import Entity, Sample
from trainer.inputs import Answer, LabelSet, Window, doubt_of
from trainer.model.heads.fine_tags import FineTags, write_fine_tags
from trainer.model.heads.head import Posterior, View
from trainer.model.heads.settings import FineSettings, HierarchicalSettings
from trainer.model.heads.tagging import TaggingHead

__all__ = ["FineTaggingHead", "HierarchicalHead", "type_probabilities"]


class FineTaggingHead(TaggingHead):
    """One fine tag for each token. K tags of the data, F fine tags.

    Labels and posteriors are those of the data's own tags, so that it mixes with other taggers; the fine types stand
    in the records of its answers, each with the likeliest others.

    Source: FMNERG (Wang et al., ACM MM 2023): in 16,772 entities a fine type belongs to one type without exception.
    """

    kind = "fine"
    key = "span+type+fine"
    says_more = True

    def __init__(self, hidden: int, labels: LabelSet, settings: FineSettings) -> None:
        tree = FineTags.of(labels)
        super().__init__(hidden, LabelSet(labels.task_name, tree.names), settings)
        self.labels = labels
        self.tree = tree

    def targets(self, sample: Sample, window: Window) -> tuple[int, ...] | None:
        """Return the numbers of the fine tags of the tokens that are in the window."""
        tags = write_fine_tags(sample, self.labels.fine)
        return None if tags is None else tuple(map(self.tree.names.index, tags[: len(window.first_piece)]))

    def posterior(self, view: View, temperature: float = 1.0, with_pairs: bool = False) -> Posterior:
        """Return log marginals of the data's tags [B, P, K], and those of neighbours [B, P, K, K]."""
        fine = super().posterior(view, temperature, with_pairs)
        absent = ~view.mask[:, :, None]
        log_probs = self.tree.sum_children(fine.log_probs).masked_fill(absent, 0.0)
        if fine.log_pairs is None:
            return Posterior(log_probs, None)
        return Posterior(log_probs, self.tree.sum_pairs(fine.log_pairs).masked_fill(absent[..., None], 0.0))

    def decode(self, view: View) -> Tensor:
        """Return the tags of the data to which the best fine tags belong [B, P]."""
        parents = torch.tensor(self.tree.parents, device=view.logits.device)
        return parents[self.decode_fine(view)].masked_fill(~view.mask, 0)

    def decode_fine(self, view: View) -> Tensor:
        """Return the best sequences of fine tags [B, P]."""
        return super().decode(view)

    def answers(self, view: View, samples: Sequence[Sample]) -> list[Answer]:
        """Return the entities of each sample with their fine types, the tags that hold them, and other fine types."""
        fine = self.decode_fine(view).cpu()
        lengths, logits = view.mask.sum(1).tolist(), view.logits.cpu()
        return [
            self._answer(row[:length].tolist(), scores, len(sample.tokens))
            for row, length, scores, sample in zip(fine, lengths, logits, samples, strict=True)
        ]

    def _answer(self, classes: Sequence[int], logits: Tensor, tokens: int) -> Answer:
        """Return the answer for the classes of the tokens in the window and their logits [P, F]."""
        beyond = ["O"] * (tokens - len(classes))
        tags = [self.labels.names[self.tree.parents[number]] for number in classes] + beyond
        kinds = dict(zip(self.labels.fine, self.labels.parents, strict=True))
        found = find_entities([self.tree.names[number] for number in classes] + beyond)
        entities = [Entity(row.start, row.end, kinds[row.type], row.type) for row in found]
        for before, entity in pairwise(entities):
            # two neighbours of one type and two fine types: without a B- the tags would make one entity of them
            if before.end == entity.start and before.type == entity.type and tags[entity.start][0] == "I":
                tags[entity.start] = f"B-{entity.type}"
        doubts = [doubt_of(type_probabilities(logits, self.tree, row.start, row.end)) for row in entities]
        return Answer(tuple(entities), tuple(tags), tuple(doubts))


class HierarchicalHead(FineTaggingHead):
    """Two chains, of types and of fine types: the scores y of types go to the fine ones, y' = f + beta y M.

    M [K, F] is learned; it begins as the table of which tag belongs to which. With beta 0 the two know nothing of each
    other.

    Source: GEM (Findings of EMNLP 2024).
    """

    kind = "hierarchical"

    def __init__(self, hidden: int, labels: LabelSet, settings: HierarchicalSettings) -> None:
        super().__init__(hidden, labels, settings)
        self.coarse = TaggingHead(hidden, labels, settings)
        self.share = settings.share
        self.weight = settings.coarse_weight
        self.transfer = nn.Parameter(self.tree.children.clone())

    def forward(self, states: Tensor) -> Tensor:
        """Return logits of fine tags [B, P, F]."""
        shift: Tensor = self.coarse(states) @ self.transfer
        return super().forward(states) + self.share * shift

    def loss(self, view: View, targets: Tensor) -> Tensor:
        """Return the negative log-likelihood of the fine tags, and by its weight that of the tags [B]."""
        parents = torch.tensor(self.tree.parents, device=targets.device)
        coarse = view._replace(logits=self.coarse(view.states))
        return super().loss(view, targets) + self.weight * self.coarse.loss(coarse, parents[targets])


def type_probabilities(logits: Tensor, tree: FineTags, start: int, end: int) -> dict[str, float]:
    """Return the probabilities of all fine types for a span, the likeliest first.

    The scores of a type's tags are summed at each token and averaged over the span; a softmax makes probabilities.

    Args:
        logits: of one sample [P, F].
        tree: of its fine tags.
        start: first token.
        end: the token behind the last one.

    Source: GEM (Findings of EMNLP 2024); the mean over the tokens of a span is ours.

    >>> tree = FineTags(("O", "B-a", "I-a", "B-b", "I-b"), (0, 1, 2, 1, 2), 3)
    >>> type_probabilities(torch.tensor([[9.0, 1.0, 2.0, 3.0, 0.0]]), tree, 0, 1)
    {'a': 0.5, 'b': 0.5}
    """
    names = list(dict.fromkeys(name[2:] for name in tree.names if "-" in name))
    scores = logits[start:end].float().mean(0)
    sums = torch.stack([scores[[i for i, tag in enumerate(tree.names) if tag[2:] == name]].sum() for name in names])
    ranked = sorted(zip(names, sums.softmax(-1).tolist(), strict=True), key=lambda pair: -pair[1])
    return dict(ranked)
