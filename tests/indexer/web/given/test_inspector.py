"""What was given to the inspector: asked for without being given, it is not found; and no web framework is needed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from indexer.web.given import Inspector, NotFound, RunFolders
from tests.support.inspector import make_index


def test_given_loads_no_web_framework() -> None:
    program = "import sys, indexer.web.given as given; [getattr(given, name) for name in given.__all__]; "
    program += "print({'fastapi', 'starlette', 'uvicorn', 'jinja2'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


@pytest.mark.integration
def test_what_was_not_given_is_not_found(tmp_path: Path) -> None:
    inspector = Inspector(make_index(tmp_path / "index", with_pictures=False))
    with pytest.raises(NotFound, match="no data set was given") as error:
        inspector.require_dataset()
    assert "--samples" in str(error.value)
    with pytest.raises(NotFound, match="no runs were given"):
        inspector.require_runs()


def test_a_run_that_does_not_exist_is_not_found(tmp_path: Path) -> None:
    runs = RunFolders([tmp_path / "text"])
    assert runs.run("text").folder == (tmp_path / "text").resolve()
    with pytest.raises(NotFound, match="no such run"):
        runs.run("image")
