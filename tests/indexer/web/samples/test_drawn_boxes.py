"""Boxes, fine types and relations of samples: as JSON, as drawn boxes, on the page, in the list and its filters."""

from __future__ import annotations

import json
import re

import pytest
from fastapi.testclient import TestClient

from indexer.web.samples.box_marks import BoxGroup, draw_boxes
from indexer.web.samples.models import SampleDetail
from schemas.predictions import predictions_path
from tests.support.box_folders import HOSTILE_NAME, BoxFolders, build_box_folders
from tests.support.inspector import ask_inspector, make_index

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> BoxFolders:
    return build_box_folders(tmp_path_factory.mktemp("boxes"))


@pytest.fixture(scope="module")
def client(folders: BoxFolders, tmp_path_factory: pytest.TempPathFactory) -> TestClient:
    return ask_inspector(make_index(tmp_path_factory.mktemp("index")), **folders.given)


def detail(client: TestClient, name: str) -> SampleDetail:
    answer = client.get(f"/api/samples/test/{name}")
    assert answer.status_code == 200, answer.text
    return SampleDetail.model_validate(answer.json())


def groups_of(client: TestClient, name: str, run: str = "pointer") -> list[BoxGroup]:
    return draw_boxes(detail(client, name), run)


def test_the_api_gives_fine_types_boxes_regions_and_the_size_of_the_picture(client: TestClient) -> None:
    found = detail(client, "test-1")
    assert found.gold is not None and found.size is not None and (found.size.width, found.size.height) == (40, 30)
    assert [(row.type, row.fine, row.boxes) for row in found.gold] == [
        ("PER", "man", [(1.0, 2.0, 11.0, 12.0)]), ("MISC", "dog", [(20.0, 5.0, 30.0, 25.0), (21.0, 5.0, 31.0, 25.0)]),
    ]  # fmt: skip
    pointer = next(row for row in found.runs if row.run == "pointer")
    ann = pointer.entities[0]
    assert (ann.fine, ann.boxes, ann.candidates) == ("man", [(1.0, 2.0, 11.0, 11.0)], [("man", 0.9), ("dog", 0.1)])
    assert [(row.kind, row.gold and row.gold.text) for row in pointer.mistakes] == [
        ("wrong fine type", "Rex"),
        ("wrong region", "Rex"),
    ]
    assert [(row.store, row.view, row.number, row.weights) for row in found.regions] == [
        ("store", "regions", 0, {"pointer": 0.25}),
        ("store", "regions", 1, {"pointer": 0.75}),
    ]


def test_gold_predicted_boxes_and_regions_are_drawn_with_keys_of_their_own(client: TestClient) -> None:
    groups = groups_of(client, "test-1")
    assert [(group.title, group.kind, [box.key for box in group.boxes]) for group in groups] == [
        ("gold", "gold", ["1", "2", "3"]),
        ("pointer", "predicted", ["4", "5"]),
        ("store, regions", "region", ["a0", "a1"]),
    ]
    right, wrong = groups[1].boxes
    assert (right.note, right.is_wrong) == ("", False) and (wrong.note, wrong.is_wrong) == ("wrong region", True)
    assert wrong.words == "Rex cat" and groups[2].boxes[1].weight == 0.75


def test_a_run_without_boxes_shows_those_of_another(client: TestClient) -> None:
    assert [group.title for group in groups_of(client, "test-1", "words")] == ["gold", "pointer", "store, regions"]


def test_the_ends_of_relations_that_are_boxes_are_drawn_and_relations_stand_as_rows(client: TestClient) -> None:
    groups = groups_of(client, "test-2")
    assert [(box.key, box.words) for group in groups[:2] for box in group.boxes] == [
        ("1", "holds of Ann"),
        ("2", "holds of Ann"),
    ]
    text = client.get("/samples/test/test-2?run=pointer").text
    rows = re.findall(r"<tr><th scope=\"row\">(.*?)</tr>", text)
    plain = [" ".join(re.sub(r"<[^>]+>", " ", row).split()) for row in rows]
    assert plain == [
        "gold “Ann” holds [1, 1, 9, 9]", "gold “Ann” owns “Rex”", "words “Ann” holds [1, 1, 9, 9] missed",
        "words “Ann” owns “Rex” missed", "pointer “Ann” holds [1, 1, 9, 8] 0.500 right",
        "pointer “Rex” owns “Ann” spurious", "pointer “Ann” owns “Rex” missed",
    ]  # fmt: skip


def test_the_page_draws_each_box_once_and_lists_it(client: TestClient) -> None:
    text = client.get("/samples/test/test-1?run=pointer").text
    keys = re.findall(r'<g class="box ([a-z ]+)" id="box-(\w+)">', text)
    assert sorted(keys) == [
        ("gold", "1"), ("gold", "2"), ("gold", "3"), ("predicted", "4"), ("predicted wrong", "5"), ("region", "a0"),
        ("region", "a1"),
    ]  # fmt: skip
    assert re.findall(r'data-box="(\w+)"', text) == ["1", "2", "3", "4", "5", "a0", "a1"]
    assert 'viewBox="0 0 40 30"' in text and 'x="1.0" y="2.0" width="10.0" height="10.0"' in text
    assert "MISC · cat" in text and "wrong fine type, gold dog" in text and "How sure pointer is" in text


def test_names_of_regions_are_shown_as_text(client: TestClient) -> None:
    text = client.get("/samples/test/test-1").text
    assert HOSTILE_NAME not in text and "&lt;script&gt;" in text


def test_a_picture_that_is_not_there_leaves_the_list_of_boxes(client: TestClient) -> None:
    found = detail(client, "test-3")
    assert found.size is None and found.picture == "missing"
    text = client.get("/samples/test/test-3").text
    assert 'data-box="1"' in text and "viewBox" not in text and "not drawn" in text


def test_samples_are_found_by_wrong_regions_and_fine_types(client: TestClient) -> None:
    for kind in ("wrong region", "wrong fine type"):
        page = client.get("/api/samples", params={"run": "pointer", "kind": kind}).json()
        assert [row["sample_id"] for row in page["samples"]] == ["test-1"]
    text = client.get("/samples?run=words&against=pointer").text
    assert "wrong fine type “Rex” cat, gold dog" in text and "spurious “Rex” owns “Ann”" in text


def test_a_weight_beyond_1_is_a_fault_of_its_file(folders: BoxFolders, client: TestClient) -> None:
    path = predictions_path(folders.given["runs"][1], "test")
    kept = path.read_text()
    row = json.loads(kept.splitlines()[0])
    row["region_weights"][0]["weight"] = 7.0
    path.write_text(json.dumps(row) + "\n")
    answer = client.get("/api/samples/test/test-1")
    assert answer.status_code == 200 and "weight of 7.0" in answer.json()["faults"][0]["message"]
    path.write_text(kept)
