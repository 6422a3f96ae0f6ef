"""Answers that a pretrained model writes to the prompts of samples, under the grammar of their format."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from schemas.dataset import read_samples
from trainer.generation.pairs import InstructInputs, format_for, instruct_rows
from trainer.model.formats import ChoicesFormat, Grammar, PatternFormat
from trainer.model.generators import PieceGrammar, load_generator

__all__ = ["generate_rows"]


def generate_rows(
    inputs: InstructInputs, model: str, beams: int = 1, longest: int = 200, *, is_free: bool = False
) -> Iterator[dict[str, Any]]:
    """Write an answer for each sample of a split; `mie-train answers` scores them.

    Options of a question are compared by their letters' likelihood, and all of them have a probability; other answers
    are written, one piece after the other. Formats without a grammar (reamo) are written freely.

    Args:
        inputs: what the prompts are made of; labels are not shown to the model.
        model: folder or name of a model of transformers.
        beams: answers that are kept in the search.
        longest: pieces of an answer.
        is_free: write without the grammar.

    Raises:
        UsageError: no such split or format.
        InputError: there is no such model.
    """
    generator = load_generator(model)
    format_ = format_for(inputs.samples, inputs.format, inputs.seed)[1]
    samples = {sample.sample_id: sample for sample in read_samples(inputs.samples, inputs.split)}
    for row in instruct_rows(inputs)[0]:
        sample = samples[row["id"]]
        if isinstance(format_, ChoicesFormat):
            question = format_.ask(sample)
            options = [f"({letter})" for letter in question.letters]
            probabilities = generator.choose(row["prompt"], options).tolist()
            best = max(range(len(options)), key=probabilities.__getitem__)
            labels = [label or "None" for label in question.labels]
            posterior = dict(zip(labels, probabilities, strict=True))
            yield {"id": row["id"], "answer": options[best], "posterior": posterior}
            continue
        grammar = None
        if isinstance(format_, PatternFormat) and format_.has_grammar and not is_free:
            rules = Grammar(format_.pattern, sample, has_regions=False)
            grammar = PieceGrammar(rules, sample.tokens, generator.tokenizer, generator.end)
        written = generator.write(row["prompt"], grammar, beams, longest)[0]
        answer = written.text
        if grammar is not None and isinstance(format_, PatternFormat) and written.pieces[-1:] == (generator.end,):
            read = format_.read_symbols(grammar.symbols(written.pieces), sample)  # exact, whatever blanks a text has
            answer = format_.write(sample, read.records)
        yield {"id": row["id"], "answer": answer, "log_prob": written.log_prob}
