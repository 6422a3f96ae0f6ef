"""The prompts and the sentences of options, as `prompts.toml` has them."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources

__all__ = ["Instructions", "read_instructions"]


@dataclass(frozen=True)
class Instructions:
    """The words of prompts, with names in braces for what a sample has.

    Args:
        prompts: by the name of what they ask for.
        type_option, no_type: of a span.
        any_relation, no_relation: of a pair.
        relations: the last part of a relation's name -> its sentence; several names of one end need one sentence.
    """

    prompts: Mapping[str, str]
    type_option: str
    no_type: str
    any_relation: str
    no_relation: str
    relations: Mapping[str, str]

    def relation_option(self, name: str, word: str, head: str, tail: str) -> str:
        """Return the sentence of a relation.

        >>> read_instructions().relation_option("/per/per/couple", "couple", "Ann", "Bob")
        'Ann and Bob are a couple'
        """
        text = self.relations.get(name.rpartition("/")[2], self.any_relation)
        return _fill(text, {"head": head, "tail": tail, "relation": word})

    def prompt(self, name: str, values: Mapping[str, str]) -> str:
        """Return a prompt with its values; a brace in a value stays as it is.

        Raises:
            KeyError: there is no such prompt, or it has a name that has no value.
        """
        return _fill(self.prompts[name], values)


@cache
def read_instructions() -> Instructions:
    """Return the packaged instructions."""
    text = (resources.files("trainer.instructions") / "prompts.toml").read_text(encoding="utf-8")
    values = tomllib.loads(text)
    options = values["options"]
    return Instructions(
        values["prompts"],
        options["type"],
        options["no_type"],
        options["relation"],
        options["no_relation"],
        values["relations"],
    )


def _fill(text: str, values: Mapping[str, str]) -> str:
    return text.format_map(dict(values))
