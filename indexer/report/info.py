"""What is in an index folder, for people and programs: its manifest in short, and single documents by their ids."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from indexer.documents import page_of
from indexer.report.answers import printable
from schemas.errors import IndexCorrupt, InputError
from schemas.titles import canonical_file, file_page_url

if TYPE_CHECKING:
    from rich.console import Console

    from indexer.index import WikiIndex
    from schemas.manifest import Manifest

__all__ = ["find_document", "list_dropped", "list_rejects", "print_info", "summarise_manifest"]

_MARKUP = (
    "references",
    "tables",
    "galleries",
    "code_blocks",
    "extensions",
    "parser_functions",
    "cut_sections",
    "media",
)
"""Counters of what is dropped and is no template with a name."""


def summarise_manifest(manifest: Manifest) -> dict[str, Any]:
    """Return the values of a manifest, with rows and bytes of each table in place of the list of files."""
    values = asdict(manifest)
    shards = values.pop("shards")
    rows, sizes = Counter[str](), Counter[str]()
    for shard in shards:
        rows[shard["table"]] += shard["rows"] or 0
        sizes[shard["table"]] += shard["size_bytes"]
    return {**values, "rows": dict(rows), "size_bytes": dict(sizes), "total_bytes": sum(sizes.values())}


def list_rejects(folder: Path, manifest: Manifest, stage: str) -> Iterator[dict[str, str]]:
    """Read the rejects of a stage, with their reasons.

    Args:
        folder: of the index.
        manifest: of that folder.
        stage: "dump", "article" or "image". A reject of the last has `file_page`, the address of the picture's page.

    Raises:
        IndexCorrupt: a table cannot be read.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    for shard in manifest.shards:
        if shard.table != "rejects":
            continue
        try:
            rows = pq.read_table(folder / shard.path, filters=[("stage", "==", stage)]).to_pylist()
        except (OSError, pa.ArrowException) as error:
            remedy = "mie-index verify says what is damaged"
            raise IndexCorrupt(f"cannot be read ({error})", path=folder, place=shard.path, remedy=remedy) from error
        for row in rows:
            yield {**row, "file_page": file_page_url(row["id"])} if stage == "image" else row


def print_info(console: Console, folder: Path, manifest: Manifest) -> None:
    """Print a summary of an index: input, pages, tables, indexes and sizes."""
    from rich.table import Table
    from rich.text import Text

    about = summarise_manifest(manifest)
    table = Table(show_header=False, box=None, pad_edge=False)
    for name, value in _lines(folder, manifest, about):
        table.add_row(name, Text(printable(value)))
    console.print(table)


def _lines(folder: Path, manifest: Manifest, about: dict[str, Any]) -> list[tuple[str, str]]:
    """Return the lines of the summary: (name, value)."""
    fates = ", ".join(f"{count} {fate.replace('_', ' ')}" for fate, count in manifest.counts.items() if count)
    rows = [("index", str(folder)), ("built", manifest.created)]
    if manifest.is_partial:
        rows.append(("warning", "PARTIAL: input was lost, see the rejects"))
    rows += [
        ("dump", f"{file.path} ({file.size_bytes:,} bytes, dump of {file.dump_date or 'an unknown day'})")
        for file in manifest.inputs
    ]
    rows.append(("pages", f"{manifest.pages_read:,} read: {fates}"))
    for name, size in sorted(about["size_bytes"].items()):
        count = about["rows"][name]
        rows.append((name, f"{count:,} rows, {size:,} bytes" if count else f"{size:,} bytes"))
    rows += _template_lines(manifest)
    rows += _picture_lines(manifest.counters)
    rows.append(("text index", _text_line(manifest.text_index)))
    rows.append(("image index", _image_line(manifest.image_index)))
    rows.append(("versions", ", ".join(f"{name} {version}" for name, version in sorted(manifest.versions.items()))))
    rows.append(("total", f"{about['total_bytes']:,} bytes"))
    return rows


def _template_lines(manifest: Manifest) -> list[tuple[str, str]]:
    """Return how many articles say what they are, and how much is dropped inside prose."""
    counters = manifest.counters
    lines = [("descriptions", f"{counters.get('descriptions', 0):,} of {manifest.counts.get('kept', 0):,} articles")]
    if in_prose := counters.get("dropped_in_prose"):
        shown = counters.get("shown_by_argument_sum", 0)
        counts = f"{in_prose['known']:,} known and {in_prose['unknown']:,} unknown templates dropped"
        lines.append(("inside prose", f"{counts}, {shown:,} unknown shown by an argument; see info --dropped"))
    return lines


def list_dropped(manifest: Manifest) -> Iterator[dict[str, Any]]:
    """List what the cleaning of wikitext left out, or could only guess, by kind and name.

    Args:
        manifest: of the index.

    Yields:
        kind, name, number and an example ("" where there is none). Kinds: `known` and `unknown` are templates that show
        nothing inside a line of prose; `shown` unknown ones whose first plain argument stands in the sentence;
        `elsewhere` unknown ones on a line of their own, or in a box or table; `markup` everything else by its kind.
        The most frequent names come first; `(others)` sums those that the manifest does not list.
    """
    counters = manifest.counters
    examples = counters.get("template_examples", {})
    unknown, dropped = counters.get("dropped_unknown_in_prose", {}), counters.get("dropped_templates", {})
    in_prose = counters.get("dropped_in_prose", {})
    elsewhere = {name: number - unknown.get(name, 0) for name, number in dropped.items()}
    kinds = (
        ("known", counters.get("dropped_known_in_prose", {}), in_prose.get("known", 0)),
        ("unknown", unknown, in_prose.get("unknown", 0)),
        ("shown", counters.get("shown_by_argument", {}), counters.get("shown_by_argument_sum", 0)),
        ("elsewhere", elsewhere, counters.get("dropped_templates_sum", 0) - in_prose.get("unknown", 0)),
        ("markup", {name: counters.get(name, 0) for name in _MARKUP}, 0),
    )
    for kind, numbers, total in kinds:
        for name, number in sorted(numbers.items(), key=lambda item: (-item[1], item[0])):
            if number > 0:
                example = examples.get(name, "") if kind in ("known", "unknown", "shown") else ""
                yield {"kind": kind, "name": name, "number": number, "example": example}
        if total > sum(numbers.values()):
            yield {"kind": kind, "name": "(others)", "number": total - sum(numbers.values()), "example": ""}


def _picture_lines(counters: dict[str, Any]) -> list[tuple[str, str]]:
    """Return how many pictures came from each source, and how many are missing or broken for each reason."""
    lines = []
    for what, by in (("embedded", "source"), ("missing", "reason"), ("broken", "reason")):
        parts = counters.get(f"images_{what}_by_{by}", {})
        if parts:
            counts = ", ".join(f"{number:,} {part}" for part, number in parts.items())
            lines.append((f"pictures {what}", f"{sum(parts.values()):,}: {counts}"))
    return lines


def _text_line(section: dict[str, Any] | None) -> str:
    if section is None:
        return "none"
    return "{documents:,} sentences, preset {preset}, analyzer {analyzer}, k1 {k1}, b {b}".format(**section)


def _image_line(section: dict[str, Any] | None) -> str:
    if section is None:
        return "none: built without --images"
    text = "{vectors:,} vectors of {dim}, {kind}, {metric}, encoder {encoder}".format(**section)
    if section.get("recall_at_10") is not None:
        lists = "{nprobe} of {nlist} lists searched, " if section["nlist"] > 1 else ""
        text += (", " + lists + "recall@10 {recall_at_10}, {bytes_per_vector:,} bytes a vector").format(**section)
    return text


def find_document(index: WikiIndex, doc_id: str) -> dict[str, Any] | None:
    """Find a page, paragraph, sentence or file by its id.

    Args:
        index: an open index.
        doc_id: `12` is a page, `12#0` a paragraph of it, `12#0#3` a sentence of that; anything else names a file.

    Returns:
        The fields of the document by name; None if the index has no such document.

    Raises:
        StoreError: the tables cannot be read.
    """
    try:
        page_id = page_of(doc_id)
    except InputError:
        return _file(index, canonical_file(doc_id))
    documents = index.documents
    parts = doc_id.count("#")
    if parts == 0:
        page = documents.page(page_id)
        if page is None:
            return None
        paragraphs = [_paragraph(row) for row in documents.paragraphs_of(page_id)]
        facts = documents.facts_of(page_id)
        return {
            **asdict(page),
            **({} if facts is None else {"facts": [{fact.key: fact.value} for fact in facts]}),
            "paragraphs": paragraphs,
            "images": [_image(row) for row in documents.images_of(page_id)],
        }
    if parts == 1:
        found = [row for row in documents.paragraphs_of(page_id) if row.paragraph_id == doc_id]
        sentences = [s.text for s in documents.sentences_of(page_id) if s.paragraph_id == doc_id]
        return {**_described(index, _paragraph(found[0])), "sentences": sentences} if found else None
    sentence = next((row._asdict() for row in documents.sentences_of(page_id) if row.sentence_id == doc_id), None)
    return sentence and _described(index, sentence)


def _described(index: WikiIndex, row: dict[str, Any]) -> dict[str, Any]:
    """Return a row with the description of its article behind the title."""
    description = index.documents.descriptions([row["page_id"]])[row["page_id"]]
    at = list(row).index("title") + 1
    values = list(row.items())
    return dict([*values[:at], ("description", description), *values[at:]])


def _paragraph(row: Any) -> dict[str, Any]:
    return {**row._asdict(), "links": [link._asdict() for link in row.links]}


def _image(row: Any) -> dict[str, Any]:
    values = asdict(row)
    del values["intro"]
    return values


def _file(index: WikiIndex, file: str) -> dict[str, Any] | None:
    """Return a file with all its uses in articles; None if no article uses it."""
    uses = index.documents.uses_of(file)
    if not uses:
        return None
    return {
        "file": file,
        "file_page": file_page_url(file),
        "is_indexed": index.manifest.image_index is not None and bool(index.image_searcher.page_ids(file)),
        "uses": [_image(row) for row in uses],
    }
