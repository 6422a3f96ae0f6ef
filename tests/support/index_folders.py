"""Small index folders for tests: tables, both indexes and manifest, written without the job."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from schemas.manifest import InputFile, Manifest, Shard, sha256_file, write_manifest
from schemas.records import ArticleImage, ImageEmbedding, Link, PageRow, Paragraph, Sentence
from schemas.tables import TABLES, embeddings_schema

ROWS_OF_A_GROUP = 4
"""Small, so that articles lie in several row groups and row groups hold several articles."""


@dataclass
class Page:
    """An article: paragraphs are lists of sentences, images map a file to its caption."""

    page_id: int
    title: str
    paragraphs: Sequence[Sequence[str]]
    images: Mapping[str, str] = field(default_factory=dict)
    links: Mapping[int, Sequence[Link]] = field(default_factory=dict)
    description: str = ""

    def rows(self) -> dict[str, list[Any]]:
        texts = [" ".join(sentences) for sentences in self.paragraphs]
        sentences = [
            Sentence(f"{self.page_id}#{p}#{s}", f"{self.page_id}#{p}", self.page_id, self.title, text)
            for p, some in enumerate(self.paragraphs)
            for s, text in enumerate(some)
        ]
        paragraphs = [
            Paragraph(f"{self.page_id}#{p}", self.page_id, self.title, "", text, tuple(self.links.get(p, ())))
            for p, text in enumerate(texts)
        ]
        images = [
            ArticleImage(file, self.page_id, self.title, caption, "", position, texts[0] if texts else "", "")
            for position, (file, caption) in enumerate(self.images.items())
        ]
        page = PageRow(self.page_id, 1, self.title, 0, "kept" if texts else "empty", None, 100, self.description)
        tables = {"pages": [page], "sentences": sentences, "paragraphs": paragraphs, "images": images}
        return {**tables, "rejects": [], "ledger": []}


def write_rows(path: Path, schema: pa.Schema, rows: Iterable[Any]) -> Path:
    """Write records as one Parquet file of small row groups."""
    path.parent.mkdir(parents=True, exist_ok=True)
    table = pa.Table.from_pylist([to_row(row) for row in rows], schema=schema)
    with pq.ParquetWriter(path, schema) as writer:
        writer.write_table(table, row_group_size=ROWS_OF_A_GROUP)
    return path


def to_row(record: Any) -> dict[str, Any]:
    values = dict(record._asdict()) if isinstance(record, tuple) else asdict(record)
    if "links" in values:
        values["links"] = [link._asdict() for link in record.links]
    return values


def write_sentences(path: Path, texts: Iterable[str], *, title: str = "T", page_id: int = 1) -> Path:
    """Write a shard of sentences, all of one paragraph."""
    rows = [Sentence(f"{page_id}#0#{n}", f"{page_id}#0", page_id, title, text) for n, text in enumerate(texts)]
    return write_rows(path, TABLES["sentences"], rows)


def make_folder(
    folder: Path,
    shards: Sequence[Sequence[Page]],
    *,
    preset: str = "more",
    vectors: Mapping[str, Sequence[float]] | None = None,
    encoder: str = "efficientnet-lite0",
    encoder_fingerprint: str = "weights of the test",
) -> Path:
    """Write a whole index folder: one part of each table for each shard; an image index where there are vectors."""
    from indexer.images import build_dense
    from indexer.text import build_bm25

    for number, pages in enumerate(shards):
        for table, schema in TABLES.items():
            rows = [row for page in pages for row in page.rows()[table]]
            write_rows(folder / table / f"part-{number:05d}.parquet", schema, rows)
    text_index = build_bm25(sorted((folder / "sentences").iterdir()), folder / "bm25", preset)
    image_index = None
    if vectors is not None:
        dim = len(next(iter(vectors.values())))
        rest = ("0" * 64, 8, 8, "dir:photos", "")
        rows = [ImageEmbedding(file, tuple(vector), *rest) for file, vector in vectors.items()]
        embeddings = write_rows(folder / "embeddings" / "part-00000.parquet", embeddings_schema(dim), rows)
        images = sorted((folder / "images").iterdir())
        image_index = build_dense(
            [embeddings], images, folder / "faiss", encoder=encoder, encoder_fingerprint=encoder_fingerprint
        )
    write_manifest(folder, describe(folder, shards, text_index, image_index))
    return folder


def describe(
    folder: Path, shards: Sequence[Sequence[Page]], text_index: dict[str, Any], image_index: dict[str, Any] | None
) -> Manifest:
    """Describe what lies in the folder, as the job does when it is done."""
    pages = [page for some in shards for page in some]
    kept = sum(bool(page.paragraphs) for page in pages)
    return Manifest(
        config={"bm25_preset": text_index["preset"]},
        fingerprint="0" * 64,
        inputs=(InputFile("enwiki-20260101-pages.xml", 1, "0" * 64, "2026-01-01"),),
        pages_read=len(pages),
        counts={"kept": kept, "empty": len(pages) - kept},
        counters={},
        shards=tuple(to_shard(folder, path) for path in sorted(folder.rglob("*")) if path.is_file()),
        text_index=text_index,
        image_index=image_index,
        versions={"mie-context": "0"},
        created="2026-01-01T00:00:00+00:00",
    )


def to_shard(folder: Path, path: Path) -> Shard:
    is_table = path.suffix == ".parquet"
    rows = pq.read_metadata(path).num_rows if is_table else None
    name = path.relative_to(folder)
    return Shard(name.parts[0], name.as_posix(), rows, path.stat().st_size, sha256_file(path))
