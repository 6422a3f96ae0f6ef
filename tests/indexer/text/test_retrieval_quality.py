"""Retrieval over a real dump: the questions that a reader of its articles would ask."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from benchmarks.retrieval_quality import Question, evaluate, read_questions, with_preset, without_far
from indexer.index import WikiIndex

pytestmark = pytest.mark.integration

FUNCTION_WORDS = re.compile(
    "a|about|after|all|an|and|any|are|as|at|be|but|by|can|could|did|do|does|down|each|ever|for|from|get|had|has|have|he"
    "|her|his|how|if|in|into|is|it|its|like|long|many|much|no|not|of|on|or|other|out|over|put|round|say|she|so|such|take"
    "|than|that|the|their|them|then|there|these|they|this|those|to|us|was|were|what|when|where|which|while|who|whom|why"
    "|will|with|without|would|you"
)


@pytest.fixture(scope="module")
def questions() -> list[Question]:
    return read_questions()


def content_words(text: str) -> list[str]:
    return [word for word in re.findall(r"[a-z0-9]+", text.lower()) if not FUNCTION_WORDS.fullmatch(word)]


def test_forty_questions_count_and_a_third_of_them_are_paraphrased(questions: list[Question]) -> None:
    counted = without_far(questions)
    assert len(counted) == 40
    assert sum(question.kind == "half" for question in counted) >= 40 / 3


def test_each_question_has_one_right_paragraph_and_paraphrases_say_half_of_it_otherwise(
    questions: list[Question], slice_index: Path
) -> None:
    import pyarrow.parquet as pq

    rows = pq.read_table(slice_index / "paragraphs", columns=["title", "text"]).to_pylist()
    shares = []
    for question in questions:
        right = [row["text"] for row in rows if row["title"] == question.article and question.evidence in row["text"]]
        assert len(right) == 1, (question.question, len(right))
        words, known = content_words(question.question), set(content_words(right[0]))
        if question.kind == "half":
            shares.append(sum(word not in known for word in words) / len(words))
    assert sum(shares) / len(shares) >= 0.45


@pytest.mark.parametrize("preset", ["more", "anserini"])
def test_questions_find_their_article_and_paragraph(
    questions: list[Question], slice_index: Path, tmp_path: Path, preset: str
) -> None:
    index: WikiIndex = with_preset(slice_index, preset, tmp_path)
    scores = evaluate(index, without_far(questions))
    assert scores["article in top 10"] == 1.0
    assert scores["article first"] >= 0.9
    assert scores["paragraph in top 10"] >= 0.8
