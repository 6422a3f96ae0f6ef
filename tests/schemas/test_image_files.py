"""Where pictures of samples are looked for, and where never."""

from __future__ import annotations

from pathlib import Path

import pytest

from schemas.image_files import find_image, is_inside


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    images = tmp_path / "images"
    (images / "val").mkdir(parents=True)
    for path in (images / "a.jpg", images / "val" / "b.jpg", tmp_path / "secret.jpg"):
        path.write_bytes(b"x")
    (images / "out.jpg").symlink_to(tmp_path / "secret.jpg")
    (images / "in.jpg").symlink_to(images / "a.jpg")
    (images / "loop.jpg").symlink_to(images / "loop.jpg")
    return images


def test_a_picture_lies_in_the_folder_or_in_that_of_its_split(folder: Path) -> None:
    assert find_image(folder, "dev", "a.jpg") == folder / "a.jpg"
    assert (
        find_image(folder, "dev", "b.jpg") == folder / "val" / "b.jpg" and find_image(folder, "test", "b.jpg") is None
    )


@pytest.mark.parametrize(
    "name",
    ["../secret.jpg", "val/../../secret.jpg", "/etc/hostname", "", ".", "a\0.jpg", "x" * 5000, "loop.jpg", "\ud800"],
)
def test_other_names_find_nothing(folder: Path, name: str) -> None:
    assert find_image(folder, "dev", name) is None


def test_a_link_is_inside_only_if_it_leads_inside(folder: Path) -> None:
    assert is_inside(folder / "in.jpg", folder) and not is_inside(folder / "out.jpg", folder)
    assert not is_inside(folder / "loop.jpg", folder) and not is_inside(folder / "none.jpg", folder)
