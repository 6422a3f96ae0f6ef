"""The searcher of the text view: BM25 over sentences in a Lucene index, with the queries that Anserini makes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from indexer.search import Hit, SearchParams
from indexer.text.jvm import as_java, in_java, java_class, java_exception
from indexer.text.lucene import CONTENTS, ID, LUCENE, PAGE, TITLE, open_directory, reason_of
from indexer.text.method_handles import compose_search
from indexer.text.presets import Preset
from schemas.errors import IndexCorrupt, IndexNotFound

__all__ = ["Bm25Searcher"]

_IDS_AT_ONCE = 1024
_HITS_AT_ONCE = 256_000
"""Hits that one call of `search_many` brings back at most, so that long lists of many queries fit into Java's heap."""
_REBUILD = "build the index again: beam run build_wiki_index --overwrite ..."


class Bm25Searcher:
    """Ranks sentences by BM25; equal scores stand in the order of the dump.

    Threads may share it; one of them searches at a time.

    A query is Anserini's bag of words. Lucene's own searcher runs it, because loading Anserini's takes longer than the
    rest of a command (docs/decisions/0005); a test compares the hits of both.

    Args:
        folder: the Lucene index.
        preset: the analyzer must be that of the build; k1 and b may differ.

    Raises:
        IndexNotFound: there is no such folder.
        IndexCorrupt: Lucene cannot open it.
        IndexMismatch: there is no such analyzer.
    """

    documents: int
    """Sentences in the index."""

    @in_java
    def __init__(self, folder: str | Path, preset: Preset) -> None:
        self._folder = Path(folder)
        if not self._folder.is_dir():
            raise IndexNotFound("the text index is not here", path=folder, remedy=_REBUILD)
        self._java_exception = java_exception()
        searcher_class = java_class(f"{LUCENE}.search.IndexSearcher")
        searcher_class.setMaxClauseCount(2**31 - 1)  # Lucene's bound of 1,024 different words would refuse long texts
        try:
            reader = java_class(f"{LUCENE}.index.DirectoryReader").open(open_directory(self._folder))
            self._searcher = searcher_class(as_java(f"{LUCENE}.index.IndexReader", reader))
            self._searcher.setSimilarity(preset.make_similarity())
            self.documents = int(reader.numDocs())
        except self._java_exception as error:
            raise self._corrupt(error) from error
        self._analyzer = preset.make_analyzer()
        self._build_query = java_class("io.anserini.search.query.BagOfWordsQueryGenerator")().buildQuery
        self._ranked_lists: Callable[[Sequence[str], int], list[Any]] | None = None
        self._to_ranked_list = java_class("io.anserini.search.ScoredDocs").fromTopDocs

    @in_java
    def search(self, queries: Sequence[str], params: SearchParams) -> list[list[Hit]]:
        """Rank at most params.k sentences for each query; a query without tokens has none.

        Raises:
            UsageError: k is below 1, or the title boost below 0.
            IndexCorrupt: Lucene cannot read the index.
        """
        params.check()
        if len(queries) > 1 and not params.title_boost:
            return self.search_many(queries, params.k)
        return [self._search_one(query, params) for query in queries]

    @in_java
    def search_many(self, queries: Sequence[str], k: int) -> list[list[Hit]]:
        """Rank at most k sentences for each query, all queries in one call into Java, on all its cores.

        The first call composes the search, which takes some 0.4 s (docs/decisions/0011): a single query goes without.

        Raises:
            IndexCorrupt: Lucene cannot read the index.
        """
        if not self.documents:
            return [[] for _ in queries]
        if self._ranked_lists is None:
            self._ranked_lists = compose_search(self._searcher, self._analyzer)
        k = min(k, self.documents)
        step = max(1, _HITS_AT_ONCE // k)  # queries of one call
        hits: list[list[Hit]] = []
        try:
            for start in range(0, len(queries), step):
                texts = [_clean(query) for query in queries[start : start + step]]
                hits += [_to_hits(ranked_list) for ranked_list in self._ranked_lists(texts, k)]
        except self._java_exception as error:
            raise self._corrupt(error) from error
        return hits

    def _search_one(self, query: str, params: SearchParams) -> list[Hit]:
        if not self.documents:
            return []
        try:
            return _to_hits(self._ranked_list(self._to_lucene(query, params.title_boost), params.k))
        except self._java_exception as error:
            raise self._corrupt(error) from error

    def _ranked_list(self, query: Any, k: int) -> Any:
        """Return Anserini's ScoredDocs: ids and scores as arrays, because a call for each hit takes half a search."""
        return self._to_ranked_list(self._searcher.search(query, min(k, self.documents)), self._searcher)

    def _to_lucene(self, query: str, title_boost: float) -> Any:
        """Build Lucene's query: the words in the text, and with a boost also in the title at boost times the score."""
        in_text = self._build_query(CONTENTS, self._analyzer, _clean(query))
        if not title_boost:
            return in_text
        in_title = self._build_query(TITLE, self._analyzer, _clean(query))
        query_class, should = f"{LUCENE}.search.Query", java_class(f"{LUCENE}.search.BooleanClause$Occur").SHOULD
        boosted = java_class(f"{LUCENE}.search.BoostQuery")(as_java(query_class, in_title), float(title_boost))
        both = java_class(f"{LUCENE}.search.BooleanQuery$Builder")()
        for clause in (in_text, boosted):
            both.add(as_java(query_class, clause), should)
        return as_java(query_class, both.build())

    @in_java
    def tokens(self, text: str) -> list[str]:
        """Return the tokens of a text, as the index holds them."""
        analyze = java_class("io.anserini.analysis.AnalyzerUtils").analyze
        return [str(token) for token in analyze(self._analyzer, _clean(text)).toArray()]

    @in_java
    def tokens_of(self, texts: Sequence[str]) -> list[list[str]]:
        """Return the tokens of several texts; the lock of Java is taken once for all of them."""
        return [self.tokens(text) for text in texts]

    @in_java
    def explain(self, query: str, doc_id: str, title_boost: float = 0.0) -> str:
        """Return Lucene's explanation of a sentence's score, as indented text."""
        # Sentence ids are stored but no terms, so the sentence is looked up among those of its page (record 0011).
        page = java_class(f"{LUCENE}.index.Term")(PAGE, doc_id.partition("#")[0])
        try:
            of_page = self._ranked_list(java_class(f"{LUCENE}.search.TermQuery")(page), max(1, self.documents))
            number = dict(zip(of_page.docids, of_page.lucene_docids, strict=True)).get(doc_id)
            if number is None:
                return f"no sentence {doc_id}"
            return str(self._searcher.explain(self._to_lucene(query, title_boost), number).toString())
        except self._java_exception as error:
            raise self._corrupt(error) from error

    def doc_ids(self) -> Iterator[str]:
        """Return the id of every sentence in the index, in index order."""
        for first in range(0, self.documents, _IDS_AT_ONCE):
            yield from self._ids(range(first, min(first + _IDS_AT_ONCE, self.documents)))

    @in_java
    def _ids(self, numbers: range) -> list[str]:
        try:
            stored = self._searcher.storedFields()
            return [str(stored.document(number).get(ID)) for number in numbers]
        except self._java_exception as error:
            raise self._corrupt(error) from error

    def _corrupt(self, error: Exception) -> IndexCorrupt:
        return IndexCorrupt(f"Lucene cannot read the index ({reason_of(error)})", path=self._folder, remedy=_REBUILD)


def _to_hits(ranked_list: Any) -> list[Hit]:
    pairs = zip(ranked_list.scores, ranked_list.docids, strict=True)
    return [Hit(rank, score, doc_id) for rank, (score, doc_id) in enumerate(pairs, start=1)]


def _clean(text: str) -> str:
    r"""Replace what Java cannot hold in a text: U+0000 by a blank, a lone surrogate by a question mark.

    >>> _clean("a\0b")
    'a b'
    """
    return text.replace("\0", " ").encode("utf-8", "replace").decode("utf-8")
