"""An expert: an encoder and a head; its losses, one view or two, its posteriors, and its folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from schemas.errors import IndexCorrupt, InputError, UsageError
from trainer.config import EncoderConfig, ModelConfig
from trainer.inputs import MARKERS, Batch, LabelSet
from trainer.model.encoder import load_encoder, quiet_transformers, window_limit
from trainer.model.heads import make_head

__all__ = ["Expert", "Reading", "load_expert", "make_expert", "posterior_divergence", "save_expert"]

HEAD_WEIGHTS = "head.safetensors"
HEAD_FACTS = "head.json"


class Reading(NamedTuple):
    """What an expert says of a batch. B samples, S states, K classes, H dimensions of a state.

    Args:
        log_probs: log posteriors [B, S, K].
        classes: the decoded classes [B, S].
        pooled: the mean state of each sample [B, H].
        log_pairs: log posteriors of the class before and the class [B, S, K, K]; None where there is no chain.
    """

    log_probs: Tensor
    classes: Tensor
    pooled: Tensor
    log_pairs: Tensor | None


class Expert(nn.Module):
    """An encoder and a head on some of its states."""

    def __init__(self, encoder: nn.Module, tokenizer: Any, labels: LabelSet, model: ModelConfig) -> None:
        super().__init__()
        self.encoder = encoder
        self.tokenizer = tokenizer
        self.labels = labels
        self.model = model
        self.head = make_head(encoder.config.hidden_size, labels, model.dropout, model.constrained_decoding)  # type: ignore[union-attr,arg-type]

    @property
    def padding(self) -> int:
        """Id of the padding piece."""
        return int(self.tokenizer.pad_token_id or 0)

    def states(self, ids: Tensor, attention: Tensor, positions: Tensor) -> Tensor:
        """Encode windows ids [B, L] and return the states at positions [B, P]: [B, P, H]. No others leave here."""
        hidden = self.encoder(input_ids=ids, attention_mask=attention.long()).last_hidden_state  # [B, L, H]
        return hidden.gather(1, positions[:, :, None].expand(-1, -1, hidden.shape[-1]))  # type: ignore[no-any-return]

    def losses(self, batch: Batch) -> Tensor:
        """Return the loss of each sample [B]: NLL; or, with two views, lambda (NLL~ + NLL) + (1 - lambda) KL."""
        assert batch.targets is not None
        logits = self.head(self.states(batch.ids, batch.attention, batch.positions))  # [B, S, K]
        full = self.head.nll(logits, batch.mask, batch.targets)  # [B]
        if not self.model.two_view:
            return full
        plain_logits = self.head(self.states(batch.plain_ids, batch.plain_attention, batch.positions))
        plain = self.head.nll(plain_logits, batch.mask, batch.targets)
        heat, weight = self.model.two_view_temperature, self.model.two_view_weight
        teacher = self.head.log_posterior(logits / heat, batch.mask).detach()
        student = self.head.log_posterior(plain_logits / heat, batch.mask)
        return weight * (full + plain) + (1 - weight) * posterior_divergence(teacher, student)

    @torch.no_grad()
    def read(self, batch: Batch) -> Reading:
        """Return the posteriors, the decoded classes and the mean states of a batch."""
        states = self.states(batch.ids, batch.attention, batch.positions)
        logits = self.head(states)
        weights = batch.mask[:, :, None].to(states.dtype)
        pooled = (states * weights).sum(1) / weights.sum(1)
        return Reading(
            self.head.log_posterior(logits, batch.mask),
            self.head.decode(logits, batch.mask),
            pooled.float(),
            self.head.log_pairs(logits, batch.mask),
        )


def posterior_divergence(teacher: Tensor, student: Tensor) -> Tensor:
    """Return KL(teacher || student) [B], summed over the positions, of log posteriors [B, S, K].

    Beyond the mask both are 0 in every class, which adds nothing.
    """
    return (teacher.exp() * (teacher - student)).sum(dim=(1, 2))


def make_expert(encoder: EncoderConfig, model: ModelConfig, labels: LabelSet) -> Expert:
    """Make an expert on a pretrained encoder; the head is drawn from torch's generator.

    Raises:
        UsageError: the window is longer than the encoder's positions.
    """
    network, tokenizer = load_encoder(encoder.name)
    limit = window_limit(network)
    if limit is not None and encoder.max_length_pieces > limit:
        raise UsageError(
            f"encoder.max_length_pieces is {encoder.max_length_pieces}, but {encoder.name} takes {limit}",
            remedy=f"set encoder.max_length_pieces={limit}",
        )
    if labels.task == "re":
        tokenizer.add_special_tokens({"additional_special_tokens": list(MARKERS)})
        network.resize_token_embeddings(len(tokenizer), mean_resizing=False)
    if encoder.gradient_checkpointing:
        network.activation_checkpointing_enable()
    return Expert(network, tokenizer, labels, model)


def save_expert(expert: Expert, folder: Path) -> None:
    """Write an expert: the encoder as transformers' `from_pretrained` reads it, and our head beside it."""
    folder.mkdir(parents=True, exist_ok=True)
    with quiet_transformers():
        expert.encoder.save_pretrained(folder)  # type: ignore[operator]
    expert.tokenizer.save_pretrained(folder)
    save_file({name: tensor.contiguous() for name, tensor in expert.head.state_dict().items()}, folder / HEAD_WEIGHTS)
    facts = {
        "task": expert.labels.task,
        "labels": expert.labels.names,
        "dropout": expert.model.dropout,
        "constrained_decoding": expert.model.constrained_decoding,
    }
    (folder / HEAD_FACTS).write_text(json.dumps(facts, indent=1), encoding="utf-8")


def load_expert(folder: Path, labels: LabelSet | None = None) -> Expert:
    """Load an expert, from safetensors alone and never from the hub.

    Args:
        folder: written by `save_expert`.
        labels: what the data has; None takes the checkpoint's.

    Raises:
        InputError: no checkpoint here, or it has other labels.
        IndexCorrupt: its files do not fit together.
    """
    path = folder / HEAD_FACTS
    if not path.is_file():
        raise InputError("no checkpoint here (there is no head.json)", path=folder, remedy="train it: mie-train fit")
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
        known = LabelSet(facts["task"], tuple(facts["labels"]))
        model = ModelConfig(dropout=facts["dropout"], constrained_decoding=facts["constrained_decoding"])
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise IndexCorrupt(f"unreadable ({error})", path=path, remedy="train it again") from error
    if labels is not None and labels != known:
        raise InputError(
            f"the checkpoint has other labels: {', '.join(known.names)}; the data has: {', '.join(labels.names)}",
            path=folder,
            remedy="train on this data, or convert the data with the checkpoint's labels",
        )
    encoder, tokenizer = load_encoder(str(folder))
    expert = Expert(encoder, tokenizer, known, model)
    try:
        expert.head.load_state_dict(load_file(folder / HEAD_WEIGHTS))
    except (OSError, SafetensorError, RuntimeError, KeyError) as error:
        reason = " ".join(str(error).split())[:200]
        raise IndexCorrupt(
            f"the head cannot be loaded ({reason})", path=folder / HEAD_WEIGHTS, remedy="train it again"
        ) from error
    return expert.eval()
