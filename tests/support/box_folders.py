"""Samples with boxes, fine types and relations, two runs and a feature store, for tests of the inspector."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from schemas.dataset import write_dataset
from schemas.predictions import predictions_path
from schemas.records import Box, Entity, Relation, Sample, Span
from tests.support.feature_store import write_features
from tests.support.inspector import picture_bytes
from tests.support.run_folders import write_expert
from trainer.inputs import LabelSet

__all__ = ["HOSTILE_NAME", "BoxFolders", "build_box_folders"]

HOSTILE_NAME = "<script>alert('region')</script>"
TOKENS = ("Ann", "and", "Rex")
TAGS = ("B-PER", "O", "B-MISC")
ANN, REX = Span(0, 1), Span(2, 3)
ENTITIES = (
    Entity(0, 1, "PER", "man", (Box(1.0, 2.0, 11.0, 12.0),)),
    Entity(2, 3, "MISC", "dog", (Box(20.0, 5.0, 30.0, 25.0), Box(21.0, 5.0, 31.0, 25.0))),
)
FACTS = (Relation(ANN, Box(1.0, 1.0, 9.0, 9.0), "holds"), Relation(ANN, REX, "owns"))
SAMPLES = [
    Sample("test-1", TOKENS, "one.png", entities=ENTITIES, relations=()),
    Sample("test-2", TOKENS, "one.png", entities=(), relations=FACTS),
    Sample("test-3", TOKENS, "missing.png", entities=ENTITIES[:1], relations=()),
]


@dataclass(frozen=True)
class BoxFolders:
    """The folders that are given to the inspector, by the names of its arguments."""

    root: Path

    @property
    def given(self) -> dict[str, Any]:
        """The arguments of an Inspector."""
        return {
            "dataset": self.root / "samples",
            "sample_images": self.root / "photos",
            "runs": (self.root / "words", self.root / "pointer"),
            "features": (self.root / "store",),
        }

    @property
    def words(self) -> list[str]:
        """The same as options of the command."""
        options = ["--samples", "samples", "--sample-images", "photos", "--features", "store"]
        return [*options, "--run", "words", "--run", "pointer"]


def build_box_folders(root: Path) -> BoxFolders:
    """Write the folders into an empty one."""
    (root / "photos").mkdir()
    (root / "photos" / "one.png").write_bytes(picture_bytes(40, 90, 200))
    labels = ["MISC", "PER", "holds", "owns"]
    write_dataset(
        root / "samples", {"test": SAMPLES}, name="boxes", task="joint", labels=labels, inputs=[], counters={}
    )
    write_features(root / "store", SAMPLES, {"regions": {"one.png": [[1.0, 0.0], [0.0, 1.0]]}}, dim=2)
    _name_regions(root / "store" / "regions.parquet", [HOSTILE_NAME, "dog"])
    known = LabelSet("joint", tuple(labels), (), ("holds", "owns"))
    for name in ("words", "pointer"):
        write_expert(root / name, known)
        path = predictions_path(root / name, "test")
        path.parent.mkdir(exist_ok=True)
        path.write_text("".join(json.dumps(row) + "\n" for row in _predictions(has_boxes=name == "pointer")))
    return BoxFolders(root)


def _predictions(*, has_boxes: bool) -> list[dict[str, Any]]:
    ann = {"start": 0, "end": 1, "type": "PER", "text": "Ann", "probability": 0.9}
    rex = {"start": 2, "end": 3, "type": "MISC", "text": "Rex", "probability": 0.6}
    rows = [{"sample_id": row.sample_id, "tokens": TOKENS, "image": row.image, "relations": []} for row in SAMPLES]
    if not has_boxes:
        return [row | {"entities": [ann, rex]} for row in rows]
    ann |= {"fine": "man", "boxes": [[1, 2, 11, 11]], "entropy": 0.33, "candidates": [["man", 0.9], ["dog", 0.1]]}
    rex |= {"fine": "cat", "boxes": [[2, 2, 8, 8]]}
    weights = [{"store": "store", "view": "regions", "number": i, "weight": (1 + 2 * i) / 4} for i in (0, 1)]
    facts = [
        {"head": [0, 1], "tail": [1, 1, 9, 8], "type": "holds", "score": 0.5},
        {"head": [2, 3], "tail": [0, 1], "type": "owns"},
    ]
    rows[0] |= {"entities": [ann, rex], "region_weights": weights}
    rows[1] |= {"entities": [], "relations": facts}
    rows[2] |= {"entities": [ann]}
    return rows


def _name_regions(path: Path, names: list[str]) -> None:
    table = pq.read_table(path)
    at = table.schema.get_field_index("names")
    column = pa.array([names], table.schema.field("names").type)
    pq.write_table(table.set_column(at, table.schema.field("names"), column), path)
