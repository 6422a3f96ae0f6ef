"""MNRE-2: relations without context and with retrieved text, micro-F1 without None, and the mixture of the two.

Both experts have the same encoder, rates, epochs and seeds. What is finished is not done again: give the same command
to go on after an interrupt.

    python -m benchmarks.mnre --work FOLDER --index INDEX [--subset 2000] [--seeds 1,2]

INDEX is an index folder of `beam run build_wiki_index`; without it, and without a cache in FOLDER/text, the baseline is
trained alone.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from benchmarks.expert_tables import Published, Table, add_arguments, mixture_name, run_table, shared_settings
from benchmarks.twitter2015 import SHARED, retrieve_text
from schemas.context_cache import CACHE_NAME
from schemas.dataset import DATASET_NAME
from schemas.text_files import find_split_files
from trainer.config import RunConfig, load_config
from trainer.data import convert_files

MIXTURE = ("baseline", "text")
PUBLISHED = (
    Published(1, "mnre", "baseline"),
    Published(2, "more", mixture_name(MIXTURE), ", text from 10,033 introductions"),
)


def main() -> None:
    """Make the data, train what is missing, and print the table."""
    arguments = parse_arguments()
    samples, cache = arguments.work / "samples", arguments.work / "text"
    if not (samples / DATASET_NAME).exists():
        convert_files(find_split_files(arguments.shared / "mnre"), samples, name="mnre2")
    if arguments.index is not None:
        retrieve_text(samples, arguments.index, cache)
    experts = ["baseline", "text"] if (cache / CACHE_NAME).exists() else ["baseline"]

    def configure(name: str, seed: int) -> RunConfig:
        settings = shared_settings(arguments, samples, seed)
        if name == "text":
            settings += [f"data.contexts={cache}", f"data.contexts_per_source={arguments.per_source}"]
        return load_config(f"small-mnre-{name}", [*settings, *arguments.setting])

    table = Table("mnre", "MNRE-2", "micro F1 without None", experts, [MIXTURE], PUBLISHED)
    run_table(arguments, table, configure)


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add_arguments(parser, epochs=6)
    parser.add_argument("--shared", type=Path, default=SHARED, help="the folder of research data")
    parser.add_argument("--index", type=Path, help="an index to retrieve text from")
    parser.add_argument("--per-source", type=int, default=3, help="contexts of a source at most")
    return parser.parse_args()


if __name__ == "__main__":
    main()
