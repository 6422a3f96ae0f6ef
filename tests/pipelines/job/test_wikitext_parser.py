"""A job with the other parser of wikitext: the same rows, its name in the manifest, and the same guard around it."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from pipelines.build_wiki_index import build_wiki_index
from pipelines.stages import BuildRequest, BuildSettings, RunOptions
from pipelines.syntax import WIKITEXT_PARSERS, WikitextParser
from pipelines.wikitext import CleaningRules
from schemas.display import Progress
from schemas.manifest import Manifest, read_manifest, sha256_file
from schemas.tables import TABLES
from tests.support.dumps import DumpPage, write_dump

pytestmark = pytest.mark.integration

PAGES = [
    DumpPage(
        "Tea", "'''{{PAGENAME}}''' is {{nowrap|''hot'' {{=}} [[warm]]}}.<ref>{{cite|x}}</ref>\n* {{convert|1|mi}}"
    ),
    DumpPage("Cup", "{{Infobox cup|image=A.jpg{{!}}border|caption=A [[cup]]}}\nA '''cup''' holds [[Tea|[hot] tea]]."),
]


def build(dump: Path, output: Path, parser: WikitextParser, page_timeout_s: float = 30.0) -> Manifest:
    settings = BuildSettings(CleaningRules(wikitext_parser=parser), page_timeout_s=page_timeout_s)
    build_wiki_index(BuildRequest((str(dump),), output, settings, RunOptions()), Progress(io.StringIO(), is_quiet=True))
    return read_manifest(output)


def test_both_parsers_give_the_same_tables_and_the_manifest_names_the_one_that_read(tmp_path: Path) -> None:
    dump = write_dump(tmp_path, PAGES, "bz2")
    tables = {}
    for parser in WIKITEXT_PARSERS:
        output = tmp_path / parser
        manifest = build(dump, output, parser)
        assert manifest.config["rules"]["wikitext_parser"] == parser
        files = [path for table in TABLES for path in sorted((output / table).glob("*.parquet"))]
        tables[parser] = {path.relative_to(output): sha256_file(path) for path in files}
    assert tables["scanner"] == tables["mwparserfromhell"]


def test_a_page_that_is_too_slow_for_the_grammar_is_rejected_and_the_rest_is_kept(tmp_path: Path) -> None:
    dump = write_dump(tmp_path, [*PAGES, DumpPage("Slow", "{{a|" * 500_000)], "bz2")
    manifest = build(dump, tmp_path / "index", "mwparserfromhell", page_timeout_s=2.0)
    assert manifest.counters["rejects"] == {"parser_timeout": 1}
    assert manifest.counts["kept"] == len(PAGES)
