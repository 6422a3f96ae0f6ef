"""BM25 over sentences: a Lucene index that holds ids and postings, and Anserini's queries over it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from indexer.search import Hit, SearchParams
from indexer.text.build import build_bm25
from indexer.text.java_search import compose_search
from indexer.text.jvm import as_java, in_java, java_class, java_exception
from indexer.text.lucene import CONTENTS, ID, LUCENE, PAGE, TITLE, open_directory, reason_of
from indexer.text.presets import PRESETS, Preset
from schemas.errors import IndexCorrupt, IndexNotFound

__all__ = ["PRESETS", "Bm25Searcher", "Preset", "build_bm25"]

_IDS_AT_ONCE = 1024
_MANY, _WORTH = 8, 200
"""Queries of one call that are searched together, once so many have been asked: a command with a few questions would
wait longer for the call to be composed than it saves."""
_MOST_LISTS, _LONGEST_LIST = 8, 1_000
"""Values of k for which there is such a call, and the largest."""
_REBUILD = "build the index again: beam run build_wiki_index --overwrite ..."


class Bm25Searcher:
    """Ranks sentences by BM25; equal scores in the order of the dump. Threads may share it; one at a time searches.

    The query is Anserini's bag of words; Lucene's own searcher runs it, because loading Anserini's takes longer than
    the rest of a command (docs/decisions/0005). A test holds the two against each other.

    Args:
        folder: the Lucene index.
        preset: the analyzer must be that of the build; k1 and b may differ.

    Raises:
        IndexNotFound: there is no such folder.
        IndexCorrupt: Lucene cannot open it.
        IndexMismatch: there is no such analyzer.
    """

    @in_java
    def __init__(self, folder: str | Path, preset: Preset) -> None:
        self._folder = Path(folder)
        if not self._folder.is_dir():
            raise IndexNotFound("the text index is not here", path=folder, remedy=_REBUILD)
        self._java_exception = java_exception()
        searcher_class = java_class(f"{LUCENE}.search.IndexSearcher")
        searcher_class.setMaxClauseCount(2**31 - 1)
        try:
            reader = java_class(f"{LUCENE}.index.DirectoryReader").open(open_directory(self._folder))
            self._searcher = searcher_class(as_java(f"{LUCENE}.index.IndexReader", reader))
            self._searcher.setSimilarity(preset.make_similarity())
            self.documents = int(reader.numDocs())
        except self._java_exception as error:
            raise self._corrupt(error) from error
        self._analyzer = preset.make_analyzer()
        self._asked = 0
        self._composed: dict[int, Callable[[Sequence[str]], list[Any]]] = {}
        self._query_words = java_class("io.anserini.search.query.BagOfWordsQueryGenerator")().buildQuery
        self._to_list = java_class("io.anserini.search.ScoredDocs").fromTopDocs

    @in_java
    def search(self, queries: Sequence[str], params: SearchParams) -> list[list[Hit]]:
        """Rank at most params.k sentences for each query; a query without tokens has none.

        Raises:
            UsageError: k is below 1, or the title boost below 0.
            IndexCorrupt: Lucene cannot read the index.
        """
        params.check()
        self._asked += len(queries)
        if len(queries) >= _MANY and self._asked >= _WORTH and self.documents and not params.title_boost:
            together = self._composed_for(min(params.k, self.documents))
            if together is not None:
                try:
                    return [_to_hits(found) for found in together([_clean(query) for query in queries])]
                except self._java_exception as error:
                    raise self._corrupt(error) from error
        return [self._search_one(query, params) for query in queries]

    def _composed_for(self, k: int) -> Callable[[Sequence[str]], list[Any]] | None:
        """Return the call that searches many queries at once; none for long lists, or for one k too many."""
        if k not in self._composed and k <= _LONGEST_LIST and len(self._composed) < _MOST_LISTS:
            self._composed[k] = compose_search(self._searcher, self._analyzer, k)
        return self._composed.get(k)

    def _search_one(self, query: str, params: SearchParams) -> list[Hit]:
        if not self.documents:
            return []
        try:
            words = self._to_lucene(query, params.title_boost)
            return _to_hits(self._list(words, params.k))
        except self._java_exception as error:
            raise self._corrupt(error) from error

    def _list(self, query: Any, k: int) -> Any:
        """Rank at most k sentences and list them: to ask Java for each id and score takes half as long as a search."""
        return self._to_list(self._searcher.search(query, min(k, self.documents)), self._searcher)

    def _to_lucene(self, query: str, title_boost: float) -> Any:
        words = self._query_words(CONTENTS, self._analyzer, _clean(query))
        if not title_boost:
            return words
        of_title = self._query_words(TITLE, self._analyzer, _clean(query))
        kind, should = f"{LUCENE}.search.Query", java_class(f"{LUCENE}.search.BooleanClause$Occur").SHOULD
        boosted = java_class(f"{LUCENE}.search.BoostQuery")(as_java(kind, of_title), float(title_boost))
        both = java_class(f"{LUCENE}.search.BooleanQuery$Builder")()
        for part in (words, boosted):
            both.add(as_java(kind, part), should)
        return as_java(kind, both.build())

    @in_java
    def tokens(self, text: str) -> list[str]:
        """Return the tokens of a text, as the index has them."""
        analyze = java_class("io.anserini.analysis.AnalyzerUtils").analyze
        return [str(token) for token in analyze(self._analyzer, _clean(text)).toArray()]

    @in_java
    def tokens_of(self, texts: Sequence[str]) -> list[list[str]]:
        """Return the tokens of several texts: the way into Java and out of it is gone once."""
        return [self.tokens(text) for text in texts]

    @in_java
    def explain(self, query: str, doc_id: str, title_boost: float = 0.0) -> str:
        """Return Lucene's account of a sentence's score, as indented text."""
        page = java_class(f"{LUCENE}.index.Term")(PAGE, doc_id.partition("#")[0])
        try:
            of_page = self._list(java_class(f"{LUCENE}.search.TermQuery")(page), max(1, self.documents))
            place = dict(zip(of_page.docids, of_page.lucene_docids, strict=True)).get(doc_id)
            if place is None:
                return f"no sentence {doc_id}"
            return str(self._searcher.explain(self._to_lucene(query, title_boost), place).toString())
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


def _to_hits(found: Any) -> list[Hit]:
    return [Hit(rank, *pair) for rank, pair in enumerate(zip(found.scores, found.docids, strict=True), start=1)]


def _clean(text: str) -> str:
    r"""Make a text that Java can hold: blanks for null characters, marks for lone surrogates.

    >>> _clean("a\0b")
    'a b'
    """
    return text.replace("\0", " ").encode("utf-8", "replace").decode("utf-8")
