"""The benchmark, options and data behind each figure of a system: what `benchmarks.systems` runs."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

__all__ = ["DATA", "JOBS", "Job", "choose_jobs", "make_command"]

HEADS = "--setting training.precision=bf16 --systems"


class Job(NamedTuple):
    """A benchmark call that writes result files.

    Args:
        numbers: of the systems whose files it writes.
        data: the set.
        script: the benchmark.
        options: beside the work folder and the seeds.
        needs_index: whether it retrieves text, from an index of the vital articles.
        seeds: of the figure.
    """

    numbers: tuple[int, ...]
    data: str
    script: str
    options: str
    needs_index: bool = False
    seeds: tuple[int, ...] = (1, 2)


def _rocky(number: int, systems: str) -> Job:
    """Return a call of the benchmark of posts whose photo decides."""
    return Job((number,), "rocky", "rocky", f"--systems {systems} --setting training.precision=bf16", seeds=(1, 2, 3))


def _grounding(number: int, system: str) -> Job:
    return Job((number,), "rocky", "grounding", f"--systems {system} --epochs 3 --precision bf16", seeds=(1, 2, 3))


def _captions(number: int, system: str, sets: Sequence[str] = ("t15", "mnre")) -> Iterator[Job]:
    for data in sets:
        yield Job((number,), data, "captions", f"--data {data} --systems baseline,{system} --record")


def _sources(number: int, systems: str) -> Job:
    return Job((number,), "t15", "sources", f"--data twitter2015 --write --systems {systems}")


JOBS: tuple[Job, ...] = (
    Job((1,), "mnre", "mnre", "--systems baseline --subset 1000 --epochs 4 --per-source 1 --write"),
    Job((2,), "mnre", "mnre", "--subset 1000 --epochs 4 --per-source 1 --write", needs_index=True),
    Job(
        (2, 17), "t15", "twitter2015", "--systems baseline,text,pgim --subset 500 --epochs 4 --per-source 1 --write",
        needs_index=True,
    ),
    _rocky(2, "baseline,text,image"),
    *(
        _rocky(number, f"baseline,{name}")
        for number, name in (
            (3, "hvpnet"), (4, "mkgformer"), (5, "mega"), (9, "rpbert"), (10, "maf"), (12, "umt"), (13, "promptmner"),
            (14, "visualpt-moe"), (30, "focalmre"), (33, "camim"), (35, "tmr"),
        )
    ),
    *_captions(3, "hvpnet"), *_captions(4, "mkgformer"), *_captions(5, "mega"), *_captions(9, "rpbert"),
    *_captions(10, "maf"), *_captions(12, "umt", ("t15",)), *_captions(13, "promptmner"),
    *_captions(14, "visualpt-moe"), *_captions(33, "camim"), *_captions(35, "tmr"),
    Job((6,), "mnre", "fine_types", "--parts mnre"),
    _sources(7, "baseline,pgim"),
    Job((8,), "jmere", "heads", f"--data jmere {HEADS} EEGA,pipeline"),
    Job((11,), "gmner", "heads", f"--data gmner {HEADS} CRF,MRC-MNER"),
    Job((11,), "t15", "heads", f"--data twitter2015 {HEADS} CRF,MRC-MNER"),
    Job((15,), "cmner", "sources", "--data cmner --write"),
    _sources(16, "baseline,cot-mie"),
    Job((18,), "gmner", "generation", "--parts gmner --systems CRF,index"),
    Job((18,), "gmner", "generation", "--parts mixture"),
    Job((18,), "rocky", "generation", "--parts rocky --systems 'region head,h-index'", seeds=(1, 2, 3)),
    Job((19,), "gmner", "generation", "--parts gmner --systems CRF,phrase"),
    Job((18, 19), "fmnerg", "generation", "--parts fmnerg"),
    Job((19,), "rocky", "generation", "--parts rocky --systems 'region head,tiger'", seeds=(1, 2, 3)),
    Job((20,), "rocky", "generation", "--parts starts", seeds=(1, 2, 3)),
    Job((21,), "rocky", "generation", "--parts warm", seeds=(1, 2, 3)),
    Job((28,), "t15", "generation", "--parts tweets --systems CRF,mqa"),
    Job((28,), "mnre", "generation", "--parts relations --systems 'relation head,mqa'"),
    Job((32,), "t15", "generation", "--parts tweets --systems CRF,umie,sel"),
    Job((32,), "mnre", "generation", "--parts relations --systems 'relation head,umie,sel'"),
    Job((32,), "rocky", "generation", "--parts gate", seeds=(1, 2, 3)),
    Job((19, 26), "fmnerg", "fine_types", "--parts fmnerg"),
    Job((23,), "gmner", "sources", "--data gmner --write --systems baseline,riveg"),
    _sources(24, "baseline,pgim,trust"),
    _grounding(25, "re2"), _grounding(27, "seqgmper"), _grounding(29, "more"), _grounding(39, "evg"),
    _grounding(39, "pointer"),
    _sources(31, "baseline,shap-ca"),
    Job((34,), "mnre", "sources", "--data mnre --write --systems baseline,ise"),
    _sources(37, "baseline,pgim,clner-kl,clner-l2"),
    Job((36,), "rocky", "generation", "--parts contrast", seeds=(1, 2, 3)),
    Job((36,), "jmere", "heads", f"--data jmere {HEADS} sentences,pipeline"),
    Job((38,), "gmner", "heads", f"--data gmner {HEADS} CRF,W2NER"),
    Job((38,), "t15", "heads", f"--data twitter2015 {HEADS} CRF,W2NER"),
)  # fmt: skip
"""Options are those of the result files. Systems that run by files of others alone (22) have no call here."""
DATA = tuple(dict.fromkeys(job.data for job in JOBS))


def choose_jobs(numbers: Sequence[int], data: Sequence[str]) -> list[Job]:
    """Return the calls for some systems and sets; an empty list of either means all.

    >>> [job.script for job in choose_jobs([39], ["rocky"])]
    ['grounding', 'grounding']
    """
    return [job for job in JOBS if (not numbers or set(job.numbers) & set(numbers)) and (not data or job.data in data)]


def make_command(job: Job, work: Path, seeds: Sequence[int]) -> list[str]:
    """Return a call as words.

    Args:
        job: the call.
        work: the folder of all benchmarks; each has one in it.
        seeds: of the runs.
    """
    command = [sys.executable, "-m", f"benchmarks.{job.script}", "--work", str(work / job.script)]
    command += [*shlex.split(job.options), "--seeds", ",".join(map(str, seeds))]
    return [*command, "--index", str(work / "index")] if job.needs_index else command
