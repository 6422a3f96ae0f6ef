"""Retrieval quality: 40 hand-written questions (and 11 harder ones) about a real dump, with both BM25 presets."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from indexer.index import WikiIndex
from indexer.search import Answer
from indexer.text import PRESETS, Bm25Searcher, build_bm25
from schemas.records import DEFAULT_K

QUESTIONS = Path(__file__).resolve().parents[1] / "tests" / "data" / "questions.jsonl"


@dataclass(frozen=True)
class Question:
    """A question with its answer.

    Args:
        question: its text.
        article: title of the article that answers it.
        evidence: words that only the right paragraph has.
        kind: literal uses the words of the paragraph; half replaces about half of its content words, far nearly all.
    """

    question: str
    article: str
    evidence: str
    kind: str


def read_questions() -> list[Question]:
    """Read the questions; they were written from the articles before anything was retrieved."""
    return [Question(**json.loads(line)) for line in QUESTIONS.read_text(encoding="utf-8").splitlines()]


def without_far(questions: Sequence[Question]) -> list[Question]:
    """Return the 40 questions that count; those of kind far have no words that lexical retrieval could match."""
    return [question for question in questions if question.kind != "far"]


def with_preset(folder: Path, preset: str, scratch: Path) -> WikiIndex:
    """Open an index folder, its sentences indexed again with a preset where it was built with another."""
    index = WikiIndex(folder)
    if (index.manifest.text_index or {})["preset"] != preset:
        shards = [folder / shard.path for shard in index.manifest.shards if shard.table == "sentences"]
        build_bm25(shards, scratch / preset, preset)
        index.__dict__["text_searcher"] = Bm25Searcher(scratch / preset, PRESETS[preset])
    return index


def evaluate(index: WikiIndex, questions: Sequence[Question]) -> dict[str, float]:
    """Return the shares of questions whose article comes first, is in the top 10, whose paragraph is in the top 10."""
    results = index.search_text([question.question for question in questions], DEFAULT_K)
    rows = list(zip(questions, results, strict=True))
    return {
        "article first": share([bool(found) and found[0].title == question.article for question, found in rows]),
        "article in top 10": share([any(hit.title == question.article for hit in found) for question, found in rows]),
        "paragraph in top 10": share([paragraph_rank(question, found) > 0 for question, found in rows]),
    }


def paragraph_rank(question: Question, found: Sequence[Answer]) -> int:
    """Return the rank of the right paragraph, 0 if it is not there."""
    return next((hit.rank for hit in found if hit.title == question.article and question.evidence in hit.text), 0)


def share(flags: Sequence[bool]) -> float:
    return sum(flags) / len(flags)


def main() -> int:
    """Print a row for each preset and kind of question, then the misses."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--index", type=Path, default=Path("demo/index"), help="made by: make demo")
    folder: Path = parser.parse_args().index
    questions = read_questions()
    kinds = {"literal + half": without_far(questions)}
    kinds |= {kind: [q for q in questions if q.kind == kind] for kind in ("literal", "half", "far")}
    misses = []
    print("| preset | questions | article first | article in top 10 | paragraph in top 10 |\n|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as scratch:
        for preset in PRESETS:
            index = with_preset(folder, preset, Path(scratch))
            for kind, chosen in kinds.items():
                scores = " | ".join(f"{value:.3f}" for value in evaluate(index, chosen).values())
                print(f"| {preset} | {kind} ({len(chosen)}) | {scores} |")
            results = index.search_text([q.question for q in questions], DEFAULT_K)
            misses += [
                (preset, q.article, found[0].title if found else "-", paragraph_rank(q, found), q.question)
                for q, found in zip(questions, results, strict=True)
                if not found or found[0].title != q.article or not paragraph_rank(q, found)
            ]
    for preset, article, first, rank, question in misses:
        print(f"{preset}: expected {article}, first {first}, rank of the paragraph {rank}: {question}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
