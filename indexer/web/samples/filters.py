"""The filters of the list of samples: their values, their defaults, and which choices there are."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from urllib.parse import urlencode

from indexer.web.given import CHANGES, KINDS, NotFound, OpenedDataset
from schemas.errors import UsageError

__all__ = ["FACETS", "PAGE_SIZE", "PICTURES", "WINDOWS", "Filters", "complete"]

PAGE_SIZE = 25
PICTURES = ("with", "missing", "without")
WINDOWS = ("with contexts", "without contexts")
FACETS = ("kind", "change", "type", "window", "gate", "picture")
"""Filters whose every choice is counted: mistakes of the run, what it changes, labels, whether it read contexts, the
expert that its gate trusted most, pictures."""


@dataclass(frozen=True)
class Filters:
    """The filters in an address; "" lets every sample pass.

    Args:
        split: of the data set.
        run: the run whose mistakes count.
        against: the run that it is compared with.
        kind: of `mistakes.KINDS`, of the run's mistakes.
        change: fixed, broken, better, worse or same: the run beside the one it is compared with.
        type: an entity type or relation, gold or predicted by the run.
        window: whether the run read the sample with or without contexts.
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
        """Return the filters, with changes, as the query of an address; those with their default are left out.

        >>> Filters(split="dev", q="new york").query(page=2)
        'split=dev&q=new+york&page=2'
        """
        values = {**self.__dict__, **changes}
        return urlencode({name: value for name, value in values.items() if value not in ("", 1)})


def complete(dataset: OpenedDataset, filters: Filters) -> Filters:
    """Fill in split and runs where none are named, and check all choices.

    The split is the first of test and dev that a run was evaluated on; the run is the first that was evaluated on it
    and is not the reference.

    Raises:
        NotFound: the data set has no split.
        UsageError: there is no such split, run or choice.
    """
    runs, splits = dataset.runs, dataset.info.splits
    if not splits:
        raise NotFound("this data set has no split", remedy="convert it again")
    evaluated: list[str] = [name for name in ("test", "dev") if name in splits and runs.evaluated_on(name)]
    split = filters.split or (evaluated or [name for name in ("test", *splits) if name in splits])[0]
    _check("split", split, splits)
    reference = runs.reference()
    against = filters.against or (reference.name if reference else "")
    others = [name for name, run in runs.by_name.items() if name != against and run.has_predictions(split)]
    run = filters.run or (others or [against])[0]
    for name, value in (("run", run), ("against", against)):
        _check(name, value, runs.by_name)
    _check("kind", filters.kind, KINDS)
    _check("change", filters.change, CHANGES)
    _check("picture", filters.picture, PICTURES)
    _check("window", filters.window, WINDOWS)
    _check("type", filters.type, dataset.types)
    return replace(filters, split=split, run=run, against=against, page=max(1, filters.page))


def _check(name: str, value: str, known: Iterable[str]) -> None:
    choices = list(known)
    if value and value not in choices:
        shown = ", ".join(choices[:12]) + (" ..." if len(choices) > 12 else "")
        raise UsageError(f"no {name} {value[:80]!r}", remedy=f"choose of: {shown}" if choices else "there are none")
