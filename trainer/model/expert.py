"""An expert: encoder, fusion with pictures, head, objectives; the losses that train it, and what it predicts."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from schemas.errors import UsageError
from schemas.records import Sample
from trainer.blocks import EncoderConfig
from trainer.inputs import Batch, Features, LabelSet
from trainer.model.build import FUSIONS, HEADS, OBJECTIVES, settle_head
from trainer.model.encoder import load_encoder, window_limit
from trainer.model.fusion import EncoderShape, Fused, Fusion
from trainer.model.heads import Head, Reading, View
from trainer.model.objectives import Objective, SoftPrompt, Views, mean_state
from trainer.model.options import ChoiceHead
from trainer.model.settings import ModelConfig

__all__ = ["ENCODER", "Expert", "build_expert", "head_class", "make_expert"]

_WINDOWS = 256
"""Windows of options that are encoded at once."""
ENCODER = "encoder"
"""The name of the part that is saved as a folder of transformers; each other part is one file."""


class Expert(nn.Module):
    """An encoder, a head that reads some of its states, objectives beside the head's loss, and perhaps a fusion."""

    head: Head
    fusion: Fusion | None

    def __init__(
        self,
        encoder: nn.Module,
        tokenizer: Any,
        head: Head,
        objectives: Sequence[Objective] = (),
        fusion: Fusion | None = None,
    ) -> None:
        super().__init__()
        self.encoder = encoder
        self.head = head
        self.objectives = nn.ModuleList(objectives)
        self.fusion = fusion
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
        return any(objective.needs_plain for objective in self._active_objectives())

    @property
    def needs_contexts_alone(self) -> bool:
        """Whether its losses need the contexts without the sentence."""
        return any(objective.needs_contexts_alone for objective in self._active_objectives())

    @property
    def prompt(self) -> SoftPrompt | None:
        """What stands before a window without contexts."""
        prompts = [objective.prompt for objective in self._objectives() if objective.prompt is not None]
        return prompts[0] if prompts else None

    def encode(
        self, ids: Tensor, attention: Tensor, features: Features | None = None, with_loss: bool = False
    ) -> Fused:
        """Encode windows ids [B, L] with the features of their pictures; without a fusion the features are not read."""
        if self.fusion is not None:
            return self.fusion.encode(self.encoder, ids, attention, features, with_loss)
        return Fused(self.encoder(input_ids=ids, attention_mask=attention.long()).last_hidden_state)

    def view(self, batch: Batch, *, is_plain: bool = False) -> View:
        """Return a batch as the head sees it, with its contexts or without."""
        return self._view(batch, batch.unlabelled, is_plain=is_plain)[0]

    def _view(
        self, batch: Batch, samples: tuple[Sample, ...], *, is_plain: bool = False, with_loss: bool = False
    ) -> tuple[View, Tensor | None]:
        """Return a batch as the head sees it, and the fusion's own loss [B]."""
        ids, attention = (batch.plain_ids, batch.plain_attention) if is_plain else (batch.ids, batch.attention)
        if isinstance(self.head, ChoiceHead):
            return self._view_options(self.head, batch, samples, (ids, attention), is_training=with_loss), None
        prompted = None if self.prompt is None else _are_plain(batch, is_plain=is_plain)
        if prompted is not None and bool(prompted.any()):
            fused = Fused(self._encode_prompted(ids, attention, prompted))
        elif self.fusion is not None and self.fusion.reads_earlier:
            fused = self.fusion.encode_after(
                self.encoder, ids, attention, batch.features, batch.earlier, with_loss=with_loss
            )
        else:
            fused = self.encode(ids, attention, batch.features, with_loss)
        states = fused.states.gather(1, batch.positions[:, :, None].expand(-1, -1, fused.states.shape[-1]))  # [B, P, W]
        logits = self.head.score_states(states, batch.mask)
        view = View(states, batch.mask, logits, samples, batch.features, fused.states, attention, fused.weights)
        return view, fused.loss

    def _view_options(
        self,
        head: ChoiceHead,
        batch: Batch,
        samples: tuple[Sample, ...],
        window: tuple[Tensor, Tensor],
        *,
        is_training: bool,
    ) -> View:
        """Return a batch as a head sees it that reads each option behind a window of its own."""
        options = head.ask(samples, batch.targets if is_training else None, *window, self.tokenizer)
        parts = zip(torch.split(options.ids, _WINDOWS), torch.split(options.attention, _WINDOWS), strict=True)
        states = torch.cat([self.encode(*part).states for part in parts])
        logits, markers = head.read_options(options, states, batch.positions)
        return View(markers, batch.mask, logits, samples, batch.features)

    def _encode_prompted(self, ids: Tensor, attention: Tensor, prompted: Tensor) -> Tensor:
        """Encode windows [B, L], those marked [B] behind soft prompts, and return the states of the pieces alone."""
        assert self.prompt is not None
        encoder: Any = self.encoder
        embeddings = encoder.get_input_embeddings()(ids[prompted])  # [b, L, H]
        prompts = self.prompt(embeddings, attention[prompted])  # [b, N, H]
        mask = torch.cat([torch.ones_like(prompts[:, :, 0], dtype=torch.bool), attention[prompted]], dim=1)
        inputs = torch.cat([prompts, embeddings], dim=1)
        hidden: Tensor = encoder(inputs_embeds=inputs, attention_mask=mask.long()).last_hidden_state
        states = hidden[:, prompts.shape[1] :]  # [b, L, H]
        if bool(prompted.all()):
            return states
        others = self.encode(ids[~prompted], attention[~prompted]).states
        whole = states.new_empty(len(ids), *states.shape[1:])
        whole = whole.index_put((prompted.nonzero()[:, 0],), states)
        return whole.index_put(((~prompted).nonzero()[:, 0],), others)

    def losses(self, batch: Batch) -> Tensor:
        """Return the loss of each sample [B]: that of the head, over one view or two, the fusion's and the objectives.

        In the order of these lines: dropout draws its masks from one generator, view after view.
        """
        assert batch.targets is not None
        full, fusion_loss = self._view(batch, batch.samples, with_loss=True)
        loss = self.head.loss(full, batch.targets)
        objectives = self._active_objectives()
        plain = self._view(batch, batch.samples, is_plain=True)[0] if self.needs_plain else None
        if plain is not None and any(objective.learns_plain for objective in objectives):
            loss = loss + self.head.loss(plain, batch.targets)
        shares = [objective.head_share for objective in objectives]
        if self.fusion is not None:
            shares.append(self.fusion.head_share)
        loss = math.prod(shares) * loss
        if fusion_loss is not None:
            loss = loss + fusion_loss
        views = Views(self.head, full, plain, self._contexts_alone(batch) if self.needs_contexts_alone else None)
        for objective in objectives:
            loss = loss + objective.weight * objective(views, batch)
        return loss

    def _contexts_alone(self, batch: Batch) -> Tensor:
        """Return the mean state of the contexts [B, H], encoded without their sentences."""
        assert batch.context_ids is not None and batch.context_attention is not None
        states = self.encode(batch.context_ids, batch.context_attention, batch.features).states
        return mean_state(states, batch.context_attention)

    @torch.no_grad()
    def read(self, batch: Batch) -> Reading:
        """Return the posteriors, the decoded classes and the mean states of a batch.

        A head without a posterior has no classes: its reading holds its answers alone.
        """
        view = self.view(batch)
        weights = batch.mask[:, :, None].to(view.states.dtype)
        pooled = ((view.states * weights).sum(1) / weights.sum(1)).float()
        answers = tuple(self.head.answers(view, view.samples)) if self.head.says_more else None
        posterior = self.head.posterior(view, with_pairs=True)
        if posterior is None:
            nothing = torch.zeros(len(pooled), 0, dtype=torch.long)
            return Reading(nothing[:, :, None].float(), nothing, pooled, None, answers, view.look)
        return Reading(posterior.log_probs, self.head.decode(view), pooled, posterior.log_pairs, answers, view.look)

    def _objectives(self) -> list[Objective]:
        return [objective for objective in self.objectives if isinstance(objective, Objective)]

    def _active_objectives(self) -> list[Objective]:
        """Return the objectives that the loss has: without a weight, only those from whose views the head learns."""
        return [objective for objective in self._objectives() if objective.weight or objective.learns_plain]


def _are_plain(batch: Batch, *, is_plain: bool) -> Tensor:
    """Return which windows hold no context [B] bool."""
    if is_plain or batch.has_contexts is None:
        return torch.ones(len(batch.ids), dtype=torch.bool, device=batch.ids.device)
    return ~batch.has_contexts


def make_expert(encoder: EncoderConfig, model: ModelConfig, labels: LabelSet) -> Expert:
    """Make an expert on a pretrained encoder; new weights are drawn from torch's generator.

    Raises:
        UsageError: the window is longer than the encoder's positions, or the head is for another task.
    """
    network, tokenizer = load_encoder(encoder.name)
    limit = window_limit(network)
    prompts = max((getattr(row, "prompts", 0) for row in model.objectives), default=0)
    options = getattr(model.head, "option_pieces", 0)
    if limit is not None and encoder.max_length_pieces + prompts + options > limit:
        beside = f" beside {prompts} soft prompts" if prompts else f" beside {options} of an option" if options else ""
        raise UsageError(
            f"encoder.max_length_pieces is {encoder.max_length_pieces}{beside}, but {encoder.name} takes {limit}",
            remedy=f"set encoder.max_length_pieces={limit - prompts - options}",
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
        UsageError: the head is for another task, or the fusion is not for this family of encoders.
    """
    head: Any = head_class(model, labels)
    shape = EncoderShape.of(encoder)
    fusion = _build_fusion(encoder, model, shape)
    width = shape.hidden if fusion is None else fusion.width
    objectives: list[Any] = [OBJECTIVES[row.kind].load() for row in model.objectives]
    built = [part(width, row) for part, row in zip(objectives, model.objectives, strict=True)]
    expert = Expert(encoder, tokenizer, head(width, labels, settle_head(model.head, labels.task_name)), built, fusion)
    for objective in built:
        objective.attach(expert.head)
    if isinstance(expert.head, ChoiceHead) and (fusion is not None or expert.prompt is not None):
        raise UsageError("the head choice reads words alone", remedy="leave out model.fusion, and set prompts=0")
    if expert.prompt is not None and fusion is not None:
        raise UsageError(
            "soft prompts and a fusion do not go together",
            remedy="set the objective's prompts=0, or leave out the fusion",
        )
    return expert


def _build_fusion(encoder: Any, model: ModelConfig, shape: EncoderShape) -> Fusion | None:
    if model.fusion is None:
        return None
    part: Any = FUSIONS[model.fusion.kind].load()
    fusion: Fusion = part(shape, model.fusion)
    fusion.attach(encoder)
    return fusion


def head_class(model: ModelConfig, labels: LabelSet) -> type[Head]:
    """Return the class of the head that a configuration gives to labels.

    Raises:
        UsageError: the head is for another task.
    """
    head = HEADS[settle_head(model.head, labels.task_name).kind].load()
    if labels.task_name not in head.tasks:
        raise UsageError(
            f"the head {head.kind} is for the task {' or '.join(head.tasks)}, the data for {labels.task_name}",
            remedy="set model.head.kind=auto",
        )
    return head
