"""The installed command `mie-index`: answers, formats, help, what it loads, and how it fails."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from schemas.manifest import read_manifest

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

PROGRAM = Path(sys.executable).with_name("mie-index")
COMMANDS = ("query", "info", "verify", "show", "serve")
HEAVY = {"torch", "transformers", "apache_beam", "faiss", "pandas", "open_clip", "timm"}
KEYS = ["view", "rank", "score", "doc_id", "title", "description", "matched", "text"]
QUESTION = "Is the aardvark a burrowing, nocturnal mammal?"


def run(*words: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [str(PROGRAM), *map(str, words)]
    settings = os.environ | environment
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120, env=settings)
    assert "Traceback" not in done.stderr and "Traceback" not in done.stdout, done.stderr
    return done


def rows(*words: str | Path) -> list[dict[str, Any]]:
    done = run(*words)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def loaded_by(*words: str) -> tuple[str, set[str]]:
    """Run the command in a process that prints on its last line which modules it had loaded."""
    code = (
        "import sys, atexit\n"
        "atexit.register(lambda: print('\\n' + ' '.join(sorted(m for m in sys.modules if '.' not in m))))\n"
        "from indexer.cli import main; main()"
    )
    done = subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    shown, _, modules = done.stdout.rstrip().rpartition("\n")
    return shown, set(modules.split())


def fails(code: int, *words: str | Path) -> str:
    """Run a command that must fail; return its one line on stderr."""
    done = run(*words)
    assert done.returncode == code, (done.returncode, done.stderr)
    assert done.stdout == ""
    return done.stderr.strip()


@pytest.fixture(scope="module")
def damaged(slice_index: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A copy of the index in which one byte of a table differs and the manifest names another encoder."""
    folder = tmp_path_factory.mktemp("damaged") / "index"
    shutil.copytree(slice_index, folder)
    table = folder / "pages" / "part-00000.parquet"
    data = bytearray(table.read_bytes())
    data[len(data) // 2] ^= 1
    table.write_bytes(data)
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["image_index"]["encoder_fingerprint"] = "0" * 64
    (folder / "manifest.json").write_text(json.dumps(manifest))
    yield folder
    shutil.rmtree(folder)


@pytest.mark.parametrize("command", COMMANDS)
def test_help_has_an_example_and_loads_nothing_heavy(command: str) -> None:
    shown, modules = loaded_by(command, "--help")
    assert re.search(rf"Examples?:\n +mie-index {command} ", shown)
    assert "Exit codes:" in shown
    assert not modules & (HEAVY | {"pyarrow", "numpy", "jnius", "rich", "PIL"})


def test_help_names_every_command_and_the_version_is_told() -> None:
    shown = run("--help").stdout
    assert all(re.search(rf"^ +{command} ", shown, re.MULTILINE) for command in COMMANDS)
    assert re.fullmatch(r"mie-context \d+\.\d+\.\d+\n", run("--version").stdout)


def test_a_text_query_loads_no_learning_library_and_gives_json_lines(slice_index: Path) -> None:
    shown, modules = loaded_by("query", str(slice_index), "--text", QUESTION, "-k", "3", "--json")
    assert not modules & HEAVY
    answers = [json.loads(line) for line in shown.splitlines()]
    assert [list(answer) for answer in answers] == [KEYS] * 3
    assert [answer["rank"] for answer in answers] == [1, 2, 3]
    assert answers[0]["title"] == "Aardvark" and answers[0]["view"] == "text"
    assert all(answer["matched"] in answer["text"] for answer in answers)
    assert len({answer["doc_id"] for answer in answers}) == 3


def test_a_title_boost_asks_for_the_article_itself_and_is_explained(slice_index: Path) -> None:
    shown = run("query", slice_index, "--text", "Algeria", "--title-boost", "2", "--explain", "--json", "-k", "3")
    answers = [json.loads(line) for line in shown.stdout.splitlines()]
    assert {answer["title"] for answer in answers} == {"Algeria"}
    assert "2.0 = boost" in answers[0]["explanation"] and "weight(title:algeria" in answers[0]["explanation"]
    assert float(answers[0]["explanation"].split()[0]) == pytest.approx(answers[0]["score"], abs=1e-4)


def test_a_table_for_people_shows_rank_title_and_context(slice_index: Path) -> None:
    short = run("query", slice_index, "--text", QUESTION, "-k", "2", COLUMNS="100")
    assert short.returncode == 0 and short.stderr == ""
    assert "Aardvark" in short.stdout and "sentence" in short.stdout
    assert max(map(len, short.stdout.splitlines())) <= 120
    assert "\x1b" not in short.stdout, "no colours in a pipe"
    whole = run("query", slice_index, "--text", QUESTION, "-k", "2", "--show-context", "--explain")
    assert len(whole.stdout) > len(short.stdout)
    assert "idf, computed as" in whole.stdout and "#2 " in whole.stdout


def test_no_color_is_kept_where_colours_are_forced(slice_index: Path) -> None:
    words = ("query", slice_index, "--text", "aardvark", "-k", "1")
    assert "\x1b[" in run(*words, FORCE_COLOR="1").stdout
    plain = run(*words, FORCE_COLOR="1", NO_COLOR="1").stdout
    assert not re.search(r"\x1b\[[0-9;]*3[0-9]m", plain), "no colour, though bold is allowed"


def test_text_and_picture_are_asked_together(slice_index: Path, slice_photos: Path) -> None:
    photo = sorted(slice_photos.glob("*.jpg"))[0]
    answers = rows("query", slice_index, "--text", "Alabama", "--image", photo, "-k", "2", "--json", "--explain")
    assert [answer["view"] for answer in answers] == ["text", "text", "image", "image"]
    text, image = answers[0], answers[2]
    assert list(text) == [*KEYS, "explanation"] and list(image) == [*KEYS, "file", "file_page", "explanation"]
    assert image["file"] == image["matched"] == photo.name and image["score"] > 0.99
    assert answers[2]["doc_id"] != answers[3]["doc_id"]
    assert image["doc_id"].isdecimal() and "cosine" in image["explanation"]


def test_a_batch_answers_every_line_in_order(slice_index: Path, tmp_path: Path) -> None:
    queries = tmp_path / "queries.jsonl"
    lines = [{"id": "first", "text": "Alabama"}, {"text": "?!"}, {"id": "بغداد", "text": QUESTION}]
    queries.write_text("".join(json.dumps(line) + "\n" for line in lines))
    answers = rows("query", slice_index, "--batch", queries, "-k", "2", "--json")
    assert [answer["query_id"] for answer in answers] == ["first", "first", "بغداد", "بغداد"]
    assert list(answers[0]) == [*KEYS, "query_id"]
    assert answers[2]["title"] == "Aardvark"


def test_info_tells_what_is_in_the_index(slice_index: Path) -> None:
    manifest = read_manifest(slice_index)
    about = json.loads(run("info", slice_index, "--json").stdout)
    assert about["counts"] == manifest.counts and about["text_index"] == manifest.text_index
    assert about["rows"]["pages"] == manifest.pages_read == 206
    assert about["total_bytes"] == sum(shard.size_bytes for shard in manifest.shards)
    shown = run("info", slice_index).stdout
    for words in ("206 read", "100 redirect", "preset more", "efficientnet-lite0", "sentences"):
        assert words in shown


def test_show_gives_pages_paragraphs_sentences_and_files(slice_index: Path, slice_photos: Path) -> None:
    sentence = json.loads(run("show", slice_index, "--doc", "12#0#0", "--json").stdout)
    paragraph = json.loads(run("show", slice_index, "--doc", "12#0", "--json").stdout)
    page = json.loads(run("show", slice_index, "--doc", "12", "--json").stdout)
    assert page["title"] == paragraph["title"] == sentence["title"] == "Anarchism"
    assert page["paragraphs"][0]["text"] == paragraph["text"] and sentence["text"] == paragraph["sentences"][0]
    for link in paragraph["links"]:
        assert paragraph["text"][link["start"] : link["end"]]
    photo = sorted(slice_photos.glob("*.jpg"))[0].name
    file = run("show", slice_index, "--doc", f"File:{photo.replace(' ', '_')}").stdout
    assert f"file: {photo}" in file and "is_indexed: True" in file and "https://commons.wikimedia.org/" in file
    message = fails(3, "show", slice_index, "--doc", "999999#0")
    assert "holds no '999999#0'" in message and "Remedy:" in message


def test_verify_says_sound_or_names_the_damaged_file(slice_index: Path, damaged: Path) -> None:
    sound = run("verify", slice_index)
    assert (sound.returncode, sound.stdout) == (0, "") and sound.stderr.endswith("sound\n")
    found = run("verify", damaged, "--json")
    assert found.returncode == 4
    report = json.loads(found.stdout)
    assert report["is_sound"] is False
    assert [fault["path"] for fault in report["faults"]] == ["pages/part-00000.parquet", "manifest.json"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "no query"),
        (("--text", "a", "--batch", "b"), "two kinds of query"),
        (("--text", " "), "empty"),
        (("--text", "a", "-k", "0"), "Invalid value for '-k'"),
        (("--text", "a", "-k", "many"), "Invalid value for '-k'"),
        (("--text", "a", "--title-boost", "-1"), "the title boost is -1"),
        (("--words", "a"), "No such option"),
    ],
)
def test_wrong_options_end_with_2(slice_index: Path, words: tuple[str, ...], said: str) -> None:
    assert said in fails(2, "query", slice_index, *words)


def test_pictures_that_cannot_be_used_end_with_3(slice_index: Path, tmp_path: Path) -> None:
    svg, broken = tmp_path / "drawing.svg", tmp_path / "broken.jpg"
    svg.write_text('<svg xmlns="http://www.w3.org/2000/svg"/>')
    broken.write_bytes(b"\xff\xd8\xff\xe0 and no more")
    for path in (svg, broken, tmp_path / "nothing.jpg"):
        message = fails(3, "query", slice_index, "--image", path)
        assert str(path) in message and "Remedy:" in message


def test_folders_that_are_no_index_end_with_4_and_a_remedy(damaged: Path, slice_photos: Path, tmp_path: Path) -> None:
    photo = sorted(slice_photos.glob("*.jpg"))[0]
    assert "beam run build_wiki_index" in fails(4, "query", tmp_path, "--text", "a")
    assert "beam run build_wiki_index" in fails(4, "info", tmp_path / "nowhere")
    message = fails(4, "query", damaged, "--image", photo)
    assert "other weights" in message and str(damaged) in message and "Remedy:" in message


def test_an_index_without_pictures_says_how_to_build_one(slice_index: Path, slice_photos: Path, tmp_path: Path) -> None:
    manifest = json.loads((slice_index / "manifest.json").read_text())
    (tmp_path / "manifest.json").write_text(json.dumps({**manifest, "image_index": None}))
    message = fails(4, "query", tmp_path, "--image", sorted(slice_photos.glob("*.jpg"))[0])
    assert "built without pictures" in message and "--images DIR" in message


def test_output_is_utf8_under_an_ascii_locale_and_a_closed_pipe_is_no_crash(slice_index: Path) -> None:
    done = run("query", slice_index, "--text", "anarchism", "-k", "1", PYTHONIOENCODING="ascii", LC_ALL="C")
    assert done.returncode == 0 and "┃" in done.stdout
    command = f"'{PROGRAM}' query '{slice_index}' --text 'the of Alabama' -k 2000 --json | head -n 1"
    cut = subprocess.run(command, shell=True, capture_output=True, text=True, check=False)
    assert json.loads(cut.stdout)["rank"] == 1 and cut.stderr == ""


def test_words_do_not_find_pictures_with_an_encoder_that_knows_no_words(slice_index: Path) -> None:
    message = fails(2, "query", slice_index, "--text", "a cat", "--modality", "image")
    assert "efficientnet-lite0 knows pictures only" in message and "--encoder open_clip:ARCH:TAG" in message
    assert "what words look for" in fails(2, "query", slice_index, "--image", "a.jpg", "--modality", "image")
