"""Which of the versions that circulate a data set is: fingerprints of tokens, and of tokens with labels."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence

from schemas.records import Sample

__all__ = ["VERSIONS", "describe_version", "version_marks"]

Marks = tuple[str, str]

VERSIONS: dict[str, dict[str, dict[str, Marks]]] = {
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
}
"""Set -> version -> split -> marks. Computed by `version_marks` from the bytes in the sets' repositories."""


def version_marks(samples: Sequence[Sample]) -> Marks:
    """Hash the tokens, and the tokens with their labels, of a split; ids and images do not count.

    >>> a, b = (version_marks([Sample("x", ("Rome",), tags=(tag,))]) for tag in ("O", "B-LOC"))
    >>> a[0] == b[0], a[1] == b[1]
    (True, False)
    """
    tokens = [sample.tokens for sample in samples]
    labels = [[sample.tags, sample.head, sample.tail, sample.relation] for sample in samples]
    return _hash(tokens), _hash([tokens, labels])


def describe_version(name: str, split: str, samples: Sequence[Sample]) -> str:
    """Say which known version of a set a split is; all known sets are tried, the named one first."""
    marks = version_marks(samples)
    order = sorted(VERSIONS, key=lambda known: known != name)
    rows = [
        (known, version, marked[split])
        for known in order
        for version, marked in VERSIONS[known].items()
        if split in marked
    ]
    for known, version, wanted in rows:
        if wanted == marks:
            return f"{known}, {version}"
    for known, version, wanted in rows:
        if wanted[0] == marks[0]:
            return f"{known}, tokens of {version} with other labels"
    return "none that is known"


def _hash(value: object) -> str:
    return hashlib.sha256(json.dumps(value, ensure_ascii=False).encode()).hexdigest()[:16]
