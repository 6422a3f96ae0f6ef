"""The spec of an encoder: the words that `--encoder` and a manifest name it by, parsed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from schemas.errors import UsageError

__all__ = ["DEFAULT_SPEC", "FORMS", "STAND_IN", "EncoderSpec", "parse_spec"]

STAND_IN = "efficientnet-lite0"
DEFAULT_SPEC = "open_clip:ViT-B-32:openai"
FORMS = f"open_clip:ARCH:TAG, open_clip:ARCH:CHECKPOINT.safetensors or {STAND_IN}"
"""The forms of a spec, as errors state them."""


@dataclass(frozen=True, slots=True)
class EncoderSpec:
    """Which encoder makes vectors.

    Args:
        kind: "clip" is a model of open_clip; "stand-in" is EfficientNet-Lite0; "other" made vectors that were given to
            the job, and this program cannot run it.
        name: of the architecture (clip), else of the encoder.
        weights: a published tag or the path of a checkpoint (clip), else "".
    """

    kind: Literal["clip", "stand-in", "other"]
    name: str
    weights: str = ""

    def __str__(self) -> str:
        return {"clip": f"open_clip:{self.name}:{self.weights}", "other": f"other:{self.name}"}.get(
            self.kind, self.name
        )

    @property
    def reads_words(self) -> bool:
        """Whether the encoder turns words into vectors too: CLIP has a text tower."""
        return self.kind == "clip"


def parse_spec(text: str) -> EncoderSpec:
    """Parse `open_clip:ARCH:TAG`, `open_clip:ARCH:PATH`, `efficientnet-lite0` or `other:NAME`.

    Raises:
        UsageError: the text has none of these forms.

    >>> parse_spec("open_clip:ViT-B-32:openai")
    EncoderSpec(kind='clip', name='ViT-B-32', weights='openai')
    >>> str(parse_spec("open_clip:RN50:C:/w.pt")), parse_spec("efficientnet-lite0").reads_words
    ('open_clip:RN50:C:/w.pt', False)
    """
    if text == STAND_IN:
        return EncoderSpec("stand-in", text)
    family, _, rest = text.partition(":")
    if family == "other":
        if not rest.strip():
            raise UsageError("other: names no encoder", remedy="give --encoder other:NAME, such as other:resnet50")
        return EncoderSpec("other", rest)
    name, _, weights = rest.partition(":")
    if family != "open_clip" or not name or not weights:
        raise UsageError(f"{text!r} names no image encoder", remedy=f"use {FORMS}")
    return EncoderSpec("clip", name, weights)
