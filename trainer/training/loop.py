"""The training loop: epochs of steps, dev F1 after each epoch, the best expert and the exact state kept."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import nn

from schemas.display import tell
from schemas.errors import MieError, UsageError
from schemas.records import Sample
from trainer.config import TrainingConfig
from trainer.inputs import Batch, Example, collate, draw_episodes, mask_pieces, name_pair, order_for_training
from trainer.model import Expert
from trainer.training.decoding import decode_answers
from trainer.training.device import precision_context
from trainer.training.optimizer import learning_rate_factor
from trainer.training.prepare import Draws
from trainer.training.state import Progress

__all__ = ["Keeper", "train"]

Row = dict[str, Any]


@dataclass(frozen=True)
class Keeper:
    """What the loop calls to keep something in the run folder.

    Args:
        log: takes a row of metrics.
        best: takes the expert when it is the best so far.
        state: takes the exact state, and returns the progress with the place where the state lies.
    """

    log: Callable[[Row], None]
    best: Callable[[Expert], None]
    state: Callable[[Progress, torch.optim.Optimizer], Progress]


def train(
    expert: Expert,
    optimizer: torch.optim.Optimizer,
    train_rows: Sequence[Example],
    dev_rows: Sequence[Example],
    dev_samples: Sequence[Sample],
    config: TrainingConfig,
    keeper: Keeper,
    progress: Progress | None = None,
    draws: Draws | None = None,
) -> Progress:
    """Train an expert until the last epoch, or until dev F1 has not risen for patience_epochs.

    Args:
        expert: on its device.
        optimizer: over `parameter_groups`.
        train_rows: labelled examples.
        dev_rows: the dev samples as examples.
        dev_samples: the dev samples themselves, for F1 on all their tokens.
        config: of the loop.
        keeper: takes metrics and weights.
        progress: the kept one of a run that goes on; None begins.
        draws: the examples of each epoch, in place of train_rows; None takes these in every epoch.

    Raises:
        MieError: a loss or a gradient is not finite; the weights on disk are those before it.
    """
    progress = progress or Progress()
    per_epoch = math.ceil(len(_order(expert, train_rows, config, 0)) / config.accumulation_batches)
    total = per_epoch * config.epochs
    while progress.epoch < config.epochs and not _is_out_of_patience(progress, config):
        rows = train_rows if draws is None else draws.of_epoch(progress.epoch)
        order = _order(expert, rows, config, progress.epoch)
        progress = _train_epoch(expert, optimizer, rows, order, config, keeper, progress, total)
        started = time.perf_counter()
        predicted = decode_answers(expert, dev_rows, dev_samples, config)
        f1 = expert.labels.task.score(dev_samples, predicted, expert.head.key).f1
        is_best = f1 > progress.best_f1
        progress = replace(progress, epoch=progress.epoch + 1, steps_in_epoch=0)
        if is_best:
            progress = replace(progress, best_f1=f1, best_epoch=progress.epoch)
            keeper.best(expert)
        keeper.log(_epoch_row(progress, f1, is_best, time.perf_counter() - started))
        progress = replace(progress, loss_sum=0.0, loss_samples=0)
        progress = keeper.state(progress, optimizer)
    return progress


def _order(expert: Expert, rows: Sequence[Example], config: TrainingConfig, epoch: int) -> list[list[int]]:
    """Return the batches of an epoch; for a head that learns from episodes, as many as have the epoch's samples."""
    episode = expert.head.episode
    if episode is None:
        lengths = [len(row.ids) for row in rows]
        return order_for_training(lengths, config.batch_samples, config.seed, epoch, bucket=config.bucket_by_length)
    classes = [None if row.targets is None else row.targets[0] for row in rows]
    pairs = ["" if row.sample is None else name_pair(row.sample) for row in rows]
    return draw_episodes(classes, pairs, episode, max(1, len(rows) // episode.samples), f"{config.seed}/{epoch}")


def _train_epoch(
    expert: Expert,
    optimizer: torch.optim.Optimizer,
    rows: Sequence[Example],
    order: list[list[int]],
    config: TrainingConfig,
    keeper: Keeper,
    progress: Progress,
    total: int,
) -> Progress:
    """Take the steps of an epoch that are not done yet.

    A resumed epoch sees the batches of the first try: their order is a function of the seed and the epoch alone, and
    the steps that were kept are skipped.
    """
    device = next(expert.parameters()).device.type
    steps = list(_chunks(order, config.accumulation_batches))
    expert.train()
    started, pieces = time.perf_counter(), 0
    for numbers in steps[progress.steps_in_epoch :]:
        batches = [_collate(expert, [rows[i] for i in part], config, device) for part in numbers]
        factor = learning_rate_factor(progress.step, total, config.warmup_share)
        loss = _step(expert, optimizer, batches, factor, config, where=_describe(progress, rows, numbers))
        samples = sum(len(part) for part in numbers)
        pieces += sum(batch.pieces for batch in batches)
        progress = replace(
            progress,
            step=progress.step + 1,
            steps_in_epoch=progress.steps_in_epoch + 1,
            loss_sum=progress.loss_sum + loss * samples,
            loss_samples=progress.loss_samples + samples,
        )
        tell("train", progress.step, total, "steps")
        if config.save_every_steps and progress.step % config.save_every_steps == 0:
            progress = keeper.state(progress, optimizer)
    if pieces:
        keeper.log(_speed_row(progress, pieces, time.perf_counter() - started))
    return progress


def _collate(expert: Expert, rows: Sequence[Example], config: TrainingConfig, device: str) -> Batch:
    """Return a batch as training shows it.

    Raises:
        UsageError: pieces are to be masked, and the tokenizer has no mask piece.
    """
    batch = collate(rows, expert.padding, device, expert.needs_plain, expert.needs_contexts_alone)
    if not config.mask_share:
        return batch
    mask = expert.tokenizer.mask_token_id
    if mask is None:
        raise UsageError("the tokenizer of this encoder has no mask piece", remedy="set training.mask_share=0")
    return mask_pieces(batch, config.mask_share, mask, expert.tokenizer.all_special_ids)


def _step(
    expert: Expert,
    optimizer: torch.optim.Optimizer,
    batches: Sequence[Batch],
    factor: float,
    config: TrainingConfig,
    where: str,
) -> float:
    """Update the weights once from the mean loss over the samples of all batches, and return that loss.

    Each loss is divided by the samples of all batches before its backward pass, so that the gradients add up to those
    of one large batch.
    """
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


def _epoch_row(progress: Progress, f1: float, is_best: bool, dev_seconds: float) -> Row:
    return {
        "kind": "epoch",
        "epoch": progress.epoch,
        "step": progress.step,
        "loss": progress.loss_sum / max(1, progress.loss_samples),
        "dev_f1": f1,
        "is_best": is_best,
        "dev_seconds": round(dev_seconds, 3),
    }


def _speed_row(progress: Progress, pieces: int, seconds: float) -> Row:
    return {
        "kind": "speed",
        "epoch": progress.epoch + 1,
        "step": progress.step,
        "seconds": round(seconds, 3),
        "pieces_per_second": round(pieces / seconds, 1),
    }


def _is_out_of_patience(progress: Progress, config: TrainingConfig) -> bool:
    return bool(config.patience_epochs) and progress.epoch - progress.best_epoch >= config.patience_epochs


def _chunks(order: list[list[int]], size: int) -> Iterator[list[list[int]]]:
    for start in range(0, len(order), size):
        yield order[start : start + size]


def _describe(progress: Progress, rows: Sequence[Example], numbers: list[list[int]]) -> str:
    ids = [rows[i].sample_id for part in numbers for i in part]
    return (
        f"epoch {progress.epoch + 1}, step {progress.step + 1}, samples {', '.join(ids[:8])}{' ...' * (len(ids) > 8)}"
    )
