"""Builds from histories, other wikis and dumps without text: what is refused by name, and what comes of the rest."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from pipelines.build_wiki_index import build_wiki_index
from pipelines.job.dry_run import describe_build, to_lines
from pipelines.job.summary import to_summary
from pipelines.job.wiki import Wiki, find_wiki
from pipelines.stages import BuildRequest, BuildSettings, RunOptions
from schemas.display import Progress
from schemas.errors import InputError
from schemas.manifest import Manifest
from tests.support.dumps import FOOTER, DumpPage, dump_xml, header_xml, page_xml

pytestmark = pytest.mark.integration

CASES = Path(__file__).resolve().parents[4] / "shared" / "cases" / "dumps"
needs_cases = pytest.mark.skipif(not CASES.is_dir(), reason=f"no cases at {CASES}")
GERMAN = [
    DumpPage("Tee", "'''Tee''' ist z. B. ein Getränk. Er ist heiß.\n[[Datei:Tee.jpg|mini]]\n\n[[Kategorie:Getränk]]"),
    DumpPage("Chai", "#WEITERLEITUNG [[tee]]"),
    DumpPage(
        "Kanne", "Eine [[Tee]]kanne, siehe [[Benutzer:Ann]] und [[:Kategorie:Tee]].\n[[Bild:Kanne.png|links|Blau]]"
    ),
]


def request(dumps: list[Path], output: Path, *, limit_pages: int | None = None, **options: Any) -> BuildRequest:
    settings = BuildSettings(limit_pages=limit_pages)
    return BuildRequest(tuple(map(str, dumps)), output, settings, RunOptions(**options))


def build(tmp_path: Path, *dumps: Path, **options: Any) -> Manifest:
    asked = request(list(dumps), tmp_path / "index", **options)
    return build_wiki_index(asked, Progress(io.StringIO(), is_quiet=True)).manifest


def rows(tmp_path: Path, table: str, *columns: str) -> list[tuple[Any, ...]]:
    found: list[tuple[Any, ...]] = []
    for path in sorted((tmp_path / "index" / table).glob("part-*.parquet")):
        found += [tuple(row[name] for name in columns) for row in pq.read_table(path).to_pylist()]
    return found


def german_dump(folder: Path) -> Path:
    names = {-1: "Spezial", 2: "Benutzer", 6: "Datei", 14: "Kategorie"}
    spaces = "".join(f'<namespace key="{key}" case="first-letter">{name}</namespace>' for key, name in names.items())
    info = (
        f"<siteinfo><sitename>Wikipedia</sitename><dbname>dewiki</dbname><namespaces>{spaces}</namespaces></siteinfo>"
    )
    path = folder / "dewiki-pages-articles.xml"
    pages = "".join(page_xml(page, number) for number, page in enumerate(GERMAN, 1))
    path.write_text(f'<mediawiki xml:lang="de">{info}{pages}</mediawiki>', encoding="utf-8")
    return path


def test_another_wiki_is_refused_by_name_with_the_way_on(tmp_path: Path) -> None:
    dump = german_dump(tmp_path)
    for run in (build, lambda folder, path: describe_build(request([path], folder / "index"))):
        with pytest.raises(InputError, match="a dump of dewiki, and the rules are those of English") as caught:
            run(tmp_path, dump)
        assert caught.value.exit_code == 3
        assert "--any-wiki" in (caught.value.remedy or "")
    assert not (tmp_path / "index").exists()


def test_another_wiki_is_read_by_its_own_words_where_that_is_allowed(tmp_path: Path) -> None:
    manifest = build(tmp_path, german_dump(tmp_path), any_wiki=True)
    assert (manifest.config["wiki"], manifest.config["rules"]["wiki"]["language"]) == ("dewiki", "de")
    assert rows(tmp_path, "sentences", "text") == [
        ("Tee ist z. B. ein Getränk.",),
        ("Er ist heiß.",),
        ("Eine Teekanne, siehe Benutzer:Ann und Kategorie:Tee.",),
    ]
    assert rows(tmp_path, "images", "file", "caption") == [("Tee.jpg", ""), ("Kanne.png", "Blau")]
    assert ("Chai", "redirect", "Tee") in rows(tmp_path, "pages", "title", "fate", "redirect_target")
    links = [[link["target"] for link in found] for (found,) in rows(tmp_path, "paragraphs", "links")]
    assert links == [[], ["Tee"]]
    assert "dewiki is not English Wikipedia" in to_summary(tmp_path, manifest, {}, is_new=True)["notes"][0]


def test_files_of_two_wikis_make_no_index_and_a_file_without_siteinfo_joins_the_others(tmp_path: Path) -> None:
    english, bare = tmp_path / "enwiki.xml", tmp_path / "bare.xml"
    english.write_text(dump_xml([DumpPage("Tea", "Tea is hot.")]))
    bare.write_text(dump_xml([DumpPage("Cup", "A cup.", page_id=9)], with_siteinfo=False))
    with pytest.raises(InputError, match="a dump of dewiki, and a file before is one of enwiki"):
        find_wiki([english, bare, german_dump(tmp_path)], any_wiki=True)
    assert find_wiki([bare, english], any_wiki=False) == Wiki("enwiki")


def test_a_dump_that_does_not_say_its_wiki_is_read_as_english_wikipedia_with_a_note(tmp_path: Path) -> None:
    path = tmp_path / "bare.xml"
    path.write_text(dump_xml([DumpPage("Tea", "Tea is hot.")], with_siteinfo=False))
    manifest = build(tmp_path, path)
    assert (manifest.config["wiki"], manifest.config["is_wiki_assumed"]) == ("enwiki", True)
    notes = to_summary(tmp_path, manifest, {}, is_new=True)["notes"]
    assert notes == ["the dump does not say which wiki it is of: it was read as English Wikipedia"]
    assert any("note" in line for line in to_lines(describe_build(request([path], tmp_path / "other"))))


def revision(page_id: int, number: int, text: str) -> str:
    element = page_xml(DumpPage(f"Page {page_id}", text), page_id).replace("2025-11-01", f"20{number:02}-01-01")
    return element.replace(f"<id>{1000 + page_id}</id>", f"<id>{100 * page_id + number}</id>")


@pytest.mark.parametrize("order", [(1, 2, 3), (3, 2, 1), (2, 3, 1)])
@pytest.mark.parametrize("are_neighbours", [True, False])
@pytest.mark.parametrize("files", [1, 3])
def test_where_each_revision_is_a_page_of_its_own_the_newest_counts(
    tmp_path: Path, order: tuple[int, ...], are_neighbours: bool, files: int
) -> None:
    pairs = [(page, number) for page in (5, 7) for number in order]
    if not are_neighbours:
        pairs = [(page, number) for number in order for page in (5, 7)]
    elements = [revision(page, number, f"Page {page} has revision {number}.") for page, number in pairs]
    dumps = []
    for place in range(files):
        dumps.append(tmp_path / f"part{place}.xml")
        dumps[-1].write_text(header_xml() + "".join(elements[place::files]) + FOOTER)
    manifest = build(tmp_path, *dumps)
    assert sorted(rows(tmp_path, "sentences", "text")) == [
        ("Page 5 has revision 3.",),
        ("Page 7 has revision 3.",),
    ]
    assert (manifest.counts["kept"], manifest.counts["rejected"]) == (2, 4)
    assert sum(manifest.counters["rejects"].values()) == 4
    if files == 1:
        assert manifest.counters["older_revisions"] == 4


@pytest.mark.parametrize(
    ("pages", "limit", "message", "remedy"),
    [
        ([], None, "none of the 0 pages gave a sentence (no page)", "pages-articles"),
        ([DumpPage("A", "#REDIRECT [[B]]", redirect="B")], None, "1 redirect", "pages-articles"),
        ([DumpPage("A", "#REDIRECT [[B]]", redirect="B"), DumpPage("B", "Tea.")], 1, "1 redirect", "--limit-pages"),
        ([DumpPage("A", "{{stub}}"), DumpPage("Talk:A", "x", namespace=1)], None, "1 other namespace", "pages"),
    ],
)
def test_an_index_of_no_sentence_is_no_success(
    tmp_path: Path, pages: list[DumpPage], limit: int | None, message: str, remedy: str
) -> None:
    path = tmp_path / "dump.xml"
    path.write_text(dump_xml(pages))
    with pytest.raises(InputError) as caught:
        build(tmp_path, path, limit_pages=limit)
    assert caught.value.exit_code == 3
    assert message in caught.value.message
    assert remedy in (caught.value.remedy or "")
    assert not (tmp_path / "index" / "manifest.json").exists()


@needs_cases
def test_the_history_of_the_cases_gives_the_newest_text_of_each_page(tmp_path: Path) -> None:
    manifest = build(tmp_path, CASES / "history.xml")
    assert rows(tmp_path, "sentences", "text") == [
        ("Oldest first is the newest text of 2025.",),
        ("Newest first is the newest text of 2025.",),
        ("Was redirect is now an article.",),
        ("Per revision is the newest text of 2025.",),
        ("With slot has a main slot.",),
    ]
    assert (manifest.counts["empty"], manifest.counters["older_revisions"]) == (1, 5)
    assert "5 older revisions" in to_summary(tmp_path, manifest, {}, is_new=True)["notes"][0]


@needs_cases
def test_the_content_models_of_the_cases_are_rejected_by_reason(tmp_path: Path) -> None:
    manifest = build(tmp_path, CASES / "models.xml")
    assert (manifest.counts["kept"], manifest.counters["rejects"]) == (1, {"content_model": 5})


@needs_cases
@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("dewiki-20251101-pages-articles.xml", "a dump of dewiki (https://de.wikipedia.org/wiki/Main_Page)"),
        ("enwiktionary-20251101-pages-articles.xml", "a dump of enwiktionary"),
        ("enwiki-20251101-stub-articles.xml", "a stub dump"),
    ],
)
def test_the_wrong_dumps_of_the_cases_are_refused(tmp_path: Path, name: str, message: str) -> None:
    with pytest.raises(InputError) as caught:
        build(tmp_path, CASES / name)
    assert (caught.value.exit_code, caught.value.message.startswith(message)) == (3, True)


@needs_cases
def test_the_german_case_is_read_where_every_wiki_is_allowed(tmp_path: Path) -> None:
    build(tmp_path, CASES / "dewiki-20251101-pages-articles.xml", any_wiki=True)
    assert rows(tmp_path, "images", "file", "caption") == [("Tee.jpg", "Eine Tasse Tee")]
    assert rows(tmp_path, "paragraphs", "text") == [("Tee ist ein Getränk.",)]
