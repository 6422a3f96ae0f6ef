"""An index folder: opened, checked against its manifest, and searched by text or by picture."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import replace
from pathlib import Path
from threading import RLock
from typing import TYPE_CHECKING, Any, TypeVar, cast

from indexer.documents import Documents
from indexer.encoders import parse_spec
from indexer.search import Answer, Hit, SearchParams, search_distinct
from schemas.errors import IndexCorrupt, IndexMismatch, IndexNotFound, UsageError
from schemas.manifest import MANIFEST_NAME, Manifest, read_manifest
from schemas.records import DEFAULT_K, ArticleImage

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
_Lazy = TypeVar("_Lazy")
_REBUILD = "build the index again: beam run build_wiki_index --overwrite ..."


class WikiIndex:
    """A finished index folder. Searchers and encoder load at their first use: a text query loads no image library.

    Threads may share it: everything loads once, and the text view lets one thread search at a time.

    Args:
        folder: what `beam run build_wiki_index --output` made.

    Raises:
        IndexNotFound: the folder has no manifest.
        IndexMismatch: the manifest has another schema version.
        IndexCorrupt: the manifest is not one of ours.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        self.manifest: Manifest = read_manifest(folder)
        self.documents = Documents(self.folder, self.manifest)
        self._loading = RLock()  # it nests: loading the encoder loads the image searcher

    def _loaded(self, name: str, load: Callable[[], _Lazy]) -> _Lazy:
        """Return an attribute; the first thread that reads it loads it, later ones read it without the lock."""
        if name not in self.__dict__:
            with self._loading:
                if name not in self.__dict__:  # another thread may have loaded it in the meantime
                    self.__dict__[name] = load()
        return cast(_Lazy, self.__dict__[name])

    @property
    def text_searcher(self) -> Bm25Searcher:
        """The searcher of the text view.

        Raises:
            IndexNotFound: the folder has no text index.
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
        """The searcher of the image view.

        Raises:
            IndexNotFound: the folder has no image index.
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
            IndexMismatch: the encoder of that name on this machine has other weights.
            MissingDependency: the encoder is not on this machine.
        """
        return self._loaded("encoder", self._load_encoder)

    @property
    def finds_pictures_by_words(self) -> bool:
        """Whether words can find pictures: whether the encoder of the index has a text tower."""
        try:
            return parse_spec(str((self.manifest.image_index or {}).get("encoder"))).reads_words
        except UsageError:  # no image index, or an encoder that this version does not know
            return False

    def _load_encoder(self) -> ImageEncoder:
        # The index first: its errors come before torch is loaded, which takes seconds.
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
        """Return this index with other constants of BM25, which apply when it is searched; the tables are shared.

        Raises:
            IndexNotFound: the index has no text part.
        """
        if self.manifest.text_index is None:
            raise IndexNotFound("this index has no text part", path=self.folder, remedy=_REBUILD)
        other = copy(self)  # shares the tables, and everything else that is loaded
        other.__dict__.pop("text_searcher", None)
        other.manifest = replace(self.manifest, text_index={**self.manifest.text_index, "k1": k1, "b": b})
        return other

    def search_text(self, queries: Sequence[str], k: int = DEFAULT_K, title_boost: float = 0.0) -> list[list[Answer]]:
        """Find the best k distinct paragraphs for each query; each comes with its best sentence.

        Args:
            queries: q texts.
            k: at least 1.
            title_boost: see `indexer.search.SearchParams`.

        Returns:
            q lists of at most k answers.

        Raises:
            UsageError: k is below 1, or the title boost below 0.
        """
        SearchParams(k).check()

        def search(texts: Sequence[str], n: int) -> list[list[Hit]]:
            return self.text_searcher.search(texts, SearchParams(n, title_boost))

        # Twice k hits first: several sentences of one paragraph are often among the best.
        found = search_distinct(queries, search, lambda hit: [_paragraph_of(hit.doc_id)], k, first=2 * k)
        return self._paragraph_answers([[hit for _, hit in pairs] for pairs in found])

    def _paragraph_answers(self, ranked: Sequence[Sequence[Hit]]) -> list[list[Answer]]:
        """Make an answer of each hit; texts of all queries are fetched together, because they share row groups."""
        ids = [hit.doc_id for hits in ranked for hit in hits]
        sentences = dict(zip(ids, self.documents.sentence_texts(ids), strict=True))
        rows = self.documents.unlinked_paragraphs([_paragraph_of(doc_id) for doc_id in ids])
        paragraphs = dict(zip(ids, rows, strict=True))
        descriptions = self.documents.descriptions(row.page_id for row in rows)

        def answer(rank: int, hit: Hit) -> Answer:
            row = paragraphs[hit.doc_id]
            sentence, description = sentences[hit.doc_id], descriptions[row.page_id]
            texts = (row.title, sentence, row.text, row.section)
            return Answer("text", rank, hit.score, row.paragraph_id, *texts, description=description)

        return [[answer(rank, hit) for rank, hit in enumerate(hits, start=1)] for hits in ranked]

    def search_image(self, images: Sequence[Image.Image], k: int = DEFAULT_K) -> list[list[Answer]]:
        """Find the best k distinct articles for each picture; each comes with its best file.

        Args:
            images: q RGB pictures (`indexer.encoders.decode_image`).
            k: at least 1.

        Returns:
            q lists of at most k answers.
        """
        return self.search_vectors(self.encode_images(images), k) if images else []

    def search_image_by_text(self, queries: Sequence[str], k: int = DEFAULT_K) -> list[list[Answer]]:
        """Find the best k distinct articles for each text, by the pictures that are nearest to the text.

        Args:
            queries: q texts.
            k: at least 1.

        Returns:
            q lists of at most k answers of the image view.

        Raises:
            UsageError: the encoder of the index has no text tower.
            MissingDependency: the encoder or its tokenizer is not on this machine.
        """
        return self.search_vectors(self.encoder.encode_texts(queries), k) if queries else []

    def encode_images(self, images: Sequence[Image.Image]) -> NDArray[np.float32]:
        """Return the unit vectors [q, dim] of q RGB pictures, by the encoder of the index."""
        return self.encoder.encode(list(images))

    def search_vectors(self, vectors: NDArray[np.float32], k: int = DEFAULT_K) -> list[list[Answer]]:
        """Find the best k distinct articles for each vector; each comes with its best file.

        Args:
            vectors: [q, dim] float32, of `encode_images`.
            k: at least 1.

        Returns:
            q lists of at most k answers.
        """
        SearchParams(k).check()

        def search(rows: Sequence[NDArray[np.float32]], n: int) -> list[list[Hit]]:
            return self.image_searcher.search(rows, SearchParams(n))

        found = search_distinct(
            list(vectors), search, lambda hit: self.image_searcher.page_ids(hit.doc_id), k, first=2 * k
        )
        return [self._article_answers(pairs) for pairs in found]

    def _article_answers(self, pairs: Sequence[tuple[int, Hit]]) -> list[Answer]:
        """Make an answer of each (page_id, hit)."""
        rows = self.documents.images([(hit.doc_id, page_id) for page_id, hit in pairs])
        descriptions = self.documents.descriptions(page_id for page_id, _ in pairs)

        def answer(rank: int, page_id: int, score: float, row: ArticleImage) -> Answer:
            place = {"section": row.section, "file": row.file, "caption": row.caption}
            place["description"] = descriptions[page_id]
            return Answer("image", rank, score, str(page_id), row.title, row.file, row.intro, **place)

        return [
            answer(rank, page_id, hit.score, row)
            for rank, ((page_id, hit), row) in enumerate(zip(pairs, rows, strict=True), start=1)
        ]

    def _values(self, section: dict[str, Any], **kinds: type) -> list[Any]:
        """Return values of a section of the manifest, in the order of their names.

        Raises:
            IndexCorrupt: a value is absent or of another type.
        """
        for name, kind in kinds.items():
            # JSON writes a float that is whole as an integer.
            if not isinstance(section.get(name), (int, float) if kind is float else kind):
                message, place = f"{section.get(name)!r} is no {kind.__name__}", f"{MANIFEST_NAME}, {name}"
                raise IndexCorrupt(message, path=self.folder, place=place, remedy=_REBUILD)
        return [kind(section[name]) for name, kind in kinds.items()]


def _paragraph_of(sentence_id: str) -> str:
    """Return the id of the paragraph that a sentence belongs to.

    >>> _paragraph_of("12#3#1")
    '12#3'
    """
    return sentence_id.rpartition("#")[0]
