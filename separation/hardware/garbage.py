"""Puts off Python's search for garbage while a framework is imported and a model is read, of which all stays."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def no_search() -> Iterator[None]:
    """Have Python look for no garbage meanwhile: it would go through the same new objects again and again.

    What is no longer referred to is freed as always; only circles of objects that refer to each other wait.
    """
    searched = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if searched:
            gc.enable()
