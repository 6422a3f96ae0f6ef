"""The job at size: the dump's vocabulary grows by the law, markup stays, and the page is computed from a result."""

from __future__ import annotations

import bz2
import json
import math
import re
import sys
from pathlib import Path

import pytest

from benchmarks.at_size_page import PAGE, find_rates, growth, read_result, tenths, to_page
from benchmarks.grown_dump import Template, Vocabulary, _ending, grown, read_vocabulary, write_grown
from benchmarks.repeated_dump import read_export
from benchmarks.scale import PAGE as SCALE_PAGE
from benchmarks.scale import hours_of_cores, read_inputs, to_lines, with_table
from benchmarks.watched import watch

PAGES = [
    b"<page><title>Tea</title><id>7</id><revision><id>9</id><text>{{convert|osprey|mi}} An osprey, a Quartz and"
    b" a [[heron|grebe]].</text></revision></page>\n",
    b"<page><title>Ice</title><id>8</id><revision><id>10</id><text>More quartz &amp; <ref>egret</ref> dunlin.</text>"
    b"</revision></page>\n",
]


def test_words_that_stand_in_markup_anywhere_are_not_renamed() -> None:
    assert set(read_vocabulary(PAGES).rare) == {b"quartz", b"grebe", b"more", b"dunlin", b"egret"}


def test_a_copy_renames_words_in_both_cases_and_keeps_all_else() -> None:
    template = Template(PAGES[0], frozenset([b"quartz", b"grebe"]))
    assert template.copy(0, frozenset(), 100) == PAGES[0]
    changed = template.copy(2, frozenset([b"quartz"]), 100).decode()
    assert "a Quartzqc and" in changed and "[[heron|grebe]]" in changed and "{{convert|osprey|mi}}" in changed
    assert "<title>Tea (copy 2)</title><id>207</id>" in changed


def test_no_two_copies_have_the_same_ending() -> None:
    assert len({_ending(number) for number in range(2000)}) == 2000


def test_the_different_words_of_all_copies_are_those_of_the_law_once_it_can_be_met() -> None:
    words = Vocabulary(tuple(b"w%d" % number for number in range(300)), 0.5, 10_000, 1_000)
    new = words.new_words(50)
    assert new[0] == 0 and max(new) <= 300
    assert 1_000 + sum(new) == words.expected(50) == round(1_000 * math.sqrt(50))


def test_the_exponent_is_that_of_the_growth() -> None:
    def page(number: int) -> bytes:  # after n pages of n words each: 1 + 2 + ... words, and one new one a page
        return b"<page><id>1</id><text>" + b"again " * (2 * number) + b"word%d" % number + b"</text></page>"

    found = read_vocabulary([page(number) for number in range(1, 400)])
    assert found.exponent == pytest.approx(0.5, abs=0.02)


def test_the_dump_is_real_pages_with_ids_of_their_own_and_the_newer_one_has_one_in_a_hundred_changed(
    gensim_slice: Path, tmp_path: Path
) -> None:
    head, pages = read_export(gensim_slice)
    small = tmp_path / "small.xml.bz2"
    small.write_bytes(bz2.compress(head + b"".join(pages[:60]) + b"</mediawiki>\n"))
    earlier, newer = tmp_path / "earlier.xml.bz2", tmp_path / "newer.xml.bz2"
    size, count, law = write_grown(earlier, 3 * sum(map(len, pages[:60])) / 1e6, small)
    assert write_grown(newer, 3 * sum(map(len, pages[:60])) / 1e6, small, is_newer=True)[1:] == (count, law)
    assert (count, len(bz2.decompress(earlier.read_bytes()))) == (180, size)
    found = [read_export(path)[1] for path in (earlier, newer)]
    ids = [int(re.search(rb"<id>([0-9]+)", page)[1]) for page in found[0]]  # type: ignore[index]
    assert ids == sorted(set(ids)) and found[0][:60] == pages[:60]
    assert [place for place, pair in enumerate(zip(*found, strict=True)) if pair[0] != pair[1]] == [0, 100]
    assert law.made > law.different and list(grown(pages[:2], read_vocabulary(pages[:2]), 1)) == pages[:2]


def test_a_command_is_watched_until_it_ends(tmp_path: Path) -> None:
    program = (
        "import sys, time; time.sleep(.3); print('first    done in 0.3 s', file=sys.stderr); time.sleep(.3);"
        "print('bm25 parts  1/1 shards  done in 0.3 s', file=sys.stderr); print('told')"
    )
    found = watch([sys.executable, "-c", program], tmp_path / "log", lambda: 7.0, every_s=0.05)
    assert (found.code, found.out.strip()) == (0, "told")
    assert list(found.stages) == ["first", "bm25 parts"] and found.processes[0].role == "driver"
    assert found.progress[0][2] == 7.0 and found.processes[0].memory
    assert json.loads(json.dumps(found.to_json()))["short_processes"] == 0
    assert (tmp_path / "log").read_text().count("done in") == 2


def test_rates_by_tenth_leave_out_the_start_of_the_workers() -> None:
    rows = [[float(second), 2.0 * second, max(0.0, 10.0 * (second - 5))] for second in range(16)]
    found = tenths({"progress": [*rows, [16.0, 40.0, 100.0]]})
    assert len(found) == 10
    assert all(wall == pytest.approx(0.1) and processor == pytest.approx(0.05) for wall, processor in found)


def test_a_process_that_grows_is_seen() -> None:
    still = {"memory": [[float(n), 100.0, 0.0] for n in range(50)], "started": 0.0}
    grows = {"memory": [[float(n), 100.0 + n, 0.0] for n in range(50)], "started": 0.0}
    assert growth(still, 49.0) == (100.0, 100.0, 100.0)
    early, late, most = growth(grows, 49.0)
    assert (early, late, most) == (119.0, 149.0, 149.0)


def test_the_page_of_the_result_is_that_of_the_file() -> None:
    assert PAGE.read_text(encoding="utf-8") == to_page(read_result()) + "\n"


def test_hours_and_disk_are_computed_from_the_result_and_the_inputs() -> None:
    inputs, rates = read_inputs(), find_rates(read_result())
    assert {name: inputs["rates"][name] for name in rates} == rates
    steps = hours_of_cores(inputs)
    assert steps["job"] == pytest.approx(1000 * inputs["dump"]["xml_gb"] / rates["job_mb_s"] / 3600)
    page = SCALE_PAGE.read_text(encoding="utf-8")
    assert page == with_table(page, inputs), "compute it again: python -m benchmarks.scale --write"
    assert any(line.startswith("| job |") for line in to_lines(inputs))
