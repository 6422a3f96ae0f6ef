"""Arrays of numpy from anybody: numbers and text, never objects, and within a size."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["open_npy", "read_npz"]

_MOST_BYTES = 1 << 30


def read_npz(data: bytes) -> dict[str, NDArray[Any]]:
    """Read the arrays of an .npz file by name.

    Raises:
        ValueError: it is no such file, an array holds objects, or the arrays are larger than 1 GiB.
    """
    import numpy as np

    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            size = sum(row.file_size for row in archive.infolist())
        if size > _MOST_BYTES:
            raise ValueError(f"arrays of {size:,} bytes, at most {_MOST_BYTES:,}")
        with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
            return {name: arrays[name] for name in arrays.files}
    except (OSError, EOFError, zipfile.BadZipFile, SyntaxError, TypeError) as error:
        raise ValueError(f"not an .npz file ({error})") from error


def open_npy(path: Path) -> NDArray[Any]:
    """Open one array of numbers of an .npy file; its values stay on disk until they are read.

    Raises:
        ValueError: it is no such file, or holds no numbers.
    """
    import numpy as np

    try:
        found = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, EOFError, SyntaxError, TypeError) as error:
        raise ValueError(f"not an .npy file ({error})") from error
    if not isinstance(found, np.ndarray) or found.dtype.kind not in "fiu":
        raise ValueError("no array of numbers")
    return found
