"""Training of a pretrained model that writes, on the prompts and answers that `mie-train instruct` wrote."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from schemas.errors import InputError, MieError
from schemas.manifest import write_json_atomically
from trainer.model.generators import HubGenerator, load_generator

__all__ = ["TuneSettings", "read_pairs", "tune_generator"]


@dataclass(frozen=True)
class TuneSettings:
    """How a generator is trained.

    Args:
        epochs: over all rows.
        lr: of AdamW at its start; it falls to 0 along a line.
        batch_rows: rows of a step.
        max_gradient_norm: of all gradients together.
        seed: of the order of rows.
    """

    epochs: int = 3
    lr: float = 3e-4
    batch_rows: int = 8
    max_gradient_norm: float = 1.0
    seed: int = 0


def read_pairs(file: Path) -> list[tuple[str, str]]:
    """Read prompts and answers.

    Raises:
        InputError: no rows, a row that is none of `mie-train instruct`, or one of dev or test.
    """
    pairs = []
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot be read ({error})", path=file) from error
    for number, line in enumerate(lines, start=1):
        try:
            row = json.loads(line)
            prompt, answer, split = str(row["prompt"]), str(row["answer"]), row.get("split", "train")
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise InputError(
                "no prompt and answer", path=file, place=f"line {number}", remedy="use: mie-train instruct"
            ) from error
        if split != "train":
            raise InputError(
                f"a row of the split {split}", path=file, place=f"line {number}",
                remedy="train on: mie-train instruct --split train",
            )  # fmt: skip
        pairs.append((prompt, answer))
    if not pairs:
        raise InputError("no rows", path=file, remedy="use: mie-train instruct")
    return pairs


def tune_generator(
    file: Path, model: str, out: Path, settings: TuneSettings, talk: Callable[[str], object] = lambda _: None
) -> dict[str, Any]:
    """Train all weights of an encoder-decoder or causal model on -log p(answer | prompt), and write it to a folder.

    Args:
        file: of prompts and answers.
        model: folder or name of a model of transformers.
        out: the folder of the trained one, which `mie-train generate --model` takes.
        settings: of the training.
        talk: called with a line per epoch.

    Returns:
        what stands in `tune.json`: the settings, the number of rows, and the mean loss of a row in each epoch.

    Raises:
        InputError: the rows, or the model, cannot be read.
        MieError: a loss is not finite.
    """
    pairs = read_pairs(file)
    torch.manual_seed(settings.seed)
    generator = load_generator(model).train()
    optimizer = torch.optim.AdamW(generator.parameters(), settings.lr)
    steps = settings.epochs * -(-len(pairs) // settings.batch_rows)
    schedule = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.0, total_iters=steps)
    losses = []
    for epoch in range(settings.epochs):
        order = list(range(len(pairs)))
        random.Random(f"{settings.seed}/{epoch}").shuffle(order)  # noqa: S311 - an order, no secret
        total = 0.0
        for start in range(0, len(order), settings.batch_rows):
            rows = [pairs[number] for number in order[start : start + settings.batch_rows]]
            total += _step(generator, rows, optimizer, settings)
            schedule.step()
        losses.append(total / len(pairs))
        talk(f"epoch {epoch + 1}, loss {losses[-1]:.4f}")
    facts = {"model": model, "rows": len(pairs), "losses": losses, **asdict(settings)}
    _write(generator, out, facts)
    return facts


def _step(
    generator: HubGenerator, rows: list[tuple[str, str]], optimizer: torch.optim.Optimizer, settings: TuneSettings
) -> float:
    """Update the weights from the mean loss of rows, and return the sum of their losses."""
    total = 0.0
    for prompt, answer in rows:  # one by one: a batch of long prompts need not fit into memory
        loss = generator.loss([prompt], [answer])[0]
        (loss / len(rows)).backward()  # type: ignore[no-untyped-call]
        total += loss.item()
    norm = nn.utils.clip_grad_norm_(generator.parameters(), settings.max_gradient_norm)
    if not torch.isfinite(norm) or total != total:
        raise MieError("the loss is not a finite number", remedy="take a lower --lr")
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)
    return total


def _write(generator: HubGenerator, out: Path, facts: dict[str, Any]) -> None:
    """Write model, tokenizer and facts to a folder that appears whole or not at all."""
    new = out.with_name(out.name + ".new")
    shutil.rmtree(new, ignore_errors=True)
    generator.eval().model.save_pretrained(new)
    generator.tokenizer.save_pretrained(new)
    write_json_atomically(new / "tune.json", facts)
    shutil.rmtree(out, ignore_errors=True)
    new.replace(out)
