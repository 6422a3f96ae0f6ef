"""The words of `--images`: which source each of them names, and in which order the sources are tried."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from pipelines.images import ContainerSource, FolderSource, ImageSource, SourceChain, StoreSource
from pipelines.stages import ImageInput, PictureInput, VectorInput
from pipelines.storage import STORES
from schemas.errors import UsageError

__all__ = ["SCHEMES", "make_image_input", "make_image_source", "split_specs"]

SCHEMES = ("dir", "tar", "parquet", "zim", "commons", "vectors")
"""What may stand before the colon of `--images SCHEME:WHERE`; a bare path means dir."""

_NEXT_SPEC = re.compile(rf",(?=(?:{'|'.join(SCHEMES)}):|(?:{'|'.join(STORES)})://)")
_REMEDY = (
    "give --images DIR, dir:DIR, tar:GLOB, parquet:GLOB, zim:FILE or commons:, in order of preference; "
    "or vectors:GLOB alone"
)


def split_specs(words: Sequence[str]) -> list[str]:
    """Split the values of `--images` into specs, at commas before a scheme: a comma in a path stays there.

    >>> split_specs(["photos, old,zim:wiki.zim,commons:", "tar:a.tar"])
    ['photos, old', 'zim:wiki.zim', 'commons:', 'tar:a.tar']
    """
    return [spec for word in words for spec in _NEXT_SPEC.split(word)]


def make_image_input(words: Sequence[str], contact: str | None = None) -> ImageInput:
    """Make what `--images` names: sources of pictures in order of preference, or vectors. Nothing is opened yet.

    Args:
        words: the values of `--images`; each is one spec, or several with commas between.
        contact: mail or web address of the operator, which commons: needs.

    Raises:
        UsageError: an unknown scheme, nothing after it, no contact, or vectors beside another source.

    >>> make_image_input(["photos,zim:wiki.zim"]).specs
    ['dir:photos', 'zim:wiki.zim']
    """
    specs = split_specs(words)
    if any(spec.startswith("vectors:") for spec in specs):
        from pipelines.images import make_vector_source

        if len(specs) > 1:
            raise UsageError(
                "vectors: stands alone: vectors that were given are never mixed with others",
                remedy="build one index from vectors, another from pictures",
            )
        return VectorInput(make_vector_source(specs[0].partition(":")[2]))
    repeated = next((spec for at, spec in enumerate(specs) if spec in specs[:at]), None)
    if repeated is not None:
        raise UsageError(f"the image source {repeated} is named twice", remedy="name it once")
    return PictureInput(SourceChain(tuple(make_image_source(spec, contact) for spec in specs)))


def make_image_source(spec: str, contact: str | None = None) -> ImageSource:
    """Make the source of one spec; nothing is opened yet.

    Args:
        spec: `DIR`, `dir:DIR`, the URL of a folder, `tar:GLOB`, `parquet:GLOB`, `zim:FILE` or `commons:`.
        contact: mail or web address of the operator, which commons: needs.

    Raises:
        UsageError: an unknown scheme, nothing after it, or no contact.

    >>> make_image_source("dir:photos").spec
    'dir:photos'
    """
    if "://" in spec and spec.partition("://")[0] in STORES:
        return StoreSource(spec.rstrip("/"))
    scheme, colon, rest = spec.partition(":")
    if colon and scheme == "commons":
        from pipelines.commons import make_commons_source

        return make_commons_source(rest, contact)
    if colon and scheme in ("tar", "parquet", "zim"):
        if not rest:
            raise UsageError(f"the image source {spec} names no file", remedy=_REMEDY)
        return ContainerSource(scheme, rest)
    # A word of letters before a colon is a scheme, unless a file of that name is there; C:\ is a path of Windows.
    if colon and scheme != "dir" and scheme.isalnum() and len(scheme) > 1 and not Path(spec).exists():
        known = ", ".join(SCHEMES)
        raise UsageError(f"there is no image source {scheme!r}; those that exist: {known}", remedy=_REMEDY)
    folder = rest if colon and scheme == "dir" else spec
    if not folder:
        raise UsageError("the image source names no folder", remedy=_REMEDY)
    return FolderSource(folder)
