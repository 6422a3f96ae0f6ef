"""An index folder: opened, checked against its manifest, and asked by text or by picture."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import replace
from pathlib import Path
from threading import RLock
from typing import TYPE_CHECKING, Any, TypeVar, cast

from indexer.documents import Documents
from indexer.search import Answer, Hit, SearchParams
from schemas.errors import IndexCorrupt, IndexMismatch, IndexNotFound, UsageError
from schemas.manifest import MANIFEST_NAME, Manifest, read_manifest

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL import Image

    from indexer.encoders import ImageEncoder
    from indexer.images import DenseSearcher
    from indexer.text import Bm25Searcher

__all__ = ["IMAGE_FOLDER", "TEXT_FOLDER", "WikiIndex"]

TEXT_FOLDER = "bm25"
IMAGE_FOLDER = "faiss"
_Key = TypeVar("_Key")
_Query = TypeVar("_Query")
_Part = TypeVar("_Part")
_REBUILD = "build the index again: beam run build_wiki_index --overwrite ..."


class WikiIndex:
    """A finished index folder. Its parts load at their first use, so that a text query loads no image library.

    Threads may share it: each part loads once, and the text view lets one of them search at a time.

    Args:
        folder: what `beam run build_wiki_index --output` made.

    Raises:
        IndexNotFound: the folder has no manifest.
        IndexMismatch: another schema version.
        IndexCorrupt: the manifest is not ours.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        self.manifest: Manifest = read_manifest(folder)
        self.documents = Documents(self.folder, self.manifest)
        self._loading = RLock()

    def _loaded(self, name: str, load: Callable[[], _Part]) -> _Part:
        """Return a part, loaded by whoever asks first; who asks for one that is there does not wait for another."""
        if name not in self.__dict__:
            with self._loading:
                if name not in self.__dict__:
                    self.__dict__[name] = load()
        return cast(_Part, self.__dict__[name])

    @property
    def text_searcher(self) -> Bm25Searcher:
        """The BM25 index.

        Raises:
            IndexNotFound: the folder holds none.
        """
        return self._loaded("text_searcher", self._load_text_searcher)

    def _load_text_searcher(self) -> Bm25Searcher:
        from indexer.text import Bm25Searcher, Preset

        section = self.manifest.text_index
        if section is None:
            raise IndexNotFound("this index has no text part", path=self.folder, remedy=_REBUILD)
        analyzer, k1, b, documents = self._values(section, analyzer=str, k1=float, b=float, documents=int)
        searcher = Bm25Searcher(self.folder / TEXT_FOLDER, Preset(analyzer, k1, b))
        if searcher.documents != documents:
            message = f"{searcher.documents} sentences, the manifest says {documents}"
            raise IndexMismatch(message, path=self.folder / TEXT_FOLDER, remedy=_REBUILD)
        return searcher

    @property
    def image_searcher(self) -> DenseSearcher:
        """The image index.

        Raises:
            IndexNotFound: the folder holds none.
        """
        return self._loaded("image_searcher", self._load_image_searcher)

    def _load_image_searcher(self) -> DenseSearcher:
        from indexer.images import DenseSearcher

        section = self.manifest.image_index
        if section is None:
            raise IndexNotFound(
                "this index was built without pictures",
                path=self.folder,
                remedy="build one with: beam run build_wiki_index --images DIR ...",
            )
        dim, vectors = self._values(section, dim=int, vectors=int)
        searcher = DenseSearcher(self.folder / IMAGE_FOLDER, dim=dim)
        if searcher.vectors != vectors:
            message = f"{searcher.vectors} vectors, the manifest says {vectors}"
            raise IndexMismatch(message, path=self.folder / IMAGE_FOLDER, remedy=_REBUILD)
        return searcher

    @property
    def encoder(self) -> ImageEncoder:
        """The encoder that made the vectors.

        Raises:
            IndexMismatch: the one on this machine has other weights.
            MissingDependency: there is none on this machine.
        """
        return self._loaded("encoder", self._load_encoder)

    def _load_encoder(self) -> ImageEncoder:
        searcher, section = self.image_searcher, self.manifest.image_index or {}
        spec, fingerprint = self._values(section, encoder=str, encoder_fingerprint=str)
        from indexer.encoders import make_encoder

        encoder = make_encoder(spec)
        if encoder.fingerprint != fingerprint or encoder.dim != searcher.dim:
            raise IndexMismatch(
                f"the vectors were made with other weights than this machine's {spec}",
                path=self.folder,
                remedy="use the weights of the build, or build the index again with --overwrite",
            )
        return encoder

    def with_constants(self, k1: float, b: float) -> WikiIndex:
        """Return this index with other constants of BM25, which act when it is asked; the tables are shared.

        Raises:
            IndexNotFound: the index has no text part.
        """
        if self.manifest.text_index is None:
            raise IndexNotFound("this index has no text part", path=self.folder, remedy=_REBUILD)
        other = copy(self)
        other.__dict__.pop("text_searcher", None)
        other.manifest = replace(self.manifest, text_index={**self.manifest.text_index, "k1": k1, "b": b})
        return other

    def search_text(self, queries: Sequence[str], k: int = 10, title_boost: float = 0.0) -> list[list[Answer]]:
        """Find the best k distinct paragraphs for each query; each comes with its best sentence.

        Args:
            queries: q texts.
            k: at least 1.
            title_boost: see `indexer.search.SearchParams`.

        Returns:
            q lists of at most k answers.
        """

        def search(some: Sequence[str], wanted: int) -> list[list[Hit]]:
            return self.text_searcher.search(some, SearchParams(wanted, title_boost))

        best = _distinct(queries, search, lambda hit: [_paragraph_of(hit.doc_id)], k)
        ranked = [[hit for _, hit in some] for some in best]
        hits = [hit for some in ranked for hit in some]
        ids = [hit.doc_id for hit in hits]
        sentences = dict(zip(ids, self.documents.sentence_texts(ids), strict=True))
        parts = self.documents.unlinked_paragraphs([_paragraph_of(doc_id) for doc_id in ids])
        paragraphs = {row.paragraph_id: row for row in parts}
        answers = []
        for some in ranked:
            rows = [(hit, sentences[hit.doc_id], paragraphs[_paragraph_of(hit.doc_id)]) for hit in some]
            answers.append(
                [
                    Answer("text", rank, hit.score, part.paragraph_id, part.title, key, part.text, part.section)
                    for rank, (hit, key, part) in enumerate(rows, start=1)
                ]
            )
        return answers

    def search_image(self, images: Sequence[Image.Image], k: int = 10) -> list[list[Answer]]:
        """Find the best k distinct articles for each picture; each comes with its best file.

        Args:
            images: q RGB pictures (`indexer.encoders.pixels.decode_image`).
            k: at least 1.

        Returns:
            q lists of at most k answers.
        """
        return self.search_vectors(self.encode_images(images), k) if images else []

    def search_image_by_text(self, queries: Sequence[str], k: int = 10) -> list[list[Answer]]:
        """Find the best k distinct articles whose pictures show what each text says.

        Args:
            queries: q texts.
            k: at least 1.

        Returns:
            q lists of at most k answers of the image view.

        Raises:
            UsageError: the index was built with an encoder that knows pictures only.
            MissingDependency: the encoder or its tokenizer is not on this machine.
        """
        return self.search_vectors(self.encoder.encode_texts(queries), k) if queries else []

    def encode_images(self, images: Sequence[Image.Image]) -> NDArray[np.float32]:
        """Return the unit vectors [q, dim] of q RGB pictures, by the encoder of the index."""
        return self.encoder.encode(list(images))

    def search_vectors(self, vectors: NDArray[np.float32], k: int = 10) -> list[list[Answer]]:
        """Find the best k distinct articles for each of q vectors [q, dim] of `encode_images`."""

        def search(some: Sequence[NDArray[np.float32]], wanted: int) -> list[list[Hit]]:
            return self.image_searcher.search(some, SearchParams(wanted))

        best = _distinct(list(vectors), search, lambda hit: self.image_searcher.page_ids(hit.doc_id), k)
        return [self._articles(some) for some in best]

    def _articles(self, best: list[tuple[int, Hit]]) -> list[Answer]:
        rows = self.documents.images([(hit.doc_id, page_id) for page_id, hit in best])
        return [
            Answer(
                "image", rank, hit.score, str(page), row.title, row.file, row.intro, row.section, row.file, row.caption
            )
            for rank, ((page, hit), row) in enumerate(zip(best, rows, strict=True), start=1)
        ]

    def _values(self, section: dict[str, Any], **kinds: type) -> list[Any]:
        """Take values out of the manifest, each of its type."""
        for name, kind in kinds.items():
            if not isinstance(section.get(name), (int, float) if kind is float else kind):
                place = f"{MANIFEST_NAME}, {name}"
                raise IndexCorrupt(
                    f"{section.get(name)!r} is no {kind.__name__}", path=self.folder, place=place, remedy=_REBUILD
                )
        return [kind(section[name]) for name, kind in kinds.items()]


def _paragraph_of(sentence_id: str) -> str:
    """Return the paragraph's id in a sentence's.

    >>> _paragraph_of("12#3#1")
    '12#3'
    """
    return sentence_id.rpartition("#")[0]


def _distinct(
    queries: Sequence[_Query],
    search: Callable[[Sequence[_Query], int], list[list[Hit]]],
    keys: Callable[[Hit], list[_Key]],
    k: int,
) -> list[list[tuple[_Key, Hit]]]:
    """Return each query its k best different keys, each with its best hit.

    Several hits may share a key: queries that have too few keys are asked again for more hits, while there are more.
    """
    if k < 1:
        raise UsageError(f"k is {k}", remedy="give k of at least 1")
    found: list[list[tuple[_Key, Hit]]] = [[] for _ in queries]
    waiting, wanted = list(range(len(queries))), 2 * k
    while waiting:
        ranked = search([queries[at] for at in waiting], wanted)
        unsure = []
        for at, hits in zip(waiting, ranked, strict=True):
            best: dict[_Key, Hit] = {}
            for hit in hits:
                for key in keys(hit):
                    best.setdefault(key, hit)
            found[at] = list(best.items())[:k]
            if len(best) < k and len(hits) == wanted:
                unsure.append(at)
        waiting, wanted = unsure, 4 * wanted
    return found
