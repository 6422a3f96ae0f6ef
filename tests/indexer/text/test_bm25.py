"""BM25 scores and ranks, against a second implementation of the formula and against Anserini's own searcher."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from benchmarks.retrieval_quality import read_questions
from indexer.search import Hit, SearchParams
from indexer.text import PRESETS, Bm25Searcher, bm25, build_bm25
from indexer.text import build as bm25_build
from indexer.text.jvm import java_class
from schemas.errors import UsageError
from schemas.tables import SENTENCES

pytestmark = pytest.mark.integration

QUERIES = [question.question for question in read_questions()[:24]] + [
    "Alabama",
    "the the the of",
    "Abraham Lincoln Lincoln president",
    "O'Neil's U.S.A. 3.14",
    "anarchism AND philosophy OR (state)^2 -law",
    "ἀναρχία 東京 العربية",
]
DEEP = 100
TOLERANCE = 1e-4
ANSERINI_ROUNDS_TO = 1.1e-4


@dataclass(frozen=True)
class Collection:
    """Every seventh sentence of the slice, in the order of the dump, and our index of them."""

    folder: Path
    preset: str
    ids: list[str]
    texts: list[str]
    titles: list[str]
    searcher: Bm25Searcher


@pytest.fixture(scope="module", params=["more", "anserini"])
def collection(
    request: pytest.FixtureRequest, slice_index: Path, tmp_path_factory: pytest.TempPathFactory
) -> Collection:
    folder = tmp_path_factory.mktemp(request.param)
    table = pq.read_table(slice_index / "sentences")
    table = table.take(list(range(0, table.num_rows, 7))).cast(SENTENCES)
    pq.write_table(table, folder / "part-00000.parquet")
    build_bm25([folder / "part-00000.parquet"], folder / "bm25", request.param)
    searcher = Bm25Searcher(folder / "bm25", PRESETS[request.param])
    columns = (table[name].to_pylist() for name in ("sentence_id", "text", "title"))
    return Collection(folder, request.param, *columns, searcher)


def quantised(length: int) -> int:
    """The document length that one byte can tell: exact to 39, then four significant bits of what exceeds 24.

    Written from the description of Lucene's norms (SmallFloat.intToByte4), not from its code.
    """
    if length < 24:
        return length
    excess = length - 24
    shift = max(0, excess.bit_length() - 4)
    return 24 + ((excess >> shift) << shift)


def scores_of(query: list[str], documents: list[list[str]], k1: float, b: float) -> dict[int, float]:
    counts = [Counter(tokens) for tokens in documents]
    found_in = Counter(token for tokens in counts for token in tokens)
    filled = [tokens for tokens in documents if tokens]
    average = sum(len(tokens) for tokens in filled) / len(filled)
    scores: dict[int, float] = {}
    for number, tokens in enumerate(documents):
        norm = k1 * (1 - b + b * quantised(len(tokens)) / average)
        parts = [
            math.log(1 + (len(filled) - found_in[token] + 0.5) / (found_in[token] + 0.5))
            * counts[number][token]
            / (counts[number][token] + norm)
            for token in query
            if token in counts[number]
        ]
        if parts:
            scores[number] = sum(parts)
    return scores


def test_lengths_are_told_exactly_to_39_and_then_with_four_bits() -> None:
    assert [quantised(n) for n in (0, 1, 23, 24, 39, 40, 41, 42, 55, 56, 57, 60)] == [
        *(0, 1, 23, 24, 39, 40, 40, 42, 54, 56, 56, 60)
    ]
    small_float = java_class("org.apache.lucene.util.SmallFloat")
    for length in (*range(300), 1000, 12_345, 2**20 + 3):
        byte = small_float.intToByte4(length)
        assert small_float.byte4ToInt(byte) == quantised(length)


def test_scores_and_order_are_those_of_a_second_implementation(collection: Collection) -> None:
    assert len(collection.ids) >= 2000 and len(QUERIES) == 30
    preset, searcher = PRESETS[collection.preset], collection.searcher
    documents = [searcher.tokens(text) for text in collection.texts]
    number_of = {doc_id: number for number, doc_id in enumerate(collection.ids)}
    compared = 0
    for query, hits in zip(QUERIES, searcher.search(QUERIES, SearchParams(DEEP)), strict=True):
        expected = scores_of(searcher.tokens(query), documents, preset.k1, preset.b)
        best = sorted(expected.values(), reverse=True)[:DEEP]
        assert len(hits) == len(best), query
        for hit, score in zip(hits, best, strict=True):
            assert hit.score == pytest.approx(expected[number_of[hit.doc_id]], abs=TOLERANCE)
            assert hit.score == pytest.approx(score, abs=TOLERANCE)
            compared += 1
        keys = [(-hit.score, number_of[hit.doc_id]) for hit in hits]
        assert keys == sorted(keys), "best first, ties in the order of the dump"
        assert [hit.rank for hit in hits] == list(range(1, len(hits) + 1))
    assert compared > 2000


def test_a_title_boost_adds_that_many_times_the_score_of_the_title(collection: Collection) -> None:
    preset, searcher = PRESETS[collection.preset], collection.searcher
    texts = [searcher.tokens(text) for text in collection.texts]
    titles = [searcher.tokens(title) for title in collection.titles]
    number_of = {doc_id: number for number, doc_id in enumerate(collection.ids)}
    for query in ("Alabama river", "Abraham Lincoln president", "the art of an animal", "ἀναρχία 東京"):
        words = searcher.tokens(query)
        by_text, by_title = (scores_of(words, field, preset.k1, preset.b) for field in (texts, titles))
        for boost in (0.5, 2.0):
            (hits,) = searcher.search([query], SearchParams(len(collection.ids), boost))
            expected = {n: by_text.get(n, 0) + boost * by_title.get(n, 0) for n in by_text.keys() | by_title.keys()}
            assert {number_of[hit.doc_id] for hit in hits} == expected.keys()
            assert all(hit.score == pytest.approx(expected[number_of[hit.doc_id]], abs=TOLERANCE) for hit in hits)
            assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)
            account = searcher.explain(query, hits[0].doc_id, boost) if hits else "0"
            assert float(account.split()[0]) == pytest.approx(hits[0].score if hits else 0, abs=TOLERANCE)


def test_without_a_boost_the_ranking_is_the_one_without_titles(collection: Collection) -> None:
    assert [searcher_hits(collection, boost=0.0)] == [collection.searcher.search(QUERIES, SearchParams(DEEP))]
    assert searcher_hits(collection, boost=2.0) != searcher_hits(collection, boost=0.0)


def searcher_hits(collection: Collection, boost: float) -> list[list[Hit]]:
    return collection.searcher.search(QUERIES, SearchParams(DEEP, title_boost=boost))


@pytest.fixture(scope="module")
def anserini(collection: Collection, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Anserini's own index and searcher; for `more` over tokens made before, which it takes as they are."""
    folder = tmp_path_factory.mktemp("anserini")
    is_cut = collection.preset == "more"
    settings = ["-input", "", "-collection", "JsonCollection", "-threads", "1", "-index", str(folder)]
    indexer = java_class("io.anserini.index.SimpleIndexer")(settings + ["-pretokenized"] * is_cut)
    for doc_id, text in zip(collection.ids, collection.texts, strict=True):
        contents = " ".join(collection.searcher.tokens(text)) if is_cut else text
        indexer.addRawDocument(json.dumps({"id": doc_id, "contents": contents}))
    indexer.close()
    searcher = java_class("io.anserini.search.SimpleSearcher")(str(folder))
    if is_cut:
        searcher.set_analyzer(java_class("org.apache.lucene.analysis.core.WhitespaceAnalyzer")())
    searcher.set_bm25(PRESETS[collection.preset].k1, PRESETS[collection.preset].b)
    yield searcher
    searcher.close()


def test_hits_are_those_of_anserinis_own_searcher(collection: Collection, anserini: Any) -> None:
    """Anserini rounds scores to four digits, and settles ties by id where we keep the order of the dump."""
    is_cut = collection.preset == "more"
    for query in QUERIES:
        query_text = " ".join(collection.searcher.tokens(query)) if is_cut else query
        theirs = {hit.docid: hit.score for hit in anserini.search(query_text, DEEP)}
        ours = {hit.doc_id: hit.score for hit in collection.searcher.search([query], SearchParams(DEEP))[0]}
        assert len(ours) == len(theirs)
        worst = min(theirs.values(), default=0.0)
        for doc_id in ours.keys() & theirs.keys():
            assert ours[doc_id] == pytest.approx(theirs[doc_id], abs=ANSERINI_ROUNDS_TO)
        for doc_id in ours.keys() ^ theirs.keys():  # tied for the last places
            assert (ours | theirs)[doc_id] == pytest.approx(worst, abs=ANSERINI_ROUNDS_TO), (query, doc_id)


def test_explanations_name_the_terms_and_end_in_the_score(collection: Collection) -> None:
    hit = collection.searcher.search(["Alabama river"], SearchParams(1))[0][0]
    text = collection.searcher.explain("Alabama river", hit.doc_id)
    assert float(text.split()[0]) == pytest.approx(hit.score, abs=TOLERANCE)
    for words in ("idf", "tf", "dl", "avgdl", f"contents:{collection.searcher.tokens('Alabama')[0]}"):
        assert words in text
    assert collection.searcher.explain("Alabama", "999#9#9") == "no sentence 999#9#9"


def test_k_may_exceed_the_index_and_must_be_positive(collection: Collection) -> None:
    everything = collection.searcher.search(["the of in a Alabama"], SearchParams(2**40))[0]
    assert 0 < len(everything) <= len(collection.ids)
    assert everything[:5] == collection.searcher.search(["the of in a Alabama"], SearchParams(5))[0]
    for boost in (-0.1, math.nan, math.inf):
        with pytest.raises(UsageError, match="the title boost is"):
            collection.searcher.search(["Alabama"], SearchParams(5, boost))
    with pytest.raises(UsageError, match="k is 0"):
        collection.searcher.search(["Alabama"], SearchParams(0))


@pytest.mark.parametrize(
    "query",
    ["", "   ", "?!… — (;) \"'", "\0\0", "\ud800", "ـ", "\u200b\u202e"],
    ids=["empty", "blank", "punctuation", "null", "surrogate", "tatweel", "invisible"],
)
def test_queries_without_a_known_token_have_no_hit(collection: Collection, query: str) -> None:
    assert collection.searcher.search([query], SearchParams(10)) == [[]]


def test_null_characters_and_lone_surrogates_separate_words(collection: Collection) -> None:
    clean, *odd = collection.searcher.search(
        ["Alabama river", "Alabama\0river", "Alabama \ud800 river"], SearchParams(10)
    )
    assert clean and odd == [clean, clean]


def test_a_query_of_ten_thousand_words_is_answered(collection: Collection) -> None:
    words = [f"word{number}" for number in range(9_990)] + ["Alabama"] * 10
    many = collection.searcher.search([" ".join(words)], SearchParams(5))[0]
    one = collection.searcher.search(["Alabama"], SearchParams(5))[0]
    assert [hit.doc_id for hit in many] == [hit.doc_id for hit in one]
    assert [hit.score for hit in many] == pytest.approx([10 * hit.score for hit in one], rel=1e-5)


def to_table(folder: Path, texts: list[str], name: str = "part-00000.parquet") -> Path:
    """Write sentences of one text each; their ids tell where they stand."""
    rows = [
        {"sentence_id": f"{n}#0#0", "paragraph_id": f"{n}#0", "page_id": n, "title": "T", "text": text}
        for n, text in enumerate(texts)
    ]
    pq.write_table(pa.Table.from_pylist(rows, schema=SENTENCES), folder / name)
    return folder / name


def test_an_arabic_query_finds_arabic_text_and_ties_keep_the_order_of_the_dump(tmp_path: Path) -> None:
    texts = ["نص عربي", "some English", *["مدينة بغداد القديمة"] * 12]
    build_bm25([to_table(tmp_path, texts)], tmp_path / "bm25")
    hits = Bm25Searcher(tmp_path / "bm25", PRESETS["more"]).search(["بغداد"], SearchParams(10))[0]
    assert [hit.doc_id for hit in hits] == [f"{n}#0#0" for n in range(2, 12)]
    assert len({hit.score for hit in hits}) == 1


def test_many_segments_merge_in_the_order_of_the_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bm25_build, "BUFFER_MB", 0.5)
    monkeypatch.setattr(bm25_build, "BATCH_ROWS", 500)
    texts = [f"w{n * 7919 % 4001} w{n * 104729 % 3001} same" * (1 + n % 3) for n in range(12_000)]
    counts: list[int] = []
    section = build_bm25([to_table(tmp_path, texts)], tmp_path / "bm25", progress=counts.append)
    searcher = Bm25Searcher(tmp_path / "bm25", PRESETS["more"])
    assert section["documents"] == searcher.documents == counts[-1] == 12_000
    assert list(searcher.doc_ids()) == [f"{n}#0#0" for n in range(12_000)]
    (segment,) = (tmp_path / "bm25").glob("*.si")
    assert segment.name != "_0.si", "it was merged from others"


def test_the_same_sentences_give_the_same_hits_however_often_they_are_indexed(
    tmp_path: Path, slice_index: Path
) -> None:
    shards = sorted((slice_index / "sentences").glob("*.parquet"))
    build_bm25(shards, tmp_path / "bm25")
    again = Bm25Searcher(tmp_path / "bm25", PRESETS["more"]).search(QUERIES, SearchParams(20))
    assert again == Bm25Searcher(slice_index / "bm25", PRESETS["more"]).search(QUERIES, SearchParams(20))


@pytest.mark.slow
def test_many_queries_at_once_are_answered_as_one_by_one(collection: Collection) -> None:
    """With k of the whole index they take several calls, because a list of all documents for each is long."""
    searcher = collection.searcher
    queries = ["", "\0", "Alabama \ud800 river", *(" ".join(text.split()[:8]) for text in collection.texts[:200])]
    assert len(queries) * len(collection.ids) > bm25._HITS_AT_ONCE, "several calls"
    for k in (1, 10, 2**40):
        params = SearchParams(k)
        alone = [searcher.search([query], params)[0] for query in queries]
        assert searcher.search(queries, params) == searcher.search_many(queries, k) == alone
    assert searcher.search([], SearchParams(3)) == searcher.search_many([], 3) == []


def test_a_single_query_does_not_wait_for_the_search_of_many_to_be_composed(collection: Collection) -> None:
    searcher = Bm25Searcher(collection.folder / "bm25", PRESETS[collection.preset])
    assert searcher.search(["Alabama river"], SearchParams(3)) and searcher._ranked_lists is None
    assert len(searcher.search(["Alabama", "river"], SearchParams(3, title_boost=2.0))) == 2
    assert searcher._ranked_lists is None, "with a title boost queries are asked one by one"
    assert searcher.search(["Alabama", "river"], SearchParams(3)) and searcher._ranked_lists is not None


def test_one_composed_search_serves_every_k(collection: Collection) -> None:
    for k in (*range(1, 12), 3, 5_000, 1):
        found = collection.searcher.search(["Alabama river"] * 20, SearchParams(k))
        assert found == 20 * collection.searcher.search(["Alabama river"], SearchParams(k))
