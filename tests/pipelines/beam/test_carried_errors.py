"""Our errors survive the text that runners make of exceptions."""

from __future__ import annotations

from pipelines.beam.carried_errors import carried_error, carry_errors
from schemas.errors import InputError, StoreError


def test_an_error_survives_the_way_through_a_runners_text() -> None:
    error = InputError("ends early", path="a } b.bz2", place='byte "7"', remedy="fetch\nit")
    try:
        with carry_errors():
            raise error
    except RuntimeError as carried:
        back = carried_error(f"Traceback ...\nRuntimeError: {carried} [while running 'Parse shard']\n")
    assert isinstance(back, InputError)
    assert str(back) == str(error)


def test_a_full_disk_is_told_with_its_remedy() -> None:
    try:
        with carry_errors():
            raise OSError("Error writing bytes to file. Detail: [errno 28] No space left on device")
    except RuntimeError as carried:
        back = carried_error(str(carried))
    assert isinstance(back, StoreError)
    assert back.remedy and "free space" in back.remedy


def test_foreign_text_carries_no_error() -> None:
    assert carried_error("RuntimeError: worker gone") is None
    assert carried_error('mie-error {"kind": "EXIT_INTERRUPT", "message": ""} end of mie-error') is None
