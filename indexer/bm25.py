"""BM25 over sentences: a Lucene index that holds ids and postings, and Anserini's queries over it."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from indexer.jvm import as_java, java_class, java_exception
from indexer.presets import PRESETS, Preset, preset_of
from indexer.searcher import Hit, SearchParams
from schemas.errors import IndexCorrupt, IndexNotFound, StoreError
from schemas.tables import SENTENCES, check_table

__all__ = ["PRESETS", "Bm25Searcher", "Preset", "build_bm25"]

_LUCENE = "org.apache.lucene"
_CONTENTS, _TITLE = "contents", "title"
_BATCH_ROWS = 8192
_TEXT_FIELD_SIGNATURE = "(Ljava/lang/String;Ljava/lang/CharSequence;Lorg/apache/lucene/index/IndexableFieldType;)V"
BUFFER_MB = 128.0
"""Postings held in memory before they become a segment."""
_REBUILD = "build the index again: beam run build_wiki_index --overwrite ..."


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
        IndexCorrupt: a shard is not a table of sentences.
        StoreError: the index cannot be written, for instance because the disk is full.
    """
    chosen = preset_of(preset)
    failures = (OSError, java_exception())
    for path in sentence_files:
        check_table(path, SENTENCES)
    temporary = out_dir.with_name(f".{out_dir.name}.tmp")
    try:
        shutil.rmtree(temporary, ignore_errors=True)
        temporary.mkdir(parents=True)
        documents = _write(temporary, sentence_files, chosen, progress)
        shutil.rmtree(out_dir, ignore_errors=True)
        temporary.replace(out_dir)
    except failures as error:
        shutil.rmtree(temporary, ignore_errors=True)
        raise StoreError(
            f"the text index cannot be written ({_reason(error)})",
            path=out_dir,
            remedy="free disk space or choose a folder that you may write to, then give the command again",
        ) from error
    return {"preset": preset, "analyzer": chosen.analyzer, "k1": chosen.k1, "b": chosen.b, "documents": documents}


def _write(folder: Path, sentence_files: Sequence[Path], preset: Preset, progress: Callable[[int], None] | None) -> int:
    writer = java_class(f"{_LUCENE}.index.IndexWriter")(_directory(folder), _writer_settings(preset))
    try:
        add, done = _adder(writer), 0
        for rows in _rows(sentence_files):
            for sentence_id, title, text in rows:
                add(sentence_id, title, text)
            done += len(rows)
            if progress:
                progress(done)
        writer.forceMerge(1)
        writer.close()
    except BaseException:
        with suppress(java_exception()):
            writer.rollback()
        raise
    (folder / "write.lock").unlink(missing_ok=True)
    return done


def _writer_settings(preset: Preset) -> Any:
    settings = java_class(f"{_LUCENE}.index.IndexWriterConfig")(preset.make_analyzer())
    settings.setSimilarity(preset.make_similarity())
    settings.setMergePolicy(java_class(f"{_LUCENE}.index.LogByteSizeMergePolicy")())  # others change the rows' order
    settings.setUseCompoundFile(False)
    settings.setRAMBufferSizeMB(BUFFER_MB)
    return settings


def _adder(writer: Any) -> Callable[[str, str, str], None]:
    """Give a function that adds one sentence: its Java objects are made once, and a call to Java costs microseconds."""
    document = java_class(f"{_LUCENE}.document.Document")()
    key = java_class(f"{_LUCENE}.document.StringField")("id", "", java_class(f"{_LUCENE}.document.Field$Store").YES)
    name, contents = _words_field(_TITLE), _words_field(_CONTENTS)
    for field in (key, name, contents):
        document.add(field)

    def add(sentence_id: str, title: str, text: str) -> None:
        key.setStringValue(sentence_id)
        name.setStringValue(title)
        contents.setStringValue(text)
        writer.addDocument(document)

    return add


def _words_field(name: str) -> Any:
    """Make a field whose tokens are counted: neither stored nor with positions, which BM25 does not read."""
    kind = java_class(f"{_LUCENE}.document.FieldType")()
    kind.setTokenized(True)
    kind.setIndexOptions(java_class(f"{_LUCENE}.index.IndexOptions").DOCS_AND_FREQS)
    kind.freeze()
    return java_class(f"{_LUCENE}.document.Field")(
        name, "", as_java(f"{_LUCENE}.index.IndexableFieldType", kind), signature=_TEXT_FIELD_SIGNATURE
    )


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


class Bm25Searcher:
    """Ranks sentences by BM25; equal scores in the order of the dump. For one thread: pyjnius is not safe in several.

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

    def __init__(self, folder: str | Path, preset: Preset) -> None:
        self._folder = Path(folder)
        if not self._folder.is_dir():
            raise IndexNotFound("the text index is not here", path=folder, remedy=_REBUILD)
        self._java_exception = java_exception()
        searcher_class = java_class(f"{_LUCENE}.search.IndexSearcher")
        searcher_class.setMaxClauseCount(2**31 - 1)
        try:
            reader = java_class(f"{_LUCENE}.index.DirectoryReader").open(_directory(self._folder))
            self._searcher = searcher_class(as_java(f"{_LUCENE}.index.IndexReader", reader))
            self._searcher.setSimilarity(preset.make_similarity())
            self.documents = int(reader.numDocs())
        except self._java_exception as error:
            raise self._corrupt(error) from error
        self._analyzer = preset.make_analyzer()
        self._query_words = java_class("io.anserini.search.query.BagOfWordsQueryGenerator")().buildQuery

    def search(self, queries: Sequence[str], params: SearchParams) -> list[list[Hit]]:
        """Rank at most params.k sentences for each query; a query without tokens has none.

        Raises:
            UsageError: k is below 1, or the title boost below 0.
            IndexCorrupt: Lucene cannot read the index.
        """
        params.check()
        return [self._search_one(query, params) for query in queries]

    def _search_one(self, query: str, params: SearchParams) -> list[Hit]:
        if not self.documents:
            return []
        try:
            words = self._to_lucene(query, params.title_boost)
            found = self._searcher.search(words, min(params.k, self.documents)).scoreDocs
            stored = self._searcher.storedFields()
            return [Hit(rank, float(doc.score), _id_of(stored, doc.doc)) for rank, doc in enumerate(found, start=1)]
        except self._java_exception as error:
            raise self._corrupt(error) from error

    def _to_lucene(self, query: str, title_boost: float) -> Any:
        words = self._query_words(_CONTENTS, self._analyzer, _clean(query))
        if not title_boost:
            return words
        of_title = self._query_words(_TITLE, self._analyzer, _clean(query))
        kind, should = f"{_LUCENE}.search.Query", java_class(f"{_LUCENE}.search.BooleanClause$Occur").SHOULD
        boosted = java_class(f"{_LUCENE}.search.BoostQuery")(as_java(kind, of_title), float(title_boost))
        both = java_class(f"{_LUCENE}.search.BooleanQuery$Builder")()
        for part in (words, boosted):
            both.add(as_java(kind, part), should)
        return as_java(kind, both.build())

    def tokens(self, text: str) -> list[str]:
        """Give the tokens of a text, as the index has them."""
        analyze = java_class("io.anserini.analysis.AnalyzerUtils").analyze
        return [str(token) for token in analyze(self._analyzer, _clean(text)).toArray()]

    def explain(self, query: str, doc_id: str, title_boost: float = 0.0) -> str:
        """Give Lucene's account of a sentence's score, as indented text."""
        term = java_class(f"{_LUCENE}.search.TermQuery")(java_class(f"{_LUCENE}.index.Term")("id", doc_id))
        try:
            places = self._searcher.search(term, 1).scoreDocs
            if not places:
                return f"no sentence {doc_id}"
            return str(self._searcher.explain(self._to_lucene(query, title_boost), places[0].doc).toString())
        except self._java_exception as error:
            raise self._corrupt(error) from error

    def doc_ids(self) -> Iterator[str]:
        """Give the id of every sentence in the index, in index order."""
        try:
            stored = self._searcher.storedFields()
            for number in range(self.documents):
                yield _id_of(stored, number)
        except self._java_exception as error:
            raise self._corrupt(error) from error

    def _corrupt(self, error: Exception) -> IndexCorrupt:
        return IndexCorrupt(f"Lucene cannot read the index ({_reason(error)})", path=self._folder, remedy=_REBUILD)


def _id_of(stored_fields: Any, number: int) -> str:
    return str(stored_fields.document(number).get("id"))


def _reason(error: Exception) -> str:
    r"""Give what a Java exception says, without its stack.

    >>> _reason(OSError("JVM exception occurred: a.b.CorruptIndexException: truncated\n\ta.b.C.d(C.java:1)"))
    'a.b.CorruptIndexException: truncated'
    """
    text = str(error).partition("\n")[0].removeprefix("JVM exception occurred: ")
    names = text.split(": ")
    return ": ".join(names[1:]) if len(names) > 2 and names[0] == names[1] else text


def _clean(text: str) -> str:
    r"""Make a text that Java can hold: blanks for null characters, marks for lone surrogates.

    >>> _clean("a\0b")
    'a b'
    """
    return text.replace("\0", " ").encode("utf-8", "replace").decode("utf-8")
