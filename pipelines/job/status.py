"""How far a stage is, for the progress line: read from the results and beats of its shards in the work folder."""

from __future__ import annotations

from collections import Counter

from pipelines.job.plan import ShardPlan
from pipelines.stages import ParseResult
from pipelines.storage import Work
from schemas.display import ProgressStatus

__all__ = ["parse_status", "shards_status"]


def parse_status(work: Work, plan: ShardPlan) -> ProgressStatus:
    """Return how far the parse stage is, by bytes of the dump: shards may be few and large."""
    done = work.count_results(ParseResult.stage)
    total: Counter[str] = Counter()
    for beat in work.beats(ParseResult.stage).values():
        total.update(beat)
    text = f"{done}/{len(plan.shards)} shards"
    text += f"  {total['rejects']:,} rejected" if total["rejects"] else ""
    counts = (("pages", total["pages"]), ("bytes", total["text_bytes"]))
    return ProgressStatus(total["stream_bytes"], plan.size_bytes, text, counts)


def shards_status(work: Work, stage: str, shards: int) -> ProgressStatus:
    """Return how far a stage is, by shards; the embed stage counts files beside."""
    done = work.count_results(stage)
    files = sum(beat.get("files", 0) for beat in work.beats(stage).values())
    return ProgressStatus(done, shards, f"{done}/{shards} shards", (("files", files),) if files else ())
