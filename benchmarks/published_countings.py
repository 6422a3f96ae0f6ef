"""Scorers and label schemes on real data: what published countings give, and what a scheme loses of gold records."""

from __future__ import annotations

import argparse
import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from benchmarks.result_files import SystemResult, make_control, make_figure, write_result
from schemas.dataset import read_dataset, read_samples
from schemas.entities import find_entities
from schemas.records import Box, Entity, Sample
from schemas.text_files import TextFile, find_split_files
from trainer.commands import USELESS, place_entities
from trainer.data import convert_files
from trainer.data.readers import read_boxes
from trainer.metrics import (
    RivegEntity,
    Score,
    box_overlap,
    decode_eega,
    encode_eega,
    facts_of,
    read_riveg,
    score_e2e,
    score_groundable,
    score_grounded,
    score_joint,
    score_riveg,
    score_tiger,
    to_markdown,
)
from trainer.model.formats import FormatLabels, make_format
from trainer.schemes import decode_flat, decode_joint, decode_w2ner, encode_joint, encode_w2ner

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"
SPLITS = ("train", "dev", "test")
GMNER_TYPES = ("PER", "LOC", "ORG", "OTHER")


def percent(value: float) -> str:
    return f"{100 * value:.2f}"


def riveg_rows(shared: Path, samples: Sequence[Sample]) -> list[list[object]]:
    """Score RiVEG's released predictions with three answers in place of its grounder, by three countings."""
    gold = list(read_riveg(TextFile(shared / "riveg" / "GMNER_finall_label.txt")))
    predicted = list(read_riveg(TextFile(shared / "riveg" / "OFAVE_to_OFAREC_augment.txt")))
    drawn = read_boxes(shared / "gmner" / "xml.tar.gz")
    first: dict[tuple[str, str], Box] = {}
    for row in gold:
        if row.boxes:
            first.setdefault((row.image, row.surface), row.boxes[0])

    def whole(row: RivegEntity) -> Box | None:
        picture = drawn.get(Path(row.image).stem)
        return Box(0, 0, picture.width, picture.height) if picture and picture.width else None

    answers: dict[str, Callable[[RivegEntity], Box | None]] = {
        "first gold box": lambda row: first.get((row.image, row.surface)),
        "whole picture": whole,
        "useless box": lambda _: USELESS,
    }
    tokens = [sample.tokens for sample in samples]
    entities = [sample.entities or () for sample in samples]
    rows: list[list[object]] = []
    for name, ground in answers.items():
        scores = [score_riveg(gold, predicted, ground, level) for level in ((True, False), (True, True), (False, True))]
        boxed = [row._replace(boxes=(ground(row) or USELESS,) if row.is_groundable else ()) for row in predicted]
        placed = place_entities(samples, boxed)
        ours = score_grounded(entities, placed)
        parts = score_groundable(entities, placed)
        more: list[Score] = [
            ours["MNER"], ours["GMNER"], ours["EEG"],
            score_grounded(entities, placed, is_strict=True)["GMNER"],
            score_e2e(tokens, entities, placed), parts["groundable"], parts["ungroundable"],
        ]  # fmt: skip
        rows.append([name, *(percent(score.f1) for score in [*scores, *more])])
    return rows


def reamo_result(shared: Path, samples: Sequence[Sample]) -> SystemResult:
    """Write RiVEG's released predictions as Reamo's answers, read them, and score what was read.

    An entity with a call of the tool is one that the picture shows. GMNER here asks for span, type and that alone: a
    region is not chosen. Some predictions have types that the data set has not; the reader does not know them.
    """
    predicted = read_riveg(TextFile(shared / "riveg" / "OFAVE_to_OFAREC_augment.txt"))
    placed, faults = place_entities(samples, predicted), Counter[str]()
    written_types = {row.type for entities in placed for row in entities}
    writer = make_format("reamo", FormatLabels(tuple(sorted(written_types))))
    reader, read = make_format("reamo", FormatLabels(GMNER_TYPES)), []
    for sample, entities in zip(samples, placed, strict=True):
        answer = reader.read(writer.write(sample, entities), sample)
        faults.update(answer.faults)
        rows = zip(answer.records, answer.regions, strict=True)
        read.append([row._replace(boxes=_shown(call is not None)) for row, call in rows if isinstance(row, Entity)])
    gold = [[row._replace(boxes=_shown(bool(row.boxes))) for row in sample.entities or ()] for sample in samples]
    ours, direct = score_grounded(gold, read), score_grounded(gold, placed)
    data, command = "GMNER test, RiVEG's released predictions as answers", "python -m benchmarks.published_countings"
    figures = tuple(
        make_figure(data, metric, {0: ours[name].f1}, command, make_control("not written", [direct[name].f1]))
        for metric, name in (("mner_f1", "MNER"), ("f1 of span, type and whether it is shown", "GMNER"))
    )
    sizes = {"entities written": sum(map(len, placed)), "entities read": sum(map(len, read))}
    return SystemResult(22, "reamo", data, figures, {**sizes, "faults": dict(faults)})


def _shown(is_shown: bool) -> tuple[Box, ...]:
    return (USELESS,) if is_shown else ()


def jmere_rows(folder: Path) -> list[list[object]]:
    """Write the gold records of JMERE into both grids and read them back."""
    labels = read_dataset(folder).labels
    types, names = labels[:4], labels[4:]
    rows: list[list[object]] = []
    for split in SPLITS:
        counts: Counter[str] = Counter()
        gold, read = [], []
        for sample in read_samples(folder, split):
            entities, relations, length = sample.entities or (), sample.relations or (), len(sample.tokens)
            found, facts = decode_eega(encode_eega(entities, relations, length), names)
            counts["tuples"] += len(facts)
            counts["entities"] += len(set(found) & set(entities))
            counts["facts"] += len(facts & facts_of(entities, relations))
            gold.append((entities, relations))
            read.append(decode_joint(encode_joint(entities, relations, length, types, names), types, names))
        ours = score_joint(gold, read)
        kept, all_facts = ours["entities"].counts, ours["JMERE"].counts
        rows.append([split, *counts.values(), kept.right, all_facts.right, kept.gold, all_facts.gold])
    return rows


def tag_rows(folders: Sequence[Path]) -> list[list[object]]:
    """Write the entities of tagged sets as W2NER's grid and as ends of spans, and read them back."""
    rows: list[list[object]] = []
    for folder in folders:
        for split in SPLITS:
            counts: Counter[str] = Counter(posts=0, w2ner=0, entities=0, ends=0)
            for sample in read_samples(folder, split):
                entities, length = find_entities(sample.tags or ()), len(sample.tokens)
                mentions = {(tuple(range(row.start, row.end)), row.type) for row in entities}
                grid = encode_w2ner(mentions, length, GMNER_TYPES)
                counts["posts"] += 1
                counts["w2ner"] += decode_w2ner(grid, GMNER_TYPES) == mentions
                counts["cells"] += int((grid > 0).sum())
                for kind in {row.type for row in entities}:
                    spans = {(row.start, row.end) for row in entities if row.type == kind}
                    starts = [any(i == start for start, _ in spans) for i in range(length)]
                    ends = [any(i + 1 == end for _, end in spans) for i in range(length)]
                    counts["entities"] += len(spans)
                    counts["ends"] += len(spans & set(decode_flat(starts, ends)))
            rows.append([f"{folder.name} {split}", *counts.values()])
    return rows


def region_rows(shared: Path) -> list[list[object]]:
    """Compare gold boxes with the regions that VinVL found in the pictures that are at hand."""
    drawn = read_boxes(shared / "gmner" / "xml.tar.gz")
    rows: list[list[object]] = []
    for path in sorted((shared / "vinvl").glob("*.npz")):
        picture = drawn.get(path.name.partition(".")[0])
        with np.load(path) as arrays:
            regions = [Box(*map(float, row)) for row in arrays["bounding_boxes"][: int(arrays["num_boxes"])]]
        for name, box in picture.boxes if picture else ():
            overlaps = [box_overlap(box, region) for region in regions]
            best = max(range(len(overlaps)), key=overlaps.__getitem__)
            rows.append([path.name, name, best, f"{overlaps[best]:.4f}", f"{max(overlaps[:18]):.4f}"])
    return rows


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--shared", type=Path, default=SHARED, help=f"the research data (default: {SHARED})")
    shared = options.parse_args().shared
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        gmner = {split: TextFile(shared / "gmner" / f"{split}.txt") for split in SPLITS}
        convert_files(gmner, work / "gmner", name="gmner")
        convert_files(find_split_files(shared / "twitter2015"), work / "twitter2015", name="twitter2015")
        convert_files(find_split_files(shared / "mnre"), work / "jmere", name="jmere")
        fmnerg, boxes = find_split_files(shared / "fmnerg" / "fmnerg.zip"), shared / "gmner" / "xml.tar.gz"
        convert_files(fmnerg, work / "fmnerg", name="fmnerg", boxes=boxes)
        fine = read_samples(work / "fmnerg", "test")
        entities = [row.entities or () for row in fine]
        tiger = score_tiger([row.tokens for row in fine], entities, entities)
        header = ["answer", "RiVEG: MNER", "GMNER", "EEG", "ours: MNER", "GMNER", "EEG", "GMNER above .5", "E2E: GMNER"]
        riveg = riveg_rows(shared, read_samples(work / "gmner", "test"))
        reamo = reamo_result(shared, read_samples(work / "gmner", "test"))
        jmere, tags = jmere_rows(work / "jmere"), tag_rows([work / "gmner", work / "twitter2015"])
    print("RiVEG's released predictions, F1 by what stands in for its grounder\n")
    print(to_markdown([*header, "groundable", "ungroundable"], riveg))
    write_result(reamo)
    parts = [[row.metric, row.value, row.control.value if row.control else ""] for row in reamo.figures]
    print(f"\nThe same predictions as Reamo's answers: {reamo.detail}\n")
    print(to_markdown(["F1", "written and read", "not written"], parts))
    print(f"\nTIGER's rule on FMNERG's gold: P {percent(tiger.precision)}, R {percent(tiger.recall)}, ", end="")
    print(f"F1 {percent(tiger.f1)}\n\nGold records of JMERE through the grids\n")
    kept = ["EEGA: tuples", "entities kept", "facts kept", "directed grid: entities kept", "facts kept"]
    print(to_markdown(["split", *kept, "entities", "facts"], jmere))
    print("\nEntities as W2NER's grid and as nearest ends\n")
    print(to_markdown(["split", "posts", "equal from the grid", "entities", "found by nearest ends", "cells"], tags))
    print("\nGold boxes of GMNER beside VinVL's regions\n")
    print(to_markdown(["picture", "entity", "best region", "IoU", "best of the first 18"], region_rows(shared)))


if __name__ == "__main__":
    main()
