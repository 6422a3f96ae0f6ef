"""The sample browser over a small set, caches and runs: what is wrong, what contexts change, and hostile files."""

from __future__ import annotations

import io
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from fastapi.testclient import TestClient
from PIL import Image

from indexer.index import WikiIndex
from schemas import predictions as contract
from schemas.context_cache import CacheInfo, summarise, write_cache, write_rows
from schemas.dataset import NO_RELATION, input_digest, write_dataset
from schemas.records import Context, Query, Sample, Span
from schemas.tables import CONTEXTS, QUERIES
from tests.support.inspector import HOSTILE, ask_inspector, make_index, picture_bytes
from tests.support.run_folders import write_expert, write_mixture, write_predictions
from trainer.inputs import LabelSet

pytestmark = pytest.mark.integration

LABELS = LabelSet("ner", ("O", "B-PER", "I-PER", "B-LOC", "I-LOC", "B-ORG", "I-ORG"))


def tweet(number: int, words: str, tags: str | None, image: str | None = None) -> Sample:
    """Tags are short: `P` begins a person, `p` goes on, and so for L and O; a dot is outside."""
    long = {"P": "B-PER", "p": "I-PER", "L": "B-LOC", "l": "I-LOC", "O": "B-ORG", "o": "I-ORG", ".": "O"}
    named = None if tags is None else tuple(long[tag] for tag in tags)
    return Sample(f"test-{number}", tuple(words.split()), image, tags=named, split="test")


TWEETS = [
    tweet(1, "Anna saw New York Post today", "P.Ooo.", "one.png"),
    tweet(2, "Rome is big", "L..", "missing.png"),
    tweet(3, "hello world", "..", "link.png"),
    tweet(4, "Bert met Carl Smith", "P.Pp", "broken.png"),
    tweet(5, f"{HOSTILE} Oslo", ".L"),
    tweet(6, "Emil went home", None),
    tweet(7, "Lima again", "L."),
]
SAID = {
    "baseline": ["P.Ll..", "L..", "..", "....", ".L", "P.."],
    "text": ["P.Ooo.", "P..", ".L", "P.P.", ".L", "P.."],
}
CONTEXT = Context("test-1", "text", 1, 4.5, "3#0", "Snow", f"Snow falls. {HOSTILE} Dogs love.", "Dogs love.", HOSTILE)


def tags(words: str, short: str) -> tuple[str, ...]:
    return tweet(0, words, short).tags or ()


def write_runs(folder: Path) -> None:
    known = TWEETS[:6]
    for name, said in SAID.items():
        write_expert(folder / name, LABELS, sources=("text",) if name == "text" else ())
        predicted = [tags(" ".join(row.tokens), short) for row, short in zip(known, said, strict=True)]
        used = [[CONTEXT] if name == "text" and row.sample_id == "test-1" else [] for row in known]
        write_predictions(folder / name, LABELS, known, predicted, used=used)
    write_mixture(folder / "mixture", LABELS, ["../baseline", "../text"])
    weights = [(0.25, 0.75)] * len(known)
    experts = ("baseline", "text")
    write_predictions(folder / "mixture", LABELS, known, predicted, used=used, experts=experts, weights=weights)
    with (folder / "text" / "predictions" / "test.jsonl").open("a") as stream:
        stream.write('{"sample_id": "test-99", "tokens": ["x"], "tags": ["O"]}\n')


def write_contexts(folder: Path, index: str | None) -> Path:
    folder.mkdir(parents=True)
    rows = [CONTEXT, Context("test-1", "text", 2, None, "4#0", "", "No title.", "")]
    queries = [Query(row.sample_id, "text", input_digest(row), "no_hit", 0) for row in TWEETS[1:]]
    queries = [Query("test-1", "text", input_digest(TWEETS[0]), "hit", 2), *queries]
    queries[3] = Query("test-4", "text", "of other tokens", "hit", 1)
    write_rows(folder / "contexts.parquet", CONTEXTS, rows)
    write_rows(folder / "queries.parquet", QUERIES, queries)
    write_cache(folder, CacheInfo("tiny", {}, summarise(queries), index, {}, {}))
    return folder


def write_images(folder: Path) -> Path:
    folder.mkdir()
    (folder / "one.png").write_bytes(picture_bytes(0, 0, 255, size=(900, 600)))
    (folder / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n of nothing")
    (folder.parent / "secret.png").write_bytes(picture_bytes(255, 0, 0))
    (folder / "link.png").symlink_to(folder.parent / "secret.png")
    return folder


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> WikiIndex:
    return make_index(tmp_path_factory.mktemp("index") / "index", with_pictures=False)


def write_set(folder: Path, samples: list[Sample]) -> Path:
    many = [Sample(f"dev-{number}", ("word", str(number)), tags=("O", "O"), split="dev") for number in range(60)]
    splits = {"dev": many, "test": samples}
    types = ["PER", "LOC", "ORG"]
    write_dataset(folder, splits, name="tiny", task="ner", labels=types, inputs=[], counters={})
    return folder


Open = Callable[..., TestClient]


@pytest.fixture(scope="module")
def written(index: WikiIndex, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A set, a cache, runs and pictures; never changed."""
    folder = tmp_path_factory.mktemp("written")
    write_set(folder / "set", TWEETS)
    write_runs(folder / "runs")
    write_contexts(folder / "cache", index.manifest.fingerprint)
    write_images(folder / "images")
    return folder


def ask(index: WikiIndex, folder: Path, **given: Any) -> TestClient:
    runs = tuple(folder / "runs" / name for name in ("text", "baseline", "mixture"))
    shown = {"dataset": folder / "set", "sample_images": folder / "images", "contexts": (folder / "cache",)}
    return ask_inspector(index, **{**shown, "runs": runs, **given})


@pytest.fixture(scope="module")
def client(index: WikiIndex, written: Path) -> TestClient:
    return ask(index, written)


@pytest.fixture
def open_changed(index: WikiIndex, written: Path, tmp_path: Path) -> Open:
    """Copy what was written into a folder of the test's own, and change it before the server starts."""

    def start(change: Callable[[Path], object] = lambda _: None, **given: Any) -> TestClient:
        shutil.copytree(written, tmp_path, symlinks=True, dirs_exist_ok=True)
        change(tmp_path)
        return ask(index, tmp_path, **given)

    return start


def api(client: TestClient, path: str, status: int = 200) -> Any:
    response = client.get(f"/api{path}")
    assert response.status_code == status, response.text
    return response.json()


def page(client: TestClient, path: str, status: int = 200) -> str:
    response = client.get(path)
    assert response.status_code == status, response.text
    assert "<script>alert" not in response.text, "hostile text is escaped"
    return response.text


def counts(found: Any, name: str) -> dict[str, int]:
    return {row["value"]: row["count"] for row in found["facets"][name]}


def ids(found: Any) -> list[str]:
    return [row["sample_id"] for row in found["samples"]]


def test_samples_are_counted_by_mistake_change_type_and_picture(client: TestClient) -> None:
    found = api(client, "/samples")
    assert (found["split"], found["run"], found["against"]) == ("test", "text", "baseline")
    assert found["total"] == found["found"] == 7 and found["faults"] == []
    assert counts(found, "kind") == {
        "spurious": 1, "wrong type": 1, "wrong boundary": 1, "right": 2, "no prediction": 1, "no gold": 1,
    }  # fmt: skip
    assert counts(found, "change") == {"fixed": 1, "broken": 2, "better": 1, "same": 1}
    assert counts(found, "type") == {"PER": 4, "LOC": 4, "ORG": 1}
    assert counts(found, "picture") == {"with": 3, "missing": 1, "without": 3}
    assert counts(found, "window") == {"with contexts": 1, "without contexts": 5} and found["facets"]["gate"] == []


def test_filters_hold_together_and_each_is_counted_under_the_others(client: TestClient) -> None:
    found = api(client, "/samples?change=broken")
    assert ids(found) == ["test-2", "test-3"] and found["found"] == 2
    assert counts(found, "kind") == {"spurious": 1, "wrong type": 1}
    assert counts(found, "change")["fixed"] == 1, "the other choices of a filter are counted without it"
    assert ids(api(client, "/samples?change=broken&type=PER")) == ["test-2"]
    assert ids(api(client, "/samples?run=baseline&against=text&kind=missed")) == ["test-4"]
    assert ids(api(client, "/samples?run=baseline&against=text&change=fixed")) == ["test-2", "test-3"]
    assert ids(api(client, "/samples?q=NEW%20york")) == ["test-1"] and ids(api(client, "/samples?q=zzz")) == []
    assert ids(api(client, "/samples?picture=missing")) == ["test-2"]
    assert ids(api(client, "/samples?window=with%20contexts")) == ["test-1"]
    assert counts(api(client, "/samples?run=mixture"), "gate") == {"text": 6}
    assert ids(api(client, "/samples?run=mixture&gate=baseline")) == []


def test_pages_of_a_long_list_and_one_beyond_it(client: TestClient) -> None:
    second = api(client, "/samples?split=dev&page=2")
    assert (second["found"], second["pages"], len(second["samples"])) == (60, 3, 25)
    assert ids(second)[0] == "dev-25" and ids(api(client, "/samples?split=dev&page=99"))[-1] == "dev-59"
    html = page(client, "/samples?split=dev&page=2&q=word")
    assert 'href="/samples?split=dev&amp;run=baseline&amp;against=baseline&amp;q=word&amp;page=3"' in html


def test_a_sample_shows_what_each_run_says_and_reads(client: TestClient) -> None:
    found = api(client, "/samples/test/test-1?change=fixed")
    assert (found["place"], found["found"], found["previous"], found["next"]) == (1, 1, None, None)
    said = {row["run"]: row for row in found["runs"]}
    assert said["baseline"]["kinds"] == ["wrong type and boundary"] and said["text"]["kinds"] == ["right"]
    assert (said["text"]["change"], said["baseline"]["change"]) == ("fixed", "")
    mistake = said["baseline"]["mistakes"][0]
    assert (mistake["gold"]["text"], mistake["predicted"]["text"]) == ("New York Post", "New York")
    assert said["text"]["entities"][0]["probability"] == pytest.approx(0.9)
    assert said["mixture"]["gate"] == [{"expert": "baseline", "weight": 0.25}, {"expert": "text", "weight": 0.75}]
    (source,) = found["sources"]
    assert (source["source"], source["status"], source["is_of_this_index"]) == ("text", "hit", True)
    assert [row["used_by"] for row in source["contexts"]] == [["text", "mixture"], []]
    assert source["contexts"][0]["score"] == 4.5 and source["contexts"][1]["score"] is None


def test_the_page_of_a_sample_says_it_in_words(client: TestClient) -> None:
    html = page(client, "/samples/test/test-1")
    assert "wrong type and boundary, gold ORG “New York Post”" in html and "<mark>Dogs love.</mark>" in html
    assert 'href="/doc/3%230"' in html and 'value="0.75"' in html and "0.750" in html
    assert 'rel="next" href="/samples/test/test-2?' in html and "&lt;script&gt;" in html


def test_samples_without_contexts_gold_or_prediction_say_why(client: TestClient) -> None:
    assert api(client, "/samples/test/test-2")["sources"][0]["status"] == "no_hit"
    other = api(client, "/samples/test/test-4")["sources"][0]
    assert other["status"] == "other" and other["contexts"] == [], "made for other tokens: never shown"
    unlabelled = api(client, "/samples/test/test-6")
    assert unlabelled["gold"] is None and unlabelled["says"]["kinds"] == ["no gold"]
    assert unlabelled["says"]["entities"][0]["text"] == "Emil" and "not known" in page(client, "/samples/test/test-6")
    assert api(client, "/samples/test/test-7")["says"]["kinds"] == ["no prediction"]
    assert "no prediction" in page(client, "/samples/test/test-7")


def test_pictures_come_small_and_only_from_the_folder(client: TestClient) -> None:
    large = client.get("/sample-pictures/large/test/test-1")
    assert large.headers["content-type"] == "image/jpeg" and large.content[:2] == b"\xff\xd8"
    assert Image.open(io.BytesIO(large.content)).size == (640, 427)
    small = client.get("/sample-pictures/small/test/test-1")
    assert max(Image.open(io.BytesIO(small.content)).size) == 112 and len(small.content) < len(large.content)
    for name, words in (("test-3", "link out of the folder"), ("test-4", "broken"), ("test-2", "not in the folder")):
        assert words in page(client, f"/sample-pictures/large/test/{name}", 404)
    page(client, "/sample-pictures/large/test/..%2F..%2Fsecret.png", 404)
    page(client, "/sample-pictures/huge/test/test-1", 404)


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/samples?run=nobody", 400),
        ("/samples?split=validation", 400),
        ("/samples?kind=odd", 400),
        ("/samples?window=odd", 400),
        ("/samples?type=/etc/passwd", 400),
        ("/samples?page=0", 422),
        ("/samples?page=x", 422),
        (f"/samples?q={'x' * 301}", 422),
        ("/samples/test/nobody", 404),
        ("/samples/other/test-1", 404),
        ("/samples/test/%00", 404),
        ("/samples/test/test-1?run=nobody", 400),
    ],
)
def test_what_is_not_there_is_said(client: TestClient, path: str, status: int) -> None:
    page(client, path, status)
    assert api(client, path, status)["error"]["remedy"]


def test_without_a_data_set_or_runs_the_pages_say_what_to_give(open_changed: Open) -> None:
    assert "--samples" in page(open_changed(dataset=None), "/samples", 404)


def test_samples_alone_are_shown_with_gold(open_changed: Open) -> None:
    client = open_changed(runs=(), contexts=(), sample_images=None)
    found = api(client, "/samples?type=ORG")
    assert ids(found) == ["test-1"] and found["facets"]["kind"] == [] and found["samples"][0]["says"] is None
    assert "New York Post" in page(client, "/samples") and "--contexts" in page(client, "/samples/test/test-1")


def rewrite(line: str | bytes) -> Callable[[Path], object]:
    data = line.encode() if isinstance(line, str) else line
    return lambda folder: (folder / "runs" / "text" / "predictions" / "test.jsonl").write_bytes(data)


@pytest.fixture(scope="module")
def spoilt(index: WikiIndex, written: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[TestClient, Path]:
    """A server whose predictions are written again and again while it runs."""
    folder = tmp_path_factory.mktemp("spoilt")
    shutil.copytree(written, folder, symlinks=True, dirs_exist_ok=True)
    return ask(index, folder), folder


ROW = {"sample_id": "test-2", "tokens": ["Rome", "is", "big"], "tags": ["O", "O", "O"]}
ENTITY = {"start": 0, "end": 1, "type": "PER", "text": "Rome", "probability": 0.5}


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        ("{", "not JSON"),
        ("[" * 100_000, "not JSON"),
        (b'{"sample_id": "\xff"}', "not JSON"),
        ('{"sample_id": "\\ud800"}', "not JSON"),
        ("[]", "should be an object"),
        (json.dumps({**ROW, "tags": "O O O"}), "should be a valid array"),
        (json.dumps({**ROW, "sample_id": 7}), "should be a valid string"),
        (json.dumps({**ROW, "tags": ["O"]}), "3 tokens but 1 tags"),
        (json.dumps({**ROW, "gold": ["O"]}), "3 tokens but 1 gold tags"),
        (json.dumps({**ROW, "gold": "peer"}), "another task"),
        (json.dumps({**ROW, "relation": "peer"}), "either tags, a relation, or relations"),
        (json.dumps({**ROW, "entities": [{**ENTITY, "end": 9}]}), "in 3 tokens"),
        (json.dumps({**ROW, "entities": [{**ENTITY, "start": -(10**30)}]}), "in 3 tokens"),
        (json.dumps({**ROW, "entities": [{**ENTITY, "probability": float("nan")}]}), "must be in [0, 1]"),
        (json.dumps({**ROW, "gate": [{"expert": "x", "weight": 1e9}]}), "must be in [0, 1]"),
        (json.dumps({**ROW, "contexts": [{"source": "text"}]}), "required"),
        (f"{json.dumps(ROW)}\n{json.dumps(ROW)}", "stands here twice"),
    ],
)
def test_hostile_predictions_are_a_fault_with_file_place_and_remedy(
    spoilt: tuple[TestClient, Path], bad: str | bytes, words: str
) -> None:
    client, folder = spoilt
    rewrite(bad)(folder)
    for path in ("/samples", "/samples/test/test-2"):
        (fault,) = api(client, f"{path}?run=text")["faults"]
        assert fault["file"] == "text/predictions/test.jsonl" and fault["place"].startswith("line ")
        assert words in fault["message"] and "mie-train evaluate" in fault["remedy"]
        html = page(client, f"{path}?run=text")
        assert "text/predictions/test.jsonl" in html and "baseline" in html, "the other runs are still shown"


def test_predictions_beyond_the_bound_are_not_read(open_changed: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contract, "_MAX_BYTES", 100)
    assert "more than 100 bytes" in api(open_changed(), "/samples")["faults"][0]["message"]


def test_predictions_for_other_tokens_are_not_shown(open_changed: Open) -> None:
    client = open_changed(rewrite(json.dumps({**ROW, "tokens": ["Paris", "is", "big"]})))
    assert api(client, "/samples/test/test-2?run=text")["says"]["kinds"] == ["no prediction"]
    judged = api(client, "/runs/text")["judged"]
    assert (judged["others"], judged["absent"], judged["orphans"]) == (1, 6, 0)


def test_a_run_that_is_evaluated_again_is_read_again(open_changed: Open, tmp_path: Path) -> None:
    client = open_changed()
    assert api(client, "/samples")["facets"]["kind"][0]["value"] == "spurious"
    rewrite(json.dumps({**ROW, "tags": ["B-LOC", "O", "O"]}))(tmp_path)
    assert counts(api(client, "/samples"), "kind") == {"right": 1, "no prediction": 6}


def spoil(name: str, column: str, value: Any) -> Callable[[Path], object]:
    def change(folder: Path) -> None:
        path = folder / name
        table = pq.read_table(path)
        values = pa.array([value] * len(table), table.schema.field(column).type)
        pq.write_table(table.set_column(table.schema.get_field_index(column), table.schema.field(column), values), path)

    return change


def of_bytes(folder: Path) -> None:
    path = folder / "cache" / "contexts.parquet"
    table = pq.read_table(path)
    data = pa.array([b"\xff\xfe"] * len(table), pa.binary()).view(pa.string())
    pq.write_table(table.set_column(table.schema.get_field_index("text"), table.schema.field("text"), data), path)


@pytest.mark.parametrize(
    "change",
    [
        lambda folder: (folder / "cache" / "contexts.json").unlink(),
        lambda folder: (folder / "cache" / "contexts.json").write_text("[]"),
        lambda folder: (folder / "cache" / "contexts.parquet").write_bytes(b"PAR1"),
        lambda folder: (folder / "cache" / "queries.parquet").unlink(),
        of_bytes,
    ],
)
def test_a_damaged_cache_is_a_fault_and_the_rest_is_shown(open_changed: Open, change: Callable[[Path], object]) -> None:
    client = open_changed(change)
    found = api(client, "/samples/test/test-1")
    assert found["sources"] == [] and found["faults"][0]["file"] == "cache" and found["faults"][0]["remedy"]
    assert "New York Post" in page(client, "/samples/test/test-1")


def test_a_score_that_is_no_number_is_null(open_changed: Open) -> None:
    client = open_changed(spoil("cache/contexts.parquet", "score", float("nan")))
    assert api(client, "/samples/test/test-1")["sources"][0]["contexts"][0]["score"] is None
    page(client, "/samples/test/test-1")


@pytest.mark.parametrize(
    ("change", "status"),
    [
        (lambda folder: (folder / "set" / "dataset.json").unlink(), 409),
        (lambda folder: (folder / "set" / "test.parquet").write_bytes(b"PAR1"), 503),
        (spoil("set/test.parquet", "tokens", [None]), 503),
        (spoil("set/test.parquet", "image", "../secret.png"), 503),
    ],
)
def test_a_damaged_data_set_is_refused(open_changed: Open, change: Callable[[Path], object], status: int) -> None:
    client = open_changed(change)
    assert api(client, "/samples?split=test", status)["error"]["remedy"]
    page(client, "/samples/test/test-1", status)
    page(client, "/sample-pictures/large/test/test-1", status)


def test_pairs_show_head_tail_and_relations(index: WikiIndex, tmp_path: Path) -> None:
    names = (NO_RELATION, "/per/loc/visits", "/per/per/peer")
    gold = (names[1], names[0], names[2])
    pairs = [
        Sample(f"test-{n}/<b>", ("Anna", "saw", "Oslo"), None, None, Span(0, 1), Span(2, 3), name, "test")
        for n, name in enumerate(gold)
    ]
    write_dataset(tmp_path / "set", {"test": pairs}, name="p", task="re", labels=names, inputs=[], counters={})
    labels = LabelSet("re", names)
    for run, said in (("baseline", (0, 0, 1)), ("other", (1, 2, 1))):
        write_expert(tmp_path / run, labels)
        write_predictions(tmp_path / run, labels, pairs, [(names[n],) for n in said])
    client = ask_inspector(index, dataset=tmp_path / "set", runs=(tmp_path / "baseline", tmp_path / "other"))
    found = api(client, "/samples")
    assert counts(found, "kind") == {"spurious": 1, "wrong relation": 1, "right": 1}
    assert counts(found, "change") == {"fixed": 1, "broken": 1, "same": 1}
    one = api(client, "/samples/test/test-0%2F%3Cb%3E")
    assert (one["head"]["text"], one["tail"]["text"], one["relation"]) == ("Anna", "Oslo", "/per/loc/visits")
    assert [(row["relation"], row["kinds"]) for row in one["runs"]] == [
        ("None", ["missed"]),
        ("/per/loc/visits", ["right"]),
    ]
    assert one["runs"][0]["probability"] == pytest.approx(0.9)
    html = page(client, "/samples/test/test-0%2F%3Cb%3E")
    assert "head" in html and 'href="/samples/test/test-1%2F%3Cb%3E?' in html and "<b>" not in html
    page(client, "/samples")


def test_names_of_runs_that_are_equal_get_their_parent(open_changed: Open, tmp_path: Path) -> None:
    client = open_changed(runs=(tmp_path / "runs" / "text", tmp_path / "set" / "text"))
    assert [row["name"] for row in api(client, "/runs")] == ["runs/text", "set/text"]
    assert api(client, "/samples?run=runs/text")["run"] == "runs/text"
    assert "there is no such folder" in page(client, "/runs/set/text")


def test_what_is_kept_of_pictures_is_bounded(open_changed: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("indexer.web.pictures.previews._MAX_KEPT", 1)
    client = open_changed()
    for size in ("small", "large", "small"):
        assert client.get(f"/sample-pictures/{size}/test/test-1").status_code == 200
    assert len(client.app.app.state.sample_previews._kept) == 1
