"""A folder that is made in parts: an interrupted run goes on, and one rename puts the finished folder into place.

<out>.partial/  plan.json        the parameters; parts of other parameters are never mixed with these
NAME-00000.*     the files of part 0
part-00000.json  its mark, written last: part 0 is finished
<out>/          the joined files, and a description that declares the folder finished
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

from schemas.errors import StoreError, UsageError
from schemas.manifest import write_json_atomically

__all__ = ["PartFolder"]

_OVERWRITE = "add --overwrite, or choose another --out"


class _Description(Protocol):
    @property
    def parameters(self) -> dict[str, Any]: ...


T = TypeVar("T", bound=_Description)


class PartFolder(Generic[T]):
    """Keeps parts in `<out>.partial`; `move_into_place` renames the folder to `out`.

    Where a finished folder of the same parameters is at `out` already, `finished` describes it and nothing is prepared.

    Args:
        out: the folder.
        parameters: JSON values of all that shapes the rows.
        name: of its description, a file.
        read: reads the description of a finished folder.
        noun: what the folder is, in an error: "feature store", in short "store".
        overwrite: delete what was made with other parameters.

    Raises:
        UsageError: another folder, or parts made with other parameters, are here and overwrite is false.
    """

    def __init__(
        self,
        out: Path,
        parameters: dict[str, Any],
        name: str,
        read: Callable[[Path], T],
        noun: str,
        *,
        overwrite: bool,
    ) -> None:
        self.out = out
        self.partial = out.with_name(out.name + ".partial")
        self.parameters: dict[str, Any] = json.loads(json.dumps(parameters))  # as JSON has them: tuples are lists
        self._noun = noun
        self.finished = self._find_finished(name, read, overwrite=overwrite)
        if self.finished is None:
            self._prepare(overwrite=overwrite)

    def _find_finished(self, name: str, read: Callable[[Path], T], *, overwrite: bool) -> T | None:
        if not self.out.exists():
            return None
        if not (self.out / name).is_file():
            raise UsageError(
                f"this is there already and is no {self._noun}", path=self.out, remedy="choose another --out"
            )
        try:
            found = read(self.out)
        except StoreError:
            if not overwrite:
                raise
            return None
        if found.parameters == self.parameters:
            return found
        if not overwrite:
            raise UsageError(f"a {self._short} of other samples or settings is here", path=self.out, remedy=_OVERWRITE)
        return None

    def _prepare(self, *, overwrite: bool) -> None:
        plan = self.partial / "plan.json"
        if self.partial.exists() and not _holds(plan, self.parameters):
            if not overwrite:
                raise UsageError(
                    f"an unfinished {self._short} of other samples or settings is here",
                    path=self.partial,
                    remedy=_OVERWRITE,
                )
            shutil.rmtree(self.partial)
        self.partial.mkdir(parents=True, exist_ok=True)
        write_json_atomically(plan, self.parameters)

    @property
    def _short(self) -> str:
        return self._noun.split()[-1]

    def has_part(self, number: int) -> bool:
        """Return whether a part is finished, by this process or before an interruption."""
        return self.mark(number).is_file()

    def mark(self, number: int) -> Path:
        """Return the file that says that a part is finished."""
        return self.partial / f"part-{number:05}.json"

    def move_into_place(self) -> None:
        """Rename the folder, in which all is joined and described, to `out`."""
        if self.out.exists():
            shutil.rmtree(self.out)
        self.partial.rename(self.out)
        # The parts go last: until the rename, an interrupted run still finds them and joins them again.
        for path in [*self.out.glob("*-?????.*"), self.out / "plan.json"]:
            path.unlink()


def _holds(path: Path, parameters: dict[str, Any]) -> bool:
    try:
        return bool(json.loads(path.read_text(encoding="utf-8")) == parameters)
    except (OSError, ValueError):
        return False
