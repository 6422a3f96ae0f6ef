"""BM25 over sentences: a Lucene index that holds ids and postings, and Anserini's searcher over it."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from indexer.jvm import java_class
from indexer.searcher import Hit, SearchParams
from schemas.errors import IndexCorrupt, IndexNotFound, MieError, UsageError

__all__ = ["PRESETS", "Bm25Searcher", "Preset", "build_bm25"]

_LUCENE = "org.apache.lucene"
_CONTENTS = "contents"
_BATCH_ROWS = 8192
_REBUILD = "build the index again: beam run build_wiki_index --overwrite ..."


@dataclass(frozen=True, slots=True)
class Preset:
    """How text becomes tokens, and the two constants of the formula.

    analyzer: `standard` is Lucene's StandardAnalyzer without stop words, which Elasticsearch calls `standard`;
    `english` is Anserini's DefaultEnglishAnalyzer (Porter stems, English stop words, possessives stripped).
    """

    analyzer: str
    k1: float
    b: float


PRESETS = {"more": Preset("standard", 1.2, 0.75), "anserini": Preset("english", 0.9, 0.4)}
"""more: the paper's search engine (Elasticsearch defaults). anserini: Anserini's defaults.

Source: KB-NER's Elasticsearch mapping; Anserini 1.x, IndexCollection and SearchCollection.
"""


def preset_of(name: str) -> Preset:
    """Give a preset by its name.

    Raises:
        UsageError: there is none of this name.

    >>> preset_of("more").k1
    1.2
    """
    if name not in PRESETS:
        raise UsageError(f"there is no BM25 preset {name!r}", remedy=f"use one of {', '.join(PRESETS)}")
    return PRESETS[name]


def make_analyzer(kind: str) -> Any:
    """Make the Lucene analyzer that a preset names."""
    if kind == "standard":
        return java_class(f"{_LUCENE}.analysis.standard.StandardAnalyzer")()
    return java_class("io.anserini.analysis.DefaultEnglishAnalyzer").newDefaultInstance()


def build_bm25(
    sentence_files: Sequence[Path],
    out_dir: Path,
    preset: str = "more",
    progress: Callable[[int], None] | None = None,
) -> dict[str, Any]:
    """Index every sentence, in the order of the files and rows, into one Lucene segment.

    The index holds sentence ids and postings (of the text, and of the title as a field of its own) but no text. It
    is built under a temporary name and renamed.

    Args:
        sentence_files: Parquet shards of Sentence.
        out_dir: the folder to make; one that exists is replaced.
        preset: a key of PRESETS.
        progress: is told how many sentences are in, now and then.

    Returns:
        The manifest's `text_index`: preset, analyzer, k1, b, documents.

    Raises:
        UsageError: no such preset.
        MissingDependency: there is no Java.
        MieError: Lucene fails, for instance because the disk is full.
    """
    chosen = preset_of(preset)
    temporary = out_dir.with_name(f".{out_dir.name}.tmp")
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    try:
        documents = _write(temporary, sentence_files, chosen, progress)
    except _java_exception() as error:
        raise MieError(f"Lucene cannot write the index ({error})", path=out_dir, remedy="check the disk") from error
    shutil.rmtree(out_dir, ignore_errors=True)
    temporary.replace(out_dir)
    return {"preset": preset, "analyzer": chosen.analyzer, "k1": chosen.k1, "b": chosen.b, "documents": documents}


def _write(folder: Path, sentence_files: Sequence[Path], preset: Preset, progress: Callable[[int], None] | None) -> int:
    settings = java_class(f"{_LUCENE}.index.IndexWriterConfig")(make_analyzer(preset.analyzer))
    settings.setSimilarity(_similarity(preset))
    settings.setUseCompoundFile(False)
    writer = java_class(f"{_LUCENE}.index.IndexWriter")(_directory(folder), settings)
    add, done = _adder(writer), 0
    for rows in _rows(sentence_files):
        for sentence_id, title, text in rows:
            add(sentence_id, title, text)
        done += len(rows)
        if progress:
            progress(done)
    writer.forceMerge(1)
    writer.commit()
    writer.close()
    return done


def _adder(writer: Any) -> Callable[[str, str, str], None]:
    """Give a function that adds one sentence. Its Java objects are used again: that is five times faster."""
    store = java_class(f"{_LUCENE}.document.Field$Store")
    document = java_class(f"{_LUCENE}.document.Document")()
    key = java_class(f"{_LUCENE}.document.StringField")("id", "", store.YES)
    order = java_class(f"{_LUCENE}.document.BinaryDocValuesField")("id", _bytes(""))
    name = java_class(f"{_LUCENE}.document.TextField")("title", "", store.NO)
    contents = java_class(f"{_LUCENE}.document.TextField")(_CONTENTS, "", store.NO)
    for field in (key, order, name, contents):
        document.add(field)

    def add(sentence_id: str, title: str, text: str) -> None:
        key.setStringValue(sentence_id)
        order.setBytesValue(sentence_id.encode())
        name.setStringValue(title)
        contents.setStringValue(text)
        writer.addDocument(document)

    return add


def _bytes(text: str) -> Any:
    return java_class(f"{_LUCENE}.util.BytesRef")(text.encode())


def _rows(files: Sequence[Path]) -> Iterator[list[tuple[str, str, str]]]:
    import pyarrow.parquet as pq

    for path in files:
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(_BATCH_ROWS, columns=["sentence_id", "title", "text"]):
                columns = (column.to_pylist() for column in batch.columns)
                yield list(zip(*columns, strict=True))


def _directory(folder: Path) -> Any:
    path = java_class("java.nio.file.Paths").get(str(folder.absolute()))
    return java_class(f"{_LUCENE}.store.FSDirectory").open(path)


def _similarity(preset: Preset) -> Any:
    return java_class(f"{_LUCENE}.search.similarities.BM25Similarity")(preset.k1, preset.b)


def _java_exception() -> type[Exception]:
    java_class("java.lang.String")
    from jnius import JavaException

    return JavaException  # type: ignore[no-any-return]


class Bm25Searcher:
    """Ranks sentences by BM25; equal scores by sentence id.

    Args:
        folder: the Lucene index.
        preset: the analyzer must be that of the build; k1 and b may differ.

    Raises:
        IndexNotFound: there is no such folder.
        IndexCorrupt: Lucene cannot open it.
    """

    def __init__(self, folder: str | Path, preset: Preset) -> None:
        self._folder = Path(folder)
        if not self._folder.is_dir():
            raise IndexNotFound("the text index is not here", path=folder, remedy=_REBUILD)
        java_class(f"{_LUCENE}.search.IndexSearcher").setMaxClauseCount(2**31 - 1)
        self._java_exception = _java_exception()
        self._analyzer = make_analyzer(preset.analyzer)
        try:
            self._searcher = java_class("io.anserini.search.SimpleSearcher")(str(self._folder))
            self._searcher.set_analyzer(self._analyzer)
            self._searcher.set_bm25(preset.k1, preset.b)
            self.documents = int(self._searcher.get_total_num_docs())
        except self._java_exception as error:
            raise self._corrupt(error) from error
        self._preset = preset

    def search(self, queries: Sequence[str], params: SearchParams) -> list[list[Hit]]:
        """Rank at most params.k sentences for each query; a query without tokens has none.

        Raises:
            UsageError: k is below 1.
            IndexCorrupt: Lucene cannot read the index.
        """
        if params.k < 1:
            raise UsageError(f"k is {params.k}", remedy="give k of at least 1")
        return [self._search_one(query, params.k) for query in queries]

    def _search_one(self, query: str, k: int) -> list[Hit]:
        if not self.documents or not self.tokens(query):
            return []
        try:
            found = self._searcher.search(_clean(query), min(k, self.documents))
        except self._java_exception as error:
            raise self._corrupt(error) from error
        return [Hit(rank, float(doc.score), str(doc.docid)) for rank, doc in enumerate(found, start=1)]

    def tokens(self, text: str) -> list[str]:
        """Give the tokens of a text, as the index has them."""
        analyze = java_class("io.anserini.analysis.AnalyzerUtils").analyze
        return [str(token) for token in analyze(self._analyzer, _clean(text)).toArray()]

    def explain(self, query: str, doc_id: str) -> str:
        """Give Lucene's account of a sentence's score, as indented text."""
        try:
            reader = java_class(f"{_LUCENE}.index.DirectoryReader").open(_directory(self._folder))
            searcher = java_class(f"{_LUCENE}.search.IndexSearcher")(reader)
            searcher.setSimilarity(_similarity(self._preset))
            bag = java_class("io.anserini.search.query.BagOfWordsQueryGenerator")()
            term = java_class(f"{_LUCENE}.search.TermQuery")(java_class(f"{_LUCENE}.index.Term")("id", doc_id))
            places = searcher.search(term, 1).scoreDocs
            if not places:
                return f"no sentence {doc_id}"
            asked = bag.buildQuery(_CONTENTS, self._analyzer, _clean(query))
            return str(searcher.explain(asked, places[0].doc).toString())
        except self._java_exception as error:
            raise self._corrupt(error) from error

    def doc_ids(self) -> Iterator[str]:
        """Give the id of every sentence in the index, in index order."""
        for number in range(self.documents):
            yield str(self._searcher.doc(number).get("id"))

    def _corrupt(self, error: Exception) -> IndexCorrupt:
        return IndexCorrupt(f"Lucene cannot read the index ({error})", path=self._folder, remedy=_REBUILD)


def _clean(text: str) -> str:
    r"""Make a text that Java can hold: blanks for null characters, marks for lone surrogates.

    >>> _clean("a\0b")
    'a b'
    """
    return text.replace("\0", " ").encode("utf-8", "replace").decode("utf-8")
