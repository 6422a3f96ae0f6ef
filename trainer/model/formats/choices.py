"""MQA's questions: which option fits a pair or a span, the options in an order that never hangs on the label.

Source: OSU-NLP-Group/MQA, tasks/. There an answer without an option is a random one, and the options of a pair with a
relation are limited by the types that its gold relation spells: here it is the last option, and all options stand.
"""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from schemas.dataset import NO_RELATION
from schemas.records import Entity, Relation, Sample, Span
from trainer.instructions import read_instructions
from trainer.model.formats.settings import ChoicesSettings
from trainer.model.formats.text_format import Answer, Format
from trainer.model.formats.words import FormatLabels, label_words

__all__ = ["ChoicesFormat", "Question", "filter_spans", "read_choice"]

_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_LONG_ANSWER = 5
"""Words above which an answer without a letter may be the text of an option."""


@dataclass(frozen=True)
class Question:
    """Options for one pair or span.

    Args:
        labels: of the options; the last is None, the option that none of the others fits.
        options: their sentences.
    """

    labels: tuple[str | None, ...]
    options: tuple[str, ...]

    @property
    def lines(self) -> str:
        """The options as they stand in a prompt."""
        return "\n".join(f"({letter}) {text}" for letter, text in zip(self.letters, self.options, strict=True))

    @property
    def letters(self) -> tuple[str, ...]:
        """The letter of each option; after Z come AA, AB, ..."""
        names = [*_LETTERS, *(first + second for first in _LETTERS for second in _LETTERS)]
        return tuple(names[: len(self.options)])


class ChoicesFormat(Format):
    """Asks for the relation of a sample's pair; the answer is the letter of an option."""

    def __init__(self, labels: FormatLabels, settings: ChoicesSettings) -> None:
        self.labels = labels
        self.seed = settings.seed
        self.instructions = read_instructions()

    def ask(self, sample: Sample) -> Question:
        """Return the question about a pair, or about the type of a span that is head and tail.

        Sample id and seed alone give the order of the options.
        """
        assert sample.head is not None and sample.tail is not None
        if sample.head == sample.tail:
            return self._ask_type(sample, sample.head, self.labels.relations)
        head, tail = (" ".join(sample.tokens[span.start : span.end]) for span in (sample.head, sample.tail))
        words = label_words(self.labels.relations)
        texts = {name: self.instructions.relation_option(name, words[name], head, tail) for name in words}
        counts = Counter(texts.values())  # two relations may have one sentence: of persons, and of organizations
        texts = {name: text if counts[text] == 1 else f"{text} ({words[name]})" for name, text in texts.items()}
        nothing = self.instructions.no_relation.format(head=head, tail=tail)
        return self._question(sample, f"{sample.head}{sample.tail}", texts, nothing)

    def ask_type(self, sample: Sample, span: Span) -> Question:
        """Return the question about the type of a span."""
        return self._ask_type(sample, span, self.labels.types)

    def _ask_type(self, sample: Sample, span: Span, types: Sequence[str]) -> Question:
        name = " ".join(sample.tokens[span.start : span.end])
        words = label_words(types)
        texts = {label: self.instructions.type_option.format(span=name, type=word) for label, word in words.items()}
        return self._question(sample, f"{span}", texts, self.instructions.no_type.format(span=name))

    def _question(self, sample: Sample, place: str, texts: dict[str, str], nothing: str) -> Question:
        order = list(texts)
        random.Random(f"{self.seed}/{sample.sample_id}/{place}").shuffle(order)  # noqa: S311 - an order, no secret
        return Question((*order, None), (*(texts[name] for name in order), nothing))

    def project(self, sample: Sample, records: Sequence[Entity | Relation]) -> tuple[Entity | Relation, ...]:
        """Return the relation of the pair."""
        pair = [row for row in records if isinstance(row, Relation) and (row.head, row.tail) == _pair(sample)]
        return tuple(Relation(row.head, row.tail, row.type) for row in pair[:1])

    def write(self, sample: Sample, records: Sequence[Entity | Relation]) -> str:
        """Return the letter of the pair's relation."""
        question = self.ask(sample)
        found = [row.type for row in self.project(sample, records)]
        place = question.labels.index(found[0] if found and found[0] != NO_RELATION else None)
        return f"({question.letters[place]})"

    def read(self, text: str, sample: Sample) -> Answer:
        """Return the relation of an answer; one that names no option says that there is none, and has a fault."""
        question = self.ask(sample)
        place, fault = read_choice(text, question)
        label = question.labels[place]
        faults = (fault,) if fault else ()
        if label is None or sample.head is None or sample.tail is None:
            return Answer((), faults)
        return Answer((Relation(sample.head, sample.tail, label),), faults, (None,))


def read_choice(text: str, question: Question) -> tuple[int, str]:
    """Return the number of the option that an answer names, and its fault; the last option where it names none.

    The last of several letters in brackets counts; else a letter that stands alone; else, in an answer of more than
    five words, the text of an option.

    >>> question = Question(("couple", None), ("A loves B", "A has nothing to do with B"))
    >>> read_choice("It is (A).", question), read_choice("A", question), read_choice("who knows", question)
    ((0, ''), (0, ''), (1, 'malformed'))
    """
    letters = {letter: i for i, letter in enumerate(question.letters)}
    named = [letter for letter in re.findall(r"\(([A-Z]{1,2})\)", text) if letter in letters]
    named = named or [word for word in text.replace(".", " ").split() if word in letters]
    if named:
        return letters[named[-1]], ""
    if len(text.split()) > _LONG_ANSWER:
        fitting = [i for i, option in enumerate(question.options) if option.lower() in text.lower()]
        if fitting:
            return fitting[-1], ""
    return len(question.options) - 1, "unknown label" if re.search(r"\([A-Z]{1,2}\)", text) else "malformed"


def filter_spans(names: Sequence[str], sample: Sample) -> list[str]:
    """Return the names that MQA's first stage keeps: in small letters, in the text, and none inside another.

    Source: OSU-NLP-Group/MQA: this alone bounds the recall, to 5,112 of the 5,207 entities of Twitter-2015's test set
    in UMT's files.

    >>> filter_spans(["New York", "york", "Rome"], Sample("1", ("new", "york", "!")))
    ['new york']
    """
    text = " ".join(sample.tokens).lower()
    kept = dict.fromkeys(name.strip().lower() for name in names if name.strip() and name.strip().lower() in text)
    return [name for name in kept if not any(name != other and name in other for other in kept)]


def _pair(sample: Sample) -> tuple[Span | None, Span | None]:
    return sample.head, sample.tail
