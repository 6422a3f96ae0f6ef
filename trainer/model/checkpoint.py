"""An expert's folder: the encoder as transformers keeps it, one file for each other part, and `head.json`.

config.json  model.safetensors  tokenizer.json ...     the encoder, which transformers loads alone
head.safetensors  PART.safetensors                     the other parts
head.json                                              labels, settings and the names of the parts
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import TypeAdapter
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from schemas.errors import IndexCorrupt, InputError
from schemas.manifest import write_json_atomically
from trainer.blocks import to_values
from trainer.inputs import LabelSet
from trainer.model.build import settle_head
from trainer.model.encoder import load_encoder, quiet_transformers
from trainer.model.expert import ENCODER, Expert, build_expert
from trainer.model.settings import ModelConfig

__all__ = ["ExpertFacts", "load_expert", "read_expert_facts", "save_expert", "start_from"]

FACTS = "head.json"


class ExpertFacts(NamedTuple):
    """What a checkpoint says of itself.

    Args:
        labels: that it predicts.
        model: settings of its parts.
        parts: names of its parts.
    """

    labels: LabelSet
    model: ModelConfig
    parts: tuple[str, ...]


def save_expert(expert: Expert, model: ModelConfig, folder: Path) -> None:
    """Write an expert: the encoder as transformers' `from_pretrained` reads it, and our parts beside it."""
    folder.mkdir(parents=True, exist_ok=True)
    with quiet_transformers():
        expert.encoder.save_pretrained(folder)  # type: ignore[operator]
    expert.tokenizer.save_pretrained(folder)
    for name, part in expert.parts.items():
        if name != ENCODER:
            tensors = {key: tensor.contiguous() for key, tensor in part.state_dict().items()}
            save_file(tensors, _part_path(folder, name))
    settled = settle_head(model.head, expert.labels.task_name)
    facts = {
        "task": expert.labels.task_name,
        "labels": expert.labels.names,
        "fine": expert.labels.fine,
        "relations": expert.labels.relations,
        "parents": expert.labels.parents,
        "model": {**to_values(model), "head": to_values(settled)},
        "parts": list(expert.parts),
    }
    write_json_atomically(folder / FACTS, facts)


def read_expert_facts(folder: Path) -> ExpertFacts:
    """Read what a checkpoint says of itself, without loading its weights.

    Raises:
        InputError: no checkpoint here.
        IndexCorrupt: its description is damaged.
    """
    path = folder / FACTS
    if not path.is_file():
        raise InputError(f"no checkpoint here (there is no {FACTS})", path=folder, remedy="train it: mie-train fit")
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
        more = (tuple(facts.get(name, ())) for name in ("fine", "relations", "parents"))  # older runs have none
        labels = LabelSet(facts["task"], tuple(facts["labels"]), *more)
        model = facts["model"] if "model" in facts else _model_of_version_1(facts)
        return ExpertFacts(
            labels, TypeAdapter(ModelConfig).validate_python(model), tuple(facts.get("parts", (ENCODER, "head")))
        )
    except (OSError, ValueError, TypeError, KeyError) as error:
        reason = " ".join(str(error).split())[:200]
        raise IndexCorrupt(f"unreadable ({reason})", path=path, remedy="train it again") from error


def load_expert(folder: Path, labels: LabelSet | None = None) -> Expert:
    """Load an expert, from safetensors alone and never from the hub.

    Args:
        folder: written by `save_expert`.
        labels: of the data; None takes the checkpoint's.

    Raises:
        InputError: no checkpoint here, or it has other labels.
        IndexCorrupt: a part is lacking, or its files do not fit together.
    """
    facts = read_expert_facts(folder)
    if labels is not None and labels != facts.labels:
        raise InputError(
            f"the checkpoint has other labels: {', '.join(facts.labels.names)}; "
            f"the data has: {', '.join(labels.names)}",
            path=folder,
            remedy="train on this data, or convert the data with the checkpoint's labels",
        )
    encoder, tokenizer = load_encoder(str(folder))
    expert = build_expert(encoder, tokenizer, facts.model, facts.labels)
    if set(expert.parts) != set(facts.parts):
        raise IndexCorrupt(
            f"the checkpoint has the parts {', '.join(facts.parts)}, its settings ask for {', '.join(expert.parts)}",
            path=folder,
            remedy="train it again",
        )
    for name, part in expert.parts.items():
        if name != ENCODER:
            _load_part(part, _part_path(folder, name), name)
    return expert.eval()


def start_from(expert: Expert, folder: Path) -> dict[str, tuple[int, int]]:
    """Begin with the weights of a checkpoint, where they have the same part, name and shape.

    An encoder with further pieces (the markers of a task) takes the rows that both have.

    Args:
        expert: new.
        folder: written by `save_expert`; its head may be another one, and its labels too.

    Returns:
        for each part, how many of its tensors were taken over, and how many it has.

    Raises:
        InputError: no checkpoint here, or its encoder is another one.
    """
    parts = load_expert(folder).parts
    taken = {}
    for name, part in expert.parts.items():
        old = parts[name].state_dict() if name in parts else {}
        new, count = part.state_dict(), 0
        for key, tensor in new.items():
            if key in old and old[key].shape[1:] == tensor.shape[1:] and old[key].dim() == tensor.dim():
                is_table = name == ENCODER and "embeddings" in key
                if is_table or old[key].shape == tensor.shape:
                    rows = min(len(old[key]), len(tensor)) if tensor.dim() else None
                    tensor[:rows] = old[key][:rows] if tensor.dim() else old[key]
                    count += 1
        part.load_state_dict(new)
        taken[name] = count, len(new)
    if taken[ENCODER][0] < taken[ENCODER][1]:
        raise InputError("the run to start from has another encoder", path=folder, remedy="set encoder.name to its own")
    return taken


def _load_part(part: Any, path: Path, name: str) -> None:
    try:
        part.load_state_dict(load_file(path))
    except (OSError, SafetensorError, RuntimeError, KeyError) as error:
        reason = " ".join(str(error).split())[:200]
        raise IndexCorrupt(
            f"the part {name} cannot be loaded ({reason})", path=path, remedy="train it again"
        ) from error


def _part_path(folder: Path, name: str) -> Path:
    return folder / f"{name}.safetensors"


def _model_of_version_1(facts: dict[str, Any]) -> dict[str, Any]:
    """Return the settings that the version before, which had one head for each task, kept in two keys."""
    head = {"kind": "auto", "dropout": facts["dropout"], "constrained_decoding": facts["constrained_decoding"]}
    return {"head": head}
