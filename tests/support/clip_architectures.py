"""CLIP architectures small enough for tests, made known to open_clip for a while."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any


@contextmanager
def known_architecture(name: str, config: Mapping[str, Any], folder: Path) -> Iterator[str]:
    """Make an architecture known under a name; forget it at the end."""
    import open_clip
    from open_clip import factory

    (folder / f"{name}.json").write_text(json.dumps(config))
    before = list(factory._MODEL_CONFIG_PATHS), dict(factory._MODEL_CONFIGS)
    open_clip.add_model_config(folder)
    yield name
    factory._MODEL_CONFIG_PATHS[:] = before[0]
    factory._MODEL_CONFIGS.clear()
    factory._MODEL_CONFIGS.update(before[1])


def save_random_weights(arch: str, path: Path, seed: int = 7) -> Path:
    """Write a checkpoint of an architecture with random weights."""
    import open_clip
    import torch
    from safetensors.torch import save_file

    torch.manual_seed(seed)
    model = open_clip.create_model(arch)
    save_file({name: values.contiguous() for name, values in model.state_dict().items()}, path)
    return path
