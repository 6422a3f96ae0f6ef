"""The pages of runs: what the folders tell, how runs compare, and files that came from elsewhere."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from indexer.index import WikiIndex
from schemas.dataset import write_dataset
from schemas.records import Context, Sample
from tests.support.inspector import HOSTILE, ask_inspector, make_index
from tests.support.run_folders import write_expert, write_mixture, write_predictions
from trainer.inputs import LabelSet
from trainer.reports import compare_runs

pytestmark = pytest.mark.integration

LABELS = LabelSet("ner", ("O", "B-PER", "B-LOC"))
GOLD = [("B-PER", "O"), ("B-LOC", "O"), ("O", "O"), ("B-PER", "B-LOC")]
SAID = {
    "baseline": [("O", "O"), ("B-LOC", "O"), ("O", "O"), ("B-PER", "O")],
    "text": [("B-PER", "O"), ("B-PER", "O"), ("O", "B-LOC"), ("B-PER", "B-LOC")],
}
POSTS = [Sample(f"test-{n}", ("Anna", "went"), tags=tags, split="test") for n, tags in enumerate(GOLD, start=1)]
USED = [[Context(row.sample_id, "text", 1, 1.0, "", "", "x", "")] for row in POSTS]


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> WikiIndex:
    return make_index(tmp_path_factory.mktemp("index") / "index", with_pictures=False)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs")
    types = ["PER", "LOC"]
    write_dataset(folder / "set", {"test": POSTS}, name="tiny", task="ner", labels=types, inputs=[], counters={})
    for name, said in SAID.items():
        write_expert(folder / name, LABELS, sources=("text",) if name == "text" else ())
        write_predictions(folder / name, LABELS, POSTS, said, used=USED if name == "text" else ())
    write_mixture(folder / "mixture", LABELS, ["../baseline", "../text"])
    weights = [(0.0, 1.0), (0.25, 0.75), (0.26, 0.74), (1.0, 0.0)]
    experts = ("baseline", "text")
    write_predictions(folder / "mixture", LABELS, POSTS, SAID["text"], used=USED, experts=experts, weights=weights)
    return folder


def ask(index: WikiIndex, folder: Path, **given: Any) -> TestClient:
    runs = tuple(folder / name for name in ("text", "baseline", "mixture"))
    return ask_inspector(index, **{"dataset": folder / "set", "runs": runs, **given})


@pytest.fixture(scope="module")
def client(index: WikiIndex, written: Path) -> TestClient:
    return ask(index, written)


@pytest.fixture(scope="module")
def spoilt(index: WikiIndex, written: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[TestClient, Path]:
    """A server whose runs are damaged, one file after the other, while it runs."""
    folder = tmp_path_factory.mktemp("spoilt")
    shutil.copytree(written, folder, dirs_exist_ok=True)
    return ask(index, folder), folder


def api(client: TestClient, path: str, status: int = 200) -> Any:
    response = client.get(f"/api{path}")
    assert response.status_code == status, response.text
    return response.json()


def page(client: TestClient, path: str, status: int = 200) -> str:
    response = client.get(path)
    assert response.status_code == status, response.text
    assert "<script>alert" not in response.text
    return response.text


def test_runs_compare_with_the_one_that_reads_no_contexts(client: TestClient) -> None:
    found = {row["name"]: row for row in api(client, "/runs")}
    assert list(found) == ["text", "baseline", "mixture"]
    assert [row["is_reference"] for row in found.values()] == [False, True, False]
    baseline, text = found["baseline"], found["text"]
    assert (baseline["sources"], text["sources"], found["mixture"]["experts"]) == ([], ["text"], ["baseline", "text"])
    assert baseline["score"]["f1"] == pytest.approx(2 * 2 / (2 + 4)) and baseline["difference"] is None
    assert text["score"]["f1"] == pytest.approx(2 * 3 / (5 + 4))
    assert text["difference"] == pytest.approx(2 / 3 - 2 / 3) and text["split"] == "test"
    assert text["changes"] == {"fixed": 2, "broken": 2, "better": 0, "worse": 0, "same": 0}
    assert baseline["changes"] is None and text["faults"] == []


def test_the_difference_is_the_one_of_mie_train_compare(client: TestClient, written: Path) -> None:
    compared = compare_runs(written / "text", written / "baseline", "test", resamples=10)
    assert api(client, "/runs/text")["difference"] == pytest.approx(compared.difference)


def test_the_list_links_to_the_samples_that_changed(client: TestClient) -> None:
    html = page(client, "/runs")
    assert "/samples?split=test&amp;run=text&amp;against=baseline&amp;change=fixed" in html
    assert "mixture of baseline, text; gate token" in html and html.count("<svg") == 2
    assert page(client, "/samples?split=test&run=text&against=baseline&change=fixed").count("sample-link") == 2


def test_an_expert_tells_settings_curves_scores_and_speed(client: TestClient) -> None:
    found = api(client, "/runs/text")
    assert found["settings"]["data"]["sources"] == '["text"]' and found["settings"]["training"]["seed"] == "42"
    assert [(row["epoch"], row["loss"], row["dev_f1"]) for row in found["epochs"]] == [(1, 2.5, 0.5), (2, 1.25, 0.625)]
    assert found["epochs"][1]["pieces_per_second"] == 1234.0 and found["best_dev_f1"] == 0.625
    assert found["scores"]["default"]["by_class"]["PER"]["gold"] == 2 and next(iter(found["scores"])) == "default"
    assert found["judged"]["kinds"] == {"spurious": 1, "wrong type": 1, "right": 2}
    assert found["windows"]["train"]["truncation_rate"] == 0.25 and found["mixture"] is None
    html = page(client, "/runs/text")
    assert html.count("<svg") == 3 and "25.0 % of 3 contexts did not fit" in html and "1,234" in html


def test_groups_of_other_samples_show_no_difference(client: TestClient) -> None:
    html = page(client, "/runs/text")
    row = html.split('<th scope="row">with contexts</th>')[1].split("</tr>")[0]
    assert "good" not in row and "bad" not in row, "the baseline has no window with contexts"


def test_a_mixture_tells_its_gate(client: TestClient) -> None:
    found = api(client, "/runs/mixture")
    assert found["gate_weights"]["baseline"] == [1, 0, 2, 0, 0, 0, 0, 0, 0, 1]
    assert sum(found["gate_weights"]["text"]) == 4 and found["gate_weights"]["text"][9] == 1
    assert found["systems"] == {"expert baseline": 0.5, "gate token": 0.25} and found["mixture"]["folds"] == 5
    html = page(client, "/runs/mixture")
    assert "Weight of baseline" in html and "0.1250" in html and "the token gate predicts" in html


def test_runs_without_the_data_set_are_shown_without_changes(index: WikiIndex, written: Path) -> None:
    client = ask(index, written, dataset=None)
    assert api(client, "/runs")[0]["changes"] is None and api(client, "/runs/text")["judged"] is None
    assert "--samples" in page(client, "/runs") and "Loss" in page(client, "/runs/text")


@pytest.mark.parametrize(("path", "status"), [("/runs/nobody", 404), ("/runs/..%2F..", 404), ("/runs?split=x", 400)])
def test_runs_and_splits_that_there_are_not(client: TestClient, path: str, status: int) -> None:
    page(client, path, status)
    if "?" not in path:
        assert api(client, path, status)["error"]["remedy"]


SCORE = {"precision": 0.5, "recall": 0.5, "f1": 0.5, "right": 1, "predicted": 2, "gold": 2}


@pytest.mark.parametrize(
    ("file", "text", "words"),
    [
        ("config.toml", "x =", "not TOML"),
        ("config.toml", "x = 1", "not a section"),
        ("config.toml", "a = " + "[" * 5000, "not TOML"),
        ("run.json", "{", "not JSON"),
        ("run.json", '{"best_dev_f1": "high"}', "best_dev_f1"),
        ("run.json", '{"windows": {"dev": {"contexts": []}}}', "windows"),
        ("metrics.jsonl", '{"kind": "epoch"}\n', "line 1"),
        ("metrics.jsonl", '{"kind": "epoch", "step": 1, "epoch": 1, "loss": NaN}\n', "not finite"),
        ("predictions/test.scores.json", "[]", "should be"),
        ("predictions/test.scores.json", json.dumps({"default": {**SCORE, "f1": 7}}), "not in [0, 1]"),
        ("predictions/test.scores.json", json.dumps({"default": {**SCORE, "right": "many"}}), "should be"),
        ("predictions/test.scores.json", json.dumps({"default": {"dev": 0.5}}), "not in [0, 1]"),
        ("mixture.json", '{"experts": [1]}', "mixture.json"),
        ("mixture.json", "x" * 5_000_000, "more than"),
    ],
)
def test_a_damaged_file_is_told_and_the_rest_is_shown(
    spoilt: tuple[TestClient, Path], file: str, text: str, words: str
) -> None:
    client, folder = spoilt
    name = "mixture" if file == "mixture.json" else "text"
    path = folder / name / file
    before = path.read_bytes()
    path.write_text(text)
    try:
        faults = api(client, f"/runs/{name}")["faults"]
        said = " ".join(" ".join(row.values()) for row in faults)
        assert f"{name}/{file}" in said and words in said and all(row["remedy"] for row in faults)
        assert str(folder) not in said, "folders above the run are not told"
        assert f"{name}/{file}" in page(client, f"/runs/{name}")
        assert "baseline" in page(client, "/runs") and len(api(client, "/runs")) == 3
        page(client, "/samples")
    finally:
        path.write_bytes(before)


def test_hostile_names_and_settings_are_text(index: WikiIndex, written: Path, tmp_path: Path) -> None:
    name = HOSTILE.replace("/", "")
    shutil.copytree(written / "text", tmp_path / name)
    settings = f'[data]\nsources = [\'{HOSTILE.replace(chr(39), "")}\']\n["{name}"]\nx = "{"y" * 1000}"\n'
    (tmp_path / name / "config.toml").write_text(settings)
    scores = {"default": {**SCORE, "by_class": {HOSTILE: SCORE, "B": SCORE}}, "]]>": SCORE}
    (tmp_path / name / "predictions" / "test.scores.json").write_text(json.dumps(scores))
    client = ask(index, written, runs=(tmp_path / name, written / "baseline"))
    for path in ("/runs", f"/runs/{name}", "/samples", f"/samples?run={name}", "/samples/test/test-1"):
        page(client, path)
    assert len(api(client, f"/runs/{name}")["settings"][name]["x"]) < 320


def test_a_log_that_is_being_written_shows_its_whole_lines(spoilt: tuple[TestClient, Path]) -> None:
    client, folder = spoilt
    with (folder / "baseline" / "metrics.jsonl").open("a") as stream:
        stream.write('{"kind": "epoch", "st')
    found = api(client, "/runs/baseline")
    assert len(found["epochs"]) == 2 and found["faults"] == []


Change = Callable[[Path], object]


@pytest.mark.parametrize(
    "change",
    [
        lambda run: shutil.rmtree(run),
        lambda run: (run / "predictions" / "test.jsonl").unlink(),
        lambda run: shutil.rmtree(run / "predictions"),
        lambda run: ((run / "run.json").unlink(), (run / "run.json").mkdir()),
    ],
)
def test_files_that_are_not_there(index: WikiIndex, written: Path, tmp_path: Path, change: Change) -> None:
    shutil.copytree(written, tmp_path, dirs_exist_ok=True)
    change(tmp_path / "text")
    client = ask(index, tmp_path)
    for path in ("/runs", "/runs/text", "/samples?run=text", "/samples/test/test-1"):
        page(client, path)
        api(client, path)


def test_the_api_is_described(client: TestClient) -> None:
    paths = client.get("/openapi.json").json()["paths"]
    for path in ("/api/samples", "/api/samples/{split}/{sample_id}", "/api/runs", "/api/runs/{name}"):
        schema = paths[path]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
        assert schema, path
