"""The data sets of the field that are known by name: their format, their labels, and their published counts."""

from __future__ import annotations

from dataclasses import dataclass

from schemas.dataset import NO_RELATION, Task

__all__ = ["KNOWN_SETS", "KnownSet", "PublishedCounts"]


@dataclass(frozen=True, slots=True)
class PublishedCounts:
    """Counts of one split; None where no count is published.

    Args:
        samples: sentences, or pairs.
        entities: B- tags.
        orphans: I- tags that follow no tag of their entity type; they stand in the original files.
        no_relation: pairs whose relation is None.
        groundable: entities that the picture shows.
        boxes: in which it shows them; two entities of one surface share theirs.
        relations: of samples that have any number.
    """

    samples: int
    entities: int | None = None
    orphans: int | None = None
    no_relation: int | None = None
    groundable: int | None = None
    boxes: int | None = None
    relations: int | None = None


@dataclass(frozen=True, slots=True)
class KnownSet:
    """A public data set.

    Args:
        name: the word after `--set`.
        task: ner, re or joint.
        format: the reader of its files, a key of `READERS`.
        labels: entity types or relations; None where its files alone say which there are.
        published: split -> published counts.
    """

    name: str
    task: Task
    format: str
    labels: tuple[str, ...] | None
    published: dict[str, PublishedCounts]


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

_FMNERG = ("person", "organization", "location", "building", "event", "art", "product", "other")
_JMERE = (
    "loc misc org per alternate_names alumi awarded charges contain couple held_on locate_at member_of nationality "
    "neighbor parent part_of peer place_of_birth place_of_residence present_in race religion siblings subsidiary"
)
_GMNER_COUNTS = {
    "train": PublishedCounts(7000, entities=11779, orphans=0, groundable=4733, boxes=5652),
    "dev": PublishedCounts(1500, entities=2450, orphans=0, groundable=991, boxes=1164),
    "test": PublishedCounts(1500, entities=2543, orphans=0, groundable=1046, boxes=1242),
}

_SETS = [
    KnownSet(
        "twitter2015",
        "ner",
        "conll",
        (*_PEOPLE_AND_PLACES, "OTHER"),
        {
            "train": PublishedCounts(4000, entities=6166, orphans=186),
            "dev": PublishedCounts(1000, entities=1541, orphans=53),
            "test": PublishedCounts(3257, entities=5072, orphans=135),
        },
    ),
    KnownSet(
        "twitter2017",
        "ner",
        "conll",
        (*_PEOPLE_AND_PLACES, "MISC"),
        {
            "train": PublishedCounts(3373, entities=6049, orphans=0),
            "dev": PublishedCounts(723, entities=1324, orphans=0),
            "test": PublishedCounts(723, entities=1351, orphans=0),
        },
    ),
    KnownSet(
        "snap",
        "ner",
        "conll",
        None,
        {"train": PublishedCounts(4290), "dev": PublishedCounts(1432), "test": PublishedCounts(1459)},
    ),
    KnownSet(
        "wikidiverse",
        "ner",
        "wikidiverse",
        None,
        {"train": PublishedCounts(6312), "dev": PublishedCounts(755), "test": PublishedCounts(757)},
    ),
    KnownSet(
        "mnre2",
        "re",
        "mnre",
        (NO_RELATION, *_MNRE_2.split()),
        {
            "train": PublishedCounts(12247, no_relation=7744),
            "dev": PublishedCounts(1624, no_relation=1000),
            "test": PublishedCounts(1614, no_relation=974),
        },
    ),
    KnownSet(
        "mnre1",
        "re",
        "mnre",
        (NO_RELATION, *_MNRE_1.split()),
        {"train": PublishedCounts(7824), "dev": PublishedCounts(975), "test": PublishedCounts(1282)},
    ),
    KnownSet("gmner", "ner", "gmner", (*_PEOPLE_AND_PLACES, "OTHER"), _GMNER_COUNTS),
    KnownSet(
        "gmner-v1",
        "ner",
        "gmner",
        (*_PEOPLE_AND_PLACES, "OTHER"),
        # 11782, 2453 and 2543 by the default convention: each orphan begins one
        {
            "train": PublishedCounts(7000, entities=11778, orphans=4, groundable=4694, boxes=5655),
            "dev": PublishedCounts(1500, entities=2450, orphans=3, groundable=986, boxes=1164),
            "test": PublishedCounts(1500, entities=2542, orphans=1, groundable=1036, boxes=1242),
        },
    ),
    KnownSet("fmnerg", "ner", "gmner", _FMNERG, _GMNER_COUNTS),
    KnownSet(
        "jmere",
        "joint",
        "jmere",
        tuple(_JMERE.split()),
        # as MNRE-2 gives it; the paper has one sample less in each split (3617, 495, 474)
        {
            "train": PublishedCounts(3618, entities=7765, relations=4503),
            "dev": PublishedCounts(496, entities=1069, relations=624),
            "test": PublishedCounts(475, entities=1041, relations=640),
        },
    ),
    KnownSet("more", "joint", "more", None, {}),
    KnownSet(
        "cmner",
        "ner",
        "cmner",
        (*_PEOPLE_AND_PLACES, "MISC"),
        {
            "train": PublishedCounts(3000, entities=16373, orphans=0),
            "dev": PublishedCounts(1000, entities=5395, orphans=0),
            "test": PublishedCounts(1000, entities=5277, orphans=0),
        },
    ),
]
KNOWN_SETS: dict[str, KnownSet] = {known.name: known for known in _SETS}
"""Name -> set. Source: counted in the files of jefferyYu/UMT, thecharm/MNRE and wangxw5/wikiDiverse."""
