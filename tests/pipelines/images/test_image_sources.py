"""The folder of images: names match as MediaWiki compares them, and nothing outside the folder is read."""

from __future__ import annotations

import os
import pickle
import socket
import unicodedata
from pathlib import Path

import pytest

from pipelines.images import Missing
from pipelines.images.folder import FolderSource
from pipelines.job import make_image_source
from schemas.errors import InputError


def folder_of(tmp_path: Path, *names: str) -> FolderSource:
    folder = tmp_path / "photos"
    folder.mkdir()
    for name in names:
        (folder / name).write_bytes(name.encode())
    return FolderSource(str(folder))


def reason(found: bytes | Missing) -> str:
    assert isinstance(found, Missing)
    assert found.detail
    return found.reason


@pytest.mark.parametrize("name", ["Old photo.JPG", "old_photo.JPG", "Old__photo.JPG", "File:old photo.JPG"])
@pytest.mark.parametrize("stored", ["Old photo.JPG", "Old_photo.JPG", "old_photo.JPG"])
def test_blanks_underscores_and_first_letter_match(tmp_path: Path, stored: str, name: str) -> None:
    assert folder_of(tmp_path, stored).fetch(name) == stored.encode()


@pytest.mark.parametrize("stored_form", ["NFC", "NFD"])
@pytest.mark.parametrize("other_form", ["NFC", "NFD"])
def test_accents_match_composed_and_decomposed(tmp_path: Path, stored_form: str, other_form: str) -> None:
    stored = unicodedata.normalize(stored_form, "Église d'Été.jpg")
    name = unicodedata.normalize(other_form, "église_d'Été.jpg")
    assert folder_of(tmp_path, stored).fetch(name) == stored.encode()


def test_other_case_is_another_file(tmp_path: Path) -> None:
    source = folder_of(tmp_path, "Old photo.JPG")
    assert reason(source.fetch("Old Photo.JPG")) == "not_found"
    assert reason(source.fetch("Old photo.jpg")) == "not_found"


def test_the_exact_name_wins_over_its_variants(tmp_path: Path) -> None:
    source = folder_of(tmp_path, "A_b.jpg", "A b.jpg", "a_b.jpg")
    assert source.fetch("a_b.jpg") == b"A b.jpg"
    other = folder_of(tmp_path / "photos", "A_b.jpg", "a_b.jpg")
    assert other.fetch("A b.jpg") == b"A_b.jpg"


@pytest.mark.parametrize(
    "name",
    ["../secret.jpg", "/etc/passwd", "..", ".", "", " ", "a/b.jpg", "..\\secret.jpg", "a\0.jpg", "File:../secret.jpg"],
)
def test_names_that_are_paths_are_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "secret.jpg").write_bytes(b"secret")
    assert reason(folder_of(tmp_path, "A.jpg").fetch(name)) == "unsafe_name"


def test_a_name_with_dots_in_it_is_a_name(tmp_path: Path) -> None:
    assert folder_of(tmp_path, "Spit..jpg").fetch("Spit..jpg") == b"Spit..jpg"


def test_links_inside_are_followed_and_links_out_refused(tmp_path: Path) -> None:
    source = folder_of(tmp_path, "Inside.jpg")
    folder = Path(source.folder)
    (tmp_path / "secret.jpg").write_bytes(b"secret")
    (folder / "Alias.jpg").symlink_to("Inside.jpg")
    (folder / "Out.jpg").symlink_to("../secret.jpg")
    (folder / "Far.jpg").symlink_to("/etc/hostname")
    (folder / "Gone.jpg").symlink_to("nothing.jpg")
    (folder / "Loop.jpg").symlink_to("Loop.jpg")
    assert source.fetch("Alias.jpg") == b"Inside.jpg"
    assert reason(source.fetch("Out.jpg")) == "outside_folder"
    assert reason(source.fetch("Far.jpg")) == "outside_folder"
    assert reason(source.fetch("Gone.jpg")) == "not_found"
    assert reason(source.fetch("Loop.jpg")) in ("unreadable", "outside_folder")


def test_what_is_not_a_plain_file_is_missing_and_does_not_block(tmp_path: Path) -> None:
    source = folder_of(tmp_path, "A.jpg")
    folder = Path(source.folder)
    (folder / "Folder.jpg").mkdir()
    os.mkfifo(folder / "Pipe.jpg")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(folder / "Socket.jpg"))
        assert reason(source.fetch("Folder.jpg")) == "not_a_file"
        assert reason(source.fetch("Pipe.jpg")) == "not_a_file"
        assert reason(source.fetch("Socket.jpg")) == "unreadable"


def test_a_file_that_vanished_is_missing(tmp_path: Path) -> None:
    source = folder_of(tmp_path, "A.jpg")
    source.open()
    (Path(source.folder) / "A.jpg").unlink()
    assert reason(source.fetch("A.jpg")) == "not_found"


def test_a_file_above_the_bound_is_not_read(tmp_path: Path) -> None:
    folder_of(tmp_path, "12345.jpg")
    assert FolderSource(str(tmp_path / "photos"), max_bytes=9).fetch("12345.jpg") == b"12345.jpg"
    assert reason(FolderSource(str(tmp_path / "photos"), max_bytes=8).fetch("12345.jpg")) == "too_large"


def test_making_a_source_touches_nothing_and_it_travels_by_pickle(tmp_path: Path) -> None:
    source = make_image_source(f"dir:{tmp_path / 'later'}")
    (tmp_path / "later").mkdir()
    (tmp_path / "later" / "A.jpg").write_bytes(b"1")
    assert source.fetch("A.jpg") == b"1"
    (tmp_path / "later" / "B.jpg").write_bytes(b"2")
    assert reason(source.fetch("B.jpg")) == "not_found", "the folder is listed once"
    copy = pickle.loads(pickle.dumps(source))
    assert copy == source
    assert copy.fetch("B.jpg") == b"2", "each worker lists for itself"


def test_a_folder_that_is_not_there_is_said_on_opening(tmp_path: Path) -> None:
    for path in (tmp_path / "nothing", tmp_path / "file"):
        (tmp_path / "file").write_bytes(b"")
        with pytest.raises(InputError, match="cannot be listed") as caught:
            make_image_source(str(path)).open()
        assert caught.value.path == str(path)


def test_a_bare_path_and_its_spec_make_equal_sources(tmp_path: Path) -> None:
    source = make_image_source(str(tmp_path))
    assert make_image_source(source.spec) == source
    (tmp_path / "odd:name").mkdir()
    odd = make_image_source(str(tmp_path / "odd:name"))
    assert odd.fetch("A.jpg") == Missing("not_found", f"no file of this name in {tmp_path / 'odd:name'}")
