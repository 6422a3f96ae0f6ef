"""Readers of data sets: what they keep, what they count, and what they refuse with file and line."""

from __future__ import annotations

import hashlib
import json
import re
import tempfile
import zipfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path

import pytest

from schemas.dataset import read_dataset, read_samples
from schemas.errors import InputError, UsageError
from schemas.records import Context, Query, Sample, Span
from schemas.tables import CONTEXTS, QUERIES, SAMPLES
from schemas.text_files import TextFile, find_split_files
from trainer.data import READERS, convert_files

TYPES = ("PER", "LOC", "ORG", "OTHER")


def read(
    tmp_path: Path, form: str, text: str | bytes, labels: Sequence[str] | None = None
) -> tuple[list[Sample], Counter[str]]:
    path = tmp_path / "test.txt"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    counters: Counter[str] = Counter()
    return list(READERS[form](TextFile(path), "test", labels, counters)), counters


def refuse(
    tmp_path: Path, form: str, text: str | bytes, message: str, place: str | None = None, **more: object
) -> None:
    with pytest.raises(InputError, match=re.escape(message)) as caught:
        read(tmp_path, form, text, **more)  # type: ignore[arg-type]
    assert caught.value.path == str(tmp_path / "test.txt")
    if place is not None:
        assert caught.value.place == place


def test_imgid_lines_name_the_image_and_blank_lines_end_a_sentence(tmp_path: Path) -> None:
    text = "IMGID:17_06_12483\nNew\tO\nYork\tB-LOC\n\nIMGID:9.PNG\r\nBob\tB-PER\r\n"
    samples, _ = read(tmp_path, "conll", text, TYPES)
    assert [row.sample_id for row in samples] == ["test-1", "test-2"]
    assert [row.image for row in samples] == ["17_06_12483.jpg", "9.PNG"]
    assert [row.tokens for row in samples] == [("New", "York"), ("Bob",)]
    assert [row.tags for row in samples] == [("O", "B-LOC"), ("B-PER",)]


def test_column_files_may_lack_images_and_part_columns_by_a_blank(tmp_path: Path) -> None:
    samples, _ = read(tmp_path, "conll", "\n\na O\nb B-PER\n\n\n\nc O", TYPES)
    assert [(row.tokens, row.image) for row in samples] == [(("a", "b"), None), (("c",), None)]


def test_a_token_of_white_space_is_kept_with_its_tag(tmp_path: Path) -> None:
    samples, _ = read(tmp_path, "conll", "a\tO\n\u00a0\tO\nb\tB-PER\n", TYPES)
    assert samples[0].tokens == ("a", "\u00a0", "b")


def test_unicode_line_separators_do_not_end_a_line(tmp_path: Path) -> None:
    samples, _ = read(tmp_path, "conll", "a\u2028b\tO\nc\x85\tO\n", TYPES)
    assert samples[0].tokens == ("a\u2028b", "c\x85")


@pytest.mark.parametrize(
    ("text", "message", "place"),
    [
        ("a\tO\nb\tB-PRE\n", "unknown tag 'B-PRE', did you mean PER", "line 2"),
        ("IMGID:1\na\tPER\n", "not a tag: 'PER'", "line 2"),
        ("a\tO\nb\n", "must hold a token and a tag", "line 2"),
        ("a\tO\tx\n", "not a tag: 'x'", "line 1"),
        ("George B-PER N\nwent O V\n", "not a tag: 'N'", "line 1"),
        ("EU NNP B-NP B-ORG\nrejects O\n", "2 columns, but 4 in line 1", "line 2"),
        ("EU\tB-ORG\nrejects\tVBZ\tO\n", "3 columns, but 2 in line 1", "line 2"),
        ("a O\nb \n", "must hold a token and a tag", "line 2"),
        ("a O\n O\n", "must hold a token and a tag", "line 2"),
        ("IMGID:1\n-DOCSTART- O\n", "empty token list", "line 1"),
        ("# id 5 domain=en\nb\n", "must hold a token and a tag", "line 2"),
        ("a\tO\n\tO\n", "must hold a token and a tag", "line 2"),
        ("a\tO\n\nIMGID:4\n\nb\tO\n", "empty token list", "line 3"),
        ("a\tO\n\nIMGID:4", "empty token list", "line 3"),
        ("<EOS>\tX\nb\tX\n", "empty token list", "line 1"),
        ("a\tX\n<EOS>\tX\nb\tX\n", "tags X must begin at <EOS>", "line 1"),
        ("a\tO\n<EOS>\tX\nb\tO\n", "tags X must begin at <EOS>", "line 1"),
        (b"a\tO\n\xff\tO\n", "not UTF-8", "line 2"),
        ("IMGID:../../etc/passwd\na\tO\n", "broken image reference", "line 1"),
    ],
)
def test_faulty_column_files_are_refused_with_the_line(
    tmp_path: Path, text: str | bytes, message: str, place: str
) -> None:
    refuse(tmp_path, "conll", text, message, place, labels=TYPES)


def test_contexts_behind_eos_are_left_out_and_counted(tmp_path: Path) -> None:
    samples, counters = read(tmp_path, "conll", "a\tO\n<EOS>\tX\nz\tX\n<EOS>\tX\ny\tX\n\n<EOS>\tO\nb\tO\n", TYPES)
    assert [row.tokens for row in samples] == [("a",), ("<EOS>", "b")]
    assert counters["contexts_left_out"] == 2


FOUR = "-DOCSTART- -X- -X- O\n\nACME NNP B-NP B-ORG\nopens VBZ B-VP O\n\nAnn NNP B-NP B-PER\n"


@pytest.mark.parametrize("text", [FOUR, FOUR.replace(" ", "\t"), FOUR.replace(" ", "  "), FOUR.replace(" ", "\t\t")])
def test_of_four_columns_the_first_and_the_last_count(tmp_path: Path, text: str) -> None:
    samples, counters = read(tmp_path, "conll", text)
    assert [(row.tokens, row.tags) for row in samples] == [(("ACME", "opens"), ("B-ORG", "O")), (("Ann",), ("B-PER",))]
    assert counters["docstarts_left_out"] == 1


@pytest.mark.parametrize(
    "start", ["-DOCSTART-", "-DOCSTART- O", "-DOCSTART-\tO", "-DOCSTART- -DOCSTART- O", "-DOCSTART- "]
)
def test_the_start_of_a_document_ends_a_sentence_and_is_none(tmp_path: Path, start: str) -> None:
    samples, counters = read(tmp_path, "conll", f"a O\n{start}\nb O\n{start}\n\nc O\n")
    assert [row.tokens for row in samples] == [("a",), ("b",), ("c",)]
    assert [row.sample_id for row in samples] == ["test-1", "test-2", "test-3"]
    assert counters["docstarts_left_out"] == 2


def test_comments_before_a_sentence_are_left_out_and_counted_and_a_hashtag_is_a_token(tmp_path: Path) -> None:
    text = (
        "# id 5f3a-1\tdomain=en\nann _ _ B-PER\n# _ _ O\n\n# sent_id = 2\n# text = # x\n# _ _ O\nb _ _ O\n\n#b _ _ O\n"
    )
    samples, counters = read(tmp_path, "conll", text)
    assert [row.tokens for row in samples] == [("ann", "#"), ("#", "b"), ("#b",)]
    assert counters["comments_left_out"] == 3
    samples, counters = read(tmp_path, "conll", "#\tO\n# O\n")
    assert samples[0].tokens == ("#", "#")


def test_blanks_at_the_end_of_a_line_are_no_column(tmp_path: Path) -> None:
    samples, _ = read(tmp_path, "conll", "EU B-ORG \nrejects O\t\nnow\tO  \n\t \nNew York B-LOC \n".replace("New ", ""))
    assert [(row.tokens, row.tags) for row in samples] == [
        (("EU", "rejects", "now"), ("B-ORG", "O", "O")),
        (("York",), ("B-LOC",)),
    ]


def test_a_token_may_hold_a_blank_in_a_file_of_two_columns(tmp_path: Path) -> None:
    samples, _ = read(tmp_path, "conll", "in O\nNew York B-LOC\n")
    assert samples[0].tokens == ("in", "New York")


MNRE = "{'token': ['A', 'of', 'B'], 'h': {'name': 'A', 'pos': [0, 1]}, 't': {'name': 'B', 'pos': [2, 3]}, "


def test_mnre_keeps_last_token_entities_and_overlapping_spans(tmp_path: Path) -> None:
    overlap = MNRE.replace("[2, 3]", "[0, 3]")
    text = f"{MNRE}'img_id': 'x.jpg', 'relation': '/a'}}\n\n{overlap}'img_id': 71532, 'relation': 'none'}}\n"
    samples, counters = read(tmp_path, "mnre", text, ("None", "/a"))
    assert [(row.head, row.tail) for row in samples] == [(Span(0, 1), Span(2, 3)), (Span(0, 1), Span(0, 3))]
    assert [(row.image, row.relation) for row in samples] == [("x.jpg", "/a"), ("71532.jpg", "None")]
    assert counters == {"integer_img_ids": 1, "overlapping_spans": 1, "names_that_differ": 1}


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (MNRE + "'img_id': 'x', 'relation': '/b'}", "unknown relation '/b'"),
        (
            MNRE.replace("[2, 3]", "[2, 4]") + "'img_id': 'x', 'relation': '/a'}",
            "tail [2, 4) is not a span of 3 tokens",
        ),
        (MNRE.replace("[2, 3]", "[2, 2]") + "'img_id': 'x', 'relation': '/a'}", "tail [2, 2) is not a span"),
        (MNRE.replace("[2, 3]", "[2, True]") + "'img_id': 'x', 'relation': '/a'}", "'t' must hold 'pos'"),
        (MNRE.replace("'pos'", "'at'") + "'img_id': 'x', 'relation': '/a'}", "'h' must hold 'pos'"),
        (MNRE + "'img_id': ['x'], 'relation': '/a'}", "broken image reference ['x']"),
        (MNRE + "'img_id': '/x', 'relation': '/a'}", "broken image reference '/x'"),
        (MNRE + "'img_id': 'x'}", "'relation' must be a string"),
        (MNRE.replace("'of'", "''") + "'img_id': 'x', 'relation': '/a'}", "token 2 is empty"),
        (MNRE.replace("'of'", r"'\ud800'") + "'img_id': 'x', 'relation': '/a'}", "half of a surrogate pair"),
        (MNRE.replace("['A', 'of', 'B']", "[]") + "'img_id': 'x', 'relation': '/a'}", "empty token list"),
        (MNRE.replace("['A', 'of', 'B']", "'A of B'") + "'img_id': 'x'}", "'token' must be a list of strings"),
        ("__import__('os').getcwd()", "not a Python dict literal"),
        ('{"token": ["A"], "relation": null}', "'relation' must be a string"),
        ("{'token': [nil]}", "not a Python dict literal"),
        ("['A']", "not a Python dict literal"),
        ("(" * 5000, "not a Python dict literal"),
        ("-" * 90_000 + "1", "not a Python dict literal"),
        ("'" + "x" * 100_001 + "'", "a line of more than 100000 characters"),
    ],
)
def test_faulty_mnre_lines_are_refused_with_the_line(tmp_path: Path, line: str, message: str) -> None:
    good = MNRE + "'img_id': 'x.jpg', 'relation': '/a'}\n"
    refuse(tmp_path, "mnre", good + line + "\n", message, "line 2", labels=("None", "/a"))


@pytest.mark.parametrize(
    "line",
    [
        '{"token": ["A", "B"], "h": {"name": null, "pos": [0, 1]}, "t": {"name": "B", "pos": [1, 2]}, '
        '"relation": "None", "img_id": null}',
        "{'token': ['A', 'B'], 'h': {'name': null, 'pos': [0, 1]}, 't': {'pos': [1, 2]}, 'relation': 'None', "
        "'img_id': null}",
    ],
)
def test_null_in_an_mnre_row_is_none(tmp_path: Path, line: str) -> None:
    samples, _ = read(tmp_path, "mnre", line + "\n")
    assert (samples[0].image, samples[0].head, samples[0].relation) == (None, Span(0, 1), "None")


def test_a_json_row_is_read_by_the_rules_of_json(tmp_path: Path) -> None:
    line = '{"token": ["a\\/b", "\\ud83d\\ude00"], "h": {"pos": [0, 1]}, "t": {"pos": [1, 2]}, "relation": "x"}'
    samples, _ = read(tmp_path, "mnre", line)
    assert samples[0].tokens == ("a/b", "😀")


CASES = Path(__file__).resolve().parents[4] / "shared" / "cases" / "columns"


@pytest.mark.skipif(not CASES.is_dir(), reason=f"no cases at {CASES}")
def test_the_forms_that_circulate_are_read_or_refused() -> None:
    found: dict[str, object] = {}
    for path in sorted(CASES.iterdir()):
        form = "mnre" if path.name.startswith("mnre") else "conll"
        try:
            samples = list(READERS[form](TextFile(path), "test", None, Counter()))
        except InputError as error:
            found[path.stem] = error.message.partition(" (")[0]
        else:
            found[path.stem] = [(" ".join(row.tokens), " ".join(row.tags or ())) for row in samples]
    assert found == {
        "docstart_dutch-train": [("Dat is Jan", "O O B-PER")],
        "docstart_tab-dev": [("LONDON 1996-08-30", "B-LOC O")],
        "flair-train": "not a tag: 'N'",
        "four_blank-train": [("ACME opens Nordic branch .", "B-ORG O B-MISC O O"), ("Ann Bell", "B-PER I-PER")],
        "four_tab-train": [("ACME opens Nordic branch .", "B-ORG O B-MISC O O"), ("Ann Bell", "B-PER I-PER")],
        "mnre_null": [("A B", "")],
        "multiconer-train": [("ann bell owner of acme", "B-PER I-PER O O B-CORP")],
        "multiconer_noid-train": [("ann bell of acme", "B-PER I-PER O B-CORP")],
        "trailing-train": [("EU rejects now", "B-ORG O O")],
    }


def test_wikidiverse_mentions_become_tags_on_tokens(tmp_path: Path) -> None:
    address = "https://upload.wikimedia.org/x/Detroit_Run.JPEG"
    entry = ["The Lions versus Green Bay (2007).", address, "sports", [
        ["Lions", "Organization", 4, 9, "https://en.wikipedia.org/wiki/Detroit_Lions"],
        ["Green Bay", "Location", 17, 26, "x"],
        ["Bay", "Location", 23, 26, "x"],
        ["ersus", "Other thing", 11, 16, "x"],
    ]]  # fmt: skip
    vector = ["One.", "https://upload.wikimedia.org/x/flag.svg", "t", []]
    samples, counters = read(tmp_path, "wikidiverse", json.dumps([entry, vector]))
    assert samples[0].tokens == ("The", "Lions", "versus", "Green", "Bay", "(", "2007", ")", ".")
    assert samples[0].tags == (
        "O", "B-Organization", "B-Other_thing", "B-Location", "I-Location", "O", "O", "O", "O",
    )  # fmt: skip
    assert samples[0].image == hashlib.md5(b"Detroit_Run.JPEG").hexdigest() + ".JPEG"
    assert samples[1].image == hashlib.md5(b"flag.svg").hexdigest() + ".png"
    assert counters == {"mentions_dropped": 1, "mentions_widened": 1}


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({}, "not a json list"),
        ([["a", "b", "c"]], "an entry must be"),
        ([["One.", "", "t", [["One", "Person", 0, 9, ""]]]], "mention [0, 9) is not in a sentence of 4 characters"),
        ([["One.", "", "t", [["One", None, 0, 3, ""]]]], "not a mention"),
        ([["One.", "", "t", [["One", "Persn", 0, 3, ""]]]], "unknown type 'Persn', did you mean Person"),
        ([[" ", "", "t", []]], "empty token list"),
    ],
)
def test_faulty_wikidiverse_files_are_refused(tmp_path: Path, value: object, message: str) -> None:
    refuse(tmp_path, "wikidiverse", json.dumps(value), message, labels=("Person",))
    refuse(tmp_path, "wikidiverse", "[" * 100_000, "not json")


def test_jsonl_takes_tokens_or_text_and_any_or_no_labels(tmp_path: Path) -> None:
    rows = [
        {"id": 7, "image_id": "7.jpg", "tokens": ["a", "b"], "label": ["O", "B-PER"]},
        {"text": "Hello, @bob!"},
        {"tokens": ["a", "b"], "head": [0, 1], "tail": [1, 2], "relation": "/r"},
    ]
    samples, counters = read(tmp_path, "jsonl", "\n".join(map(json.dumps, rows)))
    assert [row.sample_id for row in samples] == ["test-7", "test-2", "test-3"]
    assert samples[0].image == "7.jpg" and samples[0].tags == ("O", "B-PER")
    assert samples[1].tokens == ("Hello", ",", "@bob", "!") and samples[1].tags is None
    assert samples[2].tail == Span(1, 2) and samples[2].relation == "/r"
    assert counters["text_cut_into_tokens"] == 1


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", "not json"),
        ("[1]", "not a json object"),
        ('{"txt": "a"}', "unknown key 'txt'"),
        ('{"tokens": ["a"], "token": ["a"]}', "the same field twice: 'token'"),
        ('{"image": "a.jpg"}', 'needs "tokens"'),
        ('{"tokens": []}', "empty token list"),
        ('{"text": "  "}', "empty token list"),
        ('{"tokens": ["a", ""]}', "token 2 is empty"),
        ('{"tokens": ["a", 1]}', "'tokens' must be a list of strings"),
        ('{"tokens": ["\\ud83d"]}', "half of a surrogate pair"),
        ('{"tokens": ["a"], "tags": ["O", "O"]}', "1 tokens but 2 tags"),
        ('{"tokens": ["a"], "tags": ["B"]}', "not a tag: 'B'"),
        ('{"tokens": ["a"], "image": "../a.jpg"}', "broken image reference"),
        ('{"tokens": ["a"], "image": 3}', "'image' must be a string"),
        ('{"tokens": ["a"], "head": [0, 1]}', "head without tail"),
        ('{"tokens": ["a"], "relation": "r"}', "a relation without head and tail"),
        ('{"tokens": ["a"], "head": [0, "1"], "tail": [0, 1]}', "'head' must be [start, end]"),
    ],
)
def test_faulty_jsonl_lines_are_refused_with_the_line(tmp_path: Path, line: str, message: str) -> None:
    place = "line 2, token 1" if "not a tag" in message else "line 2"
    refuse(tmp_path, "jsonl", '{"tokens": ["a"]}\n' + line + "\n", message, place)


def test_split_files_are_found_by_name_in_folders_and_archives(tmp_path: Path) -> None:
    folder = tmp_path / "set"
    folder.mkdir()
    for name in ("mnre_train.txt", "mnre_val .txt", "ours_test.txt", "labels.txt", "test.jpg"):
        (folder / name).write_text("a\tO\n")
    found = find_split_files(folder)
    assert {split: file.path.name for split, file in found.items()} == {
        "train": "mnre_train.txt",
        "dev": "mnre_val .txt",
        "test": "ours_test.txt",
    }
    with zipfile.ZipFile(tmp_path / "set.zip", "w") as archive:
        archive.writestr("a/valid.txt", "a\tO\n")
        archive.writestr("__MACOSX/a/test.txt", "a\tO\n")
    packed = find_split_files(tmp_path / "set.zip")
    assert list(packed) == ["dev"] and list(packed["dev"].lines()) == [(1, "a\tO")]


def test_damaged_archives_and_absent_files_are_input_errors(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "set.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("test.txt", "some\tO\n" * 5000)
    whole = (tmp_path / "set.zip").read_bytes()
    (tmp_path / "set.zip").write_bytes(whole[:60] + bytes(10) + whole[70:])
    with pytest.raises(InputError, match="damaged or unreadable"):
        list(TextFile(tmp_path / "set.zip", "test.txt").lines())
    for file in (TextFile(tmp_path / "set.zip", "none.txt"), TextFile(tmp_path / "none.txt"), TextFile(tmp_path)):
        with pytest.raises(InputError, match="cannot be read"):
            list(file.lines())


def test_lines_have_a_bound_and_may_begin_with_a_byte_order_mark(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "test.txt"
    path.write_bytes(b"\xef\xbb\xbfa\tO\r\n" + b"x" * 90 + b"\n")
    assert [line for _, line in TextFile(path).lines()] == ["a\tO", "x" * 90]
    monkeypatch.setattr("schemas.text_files._MAX_LINE_BYTES", 80)
    with pytest.raises(InputError, match="a line of more than 80 bytes") as caught:
        list(TextFile(path).lines())
    assert caught.value.place == "line 2"
    monkeypatch.setattr("schemas.text_files._MAX_BYTES", 5)
    with pytest.raises(InputError, match="more than 2 GiB of text"):
        list(TextFile(path).lines())


def test_the_records_have_the_columns_of_their_tables() -> None:
    for record, table in ((Sample, SAMPLES), (Context, CONTEXTS), (Query, QUERIES)):
        assert [field.name for field in fields(record)] == table.names


def test_two_candidates_for_a_split_are_an_error_and_none_too(tmp_path: Path) -> None:
    (tmp_path / "dev.txt").touch()
    (tmp_path / "valid.txt").touch()
    with pytest.raises(UsageError, match="two files could be dev"):
        find_split_files(tmp_path)
    with pytest.raises(InputError, match="no such file"):
        find_split_files(tmp_path / "absent")
    with pytest.raises(InputError, match="named after a split"):
        find_split_files(Path(tempfile.mkdtemp(dir=tmp_path)))


def convert_lines(tmp_path: Path, out: str, name: str = "mine", form: str | None = "conll", **texts: str) -> Path:
    files = {}
    for split, text in texts.items():
        path = tmp_path / f"{split}.txt"
        path.write_text(text)
        files[split] = TextFile(path)
    convert_files(files, tmp_path / out, name=name, format=form)
    return tmp_path / out


def test_a_converted_set_reads_back_as_it_was(tmp_path: Path) -> None:
    folder = convert_lines(tmp_path, "out", train="IMGID:1\na\tB-PER\n\nb\tI-LOC\n", test="c\tO\n")
    dataset = read_dataset(folder)
    assert dataset.labels == ("LOC", "PER") and dataset.task == "ner"
    assert {split: info.rows for split, info in dataset.splits.items()} == {"train": 2, "test": 1}
    assert read_samples(folder, "train") == [
        Sample("train-1", ("a",), "1.jpg", ("B-PER",), split="train"),
        Sample("train-2", ("b",), None, ("I-LOC",), split="train"),
    ]
    assert dataset.inputs[0].sha256 == hashlib.sha256(b"c\tO\n").hexdigest()


def test_a_data_set_is_replaced_only_on_demand(tmp_path: Path) -> None:
    folder = convert_lines(tmp_path, "out", test="a\tO\n")
    with pytest.raises(UsageError, match="a data set here already"):
        convert_lines(tmp_path, "out", test="b\tO\n")
    files = {"test": TextFile(tmp_path / "test.txt")}
    convert_files(files, folder, name="mine", format="conll", overwrite=True)
    assert read_samples(folder, "test")[0].tokens == ("b",)


def test_changed_rows_are_noticed(tmp_path: Path) -> None:
    folder = convert_lines(tmp_path, "out", test="a\tO\n")
    other = convert_lines(tmp_path, "other", test="b\tO\n")
    (folder / "test.parquet").write_bytes((other / "test.parquet").read_bytes())
    with pytest.raises(Exception, match=re.escape("the rows differ from dataset.json")):
        read_samples(folder, "test")
    (folder / "test.parquet").write_bytes(b"PAR1")
    with pytest.raises(Exception, match="not a readable Parquet file"):
        read_samples(folder, "test")


def test_unknown_sets_formats_splits_and_mixed_tasks_are_errors(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="'mine' is not a known set"):
        convert_lines(tmp_path, "a", form=None, test="a\tO\n")
    with pytest.raises(UsageError, match="no format 'csv'"):
        convert_lines(tmp_path, "b", form="csv", test="a\tO\n")
    folder = convert_lines(tmp_path, "c", test="a\tO\n")
    with pytest.raises(UsageError, match="no split 'dev', there are: test"):
        read_samples(folder, "dev")
    mixed = '{"tokens": ["a"], "tags": ["O"]}\n{"tokens": ["a"], "head": [0, 1], "tail": [0, 1]}\n'
    with pytest.raises(InputError, match="one data set has one task"):
        convert_lines(tmp_path, "d", form="jsonl", test=mixed)
    with pytest.raises(InputError, match="two samples have the id 'test-x'"):
        convert_lines(tmp_path, "e", form="jsonl", test='{"id": "x", "text": "a"}\n{"id": "x", "text": "b"}\n')
    with pytest.raises(InputError, match="no sample in this file"):
        convert_lines(tmp_path, "f", test="\n\n")
