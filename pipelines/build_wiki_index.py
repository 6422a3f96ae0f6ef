"""The job: a dump becomes an index folder. An interrupted build goes on where it stopped; a second run does nothing.

    check output and wiki ─► hash the inputs ─► is the index of this fingerprint there? ── yes ─► done
                                                                    │ no
    publish (manifest last) ◄─ manifest ◄─ stages that are not done ◄─ plan of the shards

The fingerprint is a hash of the settings and the inputs. Unfinished work is taken over if it has the same fingerprint
and the same plan; else it is cleared away.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pipelines.beam import LocalWorkers, check_beam_options, full_disk
from pipelines.job import (
    Stages,
    describe_inputs,
    find_inputs,
    find_wiki,
    library_versions,
    make_manifest,
    plan_shards,
)
from pipelines.stages import BuildRequest, BuildSettings, EarlierIndex, RunOptions
from pipelines.storage import Output, open_output
from schemas.display import Progress
from schemas.errors import IndexCorrupt, InputError, StoreError, UsageError
from schemas.manifest import Manifest, fingerprint

__all__ = ["BuildOutcome", "build_wiki_index"]


@dataclass(frozen=True)
class BuildOutcome:
    """The index that is there after a run.

    Args:
        manifest: of the index.
        is_new: False if the index was there already.
        seconds: of this run, by stage.
    """

    manifest: Manifest
    is_new: bool
    seconds: dict[str, float]


def build_wiki_index(request: BuildRequest, progress: Progress) -> BuildOutcome:
    """Build the index folder of a dump, unless it is there already.

    Args:
        request: what to build.
        progress: shows the stages.

    Raises:
        UsageError: the output must not be written, or the options do not fit each other.
        InputError: a dump cannot be read, is of another wiki or gives no sentence, or a part of it is lost and that
            is not allowed.
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


def _build(request: BuildRequest, progress: Progress) -> BuildOutcome:
    check_beam_options(request.options.beam, str(request.output))
    output = open_output(request.output)
    output.check(overwrite=True)  # a folder that is not an index is refused before anything is read
    paths = find_inputs(request.dumps, request.dump_index)
    if request.images is not None and request.images.reads_containers:
        progress.note("reading the names of pictures in container files that are new")
    wiki = find_wiki(paths, any_wiki=request.options.any_wiki, allow_unreadable=request.options.allow_partial)
    for note in wiki.notes():
        progress.note(note)
    settings = wiki.settle(_with_images(request))
    with progress.stage("hash"):
        inputs = describe_inputs(paths, allow_unreadable=request.options.allow_partial)
    config = settings.to_config()
    print_of_build = fingerprint(config, inputs)
    if not request.options.overwrite:
        manifest = _finished(output, print_of_build, request.options)
        if manifest is not None:
            output.tidy(manifest)
            return BuildOutcome(manifest, False, progress.seconds)
    output.check(overwrite=request.options.overwrite)
    earlier = _open_earlier(request, config, progress)
    with output.locked(), LocalWorkers(output.work.log) as workers:
        with progress.stage("plan"):
            is_limited, is_partial = settings.limit_pages is not None, request.options.allow_partial
            plan = plan_shards(paths, request.dump_index, is_limited=is_limited, allow_unreadable=is_partial)
        if output.take_over(print_of_build, plan.digest()):
            progress.note("going on with an unfinished build")
        manifest = output.unpublished()  # there is one if the run before was killed while it published
        if manifest is None:
            stages = Stages(plan, output.work, settings, request.options, workers, progress, earlier)
            stages.run(request.images)
            manifest = make_manifest(output.work, config, print_of_build, inputs)
        output.publish(manifest)
    return BuildOutcome(manifest, True, progress.seconds)


def _open_earlier(request: BuildRequest, config: dict[str, Any], progress: Progress) -> EarlierIndex | None:
    """Open and check the index of the earlier dump, if one is named."""
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
    """Return the settings with what identifies the pictures and the encoder, so that a change of either is seen."""
    settings = request.settings
    if request.images is None:
        return replace(settings, encoder=None)
    facts = request.images.describe(settings.encoder, has_engine=request.options.has_engine)
    fingerprint_of_encoder = facts.encoder_fingerprint
    return replace(settings, encoder=facts.encoder, encoder_fingerprint=fingerprint_of_encoder, images=facts.sources)


def _finished(output: Output, print_of_build: str, options: RunOptions) -> Manifest | None:
    """Return the manifest of the index at the output, if it is the one that the build would make.

    Raises:
        IndexCorrupt: it is, but a file of it is gone or has another size.
        InputError: it is, but lacks a part of the input that was lost, and that is not allowed now.
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
