"""An expert: an encoder, a head and objectives; the losses that train it, and what it predicts for a batch."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from schemas.errors import UsageError
from trainer.blocks import EncoderConfig
from trainer.inputs import Batch, LabelSet
from trainer.model.build import HEADS, OBJECTIVES, settle_head
from trainer.model.encoder import load_encoder, window_limit
from trainer.model.heads import Head, Reading, View
from trainer.model.objectives import Objective, Views
from trainer.model.settings import ModelConfig

__all__ = ["ENCODER", "Expert", "build_expert", "head_class", "make_expert"]

ENCODER = "encoder"
"""The name of the part that is saved as a folder of transformers; each other part is one file."""


class Expert(nn.Module):
    """An encoder, a head that reads some of its states, and objectives beside the head's loss."""

    head: Head

    def __init__(self, encoder: nn.Module, tokenizer: Any, head: Head, objectives: Sequence[Objective] = ()) -> None:
        super().__init__()
        self.encoder = encoder
        self.head = head
        self.objectives = nn.ModuleList(objectives)
        self.tokenizer = tokenizer

    @property
    def parts(self) -> dict[str, nn.Module]:
        """The modules that have weights, by name.

        Saving, loading, digests and the groups of learning rates all walk them, so that none can forget a new module.
        """
        return {name: module for name, module in self.named_children() if module.state_dict()}

    @property
    def labels(self) -> LabelSet:
        """The labels that it predicts."""
        return self.head.labels

    @property
    def padding(self) -> int:
        """Id of the padding piece."""
        return int(self.tokenizer.pad_token_id or 0)

    @property
    def needs_plain(self) -> bool:
        """Whether its losses need the view without contexts."""
        return any(objective.needs_plain for objective in self._objectives())

    def states(self, ids: Tensor, attention: Tensor, positions: Tensor) -> Tensor:
        """Encode windows ids [B, L] and return the states at positions [B, P]: [B, P, H]. No others leave here."""
        hidden = self.encoder(input_ids=ids, attention_mask=attention.long()).last_hidden_state  # [B, L, H]
        return hidden.gather(1, positions[:, :, None].expand(-1, -1, hidden.shape[-1]))  # type: ignore[no-any-return]

    def view(self, batch: Batch, *, is_plain: bool = False) -> View:
        """Return a batch as the head sees it, with its contexts or without."""
        ids, attention = (batch.plain_ids, batch.plain_attention) if is_plain else (batch.ids, batch.attention)
        states = self.states(ids, attention, batch.positions)
        return View(states, batch.mask, self.head(states))

    def losses(self, batch: Batch) -> Tensor:
        """Return the loss of each sample [B]: that of the head, over one view or two, and the objectives.

        In the order of these lines: dropout draws its masks from one generator, view after view.
        """
        assert batch.targets is not None
        full = self.view(batch)
        loss = self.head.loss(full, batch.targets)
        objectives = self._objectives()
        plain = self.view(batch, is_plain=True) if self.needs_plain else None
        if plain is not None:
            loss = loss + self.head.loss(plain, batch.targets)
        if not objectives:
            return loss
        loss = math.prod(objective.head_share for objective in objectives) * loss
        views = Views(self.head, full, plain)
        for objective in objectives:
            loss = loss + objective.weight * objective(views, batch)
        return loss

    @torch.no_grad()
    def read(self, batch: Batch) -> Reading:
        """Return the posteriors, the decoded classes and the mean states of a batch.

        Raises:
            UsageError: the head has no posterior.
        """
        view = self.view(batch)
        posterior = self.head.posterior(view, with_pairs=True)
        if posterior is None:
            raise UsageError(f"the head {self.head.kind} has no posterior", remedy="mix experts with other heads")
        weights = batch.mask[:, :, None].to(view.states.dtype)
        pooled = (view.states * weights).sum(1) / weights.sum(1)
        return Reading(posterior.log_probs, self.head.decode(view), pooled.float(), posterior.log_pairs)

    def _objectives(self) -> list[Objective]:
        return [objective for objective in self.objectives if isinstance(objective, Objective)]


def make_expert(encoder: EncoderConfig, model: ModelConfig, labels: LabelSet) -> Expert:
    """Make an expert on a pretrained encoder; new weights are drawn from torch's generator.

    Raises:
        UsageError: the window is longer than the encoder's positions, or the head is for another task.
    """
    network, tokenizer = load_encoder(encoder.name)
    limit = window_limit(network)
    if limit is not None and encoder.max_length_pieces > limit:
        raise UsageError(
            f"encoder.max_length_pieces is {encoder.max_length_pieces}, but {encoder.name} takes {limit}",
            remedy=f"set encoder.max_length_pieces={limit}",
        )
    if labels.task.markers:
        tokenizer.add_special_tokens({"additional_special_tokens": list(labels.task.markers)})
        network.resize_token_embeddings(len(tokenizer), mean_resizing=False)
    if encoder.gradient_checkpointing:
        network.activation_checkpointing_enable()
    return build_expert(network, tokenizer, model, labels)


def build_expert(encoder: Any, tokenizer: Any, model: ModelConfig, labels: LabelSet) -> Expert:
    """Put the parts that a configuration names on an encoder.

    Raises:
        UsageError: the head is for another task.
    """
    settings = settle_head(model.head, labels.task_name)
    head: Any = head_class(model, labels)
    hidden = encoder.config.hidden_size
    objectives: list[Any] = [OBJECTIVES[row.kind].load() for row in model.objectives]
    built = [part(hidden, row) for part, row in zip(objectives, model.objectives, strict=True)]
    return Expert(encoder, tokenizer, head(hidden, labels, settings), built)


def head_class(model: ModelConfig, labels: LabelSet) -> type[Head]:
    """Return the class of the head that a configuration gives to labels.

    Raises:
        UsageError: the head is for another task.
    """
    head = HEADS[settle_head(model.head, labels.task_name).kind].load()
    if head.task != labels.task_name:
        raise UsageError(
            f"the head {head.kind} is for the task {head.task}, the data for {labels.task_name}",
            remedy="set model.head.kind=auto",
        )
    return head
