"""Which samples are asked for, how many each further choice would leave, and where a sample stands among them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from urllib.parse import urlencode

from indexer.web.given import CHANGES, KINDS, Judged, Judgement, SampleBook, SplitRows, change_of
from indexer.web.http import Refused

__all__ = ["FACETS", "PAGE_SIZE", "Choice", "Filters", "Selection", "choose", "complete"]

PAGE_SIZE = 25
PICTURES = ("with", "missing", "without")
WINDOWS = ("with contexts", "without contexts")
FACETS = ("kind", "change", "type", "window", "gate", "picture")
"""Filters of which every choice is counted: what the run got wrong, what it changes, labels, what it read, whom its
gate trusted most, pictures."""
_EVEN = "all alike"
_MAX_EXPERTS = 20


@dataclass(frozen=True)
class Filters:
    """What is asked for; "" asks for nothing in particular.

    Args:
        split: of the data set.
        run: whose mistakes are meant.
        against: the run that it is compared with.
        kind: of `mistakes.KINDS`, of the run's mistakes.
        change: fixed, broken, better, worse or same: the run beside the one it is compared with.
        type: an entity type or relation, gold or predicted by the run.
        window: with or without contexts: what the run read.
        gate: the expert that a mixture's gate trusted most, or "all alike".
        picture: with, missing or without.
        q: words of the post, in any case.
        page: from 1.
    """

    split: str = ""
    run: str = ""
    against: str = ""
    kind: str = ""
    change: str = ""
    type: str = ""
    window: str = ""
    gate: str = ""
    picture: str = ""
    q: str = ""
    page: int = 1

    def query(self, **changes: object) -> str:
        """Return the filters, with some changed, as the query of an address; what asks for nothing is left out.

        >>> Filters(split="dev", q="new york").query(page=2)
        'split=dev&q=new+york&page=2'
        """
        values = {**self.__dict__, **changes}
        return urlencode({name: value for name, value in values.items() if value not in ("", 1)})


@dataclass(frozen=True, slots=True)
class Choice:
    """A value of a filter, and how many samples would be left."""

    value: str
    count: int


@dataclass(frozen=True)
class Selection:
    """The samples asked for.

    Args:
        filters: as they were completed.
        places: of the samples in their split, in its order.
        facets: choices of each filter, counted under all other filters.
        rows: of the split.
        judgement: of the run; None without runs.
        reference: judgement of the run it is compared with; None where there is none other.
        total: samples in the split.
    """

    filters: Filters
    places: list[int]
    facets: dict[str, list[Choice]]
    rows: SplitRows
    judgement: Judgement | None
    reference: Judgement | None
    total: int

    def change(self, place: int) -> str:
        """Say what the run changes for a sample; "" where that cannot be told."""
        return _change(self.judgement, self.reference, place)


def complete(book: SampleBook, filters: Filters) -> Filters:
    """Fill in the split and the runs that nothing was said of, and check all choices.

    Raises:
        Refused: there is no such split, run or choice.
    """
    runs, splits = book.shelf.runs, book.dataset.splits
    if not splits:
        raise Refused(404, "this data set has no split", "convert it again")
    likely: list[str] = [
        s for s in ("test", "dev") if s in splits and any(run.has_predictions(s) for run in runs.values())
    ]
    split = filters.split or (likely or [s for s in ("test", *splits) if s in splits])[0]
    _check("split", split, splits)
    reference = book.shelf.reference()
    against = filters.against or (reference.name if reference else "")
    others = [name for name, run in runs.items() if name != against and run.has_predictions(split)]
    run = filters.run or (others or [against])[0]
    for name, value in (("run", run), ("against", against)):
        _check(name, value, runs)
    _check("kind", filters.kind, KINDS)
    _check("change", filters.change, CHANGES)
    _check("picture", filters.picture, PICTURES)
    _check("window", filters.window, WINDOWS)
    _check("type", filters.type, book.types)
    return replace(filters, split=split, run=run, against=against, page=max(1, filters.page))


def _check(name: str, value: str, known: Iterable[str]) -> None:
    names = list(known)
    if value and value not in names:
        shown = ", ".join(names[:12]) + (" ..." if len(names) > 12 else "")
        raise Refused(400, f"no {name} {value[:80]!r}", f"choose of: {shown}" if names else "there are none")


def choose(book: SampleBook, filters: Filters) -> Selection:
    """Find the samples that are asked for, and count what each other choice would leave.

    A sample counts for a choice of a filter if it passes all other filters.

    Raises:
        Refused: a choice that there is not.
    """
    asked = complete(book, filters)
    rows = book.split(asked.split)
    judgement = book.judge(asked.split, book.shelf.runs[asked.run]) if asked.run else None
    is_compared = asked.against not in ("", asked.run)
    reference = book.judge(asked.split, book.shelf.runs[asked.against]) if is_compared else None
    counts: dict[str, dict[str, int]] = {name: {} for name in FACETS}
    places = []
    for place in _with_words(rows, asked.q):
        values = _values(rows, judgement, reference, place)
        failed = [name for name in FACETS if (value := getattr(asked, name)) and value not in values[name]]
        if not failed:
            places.append(place)
        for name in FACETS if not failed else failed if len(failed) == 1 else ():
            for value in values[name]:
                counts[name][value] = counts[name].get(value, 0) + 1
    facets = _facets(book, asked, counts, judgement, reference)
    return Selection(asked, places, facets, rows, judgement, reference, len(rows.samples))


def _with_words(rows: SplitRows, words: str) -> Iterable[int]:
    """Find the samples whose tokens, joined by blanks, hold some text, in any case."""
    wanted = " ".join(words.casefold().split())
    if not wanted:
        return range(len(rows.samples))
    return [place for place, row in enumerate(rows.samples) if wanted in " ".join(row.tokens).casefold()]


def _values(
    rows: SplitRows, judgement: Judgement | None, reference: Judgement | None, place: int
) -> Mapping[str, Iterable[str]]:
    judged = judgement.rows[place] if judgement else None
    types = {entity.type for entity in rows.gold[place]}
    sample = rows.samples[place]
    types |= {sample.relation} if sample.relation else set()
    if judged is not None and judged.prediction is not None:
        types |= {entity.type for entity in judged.entities}
        types |= {judged.prediction.relation} if judged.prediction.relation else set()
    change = _change(judgement, reference, place)
    return {
        "kind": judged.kinds if judged else (),
        "change": (change,) if change else (),
        "type": types,
        "window": _window(judged),
        "gate": _most_trusted(judged),
        "picture": (rows.pictures[place],),
    }


def _window(judged: Judged | None) -> tuple[str, ...]:
    if judged is None or judged.prediction is None:
        return ()
    return (WINDOWS[0] if judged.prediction.contexts else WINDOWS[1],)


def _most_trusted(judged: Judged | None) -> tuple[str, ...]:
    if judged is None or judged.prediction is None or not judged.prediction.gate:
        return ()
    first, *others = sorted(judged.prediction.gate, key=lambda part: -part.weight)
    return (_EVEN if others and others[0].weight == first.weight else first.expert,)


def _change(judgement: Judgement | None, reference: Judgement | None, place: int) -> str:
    if judgement is None or reference is None:
        return ""
    one, other = reference.rows[place], judgement.rows[place]
    untold = {"no prediction", "no gold"}
    if untold & {*one.kinds, *other.kinds}:
        return ""
    return change_of(len(one.mistakes), len(other.mistakes))


def _facets(
    book: SampleBook,
    asked: Filters,
    counts: Mapping[str, Mapping[str, int]],
    judgement: Judgement | None,
    reference: Judgement | None,
) -> dict[str, list[Choice]]:
    """Order the choices, and leave out those that no sample has unless they are chosen."""
    known: dict[str, tuple[str, ...]] = {
        "kind": KINDS if judgement else (),
        "change": CHANGES if reference else (),
        "type": book.types,
        "window": WINDOWS if judgement else (),
        "gate": tuple(sorted({*counts["gate"], asked.gate} - {""})[:_MAX_EXPERTS]),
        "picture": PICTURES,
    }
    return {
        name: [Choice(value, counts[name].get(value, 0)) for value in values if _is_shown(value, counts, asked, name)]
        for name, values in known.items()
    }


def _is_shown(value: str, counts: Mapping[str, Mapping[str, int]], asked: Filters, name: str) -> bool:
    return value in counts[name] or getattr(asked, name) == value
