"""What is published about the data sets of the field: sizes, labels, and the versions that circulate."""

from __future__ import annotations

from dataclasses import dataclass

from schemas.dataset import NO_RELATION, Task

__all__ = ["KNOWN_SETS", "KnownSet", "Published"]


@dataclass(frozen=True, slots=True)
class Published:
    """Counts of one split; None where nothing is published. entities counts B- tags."""

    samples: int
    entities: int | None = None
    orphans: int | None = None
    no_relation: int | None = None


@dataclass(frozen=True, slots=True)
class KnownSet:
    """A public data set.

    Args:
        format: which reader reads its files.
        labels: entity types or relations; None where any are taken as they come.
        published: counts by split.
    """

    name: str
    task: Task
    format: str
    labels: tuple[str, ...] | None
    published: dict[str, Published]


_PEOPLE_AND_PLACES = ("PER", "LOC", "ORG")
_MNRE_2 = (
    "/loc/loc/contain /misc/loc/held_on /misc/misc/part_of /org/loc/locate_at /org/org/alternate_names "
    "/org/org/subsidiary /per/loc/place_of_birth /per/loc/place_of_residence /per/misc/awarded "
    "/per/misc/nationality /per/misc/present_in /per/misc/race /per/misc/religion /per/org/member_of "
    "/per/per/alternate_names /per/per/alumi /per/per/charges /per/per/couple /per/per/neighbor "
    "/per/per/parent /per/per/peer /per/per/siblings"
)
_MNRE_1 = (
    "/loc/loc/administration_divisions /loc/loc/capital /loc/loc/contain /misc/loc/held_on /misc/misc/part_of "
    "/org/loc/locate_at /org/org/alternate_names /org/org/subsidiary /per/loc/place_of_birth "
    "/per/loc/place_of_death /per/loc/place_of_residence /per/misc/awarded /per/misc/creat "
    "/per/misc/nationality /per/misc/present_in /per/misc/race /per/misc/religion /per/org/founder_of "
    "/per/org/leader /per/org/member_of /per/per/alternate_names /per/per/charges /per/per/classmate "
    "/per/per/colleague /per/per/couple /per/per/neighbor /per/per/parent /per/per/peer /per/per/relative "
    "/per/per/siblings"
)

_SETS = [
    KnownSet(
        "twitter2015",
        "ner",
        "conll",
        (*_PEOPLE_AND_PLACES, "OTHER"),
        {
            "train": Published(4000, entities=6166, orphans=186),
            "dev": Published(1000, entities=1541, orphans=53),
            "test": Published(3257, entities=5072, orphans=135),
        },
    ),
    KnownSet(
        "twitter2017",
        "ner",
        "conll",
        (*_PEOPLE_AND_PLACES, "MISC"),
        {
            "train": Published(3373, entities=6049, orphans=0),
            "dev": Published(723, entities=1324, orphans=0),
            "test": Published(723, entities=1351, orphans=0),
        },
    ),
    KnownSet("snap", "ner", "conll", None, {"train": Published(4290), "dev": Published(1432), "test": Published(1459)}),
    KnownSet(
        "wikidiverse",
        "ner",
        "wikidiverse",
        None,
        {"train": Published(6312), "dev": Published(755), "test": Published(757)},
    ),
    KnownSet(
        "mnre2",
        "re",
        "mnre",
        (NO_RELATION, *_MNRE_2.split()),
        {
            "train": Published(12247, no_relation=7744),
            "dev": Published(1624, no_relation=1000),
            "test": Published(1614, no_relation=974),
        },
    ),
    KnownSet(
        "mnre1",
        "re",
        "mnre",
        (NO_RELATION, *_MNRE_1.split()),
        {"train": Published(7824), "dev": Published(975), "test": Published(1282)},
    ),
]
KNOWN_SETS: dict[str, KnownSet] = {known.name: known for known in _SETS}
"""Sources: the sets' own repositories (jefferyYu/UMT, thecharm/MNRE, wangxw5/wikiDiverse), counted there."""
