"""The words of `--images`: which source each names, in which order, and what is refused."""

from __future__ import annotations

import pytest

from pipelines.job import make_image_input, make_image_source
from pipelines.job.image_specs import split_specs
from pipelines.stages import PictureInput, VectorInput
from schemas.errors import UsageError

CONTACT = "ops@our-lab.org"


@pytest.mark.parametrize(
    ("spec", "canonical"),
    [
        ("photos", "dir:photos"),
        ("dir:photos", "dir:photos"),
        ("s3://bucket/photos/", "s3://bucket/photos"),
        ("tar:shards/*.tar", "tar:shards/*.tar"),
        ("parquet:wit.parquet", "parquet:wit.parquet"),
        ("zim:wiki.zim", "zim:wiki.zim"),
        ("commons:?width_px=500", "commons:?width_px=500"),
    ],
)
def test_each_scheme_makes_a_source_and_its_spec_makes_an_equal_one(spec: str, canonical: str) -> None:
    source = make_image_source(spec, CONTACT)
    assert source.spec == canonical
    assert make_image_source(source.spec, CONTACT) == source


def test_unknown_schemes_are_usage_errors_that_name_those_that_exist() -> None:
    for spec in ("zip:wiki.zip", "https://example.org"):
        with pytest.raises(UsageError, match="dir"):
            make_image_source(spec)
    for spec in ("", "dir:"):
        with pytest.raises(UsageError, match="names no folder"):
            make_image_source(spec)


def test_sources_stand_in_the_order_in_which_they_are_named() -> None:
    images = make_image_input(["tar:a.tar,dir:photos, old", "commons:,gs://bucket/b"], CONTACT)
    assert images.specs == ["tar:a.tar", "dir:photos, old", "commons:", "gs://bucket/b"]
    assert isinstance(images, PictureInput)
    assert split_specs(["a,b"]) == ["a,b"], "a comma that no scheme follows is a part of the path"


def test_a_source_named_twice_is_refused() -> None:
    with pytest.raises(UsageError, match="named twice"):
        make_image_input(["dir:photos,zim:a.zim", "dir:photos"])


def test_vectors_stand_alone() -> None:
    for words in (["vectors:a.npy,dir:photos"], ["commons:", "vectors:a.npy"], ["vectors:a.npy", "vectors:b.npy"]):
        with pytest.raises(UsageError, match="stands alone"):
            make_image_input(words, CONTACT)
    with pytest.raises(UsageError, match="names no file"):
        make_image_input(["vectors:"])
    vectors = make_image_input(["vectors:a.npy"])
    assert isinstance(vectors, VectorInput)
    assert (vectors.specs, vectors.has_default_encoder) == (["vectors:a.npy"], False)


def test_only_container_files_take_time_to_be_opened() -> None:
    reads = {spec: make_image_input([spec], CONTACT).reads_containers for spec in ("photos", "commons:", "gs://b/c")}
    assert not any(reads.values())
    for spec in ("tar:a.tar", "photos,zim:a.zim", "vectors:a.npy"):
        assert make_image_input([spec]).reads_containers, spec
