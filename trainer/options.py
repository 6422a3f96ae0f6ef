"""The arguments and options of `mie-train`: their names on the command line, and their help."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

EXAMPLES = """
\b
Examples:
  mie-train data convert twitter2015 --set twitter2015 --out t15
  mie-train fit small-baseline data.samples=t15 --out runs/baseline
  mie-train fit small-text data.samples=t15 data.contexts=t15-contexts --out runs/text
  mie-train moe runs/baseline runs/text --out runs/mixture
  mie-train evaluate runs/mixture --split test
  mie-train predict runs/mixture posts.jsonl --index enwiki

\b
Words: a run is the folder of a trained expert, or of a mixture of experts. A data set is a folder that
`mie-train data convert` wrote. A context cache is a folder that `mie-index retrieve` or `mie-index contexts import`
wrote.

\b
Exit codes: 0 done; 1 the loss is not finite; 2 usage; 3 input; 4 a folder or the disk; 5 something is not installed;
130 interrupted. An interrupted fit goes on when the same command is given again.
"""


def example(*commands: str) -> str:
    r"""Return the end of a command's help. Click keeps the line ends of a paragraph that begins with a backspace.

    >>> example("mie-train presets").splitlines()
    ['\x08', 'Example:', '  mie-train presets']
    """
    return "\n".join(["\b", "Example:", *(f"  {command}" for command in commands)])


def parse_numbers(text: str) -> list[int]:
    """Return the whole numbers of a list that is parted by commas.

    Raises:
        UsageError: it is no such list, or has a number twice.

    >>> parse_numbers("0,1,3")
    [0, 1, 3]
    """
    from schemas.errors import UsageError

    try:
        numbers = [int(part) for part in text.split(",")]
    except ValueError as error:
        raise UsageError(f"{text!r} is no list of whole numbers", remedy="write 1,2,3") from error
    if min(numbers) < 0 or len(set(numbers)) < len(numbers):
        raise UsageError(f"{text!r} has a negative number, or the same number twice", remedy="write 1,2,3")
    return numbers


# Of several commands
Run = Annotated[Path, typer.Argument(metavar="RUN", help="The run of an expert or of a mixture.", show_default=False)]
NewRun = Annotated[
    Path | None, typer.Option("--out", "-o", metavar="RUN", help="The run to write.", show_default=False)
]
Split = Annotated[str, typer.Option(metavar="SPLIT", help="train, dev or test.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace what is already there under this name.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Seed = Annotated[int, typer.Option(metavar="N", help="Seed of the random numbers.")]

# systems
SystemName = Annotated[
    str | None, typer.Argument(metavar="NAME", help="One system, by its name or number; else all.", show_default=False)
]

# fit
Config = Annotated[
    str,
    typer.Argument(metavar="CONFIG", help="A .toml file, or a preset (see `mie-train presets`).", show_default=False),
]
Settings = Annotated[
    list[str] | None, typer.Argument(metavar="[KEY=VALUE]...", help="Settings to change, as section.key=value.")
]
Seeds = Annotated[
    str | None,
    typer.Option(
        metavar="N,N,...", help="Train a run for each seed, in a folder below --out, and give the mean of their scores."
    ),
]
PrintConfig = Annotated[bool, typer.Option("--print-config", help="Print all settings, and train nothing.")]
IsContinued = Annotated[
    bool, typer.Option("--continue", help="Go on with an interrupted run under other rates, epochs or precision.")
]

# moe
Experts = Annotated[
    list[Path], typer.Argument(metavar="RUN", help="The runs of two or more experts.", show_default=False)
]
Gate = Annotated[
    str,
    typer.Option(
        metavar="GATE",
        help="fixed, sample, token, hard or reward; auto is the best of these by cross-fitting. Or stack, which judges "
        "the candidate spans of taggers anew, by what all of them say and by the training set's names; of one run, "
        "too.",
    ),
]
RouteShare = Annotated[
    float | None,
    typer.Option(
        "--share",
        metavar="SHARE",
        help="The reward gate sends so many of the samples to the last of two runs; without it, its weights decide.",
        show_default=False,
    ),
]
Folds = Annotated[int, typer.Option(metavar="N", help="Folds of the cross-fitting.")]
GateSplit = Annotated[str, typer.Option(metavar="SPLIT", help="The split on whose posteriors the gates are fitted.")]
GateVectors = Annotated[
    Path | None,
    typer.Option(
        metavar="PATH",
        help="Image vectors for the gates: a context cache with the image source, or Parquet (file, vector); or scores "
        "of pictures, of mie-index features scores.",
        show_default=False,
    ),
]

# predict
Source = Annotated[
    Path, typer.Argument(metavar="SOURCE", help="A .jsonl file of posts, or a data set.", show_default=False)
]
NewPredictions = Annotated[
    Path | None, typer.Option("--out", "-o", metavar="FILE", help="The .jsonl file to write; without it, stdout.")
]
ContextCaches = Annotated[
    list[Path] | None, typer.Option(metavar="FOLDER", help="A context cache; may be given several times.")
]
Index = Annotated[Path | None, typer.Option(metavar="FOLDER", help="Retrieve the contexts from this index now.")]
Vectors = Annotated[
    Path | None,
    typer.Option(
        metavar="PATH",
        help="Image vectors for the gate of a mixture; without it, those of the context caches or the index.",
    ),
]
PredictImages = Annotated[
    Path | None,
    typer.Option(metavar="FOLDER", help="The folder of the images; without it, the folder of the .jsonl file."),
]
Grounding = Annotated[
    list[Path] | None,
    typer.Option(
        "--grounding",
        metavar="FILE",
        help="Decisions of a grounder (.jsonl, .csv, RiVEG's .txt): which mentions the picture shows, and where. Given "
        "again, the next file says the boxes that the one before leaves open.",
        show_default=False,
    ),
]
FeatureStores = Annotated[
    list[Path] | None,
    typer.Option(metavar="FOLDER", help="A feature store of the samples; without it, features are made of the images."),
]
PredictRegions = Annotated[
    list[Path] | None,
    typer.Option(metavar="FILE", help="Boxes for features that are made now, as in mie-index features."),
]
Conll = Annotated[Path | None, typer.Option(metavar="FILE", help="Write columns of tokens and tags too.")]

# report, compare, ablate
RunA = Annotated[Path, typer.Argument(metavar="RUN_A", help="An evaluated run.", show_default=False)]
RunB = Annotated[Path, typer.Argument(metavar="RUN_B", help="The evaluated run to compare with.", show_default=False)]
EvaluatedRuns = Annotated[list[Path], typer.Argument(metavar="RUN", help="Evaluated runs.", show_default=False)]
NewPage = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="The page to write; without it, report.html in the folder of a single run."),
]
Resamples = Annotated[int, typer.Option(metavar="N", help="Resamples of the bootstrap.")]
Ks = Annotated[str, typer.Option("--k", metavar="N,N,...", help="Numbers of contexts per source to try.")]

# data
DataSet = Annotated[Path, typer.Argument(metavar="FOLDER", help="A data set that `convert` wrote.", show_default=False)]
NewDataSet = Annotated[
    Path, typer.Option("--out", "-o", metavar="FOLDER", help="The data set to write.", show_default=False)
]
SourceFiles = Annotated[
    Path | None,
    typer.Argument(metavar="SOURCE", help="A folder or zip archive with a file for each split.", show_default=False),
]
KnownSetName = Annotated[
    str,
    typer.Option(
        "--set",
        metavar="NAME",
        help="twitter2015, twitter2017, snap, wikidiverse, mnre2, mnre1, gmner, gmner-v1, fmnerg, jmere, more or "
        "cmner; or a name of your own.",
    ),
]
Format = Annotated[
    str | None,
    typer.Option(
        metavar="FORMAT",
        help="conll, mnre, wikidiverse, jsonl, gmner (FMNERG too), jmere, more, cmner, flmsre or forms; "
        "a known set has its own.",
    ),
]
Labels = Annotated[
    str | None, typer.Option(metavar="NAME,NAME,...", help="The entity types or relations that may occur.")
]
SplitFile = Annotated[
    Path | None, typer.Option(metavar="FILE", help="The file of this split, where its name does not say the split.")
]
BoxFiles = Annotated[
    Path | None,
    typer.Option(
        metavar="PATH",
        help="Boxes in the pictures: a folder, zip or tar archive of Pascal VOC files; without it, xml beside SOURCE.",
        show_default=False,
    ),
]
Images = Annotated[
    Path | None, typer.Option(metavar="FOLDER", help="The folder of the images: count missing and broken ones.")
]
DataSets = Annotated[list[Path] | None, typer.Option(metavar="FOLDER", help="Another data set: count what both have.")]
FieldFiles = Annotated[
    list[str] | None,
    typer.Option(
        metavar="PATH",
        help="Values beside the text, for the leak test: JSON (list, dict or lines) by row, id or picture, named after "
        "a split; PATH!WORD takes the files of an archive or folder with WORD in their name.",
    ),
]
CheckedContexts = Annotated[
    list[Path] | None, typer.Option(metavar="FOLDER", help="A context cache: test its sources for the gold label.")
]
Strict = Annotated[bool, typer.Option("--strict", help="End with exit code 3 if there is a warning.")]

Rerank = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Decisions on fine types, as JSON lines: sample_id, start, end, type."),
]
Uncertain = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="A file to write the entities to whose fine type is uncertain, with candidates."),
]

# few-shot
Samples = Annotated[
    Path, typer.Argument(metavar="SAMPLES", help="A folder of converted samples of pairs.", show_default=False)
]
Splits = Annotated[str, typer.Option("--split", metavar="SPLIT,...", help="The splits that are read, together.")]
Ways = Annotated[int, typer.Option(min=2, metavar="N", help="Relations in an episode.")]
Shots = Annotated[str, typer.Option(metavar="N,N,...", help="Examples of each relation.")]
Queries = Annotated[int, typer.Option(min=1, metavar="N", help="Questions of each relation.")]
Episodes = Annotated[int, typer.Option(min=1, metavar="N", help="Episodes to draw.")]
