"""Feature stores for new samples: those that are given, or made by the program `mie-index`, as for the training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from schemas.errors import UsageError
from schemas.feature_store import read_store
from trainer.commands.index_program import run_index_program
from trainer.commands.retrieval import SampleSplit
from trainer.inputs import describe_stores
from trainer.training import Talk

__all__ = ["FeatureMaker"]

_REMEDY = "add --features STORE (of these samples), or --images FOLDER to make them now"
_WORDS_REMEDY = "make them of the samples' captions: mie-index features words; then add --features STORE"


class FeatureMaker:
    """Finds or makes the feature stores of a split, one for each way in which an expert's were made.

    Args:
        samples: the samples to make features of.
        given: stores that are there already.
        regions: files of boxes for views that read boxes from files.
        work: the folder that gets the stores.
        talk: called with a line about each thing that is missing.
    """

    def __init__(
        self, samples: SampleSplit, given: Sequence[Path], regions: Sequence[Path], work: Path, talk: Talk
    ) -> None:
        self._samples, self._work, self._talk = samples, work, talk
        self._regions = [str(path) for path in regions]
        self._given = {str(path): describe_stores([str(path)])[0]["views"] for path in given}
        self._made: list[tuple[Mapping[str, Any], str]] = []

    def stores(self, trained: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
        """Return the stores that an expert reads, in its order.

        Args:
            trained: how the stores of its training were made (`features` in its run.json).

        Raises:
            UsageError: a store is not given and cannot be made.
        """
        return tuple(self._find(row) or self._make(row["parameters"]) for row in trained)

    def _find(self, trained: Mapping[str, Any]) -> str | None:
        """Return the given store with the views of one of the training; of several, any: `check_stores` compares."""
        right = [path for path, views in self._given.items() if views == trained["views"]]
        alike = [path for path, views in self._given.items() if views.keys() == trained["views"].keys()]
        return next(iter([*right, *alike]), None)

    def _make(self, parameters: Mapping[str, Any]) -> str:
        if "sources" in parameters:  # a store of words
            told = f"this run reads the words of captions ({', '.join(map(str, parameters['sources']))})"
            raise UsageError(told, path=self._samples.folder, remedy=_WORDS_REMEDY)
        if self._samples.images is None or "views" not in parameters:
            raise UsageError("this run reads features of pictures", path=self._samples.folder, remedy=_REMEDY)
        known = next((path for done, path in self._made if done == parameters), None)
        if known is not None:
            return known
        out = str(self._work / f"features-{len(self._made)}")
        run_index_program([*self._arguments(parameters), "--out", out], "making features")
        counts = read_store(out).counts
        for name in ("samples_missing_image", "samples_broken_image"):
            if counts.get(name):
                self._talk(f"features of {counts['samples']} samples: {counts[name]} {name[8:].replace('_', ' ')}")
        self._made.append((parameters, out))
        return out

    def _arguments(self, parameters: Mapping[str, Any]) -> list[str]:
        """Return the command under which features are made as these parameters say."""
        found = ["features", str(self._samples.folder), "--split", self._samples.split]
        found += ["--images", str(self._samples.images), "--encoder", str(parameters["encoder"])]
        for view in parameters["views"]:
            found += ["--view", str(view)]
        for option, name in (("most-regions", "most_regions"), ("grid", "grid_side"), ("prompts", "most_prompts")):
            found += [f"--{option}", str(parameters[name])]
        if parameters["is_proposing"]:
            found.append("--propose")
        elif parameters["has_region_files"] and self._regions:
            for path in self._regions:
                found += ["--regions", path]
        elif parameters["has_region_files"]:
            self._talk("the boxes of the training came from files, and there are none here: all regions are absent")
            found.append("--no-boxes")
        return found
