"""The job with pictures from every kind of source: one index, and every file's fate with its source or its reason."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from indexer.encoders import decode_image
from indexer.index import WikiIndex
from indexer.report import UserQuery, answer_query
from indexer.search import SearchParams
from pipelines.build_wiki_index import BuildOutcome, build_wiki_index
from pipelines.images import GuardedDecoder
from pipelines.job import make_image_input
from pipelines.stages import BuildRequest, BuildSettings, ImageInput, RunOptions
from schemas.display import Progress
from schemas.errors import InputError, UsageError
from tests.support.commons_server import CommonsServer
from tests.support.dumps import DumpPage, write_dump
from tests.support.picture_stores import WRITERS

pytestmark = pytest.mark.integration

NAMES = ["Tea cup.jpg", "Église (1).jpg", "A. b.jpg", "D'or & co.jpg", "Last.jpg"]


@pytest.fixture(scope="module")
def pictures(shared_data: Path) -> dict[str, bytes]:
    photos = sorted((shared_data / "coco128").glob("*.jpg"))
    return {name: photos[at].read_bytes() for at, name in enumerate(NAMES)}


@pytest.fixture(scope="module")
def dump(tmp_path_factory: pytest.TempPathFactory) -> Path:
    text = "'''{}''' is a thing that people make.\n\n[[File:{}|thumb|A picture.]]\n[[File:Nowhere {}.jpg|thumb|None.]]"
    pages = [DumpPage(f"Thing {at}", text.format(f"Thing {at}", name, at)) for at, name in enumerate(NAMES)]
    return write_dump(tmp_path_factory.mktemp("dump"), pages, pages_per_stream=2)


def build(
    dump: Path,
    output: Path,
    images: ImageInput,
    encoder: str | None = "efficientnet-lite0",
    **options: object,
) -> BuildOutcome:
    settings = BuildSettings(encoder=encoder)
    run = RunOptions(**options)  # type: ignore[arg-type]
    request = BuildRequest((str(dump),), output, settings, run, images=images)
    return build_wiki_index(request, Progress(io.StringIO(), is_quiet=True))


def rows(output: Path, table: str) -> list[dict[str, object]]:
    return [row for path in sorted((output / table).glob("*.parquet")) for row in pq.read_table(path).to_pylist()]


def test_every_source_gives_the_same_index(dump: Path, pictures: dict[str, bytes], tmp_path: Path) -> None:
    specs = {form: write(tmp_path / form, pictures) for form, write in WRITERS.items()}
    found = {}
    with CommonsServer() as site:
        site.pictures.update(pictures)
        specs["commons"] = f"commons:{site.base}"
        for form, spec in specs.items():
            output = tmp_path / "out" / form
            images = make_image_input([spec], "ops@our-lab.org")
            counters = build(dump, output, images).manifest.counters
            assert counters["images_embedded_by_source"] == {images.specs[0]: 5}, form
            assert counters["images_missing_by_reason"] == {"not_found": 5}, form
            vectors = [{**row, "source": ""} for row in rows(output, "embeddings")]
            indexes = [(output / "faiss" / name).read_bytes() for name in ("ids.parquet", "index.faiss")]
            found[form] = (vectors, *indexes)
            assert not build(dump, output, images).is_new, "the same again is nothing to do"
    assert len(found) == 6
    for form, index_of_form in found.items():
        assert index_of_form == found["flat"], form
    assert sorted(str(row["file"]) for row in found["flat"][0]) == sorted(NAMES)


def test_pictures_of_many_sources_some_missing_some_broken_are_all_accounted_for(
    dump: Path, pictures: dict[str, bytes], tmp_path: Path
) -> None:
    """Tea cup: broken in the folder, whole in the tar. A. b: broken everywhere. Last: only on the site."""
    cut = pictures["Tea cup.jpg"][:2000]
    svg = b"<svg xmlns='http://www.w3.org/2000/svg'/>"
    folder = WRITERS["flat"](
        tmp_path, {"Tea cup.jpg": cut, "Église (1).jpg": pictures["Église (1).jpg"], "A. b.jpg": svg}
    )
    tar = WRITERS["tar"](tmp_path, {name: pictures[name] for name in ("Tea cup.jpg", "D'or & co.jpg")})
    with CommonsServer() as site:
        site.pictures["Last.jpg"] = pictures["Last.jpg"]
        images = make_image_input([f"{folder},{tar}", f"commons:{site.base}"], "ops@our-lab.org")
        outcome = build(dump, tmp_path / "index", images)
    counters = outcome.manifest.counters
    assert counters["images"] == {
        "uses": 10, "files": 10, "embedded": 4, "encoded": 4, "missing": 5, "broken": 1,
    }  # fmt: skip
    assert counters["images_embedded_by_source"] == {folder: 1, tar: 2, images.specs[2]: 1}
    assert counters["images_missing_by_reason"] == {"not_found": 5}
    assert counters["images_broken_by_source"] == {folder: 1}
    assert counters["images_broken_by_reason"] == {"unsupported_format": 1}
    by_file = {row["file"]: row for row in rows(tmp_path / "index", "embeddings")}
    assert {file: row["source"] for file, row in by_file.items()} == {
        "Église (1).jpg": folder, "Tea cup.jpg": tar, "D'or & co.jpg": tar, "Last.jpg": images.specs[2],
    }  # fmt: skip
    assert by_file["Tea cup.jpg"]["page_url"] == "https://commons.wikimedia.org/wiki/File:Tea_cup.jpg"
    rejects = {row["id"]: row for row in rows(tmp_path / "index", "rejects")}
    assert set(rejects) == {"A. b.jpg", *(f"Nowhere {at}.jpg" for at in range(5))}
    assert rejects["A. b.jpg"]["detail"] == f"looks like SVG [{folder}]"
    for spec in images.specs:
        assert spec in str(rejects["Nowhere 0.jpg"]["detail"])


def test_a_build_that_the_site_stopped_goes_on_from_what_was_fetched(
    dump: Path, pictures: dict[str, bytes], tmp_path: Path
) -> None:
    from tests.support.commons_server import picture, status

    with CommonsServer() as site:
        site.pictures.update(pictures)
        site.behave("Last.jpg", [status(429, Retry_After="7200"), picture(pictures["Last.jpg"])])
        images = make_image_input([f"commons:{site.base}"], "ops@our-lab.org")
        with pytest.raises(InputError, match="pause of 7200 s"):
            build(dump, tmp_path / "index", images)
        assert not (tmp_path / "index" / "manifest.json").exists()
        outcome = build(dump, tmp_path / "index", images)
        assert outcome.manifest.counters["images"]["embedded"] == 5
        assert all(site.count(name) <= 2 for name in NAMES)
        once = [name for name in NAMES if name != "Last.jpg" and site.count(name) == 1]
    assert len(once) >= 3


def test_an_engine_of_many_machines_is_refused_commons(dump: Path, tmp_path: Path) -> None:
    images = make_image_input(["commons:"], "ops@our-lab.org")
    with pytest.raises(UsageError, match="two connections"):
        build(dump, tmp_path / "index", images, beam=("--runner", "FlinkRunner"))


def test_a_picture_that_its_decoder_dies_of_is_a_reject_and_shifts_no_row(
    dump: Path, pictures: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:

    folder = WRITERS["flat"](tmp_path / "a", pictures)
    build(dump, tmp_path / "plain", make_image_input([folder]))
    plain = {row["file"]: row for row in rows(tmp_path / "plain", "embeddings")}
    decode, killed = GuardedDecoder.decode, []

    def deadly(self: GuardedDecoder, data: bytes) -> object:
        if data == pictures["A. b.jpg"]:
            killed.append(len(data))
            self._guard._timeout_s = 0.0
        else:
            self._guard._timeout_s = 60.0
        return decode(self, data)

    monkeypatch.setattr(GuardedDecoder, "decode", deadly)
    outcome = build(dump, tmp_path / "index", make_image_input([folder]), overwrite=True)
    assert killed
    assert outcome.manifest.counters["images_broken_by_reason"] == {"too_slow": 1}
    again = {row["file"]: row for row in rows(tmp_path / "index", "embeddings")}
    assert set(again) == set(plain) - {"A. b.jpg"}
    for file, row in again.items():
        # Another number of pictures in a batch may move the last bit.
        np.testing.assert_allclose(row["vector"], plain[file]["vector"], atol=1e-5)  # type: ignore[arg-type]


def test_vectors_of_a_named_encoder_give_the_index_that_its_pictures_give(
    dump: Path, pictures: dict[str, bytes], tmp_path: Path
) -> None:
    """The given vectors are those of another index's embeddings."""
    build(dump, tmp_path / "seen", make_image_input([WRITERS["flat"](tmp_path, pictures)]))
    given = make_image_input([f"vectors:{tmp_path}/seen/embeddings/*.parquet"])
    manifest = build(dump, tmp_path / "given", given).manifest
    assert manifest.counters["images_embedded_by_source"] == {given.specs[0]: 5}
    assert manifest.counters["images_missing_by_reason"] == {"not_found": 5}
    assert manifest.counters["images"]["encoded"] == manifest.counters["images"]["scaled"] == 0
    for name in ("ids.parquet", "index.faiss"):
        seen, taken = ((tmp_path / folder / "faiss" / name).read_bytes() for folder in ("seen", "given"))
        assert seen == taken, name
    assert not build(dump, tmp_path / "given", given).is_new
    answers = WikiIndex(tmp_path / "given").search_image([decode_image(pictures["Last.jpg"])], 1)[0]
    assert [(answer.title, answer.file) for answer in answers] == [("Thing 4", "Last.jpg")]


def test_vectors_of_an_encoder_that_cannot_run_here_are_asked_by_vector_only(
    dump: Path, pictures: dict[str, bytes], tmp_path: Path
) -> None:
    """In the form of WIT's published base set: unscaled doubles beside addresses and bytes."""
    spec = WRITERS["parquet"](tmp_path, pictures).replace("parquet:", "vectors:")
    table = pq.read_table(tmp_path / "wit.parquet")
    vectors = 5 * np.random.default_rng(1).random((5, 2048))
    at = table.schema.get_field_index("embedding")
    pq.write_table(table.set_column(at, "embedding", [vectors.tolist()]), tmp_path / "wit.parquet", row_group_size=2)
    images = make_image_input([spec])
    with pytest.raises(UsageError, match="needs --encoder"):
        build(dump, tmp_path / "index", images, None)
    with pytest.raises(UsageError, match="2048 components, those of efficientnet-lite0 have 1280"):
        build(dump, tmp_path / "index", images)
    section = build(dump, tmp_path / "index", images, "other:resnet50").manifest.image_index
    assert section is not None
    assert (section["encoder"], section["dim"], section["vectors"]) == ("other:resnet50", 2048, 5)
    index, params = WikiIndex(tmp_path / "index"), SearchParams(3)
    (tmp_path / "q.jpg").write_bytes(pictures["Last.jpg"])
    with pytest.raises(UsageError, match="resnet50 names an encoder of vectors that were given"):
        list(answer_query(index, UserQuery(None, None, tmp_path / "q.jpg"), params))
    with pytest.raises(UsageError, match="cannot run it"):
        list(answer_query(index, UserQuery(None, "a dog", None), params, "image"))
    np.save(tmp_path / "q.npy", vectors[3] + 0.1)
    ((view, answers),) = answer_query(index, UserQuery(None, None, None, tmp_path / "q.npy"), params)
    assert view == "image" and len(answers) == 3 and answers[0].file == NAMES[3]
    for bad, problem in ((vectors[:2], "no vector"), (vectors[0, :9], "the index has 2048"), (0 * vectors[0], "zero")):
        np.save(tmp_path / "q.npy", bad)
        with pytest.raises(InputError, match=problem):
            list(answer_query(index, UserQuery(None, None, None, tmp_path / "q.npy"), params))
