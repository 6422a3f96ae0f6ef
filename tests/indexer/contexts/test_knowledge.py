"""Texts of a language model: whose they are, which model and prompt made them, and lines that do not say it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from indexer.contexts.cli import contexts as contexts_app
from indexer.contexts.knowledge import import_knowledge
from schemas.context_cache import read_context_rows
from schemas.dataset import write_dataset
from schemas.errors import InputError
from schemas.records import Sample


def data_set(folder: Path) -> Path:
    rows = [Sample("test-1", ("Rome",)), Sample("test-2", ("Oslo",))]
    write_dataset(folder / "set", {"test": rows}, name="set", task="ner", labels=(), inputs=(), counters={})
    return folder / "set"


def test_model_and_prompt_stand_beside_each_text_and_are_counted(tmp_path: Path) -> None:
    lines = [
        {"sample_id": "test-1", "text": "A  city.\nIn Italy.", "model": "m", "prompt_digest": "d1"},
        {"sample_id": "test-1", "text": ["Old.", "A  city. In Italy."], "model": "m", "prompt_digest": "d2"},
        {"id": "test-2", "knowledge": "A port.", "model": None},
    ]
    (tmp_path / "k.jsonl").write_text("\n".join(map(json.dumps, lines)) + "\n\n")
    info = import_knowledge(tmp_path / "k.jsonl", data_set(tmp_path), tmp_path / "out", "llm")
    rows = read_context_rows(tmp_path / "out")
    assert [(row.sample_id, row.rank, row.text, row.title, row.doc_id) for row in rows] == [
        ("test-1", 1, "A city. In Italy.", "m", "d1"),
        ("test-1", 2, "Old.", "m", "d2"),
        ("test-1", 3, "A city. In Italy.", "m", "d2"),
        ("test-2", 1, "A port.", "", ""),
    ]
    assert info.parameters["models_and_prompts"] == {"m d1": 1, "m d2": 2, "unnamed": 1}


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("no json", "no JSON"),
        ("[1]", "no object"),
        ('{"text": "x"}', "must be texts"),
        ('{"sample_id": 1, "text": "x"}', "must be texts"),
        ('{"sample_id": "test-1"}', "must be texts"),
        ('{"sample_id": "test-1", "text": ["a", 1]}', "must be texts"),
        ('{"sample_id": "test-1", "text": "a", "model": 3}', "must be texts"),
        (r'{"sample_id": "test-1", "text": "\ud800"}', "must be texts"),
        ('{"sample_id": "test-9", "text": "a"}', "no sample 'test-9'"),
        ("[" * 100_000, "no JSON"),
    ],
)
def test_a_faulty_line_is_refused_with_its_number(tmp_path: Path, line: str, message: str) -> None:
    (tmp_path / "k.jsonl").write_text('{"sample_id": "test-1", "text": "x"}\n' + line + "\n")
    with pytest.raises(InputError, match=message) as caught:
        import_knowledge(tmp_path / "k.jsonl", data_set(tmp_path), tmp_path / "out", "llm")
    assert caught.value.place == "line 2" and caught.value.remedy


def test_the_command_imports_knowledge_and_can_leave_out_other_posts(tmp_path: Path) -> None:
    (tmp_path / "k.jsonl").write_text('{"sample_id": "test-1", "text": "x"}\n{"sample_id": "z", "text": "y"}\n')
    arguments = ["import", str(tmp_path / "k.jsonl"), "-s", str(data_set(tmp_path)), "-o", str(tmp_path / "out")]
    arguments += ["--source", "llm", "--format", "knowledge"]
    assert CliRunner().invoke(contexts_app, arguments).exit_code != 0
    done = CliRunner().invoke(contexts_app, [*arguments, "--allow-unmatched", "--json"])
    assert done.exit_code == 0 and json.loads(done.stdout)["parameters"]["unmatched_lines"] == 1
    wrong = CliRunner().invoke(contexts_app, [*arguments[:-1], "prose"])
    assert "unknown format 'prose'" in str(wrong.exception)
