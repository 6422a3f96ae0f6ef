"""Builds the Lucene index of sentences: from Parquet in one pass, or merged from the indexes of shards."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from indexer.text.jvm import as_java, in_java, java_class, java_exception
from indexer.text.lucene import CONTENTS, ID, LUCENE, PAGE, TITLE, open_directory, reason_of
from indexer.text.method_handles import BatchAdder, find_method
from indexer.text.presets import Preset, preset_of
from schemas.errors import IndexCorrupt, IndexMismatch, IndexNotFound, StoreError
from schemas.tables import SENTENCES, check_table

__all__ = ["build_bm25", "merge_bm25"]

BUFFER_MB = 128.0
"""Postings held in memory before Lucene writes them as a segment."""
BATCH_ROWS = 4096
"""Rows handed to Java at once; larger batches are not faster (docs/decisions/0011)."""
_ANALYZER_KEY = "analyzer"
_TEXT_FIELD_SIGNATURE = "(Ljava/lang/String;Ljava/lang/CharSequence;Lorg/apache/lucene/index/IndexableFieldType;)V"
_READERS = f"[L{LUCENE}.index.CodecReader;"
_REBUILD = "build the index again: beam run build_wiki_index --overwrite ..."


@in_java
def build_bm25(
    sentence_files: Sequence[Path],
    out_dir: Path,
    preset: str = "more",
    progress: Callable[[int], None] | None = None,
) -> dict[str, Any]:
    """Index every sentence, in the order of the files and rows, into one Lucene segment.

    The index holds sentence ids and postings (of the text, and of the title as a field of its own) but no text. It
    is built under a temporary name and renamed. Indexes of consecutive shards merge to the same (`merge_bm25`).

    Args:
        sentence_files: Parquet shards of Sentence.
        out_dir: the folder to make; one that exists is replaced.
        preset: a key of PRESETS.
        progress: called after each batch with the number of sentences indexed so far.

    Returns:
        The manifest's `text_index`: preset, analyzer, k1, b, documents.

    Raises:
        UsageError: no such preset.
        MissingDependency: there is no Java.
        IndexCorrupt: a shard is not a table of sentences.
        StoreError: the index cannot be written, for instance because the disk is full.
    """
    chosen = preset_of(preset)
    for path in sentence_files:
        check_table(path, SENTENCES)
    with _new_index(out_dir, chosen) as writer:
        documents = _add_rows(writer, sentence_files, progress)
        writer.forceMerge(1)
    return _section(preset, documents)


@in_java
def merge_bm25(shard_dirs: Sequence[Path], out_dir: Path, preset: str = "more") -> dict[str, Any]:
    """Merge the indexes of shards, in this order, into the index that one build of all their sentences makes.

    Hits, scores and order are equal, because Lucene takes its statistics from the merged index. The shards are read
    once and left as they are.

    Args:
        shard_dirs: what `build_bm25` made of consecutive shards.
        out_dir: the folder to make; one that exists is replaced.
        preset: that of the shards.

    Returns:
        The manifest's `text_index`, as of `build_bm25`.

    Raises:
        UsageError: no such preset.
        IndexNotFound: a shard's index is not there.
        IndexMismatch: a shard was built with another analyzer.
        IndexCorrupt: Lucene cannot read a shard.
        StoreError: the index cannot be written.
    """
    chosen = preset_of(preset)
    readers = []
    try:
        for folder in shard_dirs:
            readers.append(_open_shard(folder, chosen))  # noqa: PERF401 (where one fails, those before it must be closed)
        leaves = [leaf.reader() for reader in readers for leaf in reader.leaves().toArray()]
        documents = sum(int(reader.numDocs()) for reader in readers)
        with _new_index(out_dir, chosen) as writer:
            if leaves:
                add_readers = find_method(f"{LUCENE}.index.IndexWriter", "addIndexes", "long", _READERS)
                add_readers.invokeWithArguments(writer, *leaves)  # pyjnius does not find this overload by itself
            writer.forceMerge(1)
    finally:
        for reader in readers:
            reader.close()
    return _section(preset, documents)


def _section(preset: str, documents: int) -> dict[str, Any]:
    chosen = preset_of(preset)
    return {"preset": preset, "analyzer": chosen.analyzer, "k1": chosen.k1, "b": chosen.b, "documents": documents}


@contextmanager
def _new_index(out_dir: Path, preset: Preset) -> Iterator[Any]:
    """Yield an IndexWriter on a temporary folder, which is renamed to out_dir when the block ends without an error."""
    temporary = out_dir.with_name(f".{out_dir.name}.tmp")
    failures = (OSError, java_exception())
    try:
        shutil.rmtree(temporary, ignore_errors=True)
        temporary.mkdir(parents=True)
        writer = java_class(f"{LUCENE}.index.IndexWriter")(open_directory(temporary), _writer_settings(preset))
        try:
            yield writer
            # The analyzer goes into the commit itself, so that a merge can refuse shards of another one.
            writer.setLiveCommitData(java_class("java.util.Map").of(_ANALYZER_KEY, preset.analyzer).entrySet())
            writer.close()
        except BaseException:
            with suppress(java_exception()):
                writer.rollback()
            raise
        (temporary / "write.lock").unlink(missing_ok=True)
        shutil.rmtree(out_dir, ignore_errors=True)
        temporary.replace(out_dir)
    except failures as error:
        raise StoreError(
            f"the text index cannot be written ({reason_of(error)})",
            path=out_dir,
            remedy="free disk space or choose a folder that you may write to, then give the command again",
        ) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _writer_settings(preset: Preset) -> Any:
    settings = java_class(f"{LUCENE}.index.IndexWriterConfig")(preset.make_analyzer())
    settings.setSimilarity(preset.make_similarity())
    settings.setMergePolicy(java_class(f"{LUCENE}.index.LogByteSizeMergePolicy")())  # the default one reorders segments
    settings.setUseCompoundFile(False)
    settings.setRAMBufferSizeMB(BUFFER_MB)
    return settings


def _add_rows(writer: Any, sentence_files: Sequence[Path], progress: Callable[[int], None] | None) -> int:
    doc_id = java_class(f"{LUCENE}.document.StoredField")(ID, "")
    page = java_class(f"{LUCENE}.document.StringField")(PAGE, "", java_class(f"{LUCENE}.document.Field$Store").NO)
    fields = [doc_id, page, _words_field(TITLE), _words_field(CONTENTS)]
    document = java_class(f"{LUCENE}.document.Document")()
    for field in fields:
        document.add(field)
    adder = BatchAdder(writer, document, fields)
    try:
        for columns in _batches(sentence_files):
            adder.add(columns)
            if progress:
                progress(adder.done)
        adder.finish()
        if progress:
            progress(adder.done)
    finally:
        adder.close()
    return adder.done


def _words_field(name: str) -> Any:
    """Make a field of tokens and their counts: no text is stored, and no positions, which BM25 does not read."""
    kind = java_class(f"{LUCENE}.document.FieldType")()
    kind.setTokenized(True)
    kind.setIndexOptions(java_class(f"{LUCENE}.index.IndexOptions").DOCS_AND_FREQS)
    kind.freeze()
    return java_class(f"{LUCENE}.document.Field")(
        name, "", as_java(f"{LUCENE}.index.IndexableFieldType", kind), signature=_TEXT_FIELD_SIGNATURE
    )


def _batches(files: Sequence[Path]) -> Iterator[list[list[str]]]:
    import pyarrow.parquet as pq

    for path in files:
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(BATCH_ROWS, columns=["sentence_id", "title", "text"], use_threads=False):
                ids, titles, texts = (column.to_pylist() for column in batch.columns)
                yield [ids, [doc_id.partition("#")[0] for doc_id in ids], titles, texts]


def _open_shard(folder: Path, preset: Preset) -> Any:
    if not folder.is_dir():
        raise IndexNotFound("the text index of a shard is not here", path=folder, remedy=_REBUILD)
    try:
        reader = java_class(f"{LUCENE}.index.DirectoryReader").open(open_directory(folder))
        analyzer = reader.getIndexCommit().getUserData().get(_ANALYZER_KEY)
    except java_exception() as error:
        raise IndexCorrupt(f"Lucene cannot read it ({reason_of(error)})", path=folder, remedy=_REBUILD) from error
    if analyzer != preset.analyzer:
        reader.close()
        message = f"the shard was built with analyzer {analyzer}, {preset.analyzer} is expected"
        raise IndexMismatch(message, path=folder, remedy="build every shard with one --bm25-preset")
    return reader
