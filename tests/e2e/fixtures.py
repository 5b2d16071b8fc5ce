"""What fixtures begin with."""

import contextlib
import shutil

import pytest

from processes import temporary_folder


@contextlib.contextmanager
def running(kind):
    """A server of this kind (Postgres, Redis, ...) in a folder that goes with it; skips where the machine has none."""
    folder = temporary_folder(kind.name.lower())
    try:
        server = kind(folder)
    except FileNotFoundError as error:
        pytest.skip(str(error))
    try:
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)
