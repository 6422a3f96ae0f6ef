"""The training loop: epochs of steps, dev F1 after each epoch, the best kept, and the exact state to go on from."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import nn

from schemas.display import tell
from schemas.errors import MieError, UsageError
from schemas.records import Sample
from trainer.config import TrainingConfig
from trainer.inputs import Batch, Example, LabelSet, collate, order_by_length, order_for_training
from trainer.metrics import Score, score_entities, score_relations
from trainer.model import Expert
from trainer.training.state import Place

__all__ = [
    "Keeper",
    "choose_device",
    "decode_labels",
    "learning_rate_factor",
    "name_labels",
    "parameter_groups",
    "precision_context",
    "score_labels",
    "train",
]

Row = dict[str, Any]


@dataclass(frozen=True)
class Keeper:
    """What the loop tells the run folder.

    Args:
        log: a row of metrics.
        best: the expert is the best so far.
        state: keep the exact state.
    """

    log: Callable[[Row], None]
    best: Callable[[Expert], None]
    state: Callable[[Place, torch.optim.Optimizer], Place]


def train(
    expert: Expert,
    optimizer: torch.optim.Optimizer,
    train_rows: Sequence[Example],
    dev_rows: Sequence[Example],
    dev_samples: Sequence[Sample],
    config: TrainingConfig,
    keeper: Keeper,
    place: Place | None = None,
) -> Place:
    """Train an expert until the last epoch, or until dev F1 has not risen for patience_epochs.

    Args:
        expert: on its device.
        optimizer: over `parameter_groups`.
        train_rows: labelled examples.
        dev_rows: the dev samples as examples.
        dev_samples: the same as they are, for F1 on all their tokens.
        config: of the loop.
        keeper: where metrics and weights go.
        place: where to go on from; None starts.

    Raises:
        MieError: a loss or a gradient is not finite; the weights on disk are those before it.
    """
    place = place or Place()
    lengths = [len(row.ids) for row in train_rows]
    per_epoch = math.ceil(math.ceil(len(train_rows) / config.batch_samples) / config.accumulation_batches)
    total = per_epoch * config.epochs
    while place.epoch < config.epochs and not _is_out_of_patience(place, config):
        order = order_for_training(
            lengths, config.batch_samples, config.seed, place.epoch, bucket=config.bucket_by_length
        )
        place = _train_epoch(expert, optimizer, train_rows, order, config, keeper, place, total)
        started = time.perf_counter()
        predicted = decode_labels(expert, dev_rows, dev_samples, config)
        f1 = score_labels(expert.labels, dev_samples, predicted).f1
        is_best = f1 > place.best_f1
        place = replace(place, epoch=place.epoch + 1, steps_in_epoch=0)
        if is_best:
            place = replace(place, best_f1=f1, best_epoch=place.epoch)
            keeper.best(expert)
        loss = place.loss_sum / max(1, place.loss_samples)
        keeper.log(
            {
                "kind": "epoch",
                "epoch": place.epoch,
                "step": place.step,
                "loss": loss,
                "dev_f1": f1,
                "is_best": is_best,
                "dev_seconds": round(time.perf_counter() - started, 3),
            }
        )
        place = replace(place, loss_sum=0.0, loss_samples=0)
        place = keeper.state(place, optimizer)
    return place


def _train_epoch(
    expert: Expert,
    optimizer: torch.optim.Optimizer,
    rows: Sequence[Example],
    order: list[list[int]],
    config: TrainingConfig,
    keeper: Keeper,
    place: Place,
    total: int,
) -> Place:
    """Take the steps of an epoch that are not done yet."""
    device = next(expert.parameters()).device.type
    steps = list(_chunks(order, config.accumulation_batches))
    expert.train()
    started, pieces = time.perf_counter(), 0
    for numbers in steps[place.steps_in_epoch :]:
        batches = [
            collate([rows[i] for i in part], expert.padding, device, has_plain=expert.model.two_view)
            for part in numbers
        ]
        factor = learning_rate_factor(place.step, total, config.warmup_share)
        loss = _step(expert, optimizer, batches, factor, config, where=_where(place, rows, numbers))
        samples = sum(len(part) for part in numbers)
        pieces += sum(batch.pieces for batch in batches)
        place = replace(
            place,
            step=place.step + 1,
            steps_in_epoch=place.steps_in_epoch + 1,
            loss_sum=place.loss_sum + loss * samples,
            loss_samples=place.loss_samples + samples,
        )
        tell("train", place.step, total, "steps")
        if config.save_every_steps and place.step % config.save_every_steps == 0:
            place = keeper.state(place, optimizer)
    seconds = time.perf_counter() - started
    if pieces:
        keeper.log(
            {
                "kind": "speed",
                "epoch": place.epoch + 1,
                "step": place.step,
                "seconds": round(seconds, 3),
                "pieces_per_second": round(pieces / seconds, 1),
            }
        )
    return place


def _step(
    expert: Expert,
    optimizer: torch.optim.Optimizer,
    batches: Sequence[Batch],
    factor: float,
    config: TrainingConfig,
    where: str,
) -> float:
    """Update the weights once from the mean loss over the samples of all batches, and return that loss."""
    samples = sum(len(batch.ids) for batch in batches)
    total = 0.0
    for batch in batches:
        with precision_context(config, batch.ids.device.type):
            loss = expert.losses(batch).sum() / samples
        loss.backward()  # type: ignore[no-untyped-call]
        total += loss.item()
    norm = nn.utils.clip_grad_norm_(expert.parameters(), config.max_gradient_norm or math.inf)
    if not math.isfinite(total) or not bool(torch.isfinite(norm)):
        what = "the loss" if not math.isfinite(total) else "the gradient"
        raise MieError(
            f"{what} is not a finite number",
            place=where,
            remedy="the last good state is kept; go on from it with a lower training.encoder_lr, head_lr or crf_lr, or "
            "with training.precision=fp32: the same command, these settings and --continue",
        )
    for group in optimizer.param_groups:
        group["lr"] = group["peak_lr"] * factor
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)
    return total


def learning_rate_factor(step: int, total: int, warmup_share: float) -> float:
    """Return the share of the peak rate at a step (from 0): a linear rise, then a linear fall to 0.

    >>> [learning_rate_factor(step, 10, 0.2) for step in (0, 1, 2, 6)]
    [0.5, 1.0, 1.0, 0.5]
    """
    warmup = round(total * warmup_share)
    if step < warmup:
        return (step + 1) / warmup
    return max(0.0, (total - step) / max(1, total - warmup))


def parameter_groups(expert: Expert, config: TrainingConfig) -> list[dict[str, Any]]:
    """Part the weights by learning rate and decay: the encoder, the head's layers, the CRF's transitions."""
    groups: dict[tuple[str, bool], list[nn.Parameter]] = {}
    rates = {"encoder": config.encoder_lr, "head": config.head_lr, "crf": config.crf_lr}
    for name, weight in expert.named_parameters():
        if not weight.requires_grad:
            continue
        part = "encoder" if name.startswith("encoder.") else "crf" if ".crf." in name else "head"
        decays = weight.ndim > 1 and part != "crf"
        groups.setdefault((part, decays), []).append(weight)
    return [
        {
            "params": weights,
            "peak_lr": rates[part],
            "lr": rates[part],
            "weight_decay": config.weight_decay if decays else 0.0,
            "name": f"{part}{'' if decays else ', no decay'}",
        }
        for (part, decays), weights in groups.items()
    ]


def decode_labels(
    expert: Expert, rows: Sequence[Example], samples: Sequence[Sample], config: TrainingConfig
) -> list[tuple[str, ...]]:
    """Predict the tags of all tokens, or (relation,), of each sample; tokens beyond the window get O."""
    expert.eval()
    device = next(expert.parameters()).device.type
    found: list[tuple[str, ...]] = [()] * len(rows)
    done = 0
    for numbers in order_by_length([len(row.ids) for row in rows], 4 * config.batch_samples):
        tell("decode", done, len(rows), "samples")
        done += len(numbers)
        batch = collate([rows[i] for i in numbers], expert.padding, device)
        with torch.no_grad(), precision_context(config, device):
            logits = expert.head(expert.states(batch.ids, batch.attention, batch.positions))
            classes = expert.head.decode(logits, batch.mask).tolist()
        for i, row in zip(numbers, classes, strict=True):
            found[i] = name_labels(expert.labels, row, samples[i], len(rows[i].positions))
    return found


def name_labels(labels: LabelSet, classes: Sequence[int], sample: Sample, states: int) -> tuple[str, ...]:
    """Return the names of classes; tags are filled with O up to the sample's tokens."""
    if labels.task == "re":
        return (labels.names[classes[0]],)
    names = tuple(labels.names[number] for number in classes[:states])
    return names + ("O",) * (len(sample.tokens) - len(names))


def score_labels(labels: LabelSet, samples: Sequence[Sample], predicted: Sequence[tuple[str, ...]]) -> Score:
    """Score predictions by the task's main metric: entity F1 (default convention), or micro F1 without None."""
    if labels.task == "re":
        return score_relations([str(sample.relation) for sample in samples], [row[0] for row in predicted])
    return score_entities([sample.tags or () for sample in samples], list(predicted))


def choose_device(config: TrainingConfig) -> str:
    """Say on which device to run.

    Raises:
        UsageError: cuda without a GPU.
    """
    has_gpu = torch.cuda.is_available()
    if config.device == "cuda" and not has_gpu:
        raise UsageError("training.device is cuda, but there is no GPU", remedy="set training.device=auto")
    return "cuda" if has_gpu and config.device != "cpu" else "cpu"


def precision_context(config: TrainingConfig, device: str) -> AbstractContextManager[Any]:
    """Return the context of a forward pass: bf16 where asked, or on a GPU that has it."""
    is_bf16 = config.precision == "bf16" or (
        config.precision == "auto" and device == "cuda" and torch.cuda.is_bf16_supported()
    )
    return torch.autocast(device, dtype=torch.bfloat16) if is_bf16 else nullcontext()


def _is_out_of_patience(place: Place, config: TrainingConfig) -> bool:
    return bool(config.patience_epochs) and place.epoch - place.best_epoch >= config.patience_epochs


def _chunks(order: list[list[int]], size: int) -> Iterator[list[list[int]]]:
    for start in range(0, len(order), size):
        yield order[start : start + size]


def _where(place: Place, rows: Sequence[Example], numbers: list[list[int]]) -> str:
    ids = [rows[i].sample_id for part in numbers for i in part]
    return f"epoch {place.epoch + 1}, step {place.step + 1}, samples {', '.join(ids[:8])}{' ...' * (len(ids) > 8)}"
