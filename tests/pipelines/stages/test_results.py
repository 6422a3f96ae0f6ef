"""What stages leave behind: the JSON is that of earlier versions, whose interrupted builds go on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pipelines.stages.results import (
    EmbedResult,
    FinishResult,
    ImageCounts,
    ImageIndexResult,
    Loss,
    ParseResult,
    StageResult,
    TextIndexResult,
)
from pipelines.storage import WorkFolder
from schemas.manifest import Shard

FILE = {"table": "pages", "path": "pages/part-00000.parquet", "rows": 3, "size_bytes": 900, "sha256": "ab"}
LOSS = {"path": "a.bz2", "offset": 7, "reason": "truncated_stream", "detail": "ends early"}
STORED: dict[type[StageResult], dict[str, Any]] = {
    ParseResult: {
        "pages": 3, "pages_taken_over": 1, "rejects": 2, "text_bytes": 80, "stream_bytes": 40, "losses": [LOSS],
        "page_ids": [5, 9], "counters": {"tables": 2}, "dropped_templates": {"stub": 1},
        "dropped_in_prose": {"fact": 1}, "shown_by_argument": {"stn": 2}, "examples": {"stn": "Tea: To {{stn|A}} and"},
    },
    FinishResult: {"files": [FILE], "links": 4, "links_through_redirects": 1},
    EmbedResult: {
        "files": [FILE], "images": {"files": 4, "embedded": 2, "encoded": 1, "missing": 1, "broken": 1},
        "images_embedded_by_source": {"dir:p": 2}, "images_missing_by_reason": {"not_found": 1},
        "images_broken_by_source": {"dir:p": 1}, "images_broken_by_reason": {"broken": 1}, "taken_over": 0,
        "encoder": {"dim": 4, "fingerprint": "cd"},
    },
    TextIndexResult: {"index": {"documents": 3}, "files": [{**FILE, "table": "bm25", "rows": None}]},
    ImageIndexResult: {"index": {"vectors": 2}, "files": []},
}  # fmt: skip


@pytest.mark.parametrize("kind", STORED)
def test_what_an_earlier_version_stored_is_read_and_written_the_same(kind: type[StageResult], tmp_path: Path) -> None:
    work = WorkFolder(tmp_path)
    work.write_result(kind.stage, 2, STORED[kind])
    (result,) = kind.read_all(work).values()
    assert result.to_json() == STORED[kind]
    result.write(work, 3)
    assert work.results(kind.stage) == {2: STORED[kind], 3: STORED[kind]}
    assert kind.read_all(work) == {2: result, 3: result}


@pytest.mark.parametrize("kind", STORED)
def test_names_of_sent_files_in_a_store_are_ignored(kind: type[StageResult]) -> None:
    assert kind.from_json({**STORED[kind], "sent": ["pages/part-00000.parquet"]}) == kind.from_json(STORED[kind])


def test_stored_values_become_types() -> None:
    parsed = ParseResult.from_json(STORED[ParseResult])
    assert (parsed.losses, parsed.page_ids) == ((Loss("a.bz2", 7, "truncated_stream", "ends early"),), (5, 9))
    embedded = EmbedResult.from_json(STORED[EmbedResult])
    assert embedded.files == (Shard(**FILE),)
    assert embedded.images == ImageCounts(4, 2, 1, 1, 1, scaled=None)
    given = {**STORED[EmbedResult], "images": {**STORED[EmbedResult]["images"], "scaled": 0}}
    assert EmbedResult.from_json(given).images.scaled == 0
