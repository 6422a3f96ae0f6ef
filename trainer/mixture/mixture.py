"""A fitted mixture and its run folder: gates, the experts they were fitted to, and where these lie."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import nn

from schemas.errors import IndexCorrupt, IndexMismatch, InputError
from schemas.manifest import write_json_atomically
from schemas.run_files import MIXTURE_FACTS, MixtureFacts, read_mixture_facts
from trainer.inputs import LabelSet
from trainer.mixture.folders import expert_folders
from trainer.mixture.gates import GATES, Gate, GateName, Reduction
from trainer.mixture.lexicon import read_lexicon
from trainer.mixture.posteriors import weights_digest
from trainer.mixture.stack import SpanStack
from trainer.training import writing

__all__ = ["COMPONENTS", "GateSet", "read_mixture", "save_mixture"]

COMPONENTS = 16
"""Principal components of a vector that a gate reads: a dev split has a thousand samples, not a million."""
_WEIGHTS, _LEXICON = "gates.safetensors", "lexicon.json"
_FIT_AGAIN = "fit it again: mie-train moe ... --overwrite"


class GateSet(nn.Module):
    """All fitted gates, and the reductions of vectors that they share.

    Args:
        experts: their number.
        sizes: features of a sample, features of a token, text dimension, image dimension (0: no images).
        names: of the gates.
    """

    def __init__(self, experts: int, sizes: tuple[int, int, int, int], names: Sequence[GateName] = GATES) -> None:
        super().__init__()
        samples, tokens, text, image = sizes
        self.text = Reduction(text, COMPONENTS)
        self.image = Reduction(image, COMPONENTS) if image else None
        self.gates = nn.ModuleDict({name: Gate(name, experts, samples, tokens) for name in names})
        self.stack: SpanStack | None = None

    def gate(self, name: str) -> Gate:
        """Return a gate by its name."""
        gate = self.gates[name]
        assert isinstance(gate, Gate)
        return gate


def read_mixture(folder: Path) -> tuple[MixtureFacts, GateSet]:
    """Read a mixture and check that its experts are the ones to which it was fitted.

    Raises:
        IndexCorrupt: its files are damaged.
        IndexMismatch: an expert was trained again since.
    """
    facts = read_mixture_facts(folder)
    try:
        # a mixture of a version with fewer gates has those that it was fitted with
        gates = GateSet(len(facts.experts), facts.sizes, [name for name in GATES if name in facts.steps])
        if facts.gate == "stack":
            gates.stack = SpanStack(len(facts.experts), read_lexicon(folder / _LEXICON, _FIT_AGAIN))
        gates.load_state_dict(load_file(folder / _WEIGHTS))
        if "reward" in facts.steps:
            gates.gate("reward").share = facts.share
    except (OSError, ValueError, TypeError, RuntimeError, SafetensorError) as error:
        reason = " ".join(str(error).split())[:200]
        raise IndexCorrupt(f"unreadable mixture ({reason})", path=folder, remedy=_FIT_AGAIN) from error
    for expert, digest in zip(expert_folders(folder, facts), facts.digests, strict=True):
        if not (expert / "best").is_dir():
            raise InputError("an expert of the mixture is not there", path=expert, remedy="put it back")
        if weights_digest(expert / "best") != digest:
            raise IndexMismatch("an expert was trained again since", path=expert, remedy=_FIT_AGAIN)
    return facts, gates.eval()


def save_mixture(out: Path, facts: MixtureFacts, gates: GateSet, labels: LabelSet) -> None:
    """Write a mixture. `mixture.json` is removed first and written last: with it, the folder is whole."""
    with writing(out):
        out.mkdir(parents=True, exist_ok=True)
        (out / MIXTURE_FACTS).unlink(missing_ok=True)
        save_file({name: tensor.contiguous() for name, tensor in gates.state_dict().items()}, out / _WEIGHTS)
        (out / _LEXICON).unlink(missing_ok=True)
        if gates.stack is not None:
            write_json_atomically(out / _LEXICON, asdict(gates.stack.lexicon))
        write_json_atomically(out / "labels.json", {"task": labels.task_name, "labels": labels.names})
        write_json_atomically(out / MIXTURE_FACTS, asdict(facts))
