"""The bank of words that is scored against a picture, with a vector for each word."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from indexer.encoders import MINILM, ImageEncoder, class_scores, encode_words
from schemas.errors import InputError, UsageError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL import Image

__all__ = ["PromptBank", "make_bank"]

_PROMPT = "an image of {}"
"""Source: PromptMNER (Wang et al., DASFAA 2022)."""
_LOGIT_SCALE = 100.0
"""The temperature with which CLIP was trained: at most 100. Source: Radford et al. 2021, section 2.5."""
_MOST_BYTES = 1 << 20


@dataclass(frozen=True, eq=False)
class PromptBank:
    """Words with their vectors.

    Args:
        words: of the bank [W].
        vectors: unit vector of each [W, dim].
        encoder: the name of what made the vectors, and its fingerprint.
        encoder_fingerprint: of its weights.
        is_classes: the words are the classes of the picture's encoder, which scores them itself.
    """

    words: tuple[str, ...]
    vectors: NDArray[np.float32]
    encoder: str
    encoder_fingerprint: str
    is_classes: bool

    def scores(self, encoder: ImageEncoder, image: Image.Image) -> NDArray[np.float32]:
        """Return the probability of each word of the bank for a picture [W]; they sum to 1."""
        import numpy as np

        if self.is_classes:
            return np.asarray(class_scores(encoder, [encoder.prepare(image)])[0])
        logits = _LOGIT_SCALE * (self.vectors @ encoder.encode([image])[0])
        powers = np.exp(logits - logits.max())
        return np.asarray(powers / powers.sum(), np.float32)

    def best(
        self, encoder: ImageEncoder, image: Image.Image, most: int
    ) -> tuple[NDArray[np.float32], list[str], list[float]]:
        """Return the vectors, words and probabilities of the words that fit a picture best, best first."""
        scores = self.scores(encoder, image)
        order = (-scores).argsort(kind="stable")[:most]
        return self.vectors[order], [self.words[i] for i in order], scores[order].tolist()


def make_bank(encoder: ImageEncoder, file: Path | None) -> PromptBank:
    """Make the bank of an encoder: of a file's words for CLIP, else of its own classes.

    Args:
        encoder: of the pictures.
        file: one word or phrase a line; None takes the classes.

    Raises:
        UsageError: the encoder reads words and there is no file, or the other way round.
        InputError: the file cannot be read or has no words.
    """
    if encoder.text is None:
        if file is not None or encoder.layers is None or not encoder.layers.class_names:
            raise UsageError(
                f"the encoder {encoder.spec} reads no words", remedy="leave out --bank, or use a CLIP encoder"
            )
        names = encoder.layers.class_names
        vectors, fingerprint = encode_words(_phrases(names))
        return PromptBank(names, vectors, MINILM, fingerprint, is_classes=True)
    if file is None:
        raise UsageError(f"the encoder {encoder.spec} has no classes of its own", remedy="add --bank FILE")
    words = _read_words(file)
    return PromptBank(words, encoder.encode_texts(_phrases(words)), encoder.spec, encoder.fingerprint, is_classes=False)


def _phrases(words: Sequence[str]) -> list[str]:
    return [_PROMPT.format(word) for word in words]


def _read_words(file: Path) -> tuple[str, ...]:
    try:
        with file.open("rb") as stream:
            text = stream.read(_MOST_BYTES + 1).decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot be read ({error})", path=file, remedy="give a text of one phrase a line") from error
    words = tuple(dict.fromkeys(line.strip() for line in text.splitlines() if line.strip()))
    if not words or len(text) > _MOST_BYTES:
        raise InputError("no words, or more than a megabyte of them", path=file, remedy="one phrase a line")
    return words
