"""Invented posts with their entities, for the pictures of the inspector: no real person's post is shown."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from pathlib import Path

__all__ = ["write_posts"]

NAMES = {
    "PER": [
        "Neil Armstrong",
        "Buzz",
        "Sally Ride",
        "Andre Agassi",
        "Rocky",
        "Aristotle",
        "Alan Turing",
        "Ada",
        "Apollo",
    ],
    "LOC": ["Algeria", "Alaska", "the Moon", "Cape Canaveral", "Angola", "Athens", "Alabama", "Austin", "Apollo"],
    "ORG": ["NASA", "the Academy", "Apple Inc", "the Orbit Club", "Aston Villa", "Ajax", "Apollo"],
    "OTHER": ["Apollo 11", "the US Open", "Animal Farm", "Atlas Shrugged", "the Academy Awards", "Apollo 8", "Apollo"],
}
"""Apollo is of each type: only the rest of a post tells which one is meant."""
POSTS = (
    "RT : {PER} on the way to {LOC} , what a morning",
    "{OTHER} landed today ! {PER} waves from {LOC}",
    "cannot believe {PER} won {OTHER} again",
    "{ORG} tests a new rocket at {LOC} #launch",
    "reading {OTHER} in the sun of {LOC}",
    "{PER} joins {ORG} , says {PER}",
    "snow in {LOC} and nobody told {ORG}",
    "tonight : {ORG} shows {OTHER} , free seats",
    "the far side of {LOC} , seen from {OTHER}",
    "who is {PER} ? asking for {ORG}",
    "no names here , only clouds",
    "{LOC} at dawn . thanks {PER} for the picture",
)
PICTURES = ("Apollo 11 Launch2.jpg", "The Lunar Farside - GPN-2000-001127.jpg", "The Cat's Paw Remastered.jpeg")


def write_posts(folder: Path, sizes: dict[str, int], seed: int = 1) -> None:
    """Write a file of posts for each split; the same seed gives the same posts."""
    chance = random.Random(seed)  # noqa: S311 - invented posts, no secret
    folder.mkdir(parents=True, exist_ok=True)
    for split, size in sizes.items():
        rows = [_post(chance, f"{number + 1}") for number in range(size)]
        (folder / f"{split}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def _post(chance: random.Random, name: str) -> dict[str, object]:
    words = list(_words(chance, chance.choice(POSTS)))
    tokens, tags = [word for word, _ in words], [tag for _, tag in words]
    return {"id": name, "tokens": tokens, "tags": tags, "image": chance.choice(PICTURES)}


def _words(chance: random.Random, post: str) -> Iterator[tuple[str, str]]:
    for word in post.split():
        kind = word.strip("{}")
        if kind == word:
            yield word, "O"
            continue
        for place, part in enumerate(chance.choice(NAMES[kind]).split()):
            yield part, f"{'I' if place else 'B'}-{kind}"
