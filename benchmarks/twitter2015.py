"""Twitter-2015: baseline, experts on three kinds of context, and mixtures of two and of three.

Every expert has the same encoder, rates, epochs and seeds; only the contexts differ. What is finished is not done
again: give the same command to go on after an interrupt.

    python -m benchmarks.twitter2015 --work FOLDER [--subset 1000] [--seeds 1,2] [--index INDEX]

INDEX is an index folder of `beam run build_wiki_index`; without it the expert on retrieved text is left out.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

from benchmarks.expert_tables import Published, Table, add_arguments, mixture_name, run_table, shared_settings
from indexer.contexts import import_captions, import_columns
from schemas.context_cache import CACHE_NAME
from schemas.dataset import DATASET_NAME
from schemas.text_files import find_split_files
from trainer.config import RunConfig, load_config
from trainer.data import convert_files

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"
PUBLISHED = (
    Published(17, "pgim", "pgim"),
    Published(2, "more", mixture_name(("baseline", "text")), ", text from 10,033 introductions"),
)
MIXTURES = (("baseline", "pgim"), ("baseline", "text"), ("baseline", "pgim", "caption"), ("baseline", "text", "pgim"))


def main() -> None:
    """Make the data, train what is missing, and print the table."""
    arguments = parse_arguments()
    caches = make_data(arguments.work, arguments.shared, arguments.index)

    def configure(name: str, seed: int) -> RunConfig:
        settings = shared_settings(arguments, arguments.work / "samples", seed)
        if name != "baseline":
            settings += [f"data.contexts={caches[name]}", f"data.contexts_per_source={arguments.per_source}"]
            settings.append(f"encoder.max_length_pieces={arguments.length}")
        return load_config(f"small-{name}", [*settings, *arguments.setting])

    experts = ["baseline", *caches]
    metric = "entity F1, default convention"
    run_table(arguments, Table("twitter2015", "Twitter-2015", metric, experts, MIXTURES, PUBLISHED), configure)


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add_arguments(parser, epochs=6)
    parser.add_argument("--shared", type=Path, default=SHARED, help="the folder of research data")
    parser.add_argument("--index", type=Path, help="an index to retrieve text from")
    parser.add_argument("--length", type=int, default=288, help="pieces in a window with contexts")
    parser.add_argument("--per-source", type=int, default=3, help="contexts of a source at most")
    return parser.parse_args()


def make_data(work: Path, shared: Path, index: Path | None) -> dict[str, Path]:
    """Convert the set and make the caches that are not there yet: source -> cache."""
    work.mkdir(parents=True, exist_ok=True)
    samples, caches = work / "samples", {"pgim": work / "pgim", "caption": work / "caption"}
    if not (samples / DATASET_NAME).exists():
        convert_files(find_split_files(shared / "twitter2015"), samples, name="twitter2015")
    if not (caches["pgim"] / CACHE_NAME).exists():
        import_columns(shared / "contexts" / "pgim_twitter2015.zip", samples, caches["pgim"], "pgim")
    if not (caches["caption"] / CACHE_NAME).exists():
        import_captions(shared / "captions" / "blip2_twitter2015.txt", samples, caches["caption"], "caption")
    if index is not None or (work / "text" / CACHE_NAME).exists():
        caches = {"text": work / "text", **caches}
    if index is not None:
        retrieve_text(samples, index, caches["text"])
    return caches


def retrieve_text(samples: Path, index: Path, cache: Path) -> None:
    """Retrieve the text view of a set; a cache that is there already stays."""
    program = Path(sys.executable).with_name("mie-index")
    command = [str(program), "retrieve", str(samples), "--index", str(index), "--out", str(cache), "--view", "text"]
    subprocess.run(command, check=True)


if __name__ == "__main__":
    main()
