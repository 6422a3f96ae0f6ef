"""Which ranks of the image source an expert of the benchmark rocky reads whole, cut, or not at all, by its window."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.rocky_data import RockyData
from benchmarks.rocky_systems import WINDOWS, configure
from trainer.inputs import LabelSet
from trainer.model import make_expert
from trainer.training import encode_split, read_split

__all__ = ["count_windows"]


def count_windows(data: RockyData, names: Sequence[str] = WINDOWS) -> dict[str, tuple[float, str]]:
    """Return for each window the mean pieces on dev, and its ranks as "1: whole/cut/left out; 2: ...". Trains nothing.

    Args:
        data: of the benchmark.
        names: of the windows.
    """
    configs = {name: configure(name, data, []) for name in names}
    longest = max(configs.values(), key=lambda config: config.encoder.max_length_pieces)
    dev = read_split(longest, "dev")
    expert = make_expert(longest.encoder, longest.model, LabelSet.of(dev.dataset, dev.samples))
    found = {}
    for name, config in configs.items():
        counts = encode_split(expert, config, read_split(config, "dev")).counts
        ranks = enumerate(counts.ranks.get("image", []), start=1)
        told = "; ".join(f"{rank}: {whole}/{cut}/{lost}" for rank, (whole, cut, lost) in ranks)
        found[name] = counts.mean_pieces, told
    return found
