"""Linear probes on rocky: mentions with their regions, logistic regression, and a map from photos to sentences."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from benchmarks.rocky_data import RockyData
from benchmarks.rocky_systems import configure
from schemas.records import Box
from trainer.metrics import box_overlap
from trainer.model import load_encoder
from trainer.training import read_split

__all__ = [
    "Mention",
    "Posts",
    "embed_sentences",
    "fit_logistic",
    "fit_ridge",
    "rank_pairs",
    "read_posts",
    "without_names",
]

Mention = tuple[int, int, int]
"""Number of the post, first token, token behind the last."""


@dataclass(frozen=True)
class Posts:
    """The posts of a split with their photos.

    Args:
        sentences: tokens beside names.
        images: file names.
        vectors: of the whole photo and its candidates [N, K, D], of mean 0 and deviation 1 on the training set.
        present: which columns are there [N, K] bool.
        names: mean vector of the words of the bank that fit the photo best, weighed by their scores [N, E].
        types: PER or MISC by mention.
        overlaps: of each column with the gold boxes of a mention, IoU [K]; 0 for the whole photo.
    """

    sentences: list[list[str]]
    images: list[str]
    vectors: Tensor
    present: Tensor
    names: Tensor
    types: dict[Mention, str]
    overlaps: dict[Mention, Tensor]

    @property
    def of_post(self) -> Tensor:
        """The post of each mention [M]."""
        return torch.tensor([mention[0] for mention in self.types])

    @property
    def is_person(self) -> Tensor:
        """Which mentions are PER [M] float."""
        return torch.tensor([float(kind == "PER") for kind in self.types.values()])

    @property
    def best_columns(self) -> Tensor:
        """The candidate that overlaps the gold boxes of each mention most [M]."""
        return torch.stack([row.argmax() for row in self.overlaps.values()])


def read_posts(data: RockyData, rocky: Path) -> dict[str, Posts]:
    """Read all splits."""
    config, bank = configure("hvpnet", data, []), configure("promptmner", data, [])
    found: dict[str, Posts] = {}
    mean, deviation = torch.zeros(1), torch.ones(1)
    for split in ("train", "dev", "test"):
        rows = [json.loads(line) for line in (rocky / f"{split}.jsonl").read_text(encoding="utf-8").splitlines()]
        store = read_split(config, split).features
        assert store is not None
        features = store.read_rows(range(len(rows)))
        assert features.boxes is not None
        prompts = read_split(bank, split).features
        assert prompts is not None
        words = prompts.read_rows(range(len(rows)))
        assert words.score is not None
        share = words.score * words.present
        names = (words.values * share[:, :, None]).sum(1) / share.sum(1, keepdim=True).clamp(min=1e-9)
        scale = features.values.square().mean(-1, keepdim=True).sqrt().clamp(min=1e-6)
        vectors = features.values / scale
        if split == "train":
            there = vectors[features.present]
            mean, deviation = there.mean(0), there.std(0) + 1e-3
        vectors = (vectors - mean) / deviation * features.present[:, :, None]
        types, overlaps = {}, {}
        for number, row in enumerate(rows):
            for entity in row["entities"]:
                if entity["type"] == "LOC":
                    continue
                mention = (number, entity["start"], entity["end"])
                types[mention] = entity["type"]
                overlaps[mention] = _overlaps(features.boxes[number], features.present[number], entity["boxes"])
        sentences = [without_names(row["tokens"]) for row in rows]
        found[split] = Posts(
            sentences, [row["image"] for row in rows], vectors, features.present, names, types, overlaps
        )
    return found


def _overlaps(boxes: Tensor, present: Tensor, gold: list[list[float]]) -> Tensor:
    """Return IoU of each column with the best of the gold boxes [K]; the first column is the whole photo."""
    found = torch.zeros(len(boxes))
    for column in range(1, len(boxes)):
        if present[column]:
            box = Box(*boxes[column].tolist())
            found[column] = max((box_overlap(box, Box(*other)) for other in gold), default=0.0)
    return found


def without_names(tokens: Sequence[str]) -> list[str]:
    """Return the tokens that do not begin with a capital letter: names say nothing, and are other ones in each split.

    >>> without_names(["RT", ":", "Carly", "sits", "near", "Whistler"])
    [':', 'sits', 'near']
    """
    return [token for token in tokens if not token[:1].isupper()]


def fit_logistic(inputs: Tensor, targets: Tensor, decay: float) -> nn.Linear:
    """Return a logistic regression: log odds [N, 1] of inputs [N, D] for targets [N] in {0, 1}.

    Args:
        inputs: [N, D].
        targets: [N].
        decay: times half the squares of the weights, beside the sum of the losses.
    """
    model = nn.Linear(inputs.shape[1], 1)
    nn.init.zeros_(model.weight)
    nn.init.zeros_(model.bias)
    optimizer = torch.optim.LBFGS(model.parameters(), max_iter=300, line_search_fn="strong_wolfe")

    def loss() -> Tensor:
        optimizer.zero_grad()
        value = nn.functional.binary_cross_entropy_with_logits(model(inputs)[:, 0], targets, reduction="sum")
        value = value + 0.5 * decay * model.weight.square().sum()
        value.backward()  # type: ignore[no-untyped-call]
        return value

    optimizer.step(loss)  # type: ignore[no-untyped-call]
    return model.requires_grad_(False)


def fit_ridge(inputs: Tensor, targets: Tensor, decay: float) -> Tensor:
    """Return W [D, H] with the least |inputs W - targets|^2 + decay |W|^2, of inputs [N, D] and targets [N, H].

    >>> fit_ridge(torch.tensor([[1.0], [2.0]]), torch.tensor([[2.0], [4.0]]), decay=0.0).tolist()
    [[2.0]]
    """
    # By the N x N matrix: there are fewer posts than components.
    gram = inputs @ inputs.T + max(decay, 1e-6) * torch.eye(len(inputs))
    return inputs.T @ torch.linalg.solve(gram, targets)  # type: ignore[no-any-return]


def embed_sentences(sentences: list[list[str]], encoder: str) -> Tensor:
    """Return the mean states of sentences [N, H], as an encoder gives them before any training."""
    network, tokenizer = load_encoder(encoder)
    network.eval()
    found = []
    with torch.no_grad():
        for start in range(0, len(sentences), 64):
            texts = [" ".join(words) for words in sentences[start : start + 64]]
            pieces = tokenizer(texts, padding=True, return_tensors="pt")
            states = network(**pieces).last_hidden_state
            mask = pieces["attention_mask"][:, :, None].float()
            found.append((states * mask).sum(1) / mask.sum(1))
    return nn.functional.normalize(torch.cat(found), dim=-1)


def rank_pairs(right: Tensor, wrong: Tensor) -> float:
    """Return the share of pairs of a right and a wrong score in which the right one is higher (AUC).

    >>> rank_pairs(torch.tensor([1.0, 3.0]), torch.tensor([0.0, 2.0]))
    0.75
    """
    ordered, right = wrong.sort().values, right.contiguous()
    below, upto = torch.searchsorted(ordered, right), torch.searchsorted(ordered, right, right=True)
    return float((below + upto).float().mean() / (2 * len(wrong)))
