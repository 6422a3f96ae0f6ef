"""The model card: what a model predicts, what it was trained on, how to load it, and its limits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from trainer.config import RunConfig
from trainer.inputs import LabelSet

__all__ = ["model_card"]


def model_card(config: RunConfig, labels: LabelSet, facts: Mapping[str, Any]) -> str:
    """Return the card that stands beside the weights."""
    sources = ", ".join(config.data.sources) or "none (baseline)"
    objectives = ", ".join(f"{row.kind}, weight {row.weight:g}" for row in config.model.objectives) or "none"
    return f"""---
library_name: transformers
---
# Expert: {labels.task_name} on {facts.get("dataset", "a data set of its own")}

- Predicts {labels.task.description}: {", ".join(labels.names)}.
- Encoder: {config.encoder.name}, windows of {config.encoder.max_length_pieces} pieces.
- Contexts: {sources}; at most {config.data.contexts_per_source} of each, whole, in rank order, behind the sentence.
- Objectives beside the labels: {objectives}. Seed {config.training.seed}.
- Fingerprints of the data: {", ".join(f"{k} {v[:16]}" for k, v in facts.get("fingerprints", {}).items())}.

The encoder loads by itself: `transformers.AutoModel.from_pretrained(FOLDER, local_files_only=True)`. The head
(`head.safetensors`, `head.json`) goes on it with `trainer.model.load_expert(FOLDER)`. All weights are safetensors.

Limits: it knows the labels and the kind of text of its training set alone; contexts are retrieved text, and may be
about something else than the sample. Check predictions about people before they are used.
"""
