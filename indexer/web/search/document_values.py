"""A document of the index as its page shows it: paragraphs with their links, sentences, neighbours, and pictures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple
from urllib.parse import quote, urlencode

from indexer.documents import page_of
from indexer.index import WikiIndex
from indexer.report import find_document
from indexer.web.pictures import IndexPictures
from schemas.errors import InputError
from schemas.records import ArticleImage, Link, Paragraph
from schemas.titles import file_page_url

__all__ = ["LinkedPiece", "describe_document", "link_pieces"]

_TITLE_BOOST = 2
"""A link leads to a search for its article by title. Source: the entity mode of KB-NER (see `SearchParams`)."""


class LinkedPiece(NamedTuple):
    """A piece of a paragraph, and the URL in the inspector that it links to."""

    text: str
    href: str | None


def describe_document(index: WikiIndex, doc_id: str, pictures: IndexPictures) -> dict[str, Any] | None:
    """Return the values for the page of a document; None if the index holds no document of this id.

    Args:
        index: opened.
        doc_id: of a page, paragraph or sentence, or a file's name.
        pictures: of the index.
    """
    try:
        page_id = page_of(doc_id)
    except InputError:
        return _describe_file(index, doc_id, pictures)
    page = index.documents.page(page_id)
    if page is None:
        return None
    # 12 is a page, 12#3 its fourth paragraph, 12#3#1 the second sentence of that paragraph.
    rows = index.documents.paragraphs_of(page_id)
    paragraph_id = "#".join(doc_id.split("#")[:2]) if "#" in doc_id else None
    position = next((number for number, row in enumerate(rows) if row.paragraph_id == paragraph_id), None)
    if paragraph_id is not None and position is None:
        return None
    sentences = [row for row in index.documents.sentences_of(page_id) if row.paragraph_id == paragraph_id]
    if doc_id.count("#") == 2 and all(row.sentence_id != doc_id for row in sentences):
        return None
    return {
        "kind": "page" if position is None else "paragraph",
        "doc_id": doc_id,
        "page": page,
        "paragraphs": [
            _describe_paragraph(row) for row in (rows if position is None else rows[position : position + 1])
        ],
        "sentences": sentences,
        "before": rows[position - 1].paragraph_id if position else None,
        "after": rows[position + 1].paragraph_id if position is not None and position + 1 < len(rows) else None,
        "count": len(rows),
        "images": [_describe_image(row, pictures) for row in index.documents.images_of(page_id)],
        "redirect": None if page.redirect_target is None else _title_search_url(page.redirect_target),
    }


def _describe_file(index: WikiIndex, name: str, pictures: IndexPictures) -> dict[str, Any] | None:
    file = find_document(index, name)
    if file is None:
        return None
    images = [_describe_image(row, pictures) for row in index.documents.uses_of(file["file"])]
    return {"kind": "file", "doc_id": file["file"], "file": file, "images": images}


def _describe_paragraph(row: Paragraph) -> dict[str, Any]:
    return {
        "id": row.paragraph_id,
        "href": "/doc/" + quote(row.paragraph_id),
        "section": row.section,
        "pieces": list(link_pieces(row.text, row.links)),
    }


def _describe_image(row: ArticleImage, pictures: IndexPictures) -> dict[str, Any]:
    return {
        "file": row.file,
        "title": row.title,
        "caption": row.caption,
        "section": row.section,
        "picture": pictures.url(row),
        "commons": file_page_url(row.file),
        "href": f"/doc/{row.page_id}",
    }


def link_pieces(text: str, links: Sequence[Link]) -> Iterator[LinkedPiece]:
    """Cut a paragraph at its links; joined, the pieces are the text again. A link that overlaps an earlier one is text.

    >>> [piece.text for piece in link_pieces("Tea is hot.", [Link(0, 3, "Tea")])]
    ['Tea', ' is hot.']
    """
    done = 0
    for link in sorted(links):
        if done <= link.start < link.end <= len(text):
            if link.start > done:
                yield LinkedPiece(text[done : link.start], None)
            yield LinkedPiece(text[link.start : link.end], _title_search_url(link.target))
            done = link.end
    if done < len(text):
        yield LinkedPiece(text[done:], None)


def _title_search_url(title: str) -> str:
    return "/?" + urlencode({"q": title.partition("#")[0][:200], "title_boost": _TITLE_BOOST})
