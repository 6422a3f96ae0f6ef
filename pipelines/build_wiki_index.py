"""The job: a dump becomes an index folder. A killed run goes on where it stopped; one that is done does nothing."""

from __future__ import annotations

import datetime
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pipelines.beam import LocalWorkers, check_beam_options, full_disk
from pipelines.images import VectorSource
from pipelines.job import Stages, count_all, describe_inputs, find_inputs, library_versions, plan_shards
from pipelines.stages import BuildRequest, BuildSettings, EarlierIndex, RunOptions, describe_images
from pipelines.storage import Output, open_output
from schemas.display import Progress
from schemas.errors import IndexCorrupt, InputError, StoreError, UsageError
from schemas.manifest import InputFile, Manifest, fingerprint

__all__ = ["Outcome", "build_wiki_index"]


@dataclass(frozen=True)
class Outcome:
    """What a run came to. is_new: false if the index was there already. seconds: by stage, of this run."""

    manifest: Manifest
    is_new: bool
    seconds: dict[str, float]


def build_wiki_index(request: BuildRequest, progress: Progress) -> Outcome:
    """Build the index folder of a dump, or find that it is there.

    Args:
        request: what to build.
        progress: shows the stages.

    Raises:
        UsageError: the output must not be written.
        InputError: a dump cannot be read, or a part of it is lost and that is not allowed.
        StoreError: the disk is full, or the index that is there is damaged.
        MissingDependency: the image encoder's weights, or Java, are not there.
    """
    try:
        return _build(request, progress)
    except OSError as error:
        full = full_disk(error, request.output)
        if full is None:
            raise
        raise full from error


def _build(request: BuildRequest, progress: Progress) -> Outcome:
    check_beam_options(request.options.beam, str(request.output))
    output = open_output(request.output)
    output.check(overwrite=True)  # a folder of somebody else's is refused before anything is read
    paths = find_inputs(request.dumps, request.dump_index)
    if request.images is not None and any(
        spec.startswith(("tar:", "parquet:", "zim:", "vectors:")) for spec in request.images.specs
    ):
        progress.note("reading the names of pictures in container files that are new")
    settings = _with_images(request)
    with progress.stage("hash"):
        inputs = describe_inputs(paths, allow_unreadable=request.options.allow_partial)
    config = settings.to_config()
    print_of_build = fingerprint(config, inputs)
    if not request.options.overwrite:
        manifest = _finished(output, print_of_build, request.options)
        if manifest is not None:
            output.tidy(manifest)
            return Outcome(manifest, False, progress.seconds)
    output.check(overwrite=request.options.overwrite)
    earlier = _earlier(request, config, progress)
    with output.locked(), LocalWorkers(output.work.log) as workers:
        with progress.stage("plan"):
            is_limited, is_partial = settings.limit_pages is not None, request.options.allow_partial
            plan = plan_shards(paths, request.dump_index, is_limited=is_limited, allow_unreadable=is_partial)
        if output.take_over(print_of_build, plan.digest()):
            progress.note("going on with an unfinished build")
        manifest = output.unpublished()
        if manifest is None:
            stages = Stages(plan, output.work, settings, request.options, workers, progress, earlier)
            stages.run(request.images)
            manifest = _to_manifest(stages, config, print_of_build, inputs)
        output.publish(manifest)
    return Outcome(manifest, True, progress.seconds)


def _earlier(request: BuildRequest, config: dict[str, Any], progress: Progress) -> EarlierIndex | None:
    """Open and check the index that is to be taken over from."""
    folder = request.update_from
    if folder is None:
        return None
    if isinstance(request.output, Path) and folder.resolve() == request.output.resolve():
        raise UsageError(
            "the earlier index is the output itself", path=folder, remedy="an update is a new folder: give another"
        )
    earlier = EarlierIndex(folder)
    with progress.stage("earlier"):
        earlier.check(config, library_versions())
    return earlier


def _with_images(request: BuildRequest) -> BuildSettings:
    """Add to the settings what the image source and the encoder are, so that a change of either is seen.

    The encoder is loaded here once, for its fingerprint, and so that weights that are not there fail at once.
    """
    settings = request.settings
    if request.images is None:
        return replace(settings, encoder=None)
    if isinstance(request.images, VectorSource):
        return _with_vectors(settings, request.images)
    assert settings.encoder is not None
    from indexer.encoders import make_encoder

    if request.options.has_engine and any(spec.startswith("commons:") for spec in request.images.specs):
        raise UsageError(
            "commons: keeps to the site's two connections on one machine, and an engine has many",
            remedy="build on one machine, or fetch the pictures first and name their folder, tar or Parquet files",
        )
    listing = describe_images(request.images)
    encoder = make_encoder(settings.encoder)
    return replace(settings, encoder=encoder.spec, encoder_fingerprint=encoder.fingerprint, images=listing)


def _with_vectors(settings: BuildSettings, source: VectorSource) -> BuildSettings:
    """Add to the settings what the files of vectors are, and the encoder that the user says made them."""
    from pipelines.stages import name_encoder

    if not settings.encoder:
        name_encoder(settings.encoder, 0)  # said before files are read
    listing = describe_images(source)
    spec, fingerprint_of = name_encoder(settings.encoder, listing["dim"])
    return replace(settings, encoder=spec, encoder_fingerprint=fingerprint_of, images=listing)


def _finished(output: Output, print_of_build: str, options: RunOptions) -> Manifest | None:
    """Return the manifest of the index at the output if it is the one that is asked for.

    Raises:
        IndexCorrupt: it is, but a file of it is gone or has another size.
        InputError: it is, but without what was lost from the input, and that is not allowed now.
    """
    try:
        manifest = output.manifest()
    except StoreError:
        return None
    if manifest.fingerprint != print_of_build:
        return None
    if manifest.is_partial and not options.allow_partial:
        raise InputError(
            "the index here lacks what was lost from the input when it was built",
            path=output.address,
            remedy="fetch the dump again, or accept it as it is with --allow-partial",
        )
    sizes = output.sizes()
    for shard in manifest.shards:
        if sizes.get(shard.path) != shard.size_bytes:
            raise IndexCorrupt(
                "a file of the index is gone or has another size",
                path=output.address,
                place=shard.path,
                remedy="build it again with --overwrite",
            )
    return manifest


def _to_manifest(
    stages: Stages, config: dict[str, Any], print_of_build: str, inputs: tuple[InputFile, ...]
) -> Manifest:
    totals = count_all(stages.work)
    return Manifest(
        config=config,
        fingerprint=print_of_build,
        inputs=inputs,
        pages_read=totals.pages_read,
        counts=totals.fates,
        counters=totals.counters,
        shards=stages.shards(),
        text_index=stages.text_index(),
        image_index=stages.image_index(),
        versions=library_versions(),
        created=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        is_partial=totals.losses > 0,
    )
