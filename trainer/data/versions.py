"""Which of its published versions a data set is, recognised by hashes of its tokens and its labels."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence

from schemas.records import Sample

__all__ = ["VERSIONS", "describe_version", "hash_split"]

SplitHashes = tuple[str, str]
"""Of the tokens of a split, and of its tokens with their labels: 16 hexadecimal digits of SHA-256 each."""

VERSIONS: dict[str, dict[str, dict[str, SplitHashes]]] = {
    "twitter2015": {
        "UMT": {
            "train": ("0e831af82e756dd7", "def4612ec8870df0"),
            "dev": ("4eafb69e60ff5231", "6f8a40bc80c08fcb"),
            "test": ("16210ed02c63e875", "b62dc28c90c15056"),
        },
        "PGIM: UMT without the last sample": {
            "train": ("23696f93009c80bb", "58b0031ec283021b"),
            "dev": ("4619cc60fbb8fc74", "bd87cd59bf15ea52"),
            "test": ("04193290daad83e1", "30d340a70be2e8ec"),
        },
    },
    "twitter2017": {
        "UMT": {
            "train": ("1eb6852f7af7daea", "da7fe22be0eff30f"),
            "dev": ("6b6ee2c34d6cccbf", "82f12d49c7da4ca6"),
            "test": ("809907c53a822998", "2218e4d31f03403a"),
        }
    },
    "mnre2": {
        "MNRE repository": {
            "train": ("32f9322614b6ca6e", "b0869ece7e4ff884"),
            "dev": ("b02b5bde70c2f097", "fbc309af07baa6cb"),
            "test": ("143e52edda58bf3a", "59de45e30760b87f"),
        }
    },
    "mnre1": {
        "MNRE repository": {
            "train": ("6afa93411adcfb1f", "1a76084632ae4190"),
            "dev": ("a723dafe9ddb56f5", "1040d07586526adb"),
            "test": ("852e77cdca94bd74", "0b52ea933cd63584"),
        }
    },
    "gmner": {
        "v2": {
            "train": ("62dc9b597c82058a", "1904fbeb3603f428"),
            "dev": ("b329fc4b82a46243", "4df4db343a933625"),
            "test": ("80c6b957cc2ebfea", "c295383b6239a836"),
        },
    },
    "gmner-v1": {
        "v1": {
            "test": ("80c6b957cc2ebfea", "c6a703d87d90aba7"),
        },
    },
    "fmnerg": {
        "zzk80/GMNER": {
            "train": ("62dc9b597c82058a", "2ee1f8cc3febaf52"),
            "dev": ("b329fc4b82a46243", "4e9d8a8bec1442d5"),
            "test": ("80c6b957cc2ebfea", "5ed541bde69b93a5"),
        },
    },
    "cmner": {
        "Jyz99/CMNER": {
            "train": ("3bc9c32cad6a85fa", "3df5e99c67f0b491"),
            "dev": ("5746200dcd728058", "05f2cac4e57ffadb"),
            "test": ("8dea0c6e2d1e2728", "64905ef47fdeb9c4"),
        },
    },
}
"""Set -> version -> split -> hashes, computed by `hash_split` from the files in the repositories of the sets."""


def hash_split(samples: Sequence[Sample]) -> SplitHashes:
    """Hash the tokens of a split, and the tokens with their labels; ids and images make no difference.

    >>> a, b = (hash_split([Sample("x", ("Rome",), tags=(tag,))]) for tag in ("O", "B-LOC"))
    >>> a[0] == b[0], a[1] == b[1]
    (True, False)
    """
    tokens = [sample.tokens for sample in samples]
    labels = [[sample.tags, sample.head, sample.tail, sample.relation] for sample in samples]
    return _hash(tokens), _hash([tokens, labels])


def describe_version(name: str, split: str, samples: Sequence[Sample]) -> str:
    """Return the name of the known version that a split is, in words.

    All known sets are tried, the named one first. Where no version matches in tokens and labels, one that matches in
    its tokens alone is named: many papers label the same sentences anew.
    """
    hashes = hash_split(samples)
    order = sorted(VERSIONS, key=lambda known: known != name)  # False sorts before True
    rows = [
        (known, version, splits[split])
        for known in order
        for version, splits in VERSIONS[known].items()
        if split in splits
    ]
    for known, version, theirs in rows:
        if theirs == hashes:
            return f"{known}, {version}"
    for known, version, theirs in rows:
        if theirs[0] == hashes[0]:
            return f"{known}, tokens of {version} with other labels"
    return "none that is known"


def _hash(value: object) -> str:
    return hashlib.sha256(json.dumps(value, ensure_ascii=False).encode()).hexdigest()[:16]
