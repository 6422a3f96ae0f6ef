"""Specs of encoders: every form is parsed and written back; others are usage errors."""

from __future__ import annotations

import pytest

from indexer.encoders.spec import DEFAULT_SPEC, STAND_IN, EncoderSpec, parse_spec
from schemas.errors import UsageError


@pytest.mark.parametrize(
    ("text", "parsed", "reads_words"),
    [
        (DEFAULT_SPEC, EncoderSpec("clip", "ViT-B-32", "openai"), True),
        ("open_clip:RN50:/w/a:b.safetensors", EncoderSpec("clip", "RN50", "/w/a:b.safetensors"), True),
        (STAND_IN, EncoderSpec("stand-in", "efficientnet-lite0"), False),
        ("other:somebody's: own", EncoderSpec("other", "somebody's: own"), False),
    ],
)
def test_a_spec_is_parsed_and_written_back(text: str, parsed: EncoderSpec, reads_words: bool) -> None:
    assert (parse_spec(text), str(parsed), parsed.reads_words) == (parsed, text, reads_words)


@pytest.mark.parametrize(
    "text", ["", "clip", "open_clip", "open_clip:ViT-B-32", "open_clip::openai", "other: ", "None"]
)
def test_other_words_are_usage_errors(text: str) -> None:
    with pytest.raises(UsageError, match="names no") as caught:
        parse_spec(text)
    assert caught.value.remedy
